/* Gathering -- what a free Store does next, and what becomes of a batch after its answer. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum {
    GATHERING_DELETES = 500,      /* outbox rows of one statement */
    GATHERING_PATIENCE_MS = 3000, /* from the first try to CHANGES_AWAY */
    GATHERING_QUEUED_MS = 5000,   /* whoever waits longer is not tried any more */
};

typedef struct GatheringLoad {
    size_t waiting;  /* edits */
    size_t deletes;  /* outbox rows published and to be deleted */
    bool delete_due; /* the first of them has waited long enough for company */
    bool sweep_due;
    bool producer_healthy;
} GatheringLoad;

typedef enum GatheringStep {
    GATHERING_NOTHING,
    GATHERING_STORE,
    GATHERING_DELETE,
    GATHERING_SWEEP
} GatheringStep;

/* People first; but rows that were published must not pile up until the sweep takes them for
 * leavings, and the sweep not wait for a quiet moment for ever. */
GatheringStep gathering_next(const GatheringLoad *l);

typedef enum GatheringVerdict {
    GATHERING_ANSWER,     /* each edit has its fate */
    GATHERING_ONE_BY_ONE, /* something in it can never be stored: which? */
    GATHERING_REFUSE,     /* this one */
    GATHERING_AGAIN,      /* the same batch, after a pause: replays find their own footprints */
    GATHERING_GIVE_UP
} GatheringVerdict;

GatheringVerdict gathering_after(StoreOutcome outcome, size_t n, int64_t tried_ms);
