/* AnalyticsSettings -- what an operator may set; the table is in settings.c. */
#pragma once

#include <stdint.h>

#include "config/config.h"

typedef struct AnalyticsSettings {
    char *listen, *public_url;
    char *kafka_brokers, *kafka_options;
    char *postgres_url;
    int64_t postgres_connections, statement_ms;
    /* Keeping. */
    char *topic_events;
    char *group;
    int64_t batch_max;
    /* The radar. */
    int64_t radar_wait_ms, radar_false_ms;
    /* The port. */
    int64_t connections, head_ms, body_ms, idle_ms;
    int64_t requests_per_minute;
    char *time_zone;
    /* The live board. */
    char *board_groups;
    int64_t board_viewers;
    /* Hourly files. */
    char *export_to, *export_s3_endpoint, *export_s3_region, *export_s3_key, *export_s3_secret;
    char *export_allow_networks;
    int64_t export_part_tickets, export_look_ms, export_timeout_ms;
} AnalyticsSettings;

extern const ConfigKey analytics_keys[];
extern const size_t analytics_keys_n;
