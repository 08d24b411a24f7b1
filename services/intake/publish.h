/* Publisher -- submissions into Kafka, and what is known of those not yet reported.
 *
 * A report of 0 means durable; anything else "not known to be stored". Reports come within the
 * producer's long delivery timeout: whoever cannot wait so long answers by its own timer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "intake/lanes.h"
#include "kafka/producer.h"
#include "loop/loop.h"

typedef struct Publisher Publisher;

typedef struct PublisherSettings {
    const char *brokers, *options, *client_id;
    size_t max_bytes;
    int delivery_timeout_ms;
} PublisherSettings;

/* NULL and a sentence in *ret_problem. */
Publisher *publisher_new(Loop *loop, const PublisherSettings *settings, Buf *ret_problem);
Publisher *publisher_free(Publisher *p); /* unreported: -ECANCELED; flush first */
DEFINE_FREEP(Publisher, publisher)

/* 0: report(arg, ...) comes, exactly once, never inside this call. Negative as kafka_produce(). */
int publisher_send(Publisher *p, Lane lane, Str message, KafkaReport report, void *arg);
bool publisher_healthy(const Publisher *p, Buf *reason);
size_t publisher_unreported(const Publisher *p);
size_t publisher_bytes(const Publisher *p);
size_t publisher_flush_for(Publisher *p, int64_t ms); /* what is still unreported */
