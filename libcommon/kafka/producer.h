/* KafkaProducer -- hands records to Kafka and says of each when it is durable.
 *
 * acks=all, idempotent, one request in flight, so records of one partition keep their order. What
 * is produced in one turn of the loop leaves at its end, as one batch per topic.
 *
 * The promise: a record that kafka_produce() took (it returned 0) is reported exactly once, and a
 * report of 0 means that every replica in sync has it. Any other report means "not known to be
 * stored": it may yet be in the topic. When librdkafka's instance breaks (a fatal error of the
 * idempotent producer) it is replaced, and records in flight are produced again, in order, by the
 * new one; they may then be in the topic twice, and consumers bear that (every effect carries the
 * id of its cause). A broker that goes away and returns costs time, not reports: records wait for
 * it until delivery_timeout_ms.
 *
 * One thread: everything here is called, and every callback comes, on the loop's thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct KafkaProducer KafkaProducer;

typedef struct KafkaProducerSettings {
    const char *brokers;   /* "host:port,host:port" */
    const char *client_id; /* unique per process, or NULL */
    const char *options;   /* more librdkafka properties, "key=value,key=value" or one a line (TLS,
                            * SASL), or NULL
                            */
    size_t max_bytes;  /* bound of what is in flight, copies and book-keeping included; 0: 64 MiB */
    int linger_ms;     /* 0: nothing waits; 1 to 5 batches better on a slow network */
    int max_in_flight; /* requests per broker at once, 1 to 5, order is kept in any case; 0: 1 */
    int delivery_timeout_ms; /* how long a record may wait for a broker; 0: 5 minutes */
    int quiet_ms; /* nothing answered for so long while records wait: kafka_produce() refuses with
                     -EHOSTDOWN; 0: 1500 */
    int stuck_ms; /* a record waits for so long although a broker is connected: the instance is
                     replaced; 0: 30 s */
    const char *const *topics; /* to warm: their leaders are known before the first record */
    size_t n_topics;
} KafkaProducerSettings;

typedef struct KafkaRecord {
    const char *topic;
    int32_t partition; /* -1: by key (murmur2, as Java does), without a key sticky */
    Str key, value;    /* key {NULL, 0}: none */
} KafkaRecord;

typedef struct KafkaHeader {
    const char *name;
    Str value;
} KafkaHeader;

/* error 0: durable. Otherwise -errno (-ETIMEDOUT: waited too long, -EMSGSIZE, -ENOENT: no such
 * topic or partition, -EACCES, -ECANCELED: the producer was freed, -EIO), partition and offset -1.
 * May produce; must not free the producer. */
typedef void (*KafkaReport)(void *arg, int error, int32_t partition, int64_t offset);

/* NULL and a sentence in *ret_problem when the settings are no good. Does not wait for a broker. */
KafkaProducer *kafka_producer_new(Loop *loop, const KafkaProducerSettings *settings,
                                  Buf *ret_problem);
/* At once: what is unreported is reported -ECANCELED. Flush first. Takes at most about a second. */
KafkaProducer *kafka_producer_free(KafkaProducer *p);
DEFINE_FREEP(KafkaProducer, kafka_producer)

/* 0: taken (copied), the report comes later, never inside this call. -ENOBUFS: max_bytes in flight;
 * -EHOSTDOWN: no broker has answered for quiet_ms; -EMSGSIZE: above 1 MiB. Then nothing is taken
 * and no report comes. */
int kafka_produce(KafkaProducer *p, const KafkaRecord *record, KafkaReport report, void *arg);
/* The same with headers: one library call per record instead of one per batch. */
int kafka_produce_with_headers(KafkaProducer *p, const KafkaRecord *record,
                               const KafkaHeader *headers, size_t n, KafkaReport report, void *arg);

size_t kafka_producer_in_flight(const KafkaProducer *p); /* records not yet reported */
size_t kafka_producer_bytes(const KafkaProducer *p);     /* what counts against max_bytes */
/* Would kafka_produce() find a broker? false: appends why to *reason (may be NULL). Turns true by
 * itself when a broker answers again. */
bool kafka_producer_healthy(const KafkaProducer *p, Buf *reason);
/* Times the instance had to be replaced after a fatal error. */
uint64_t kafka_producer_replacements(const KafkaProducer *p);

/* cb(arg) each time the reports that were there at one wake have all been given: the moment to
 * write answers. */
void kafka_producer_on_reports_drained(KafkaProducer *p, LoopCallback cb, void *arg);

/* Blocks, giving reports, until nothing is in flight or ms have passed: for stop(). Returns how
 * many records are still unreported. */
size_t kafka_producer_flush_for(KafkaProducer *p, int64_t ms);
