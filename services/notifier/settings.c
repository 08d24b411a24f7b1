/* Every key of deploy/config/notifier.conf. */
#include "notifier/settings.h"

#include "runtime/keys.h"

#define KEY(field) offsetof(NotifierSettings, field)

const ConfigKey notifier_keys[] = {
    KEY_KAFKA_BROKERS(NotifierSettings, NULL, "Kafka's brokers, host:port,host:port"),
    KEY_KAFKA_OPTIONS(NotifierSettings,
                      "more librdkafka properties, key=value,key=value (TLS, SASL)"),
    KEY_POSTGRES_URL(NotifierSettings, NULL, "PostgreSQL, as the role docket_notifier"),
    KEY_KEYRING(NotifierSettings),
    KEY_TOPIC(NotifierSettings, topic_events, "docket.events", "what happened to tickets"),
    KEY_TOPIC(NotifierSettings, group, "docket-notifier", "consumer group"),
    {.name = "batch_max",
     .type = CONFIG_INT,
     .offset = KEY(batch_max),
     .fallback = "1000",
     .min = 1,
     .max = 10000,
     .help = "events whose deliveries are written in one transaction, at most"},
    {.name = "tell_within",
     .type = CONFIG_DURATION,
     .offset = KEY(tell_within_ms),
     .fallback = "24h",
     .min = 1000,
     .max = INT64_C(365) * 86400000,
     .help = "what happened longer ago is old news: nobody is told of it"},
    {.name = "storm_tickets",
     .type = CONFIG_INT,
     .offset = KEY(storm_tickets),
     .fallback = "30",
     .min = 1,
     .max = 1000000,
     .help = "new tickets of one top category in one storm_window that are told one by one; those "
             "beyond are told as one storm, where documents have words for it"},
    {.name = "storm_window",
     .type = CONFIG_DURATION,
     .offset = KEY(storm_window_ms),
     .fallback = "5m",
     .min = 1000,
     .max = 86400000,
     .help = "how long a storm is gathered before it is told"},
    {.name = "desk_url",
     .type = CONFIG_STRING,
     .offset = KEY(desk_url),
     .fallback = "",
     .help = "the address under which people reach the desk, for links; empty: no links"},
    {.name = "sms_gateway",
     .type = CONFIG_CHOICE,
     .offset = KEY(sms_gateway),
     .fallback = "none",
     .choices = "none aliyun tencent",
     .help = "whose SMS gateway is used; none: nobody is told by SMS"},
};

const size_t notifier_keys_n = sizeof(notifier_keys) / sizeof(notifier_keys[0]);
