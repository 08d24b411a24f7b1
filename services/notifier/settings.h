/* NotifierSettings -- what an operator may set; the table is in settings.c. */
#pragma once

#include <stdint.h>

#include "config/config.h"

typedef struct NotifierSettings {
    char *kafka_brokers, *kafka_options;
    char *postgres_url;
    char *keyring;
    /* Telling. */
    char *topic_events;
    char *group;
    int64_t batch_max;
    int64_t tell_within_ms;
    int64_t storm_tickets, storm_window_ms;
    /* Where people find a ticket; of a message's destination. */
    char *desk_url;
    char *sms_gateway;
} NotifierSettings;

extern const ConfigKey notifier_keys[];
extern const size_t notifier_keys_n;
