/* A consumer's insides, shared by consumer.c (the queue, the ring, its life) and rebalance.c (which
 * partitions are ours, and from where). */
#pragma once

#include <librdkafka/rdkafka.h>

#include "kafka/consumer.h"
#include "kafka/kafka_internal.h"

typedef enum Phase { PHASE_JOINING, PHASE_STARTING, PHASE_OWNING, PHASE_RELEASING } Phase;

typedef struct Owned {
    char *topic;
    int32_t partition;
    int64_t next; /* stored or committed; negative: nothing yet, it began at the beginning or end */
    bool stopped; /* offset out of range */
    bool seen;    /* its first message came */
} Owned;

struct KafkaConsumer {
    Loop *loop;
    KafkaConsumerEvents events;
    void *arg;
    int64_t start; /* librdkafka's offset: where nothing is committed */
    KafkaReset reset;
    int release_ms;
    char *group;

    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;   /* messages, rebalances, errors */
    rd_kafka_queue_t *answers; /* committed offsets */
    KafkaWake wake;
    LoopTimer *again, *tick, *stall, *release, *retry;

    KafkaMessage *ring;
    size_t ring_size, max_ready, head, ready;
    bool told; /* readable() was called and nothing has emptied the ring since */
    bool more; /* polling stopped at the ring's bound, not at the queue's end */

    Phase phase;
    rd_kafka_topic_partition_list_t *starting; /* assigned, offsets being asked for */
    rd_kafka_resp_err_t rebalance;             /* noted by the callback, handled after the poll */
    rd_kafka_topic_partition_list_t *rebalance_list;
    uintptr_t asked; /* which question about committed offsets counts */
    Owned *owned;
    size_t n_owned, n_seen;

    bool paused;  /* by the caller */
    bool stalled; /* by us: nobody takes */
    bool applied; /* what librdkafka has been told */

    bool down, fatal, freed;
    int64_t down_since_ms;
    char trouble[256];
};

/* consumer.c */
void consumer_drop_ready(KafkaConsumer *c); /* what is in the ring */

/* rebalance.c */
Owned *consumer_owned_find(const KafkaConsumer *c, Str topic, int32_t partition);
void consumer_owned_clear(KafkaConsumer *c);
void consumer_refresh_pause(KafkaConsumer *c);  /* after paused or stalled changed */
void consumer_take_rebalance(KafkaConsumer *c); /* what the rebalance callback noted */
void consumer_serve_answers(KafkaConsumer *c);  /* about committed offsets */
void consumer_unassign(KafkaConsumer *c);
void consumer_ask_again(void *arg);   /* timers */
void consumer_release_due(void *arg); /* timers */
