/* Gate -- the process of intake: its settings, its connections, and what is counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/server.h"
#include "intake/lanes.h"
#include "intake/publish.h"
#include "intake/sealing.h"
#include "keyring/keyring.h"
#include "loop/loop.h"
#include "redis/client.h"
#include "runtime/runtime.h"
#include "store/followups.h"
#include "store/ids.h"
#include "store/tokens.h"

typedef struct GateConfig {
    char *listen;
    char *kafka_brokers, *kafka_options;
    char *postgres_url, *redis_url;
    char *keyring;
    char *public_url;
    char *personal_custom_fields;
    int64_t body_bytes, in_flight_bytes, connections;
    int64_t answer_ms, redis_ms, delivery_ms, head_ms, body_ms, idle_ms;
    int64_t tenant_rate;
} GateConfig;

extern const ConfigKey gate_keys[];
extern const size_t gate_keys_n;

typedef struct Acceptances Acceptances;

typedef struct Gate {
    const GateConfig *config;
    Runtime *runtime;
    Loop *loop;
    HttpServer *http;
    Tokens *tokens;
    Ids *ids;
    Followups *followups;
    Vault *vault;
    RedisClient *redis;
    Publisher *publisher;
    Lanes *lanes;
    Acceptances *acceptances;
    Arena *arena; /* of the process: lists that live as long as it */
    PersonalKeys personal_keys;
    Keyring *keyring;
    bool draining;
} Gate;

/* The Service's functions. */
int gate_start(Runtime *r, const void *config, void **ret_self);
bool gate_drain(void *self);
void gate_stop(void *self);
