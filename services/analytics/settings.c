/* Every key of deploy/config/analytics.conf. */
#include "analytics/settings.h"

#include "runtime/keys.h"

#define KEY(field) .offset = offsetof(AnalyticsSettings, field)

const ConfigKey analytics_keys[] = {
    KEY_LISTEN(AnalyticsSettings, "127.0.0.1:8082",
               "where reports and the live board are asked for; port 0 takes a free one"),
    KEY_PUBLIC_URL(
        AnalyticsSettings,
        "how clients see this port (https://reports.example.com), for the URLs in "
        "answers; empty: X-Forwarded-Proto and -Host, or http:// and the Host they sent"),
    KEY_KAFKA_BROKERS(AnalyticsSettings, NULL, "Kafka's brokers, host:port,host:port"),
    KEY_KAFKA_OPTIONS(AnalyticsSettings,
                      "more librdkafka properties, key=value,key=value (TLS, SASL)"),
    KEY_POSTGRES_URL(AnalyticsSettings, NULL, "PostgreSQL, as the role docket_analytics"),
    {.name = "postgres_connections",
     .type = CONFIG_INT,
     KEY(postgres_connections),
     .fallback = "4",
     .min = 2,
     .max = 256,
     .help = "connections to PostgreSQL besides the one that events are kept by"},
    {.name = "postgres_timeout",
     .type = CONFIG_DURATION,
     KEY(statement_ms),
     .fallback = "30s",
     .min = 1000,
     .max = 600000,
     .help = "for one statement"},
    KEY_TOPIC(AnalyticsSettings, topic_events, "docket.events", "what happened to tickets"),
    KEY_TOPIC(AnalyticsSettings, group, "docket-analytics", "consumer group"),
    {.name = "batch_max",
     .type = CONFIG_INT,
     KEY(batch_max),
     .fallback = "4000",
     .min = 1,
     .max = 20000,
     .help = "events whose figures are kept in one transaction, at most"},
    {.name = "requests_per_minute",
     .type = CONFIG_INT,
     KEY(requests_per_minute),
     .fallback = "6000",
     .min = 1,
     .max = 1000000000,
     .help = "requests of one token or session; beyond it 429"},
    {.name = "time_zone",
     .type = CONFIG_STRING,
     KEY(time_zone),
     .fallback = "Asia/Shanghai",
     .help = "by which reports cut days for tenants whose documents name none"},
    {.name = "radar_wait",
     .type = CONFIG_DURATION,
     KEY(radar_wait_ms),
     .fallback = "2m",
     .min = 1000,
     .max = 3600000,
     .help = "after the end of a quarter of an hour, until surges are looked for in it"},
    {.name = "radar_false",
     .type = CONFIG_DURATION,
     KEY(radar_false_ms),
     .fallback = "90d",
     .min = 86400000,
     .max = 31536000000,
     .help = "one false alarm of a category in so long, on average"},
    {.name = "board_groups",
     .type = CONFIG_STRING,
     KEY(board_groups),
     .fallback = "router=docket-router@docket.submissions,"
                 "router=docket-router-bulk@docket.submissions.bulk,"
                 "router=docket-router-signals@docket.signals,desk=docket-desk@docket.events,"
                 "sla=docket-sla@docket.events,notifier=docket-notifier@docket.events,"
                 "analytics=docket-analytics@docket.events",
     .help = "whose lag the live board shows: NAME=GROUP@TOPIC, one after the other; one name may "
             "come several times"},
    {.name = "board_viewers",
     .type = CONFIG_INT,
     KEY(board_viewers),
     .fallback = "1000",
     .min = 1,
     .max = 100000,
     .help = "clients that may look at the live board (GET /live) at once; beyond it 503"},
    KEY_CONNECTIONS(AnalyticsSettings),
    KEY_HEAD_TIMEOUT(AnalyticsSettings),
    KEY_BODY_TIMEOUT(AnalyticsSettings),
    KEY_IDLE_TIMEOUT(AnalyticsSettings),
};

const size_t analytics_keys_n = sizeof(analytics_keys) / sizeof(analytics_keys[0]);
