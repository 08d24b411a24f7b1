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
    char *cloud_events;
    /* Delivering. */
    char *mail_url, *mail_tls, *mail_from, *mail_bounces;
    char *allow_networks, *ca_file;
    int64_t webhook_timeout_ms, mail_timeout_ms, lease_margin_ms;
    int64_t concurrency, running_max;
    int64_t retry_first_ms, retry_most_ms, leave_alone_ms, pause_after_ms;
} NotifierSettings;

extern const ConfigKey notifier_keys[];
extern const size_t notifier_keys_n;
