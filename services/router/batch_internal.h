/* Batch -- one batch on its way through the pipeline, and what its stages share. */
#pragma once

#include "router/decision.h"
#include "router/pipeline.h"
#include "store/ids.h"

enum { BATCHES = 2, STRANGERS_MAX = 256, RANGES_MAX = 64 };

typedef enum BatchStage {
    BATCH_FREE,
    BATCH_DECIDING, /* decoded; waits for documents of a tenant never seen */
    BATCH_RESERVING,
    BATCH_READY, /* waits for the store */
    BATCH_STORING,
    BATCH_FOLLOWING, /* committed: Redis is told, events are published */
    BATCH_DONE,      /* waits for the batch before it */
    BATCH_STAGES
} BatchStage;

typedef struct BatchTenant { /* one revision for the whole batch (correctness.md 14) */
    int64_t tenant_id;
    const Catalog *catalog;
} BatchTenant;

typedef struct Range {
    size_t first, n;
} Range;

typedef struct Batch {
    Pipeline *pipeline;
    BatchStage stage;
    uint64_t number;
    Arena *arena;

    LaneMessage *messages;
    size_t messages_n;

    Decision
        *decisions; /* of the messages, then of those renumbered: room for twice the messages */
    size_t decisions_n;
    NewTicket *tickets; /* dense: what goes to the store */
    size_t *owners;     /* ticket -> its decision */
    size_t tickets_n;

    BatchTenant *tenants;
    size_t tenants_n;
    Reservation **asking;
    size_t asking_n;

    size_t pending; /* answers that the stage waits for */
    int64_t stage_since_us, reserved_ms;
    int64_t oldest_accepted_ms;

    Range ranges[RANGES_MAX]; /* still to be stored; the last one is next */
    size_t ranges_n;
    int tries;
    int lates;             /* how often PostgreSQL was too slow for what Redis reserved */
    size_t conflicts_seen; /* tickets looked at for conflicts */
    Publication *publication;
    LoopTimer *timer;
} Batch;

struct Pipeline {
    PipelineParts parts;
    Batch batch[BATCHES];
    uint64_t next_number, next_done;
    LoopTimer *wait; /* lets a batch fill */
    bool stopped, revoking, storing;
    Ids *ids; /* for conflicts only, made when the first one is met */
    struct {
        int64_t tenant_id, since_ms;
    } strangers[STRANGERS_MAX]; /* tenants without documents, and since when; the oldest makes room
                                 */
    size_t strangers_n;
};

/* Stages, in order; each ends by calling the next one. */
void batch_decide(Batch *b);  /* decode, classify */
void batch_reserve(Batch *b); /* ask Redis */
void batch_store(Batch *b);   /* when it is this batch's turn */
void batch_follow(Batch *b);  /* settle, publish */
void batch_finish(Batch *b);  /* offsets */

void batch_enter(Batch *b, BatchStage stage);
void batch_dead(Batch *b, size_t decision, const char *reason);

typedef struct PipelineMetrics {
    Metric *batch_size, *step[BATCH_STAGES], *latency, *oldest_age;
    Metric *received[LANES], *stored, *replayed, *aliased, *conflicts, *dead;
    Metric *assigned, *queued, *retries, *late;
} PipelineMetrics;

const PipelineMetrics *pipeline_metrics(void);
