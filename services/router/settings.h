/* RouterSettings -- what an operator may set; the table is in settings.c. */
#pragma once

#include <stdint.h>

#include "config/config.h"

typedef struct RouterSettings {
    char *kafka_brokers, *kafka_options, *kafka_instance_id;
    char *postgres_url, *redis_url;
    char *topic_express, *topic_bulk, *topic_signals, *topic_events, *topic_dead;
    char *group;
    int64_t batch_max, batch_wait_ms, batch_bytes;
    int64_t redis_ms;
    int64_t reconcile_ms, outbox_age_ms;
    bool row_level_security;
} RouterSettings;

extern const ConfigKey router_keys[];
extern const size_t router_keys_n;
