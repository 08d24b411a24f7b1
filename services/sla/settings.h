/* SlaSettings -- what an operator may set; the table is in settings.c. */
#pragma once

#include <stdint.h>

#include "config/config.h"

typedef struct SlaSettings {
    char *kafka_brokers, *kafka_options;
    char *postgres_url;
    char *topic_events, *topic_signals;
    char *group;
    int64_t batch_max, due_max;
    int64_t late_ms, revise_pause_ms;
} SlaSettings;

extern const ConfigKey sla_keys[];
extern const size_t sla_keys_n;
