/* Settings -- what a desk is told at its start. */
#pragma once

#include <stdint.h>

#include "config/config.h"

typedef struct DeskConfig {
    char *listen, *public_url;
    char *kafka_brokers, *kafka_options;
    char *postgres_url, *redis_url;
    char *keyring;
    int64_t connections, body_bytes, head_ms, body_ms, idle_ms, redis_ms, delivery_ms;
    int64_t postgres_connections, postgres_waiting, postgres_patience_ms;
    int64_t requests_per_minute;
    int64_t ticket_wait_ms;
    char *trusted_proxies;
    int64_t sign_ins_per_minute, password_threads, password_waiting, session_idle_ms, session_ms;
    int64_t desk_stores;
    int64_t upload_bytes, upload_memory, upload_quota;
    char *upload_refused;
    int64_t live_streams, live_streams_of_one, live_heartbeat_ms;
} DeskConfig;

extern const ConfigKey desk_keys[];
extern const size_t desk_keys_n;
