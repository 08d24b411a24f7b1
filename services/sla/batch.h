/* Batch -- some tickets on their way through: their states are read, what came is told to their
 * lives, what is due is sent to the router, and what they are now is kept, fenced by the epochs of
 * their partitions. Never fails, only takes longer: each stage is asked again until PostgreSQL or
 * Kafka has answered.
 *
 *   read ──▶ tell ──▶ (ledger) ──▶ (signals ──▶ reports) ──▶ write ──▶ clocks in memory
 *
 * One at a time: whatever it changes, nobody else is changing. */
#pragma once

#include "following/shares.h"
#include "lives/tenants.h"
#include "postgres/connection.h"
#include "publish/publication.h"
#include "sla/clocks.h"
#include "sla/story.h"
#include "store/histories.h"

typedef struct Batch Batch;

typedef enum BatchKind {
    BATCH_EVENTS,  /* of docket.events */
    BATCH_DUE,     /* their instant has come */
    BATCH_REVISED, /* they are to follow new documents */
    BATCH_FOUND    /* open, and nobody knows them here */
} BatchKind;

typedef struct BatchParts {
    Loop *loop;
    Connection *postgres;
    Histories *histories;
    const Publisher *publisher;
    Tenants *tenants;
    Shares *shares;
    Clocks *clocks;
    const char *topic_signals;
    int64_t late_ms;
    bool test_clock; /* PostgreSQL's is not asked */
} BatchParts;

Batch *batch_new(const BatchParts *parts);
Batch *batch_free(Batch *b); /* what is under way is forgotten */

/* Empties it for the next; not while it runs. */
void batch_clear(Batch *b);
Arena *batch_arena(Batch *b); /* until batch_clear() */
/* The story of that ticket, made if there is none yet. Those of partitions that are not ours any
 * more when it is written change nothing. */
Story *batch_story(Batch *b, int64_t tenant_id, int64_t ticket_id, int32_t partition);
size_t batch_size(const Batch *b);

/* done(arg) once all of it is kept, or never will be because it is somebody else's now; never
 * inside this call. */
void batch_run(Batch *b, BatchKind kind, LoopCallback done, void *arg);
bool batch_running(const Batch *b);
/* Nothing of it is under way: it waits for a server to come back, and may as well be forgotten. */
bool batch_waiting(const Batch *b);
/* PostgreSQL is there again: no need to wait for the next try. */
void batch_wake(Batch *b);
/* Has this partition been taken from us, as this batch found? */
bool batch_lost(const Batch *b, int32_t partition);
