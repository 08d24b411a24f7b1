/* KafkaLag -- how far consumer groups are behind the ends of their topics, for a service that shows
 * it: all of them at once, asked of Kafka in a handful of requests by a thread beside the loop,
 * which never waits. Nothing is asked unless kafka_lag_ask() is called. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct KafkaLag KafkaLag;

enum { KAFKA_LAG_MAX = 32 /* pairs of group and topic */ };
#define KAFKA_LAG_UNKNOWN (-1) /* no such topic, or Kafka did not say */

typedef struct KafkaLagPair {
    const char *group, *topic;
} KafkaLagPair;

typedef struct KafkaLagSettings {
    const char *brokers;
    const char *options; /* "key=value,key=value" or NULL */
    const char *client_id;
    const KafkaLagPair *pairs; /* copied */
    size_t pairs_n;            /* at most KAFKA_LAG_MAX */
    int timeout_ms;            /* of one request, three follow each other; 0: 2 s */
} KafkaLagSettings;

/* `messages`: one figure a pair, in their order: what the group has not committed; a partition
 * without a commit counts from its beginning. */
typedef void (*KafkaLagTold)(void *arg, const int64_t *messages, size_t n);

/* NULL and a sentence in *ret_problem when the settings are no good. Waits for no broker. */
KafkaLag *kafka_lag_new(Loop *loop, const KafkaLagSettings *settings, KafkaLagTold told, void *arg,
                        Buf *ret_problem);
/* Waits for what is being asked; nothing is told any more. Accepts NULL, returns NULL. */
KafkaLag *kafka_lag_free(KafkaLag *l);
DEFINE_FREEP(KafkaLag, kafka_lag)

/* 0: told() will come, once, not inside this call. -EBUSY: the last answer is not there yet. */
int kafka_lag_ask(KafkaLag *l);
