/* KafkaAdmin -- what the operator's tool asks of Kafka. Every call blocks, for at most timeout_ms.
 * Not for services: they live on the loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "kafka/consumer.h"

typedef struct KafkaAdmin KafkaAdmin;

typedef struct KafkaAdminSettings {
    const char *brokers;
    const char *options; /* "key=value,key=value" or NULL */
    int timeout_ms;      /* 0: 10 s */
} KafkaAdminSettings;

KafkaAdmin *kafka_admin_new(const KafkaAdminSettings *settings, Buf *ret_problem);
KafkaAdmin *kafka_admin_free(KafkaAdmin *a);
DEFINE_FREEP(KafkaAdmin, kafka_admin)

/* All return -EHOSTUNREACH when no broker answers, -ETIMEDOUT, -EACCES or -EIO, with a sentence in
 * *ret_problem. */

int kafka_admin_brokers(KafkaAdmin *a, Buf *ret_problem); /* how many are there */

typedef struct KafkaTopic {
    const char *name;
    int partitions;
    int64_t retention_ms;      /* 0: the broker's default */
    int64_t max_message_bytes; /* 0: the broker's default */
} KafkaTopic;

typedef enum KafkaTopicOutcome { KAFKA_TOPIC_CREATED, KAFKA_TOPIC_EXISTED } KafkaTopicOutcome;

/* Makes those that are not there, with replication min(3, brokers) and min.insync.replicas 2 where
 * there are three; leaves the others as they are. ret_outcomes: one per topic, or NULL. Returns
 * once every broker knows their leaders. */
int kafka_admin_create_topics(KafkaAdmin *a, const KafkaTopic *topics, size_t n,
                              KafkaTopicOutcome *ret_outcomes, Buf *ret_problem);

/* The number of partitions, -ENOENT when there is no such topic. */
int kafka_admin_partitions(KafkaAdmin *a, const char *topic, Buf *ret_problem);

typedef struct KafkaPartitionState {
    int32_t partition;
    int64_t begin, end; /* first offset held, offset of the next message to come */
    int64_t committed;  /* of the group; -1: none */
} KafkaPartitionState;

/* Fills up to max, returns how many partitions the topic has. group may be NULL. */
int kafka_admin_state(KafkaAdmin *a, const char *topic, const char *group, KafkaPartitionState *ret,
                      size_t max, Buf *ret_problem);
/* Messages that the group has not committed; a partition without commit counts from its beginning.
 */
int kafka_admin_lag(KafkaAdmin *a, const char *topic, const char *group, int64_t *ret_lag,
                    Buf *ret_problem);

/* Producing one by one for the tool (docket replay, dead replay): waits for the report. */
int kafka_admin_produce(KafkaAdmin *a, const char *topic, int32_t partition, Str key, Str value,
                        Buf *ret_problem);

/* KafkaReader -- every message of a topic from an offset to the end that is there when the reader
 * is made; belongs to no group and stores nothing. */
typedef struct KafkaReader KafkaReader;

typedef struct KafkaReaderSettings {
    const char *brokers;
    const char *options;
    const char *topic;
    int32_t partition; /* -1: all of them */
    int64_t from;      /* first offset; -1 or below what is held: the beginning */
    int64_t to;        /* first offset not wanted; -1: the present end */
    int timeout_ms;    /* no message for so long: -ETIMEDOUT; 0: 10 s */
} KafkaReaderSettings;

int kafka_reader_new(const KafkaReaderSettings *settings, KafkaReader **ret, Buf *ret_problem);
KafkaReader *kafka_reader_free(KafkaReader *r); /* every message must be done */
DEFINE_FREEP(KafkaReader, kafka_reader)
/* 1 and *ret (call kafka_message_done() on it), 0 at the end, -errno. */
int kafka_reader_next(KafkaReader *r, KafkaMessage *ret, Buf *ret_problem);
