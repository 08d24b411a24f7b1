/* Whose turn it is in keeping: one thing at a time. */
#pragma once

#include "analytics/keeping/batch.h"
#include "analytics/keeping/keeping.h"
#include "following/follower.h"
#include "metrics/metrics.h"

typedef enum KeepWork { KEEP_NONE, KEEP_CLAIM, KEEP_BATCH, KEEP_CHORE } KeepWork;

/* A look through all tickets for those that lack figures. */
typedef struct KeepLook {
    bool wanted, running;
    int64_t tenant_id, ticket_id; /* the last one looked at */
    int64_t passed, estimated, found;
    int64_t told; /* per mille of it that analytics.partitions says */
} KeepLook;

struct Keeper {
    Analytics *analytics;
    Loop *loop;
    Connection *postgres;
    Histories *histories;
    Follower *follower;
    Tenants *tenants;
    KeepBatch *batch;
    KeepWork work; /* what has the turn; KEEP_NONE: nobody */
    bool chores_first, stopped;
    LoopTimer *retry;
    int64_t retry_ms;
    Params params[2];
    /* Chores. */
    bool since_due, partitions_due, sweep_due;
    int64_t chore_not_before_ms, swept_ms, looked_ms, rejoined_ms;
    KeepLook look;
    double filled; /* of all partitions */
    Metric *filled_share, *found, *rechecked;
};

void keeping_pump(Keeper *k);
/* The work is over: whoever is next. */
void keeping_turn_over(Keeper *k);
/* Nothing is begun for a while; longer each time, until something went well. */
void keeping_try_later(Keeper *k, const char *problem);

/* chores.c: true when something has begun (k->work is set, keeping_turn_over() comes). */
bool keeping_chores_begin(Keeper *k);
void keeping_chores_tick(Keeper *k);
