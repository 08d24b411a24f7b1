/* The chores, each a chain of callbacks of its own; upkeep.c says when. */
#pragma once

#include "router/upkeep.h"

enum { UPKEEP_TENANTS_MAX = 4096 };

typedef struct Chore {
    void (*begin)(Upkeep *u);
    int64_t every_ms, due_ms;
    bool running;
} Chore;

typedef enum ChoreName {
    CHORE_EXPIRED,
    CHORE_UNSETTLED,
    CHORE_OUTBOX,
    CHORE_FALLBACK,
    CHORE_RECONCILE,
    CHORE_OVERVIEW,
    CHORE_SWEEP,
    CHORE_PULSE,
    CHORES
} ChoreName;

struct Upkeep {
    UpkeepParts parts;
    LoopTimer *tick;
    Chore chores[CHORES];
    bool stopped;
    int64_t documented[UPKEEP_TENANTS_MAX]; /* tenants whose first documents we have seen */
    size_t documented_n;
    void *expired, *outbox, *fallback, *reconcile, *overview; /* each chore's own, or NULL */
};

/* The chore has come to its end; `again_ms` >= 0: sooner than usual. */
void chore_end(Upkeep *u, ChoreName name, int64_t again_ms);
/* Copies; at most UPKEEP_TENANTS_MAX. */
size_t upkeep_tenants(const Upkeep *u, int64_t *ret);

void expired_begin(Upkeep *u);
void expired_free(Upkeep *u);
void unsettled_begin(Upkeep *u);
void outbox_begin(Upkeep *u);
void outbox_free(Upkeep *u);
void fallback_begin(Upkeep *u);
void fallback_free(Upkeep *u);
void reconcile_begin(Upkeep *u);
void reconcile_soon(Upkeep *u, int64_t tenant_id); /* all of it, as soon as may be */
void reconcile_free(Upkeep *u);
void overview_begin(Upkeep *u);
void overview_free(Upkeep *u);
void sweep_begin(Upkeep *u);
void pulse_begin(Upkeep *u);
