/* Every key of deploy/config/sla.conf. */
#include "sla/settings.h"

#include "runtime/keys.h"

#define KEY(field) offsetof(SlaSettings, field)

const ConfigKey sla_keys[] = {
    KEY_KAFKA_BROKERS(SlaSettings, NULL, "Kafka's brokers, host:port,host:port"),
    KEY_KAFKA_OPTIONS(SlaSettings, "more librdkafka properties, key=value,key=value (TLS, SASL)"),
    KEY_POSTGRES_URL(SlaSettings, NULL, "PostgreSQL, as the role docket_sla"),
    KEY_TOPIC(SlaSettings, topic_events, "docket.events", "what happened to tickets"),
    KEY_TOPIC(SlaSettings, topic_signals, "docket.signals", "where the router is told what is due"),
    KEY_TOPIC(SlaSettings, group, "docket-sla", "consumer group"),
    {.name = "batch_max",
     .type = CONFIG_INT,
     .offset = KEY(batch_max),
     .fallback = "2000",
     .min = 1,
     .max = 10000,
     .help = "events followed in one transaction, at most"},
    {.name = "due_max",
     .type = CONFIG_INT,
     .offset = KEY(due_max),
     .fallback = "1000",
     .min = 1,
     .max = 10000,
     .help = "tickets whose promises fall due that are worked off between two batches of events"},
    {.name = "late",
     .type = CONFIG_DURATION,
     .offset = KEY(late_ms),
     .fallback = "5s",
     .min = 1,
     .max = 86400000,
     .help = "what is told so long after it became true is marked late"},
    {.name = "revise_pause",
     .type = CONFIG_DURATION,
     .offset = KEY(revise_pause_ms),
     .fallback = "20ms",
     .max = 60000,
     .help = "between two pages of tickets whose promises follow new documents"},
};

const size_t sla_keys_n = sizeof(sla_keys) / sizeof(sla_keys[0]);
