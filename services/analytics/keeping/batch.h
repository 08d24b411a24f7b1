/* KeepBatch -- some tickets on their way through: what is kept of them is read, what came is told,
 * and what they are now is kept in one transaction together with the windows and the offset, fenced
 * by the epoch and the change of each partition. Never fails, only takes longer: each stage is
 * asked again until PostgreSQL has answered.
 *
 *   read ──▶ tell ──▶ (ledger) ──▶ write ──▶ kept() ──▶ done()
 *     ▲                              │
 *     └──── something else was kept meanwhile, or nobody knows whether this was
 *
 * One at a time. */
#pragma once

#include "analytics/keeping/statements.h"
#include "postgres/connection.h"
#include "store/histories.h"

typedef struct KeepBatch KeepBatch;

typedef enum KeepKind {
    KEEP_EVENTS, /* of docket.events */
    KEEP_FOUND,  /* without figures, or with figures behind the ledger */
    KEEP_REVISED /* told by documents that were not the newest any more */
} KeepKind;

typedef struct KeepBatchParts {
    Loop *loop;
    Connection *postgres;
    Histories *histories;
    Tenants *tenants;
    Shares *shares;
    /* So far docket.events has been taken of that partition; 0: not. */
    int64_t (*next_offset)(void *arg, int32_t partition);
    /* What has just been committed: stories whose fate is STORY_TOLD, of these partitions alone,
     * whose last change is `change` now. */
    void (*kept)(void *arg, const KeptPartition *partitions, size_t partitions_n,
                 const Story *const *stories, size_t n);
    void *arg;
} KeepBatchParts;

KeepBatch *keep_batch_new(const KeepBatchParts *parts);
KeepBatch *keep_batch_free(KeepBatch *b); /* what is under way is forgotten */

/* Empties it for the next; not while it runs. */
void keep_batch_clear(KeepBatch *b);
Arena *keep_batch_arena(KeepBatch *b); /* until keep_batch_clear() */
/* The story of that ticket, made if there is none yet. */
Story *keep_batch_story(KeepBatch *b, int64_t tenant_id, int64_t ticket_id, int32_t partition);
size_t keep_batch_size(const KeepBatch *b);

/* done(arg) once all of it is kept, or never will be because it is somebody else's now; never
 * inside this call. */
void keep_batch_run(KeepBatch *b, KeepKind kind, LoopCallback done, void *arg);
bool keep_batch_running(const KeepBatch *b);
/* Nothing of it is under way: it waits for a server to come back, and may as well be forgotten. */
bool keep_batch_waiting(const KeepBatch *b);
/* PostgreSQL is there again: no need to wait for the next try. */
void keep_batch_wake(KeepBatch *b);
