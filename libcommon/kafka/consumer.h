/* KafkaConsumer -- one member of one group, read by pulling.
 *
 * Round-robin, dynamic membership, session timeout 6 s, leaves the group at once when freed.
 * Offsets move only by kafka_consumer_store(), called after a message's effect is committed;
 * what is stored is committed to Kafka every second and when partitions are given back.
 *
 * Where a partition starts: at the group's committed offset; where the group has none (new group,
 * new topic, new partition), at the beginning, asked for explicitly. A committed offset that the
 * topic no longer holds stops that partition and raises an alarm (KAFKA_RESET_ALARM), or starts at
 * the earliest that is left, with an alarm all the same (KAFKA_RESET_EARLIEST).
 *
 * Not taking is the way to push back: memory stays bounded (about 8 MiB in librdkafka and
 * `max_ready` messages here), and the consumer stays in its group.
 *
 * One thread: everything is called, and every callback comes, on the loop's thread. Callbacks may
 * take, store, pause and produce; they must not free the consumer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct KafkaConsumer KafkaConsumer;

typedef enum KafkaReset { KAFKA_RESET_ALARM, KAFKA_RESET_EARLIEST } KafkaReset;
typedef enum KafkaStart {
    KAFKA_START_EARLIEST,
    KAFKA_START_LATEST,
    KAFKA_START_RECENT /* `recent` messages ahead of the end of each partition */
} KafkaStart;

typedef struct KafkaConsumerSettings {
    const char *brokers; /* "host:port,host:port" */
    const char *group;
    const char *const *topics;
    size_t n_topics;
    const char *client_id;   /* unique per process, or NULL */
    const char *instance_id; /* static membership, only where an operator sets it; else NULL */
    const char *options;     /* more librdkafka properties, "key=value,key=value", or NULL */
    KafkaStart start;        /* where the group has no committed offset */
    int32_t recent;          /* of KAFKA_START_RECENT */
    KafkaReset reset;        /* where its committed offset no longer exists */
    int gather_ms;    /* how long the broker may wait for gather_bytes to come together before it
                         answers; 0: it answers with the first message */
    int gather_bytes; /* 0: 64 KiB */
    size_t max_ready; /* messages held ready for kafka_consumer_take(); 0: 2,000 */
    int release_ms;   /* when partitions are taken away, how long revoked() may use until it has
                         stored what is in flight and calls kafka_consumer_release(); 0: given back at
                         once */
} KafkaConsumerSettings;

typedef struct KafkaConsumerEvents {
    /* There is something to take. Comes once; again only after a take left nothing behind, or after
     * kafka_consumer_resume(). */
    void (*readable)(void *arg);
    void (*assigned)(void *arg, size_t n_partitions); /* after a rebalance; n may be 0 */
    /* Partitions are taken away (with round-robin always all of them). Nothing more comes until
     * assigned(); messages that were ready are dropped, and what has been taken but not stored will
     * come again, here or elsewhere. */
    void (*revoked)(void *arg);
    /* Needs an operator: offset out of range, no such topic, fenced, not authorised. */
    void (*alarm)(void *arg, const char *text);
} KafkaConsumerEvents; /* any of them may be NULL */

typedef struct KafkaMessage {
    Str topic, key, value; /* valid until kafka_message_done() */
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* the broker's or the producer's, as the topic says; -1: none */
    void *owner;
} KafkaMessage;

/* NULL and a sentence in *ret_problem when the settings are no good. Does not wait for a broker;
 * joins the group by itself. */
KafkaConsumer *kafka_consumer_new(Loop *loop, const KafkaConsumerSettings *settings,
                                  const KafkaConsumerEvents *events, void *arg, Buf *ret_problem);
/* Commits what is stored, leaves the group, at most about 3 s. Every message taken must be done by
 * then; if not, librdkafka's instance is left behind rather than waited for. No callback comes any
 * more. */
KafkaConsumer *kafka_consumer_free(KafkaConsumer *c);
DEFINE_FREEP(KafkaConsumer, kafka_consumer)

/* Up to max messages, without blocking; partitions interleave, within one offsets ascend. */
size_t kafka_consumer_take(KafkaConsumer *c, KafkaMessage *ret, size_t max);
size_t kafka_consumer_ready(const KafkaConsumer *c); /* how many could be taken now */
void kafka_message_done(KafkaMessage *m);            /* frees; does not store an offset */

/* The value of a header of a message not yet done; absent {NULL, 0} when it has none. */
Str kafka_message_header(const KafkaMessage *m, const char *name);

/* Everything before next_offset of that partition has taken effect. A partition not owned any more
 * is ignored (0). The caller stores only gap-free prefixes; lower offsets than before are ignored.
 */
int kafka_consumer_store(KafkaConsumer *c, Str topic, int32_t partition, int64_t next_offset);
int kafka_consumer_commit_now(KafkaConsumer *c); /* what is stored, asynchronously */
/* After revoked(): what was in flight is stored, give the partitions back. */
void kafka_consumer_release(KafkaConsumer *c);

/* Stops and restarts fetching of everything owned; keeps over rebalances; twice is once. What is
 * ready can still be taken while paused. */
void kafka_consumer_pause(KafkaConsumer *c);
void kafka_consumer_resume(KafkaConsumer *c);

size_t kafka_consumer_owned(const KafkaConsumer *c); /* partitions */
/* Their numbers, of all topics, up to max; how many there are. */
size_t kafka_consumer_partitions(const KafkaConsumer *c, int32_t *ret, size_t max);
/* How many partitions a topic has: asks a broker and waits for it, at most timeout_ms. -errno. */
int kafka_consumer_topic_partitions(KafkaConsumer *c, const char *topic, int timeout_ms);
/* Messages in the owned partitions beyond what is stored; does not block. The end offsets are those
 * that came with the last fetch: while nothing is fetched (paused, or nobody takes) they grow old,
 * and the true lag is more. One topic only when `topic` is not NULL. */
int64_t kafka_consumer_lag(const KafkaConsumer *c, const char *topic);
/* In a group and in touch with a broker? false: appends why to *reason (may be NULL). */
bool kafka_consumer_healthy(const KafkaConsumer *c, Buf *reason);
