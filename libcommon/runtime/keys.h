/* Keys -- rows of a service's table that several services have: where PostgreSQL, Redis and Kafka
 * are, how long they are waited for, and how patient the port is. Name, kind, limits and the member
 * of the struct S that a row fills are the same everywhere; what a service says of its own is an
 * argument (FALLBACK NULL: the key is required). A table lists them in the order in which its file
 * is to be read. */
#pragma once

#include <stddef.h>

#include "config/config.h"

/* char *listen, *public_url */
#define KEY_LISTEN(S, FALLBACK, HELP)                                                              \
    {                                                                                              \
        .name = "listen", .type = CONFIG_ADDRESS, .offset = offsetof(S, listen),                   \
        .fallback = (FALLBACK), .help = (HELP)                                                     \
    }
#define KEY_PUBLIC_URL(S, HELP)                                                                    \
    {                                                                                              \
        .name = "public_url", .type = CONFIG_STRING, .offset = offsetof(S, public_url),            \
        .fallback = "", .help = (HELP)                                                             \
    }

/* char *kafka_brokers, *kafka_options (hand over NULL when it is empty); int64_t delivery_ms */
#define KEY_KAFKA_BROKERS(S, FALLBACK, HELP)                                                       \
    {                                                                                              \
        .name = "kafka_brokers", .type = CONFIG_ADDRESSES, .offset = offsetof(S, kafka_brokers),   \
        .fallback = (FALLBACK), .min = 1, .help = (HELP)                                           \
    }
#define KEY_KAFKA_OPTIONS(S, HELP)                                                                 \
    {                                                                                              \
        .name = "kafka_options", .type = CONFIG_STRING, .offset = offsetof(S, kafka_options),      \
        .fallback = "", .help = (HELP)                                                             \
    }
#define KEY_DELIVERY_TIMEOUT(S, FALLBACK, HELP)                                                    \
    {                                                                                              \
        .name = "delivery_timeout", .type = CONFIG_DURATION, .offset = offsetof(S, delivery_ms),   \
        .fallback = (FALLBACK), .min = 5000, .max = 24 * 60 * 60 * 1000, .help = (HELP)            \
    }
/* char *TOPIC: topic_events, topic_signals ...; also the name of a consumer group */
#define KEY_TOPIC(S, TOPIC, FALLBACK, HELP)                                                        \
    {                                                                                              \
        .name = #TOPIC, .type = CONFIG_STRING, .offset = offsetof(S, TOPIC),                       \
        .fallback = (FALLBACK), .help = (HELP)                                                     \
    }

/* char *postgres_url */
#define KEY_POSTGRES_URL(S, FALLBACK, HELP)                                                        \
    {                                                                                              \
        .name = "postgres_url", .type = CONFIG_URL, .offset = offsetof(S, postgres_url),           \
        .fallback = (FALLBACK), .schemes = "postgresql postgres", .help = (HELP)                   \
    }

/* char *redis_url; int64_t redis_ms */
#define KEY_REDIS_URL(S, FALLBACK, HELP)                                                           \
    {                                                                                              \
        .name = "redis_url", .type = CONFIG_URL, .offset = offsetof(S, redis_url),                 \
        .fallback = (FALLBACK), .schemes = "redis unix redis-cluster", .help = (HELP)              \
    }
#define KEY_REDIS_TIMEOUT(S, FALLBACK, MIN, MAX, HELP)                                             \
    {                                                                                              \
        .name = "redis_timeout", .type = CONFIG_DURATION, .offset = offsetof(S, redis_ms),         \
        .fallback = (FALLBACK), .min = (MIN), .max = (MAX), .help = (HELP)                         \
    }

/* char *keyring */
#define KEY_KEYRING(S)                                                                             \
    {                                                                                              \
        .name = "keyring", .type = CONFIG_FILE, .offset = offsetof(S, keyring),                    \
        .help = "key ring for personal data (docket keys create); read again when it changes"      \
    }

/* int64_t connections */
#define KEY_CONNECTIONS(S)                                                                         \
    {                                                                                              \
        .name = "connections", .type = CONFIG_INT, .offset = offsetof(S, connections),             \
        .fallback = "10000", .min = 1, .max = 1000000, .help = "open connections; beyond it 503"   \
    }
/* int64_t head_ms, body_ms, idle_ms */
#define KEY_HEAD_TIMEOUT(S)                                                                        \
    {                                                                                              \
        .name = "head_timeout", .type = CONFIG_DURATION, .offset = offsetof(S, head_ms),           \
        .fallback = "10s", .min = 100, .max = 300000,                                              \
        .help = "from the first byte of a request to the end of its headers; then 408"             \
    }
#define KEY_BODY_TIMEOUT(S)                                                                        \
    {                                                                                              \
        .name = "body_timeout", .type = CONFIG_DURATION, .offset = offsetof(S, body_ms),           \
        .fallback = "30s", .min = 100, .max = 300000,                                              \
        .help = "for a body to arrive (then 408), and for a client to take its answer"             \
    }
#define KEY_IDLE_TIMEOUT(S)                                                                        \
    {                                                                                              \
        .name = "idle_timeout", .type = CONFIG_DURATION, .offset = offsetof(S, idle_ms),           \
        .fallback = "75s", .min = 100, .max = 3600000,                                             \
        .help = "an open connection without any request is closed"                                 \
    }
