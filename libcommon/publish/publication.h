/* Publication -- a set of records that all have to be in Kafka before something may go on.
 *
 * Never fails, only takes longer: what Kafka did not confirm is produced again until it does.
 * Records borrow their bytes, which must live until the callback. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/text.h"
#include "events/ledger.h"
#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "loop/loop.h"

typedef struct Publisher {
    Loop *loop;
    KafkaProducer *producer;
    const char *instance; /* docket_by */
    const char *topic_events, *topic_dead;
} Publisher;

typedef struct Publication Publication;

Publication *publication_new(const Publisher *p);
/* Records in flight are given up on: their reports are ignored. */
Publication *publication_free(Publication *p);
DEFINE_FREEP(Publication, publication)

/* The event of a committed ledger row. */
void publication_add_event(Publication *p, const LedgerRow *row);
/* A message of the outbox, as it lies there. */
void publication_add_outbox(Publication *p, Str topic, Str key, Str message);
/* A message that cannot be processed, for docket.dead. tenant and ticket 0: its bytes do not say.
 */
void publication_add_dead(Publication *p, const KafkaMessage *m, int64_t tenant_id,
                          int64_t ticket_id, const char *reason, int64_t now_ms);
size_t publication_size(const Publication *p);

/* done(arg) once every record is confirmed; never inside this call. */
void publication_start(Publication *p, LoopCallback done, void *arg);
/* Empties it for the next set; only before start or after done. */
void publication_clear(Publication *p);
