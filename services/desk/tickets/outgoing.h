/* Outgoing -- rows of the outbox on their way to Kafka: published in sets as they were committed,
 * then collected to be deleted a few hundred at a time. What Kafka does not take within a while is
 * let go of: its rows stay in PostgreSQL for a sweep. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "publish/publication.h"
#include "store/store.h"

typedef struct Outgoing Outgoing;

typedef struct OutgoingSettings {
    Loop *loop;
    KafkaProducer *producer;
    const char *instance, *topic_events;
    LoopCallback deletable; /* there are rows to be deleted, or it is time to */
    void *arg;
} OutgoingSettings;

Outgoing *outgoing_new(const OutgoingSettings *settings);
Outgoing *outgoing_free(Outgoing *o);

/* Takes over the arena that the rows live in. With Kafka away, or too much under way, at once back
 * to the sweep. */
void outgoing_send(Outgoing *o, const OutboxRow *rows, size_t n, Arena *arena);

size_t outgoing_deletes(const Outgoing *o);
bool outgoing_delete_due(const Outgoing *o);
/* Up to max rows (tenant and number only) leave the list. */
size_t outgoing_take(Outgoing *o, OutboxRow *ret, size_t max);
bool outgoing_idle(const Outgoing *o); /* nothing flies, nothing is to be deleted */
