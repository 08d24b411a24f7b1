/* What the parts of this room share: settings turned into librdkafka's, its queues on our loop. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "loop/loop.h"

/* "host:port,host:port": 0, or -EINVAL and what is wrong in *problem. */
int kafka_check_brokers(const char *brokers, Buf *problem);

/* A conf with brokers, client id, reconnect and socket settings; NULL and *problem otherwise. */
rd_kafka_conf_t *kafka_conf_new(const char *brokers, const char *client_id, Buf *problem);
int kafka_conf_set(rd_kafka_conf_t *conf, const char *key, const char *value, Buf *problem);
int kafka_conf_set_int(rd_kafka_conf_t *conf, const char *key, int64_t value, Buf *problem);
/* "key=value,key=value"; a text with line breaks is split at those instead, so values may hold
 * commas. */
int kafka_conf_options(rd_kafka_conf_t *conf, const char *options, Buf *problem);

/* What producers and consumers run with; NULL and *problem otherwise. */
rd_kafka_conf_t *kafka_producer_conf(const KafkaProducerSettings *s, Buf *problem);
rd_kafka_conf_t *kafka_consumer_conf(const KafkaConsumerSettings *s, Buf *problem);

int kafka_errno(rd_kafka_resp_err_t err); /* negative; 0 for none */

/* Does librdkafka's statistics text name a broker that is up? */
bool kafka_stats_broker_up(const char *json, size_t n);

/* librdkafka writes to an eventfd when a queue gets its first element; the loop calls cb. */
typedef struct KafkaWake {
    int fd;
    LoopFd *watch;
    LoopCallback cb;
    void *arg;
} KafkaWake;

int kafka_wake_init(KafkaWake *w, Loop *loop, LoopCallback cb, void *arg);
void kafka_wake_on(KafkaWake *w, rd_kafka_queue_t *queue);
void kafka_wake_done(KafkaWake *w); /* after every queue is gone */

/* rd_kafka_destroy() on a thread of its own, waited for at most ms: it may hang in rare cases (a
 * lost coordinator, a handle not given back). false: it goes on in the background. */
bool kafka_destroy_within(rd_kafka_t *rk, int64_t ms);

void kafka_message_fill(KafkaMessage *ret, rd_kafka_message_t *m);
