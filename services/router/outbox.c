/* Outbox rows whose writer died before it published them (design.md rule 4), and what has outlived
 * its time. */
#include <stdlib.h>

#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/upkeep_internal.h"

enum { PAGE = 200, KEYS_PAGE = 5000 };

typedef struct Outbox {
    Upkeep *upkeep;
    Arena *arena;
    OutboxRow rows[PAGE];
    size_t n;
    Publication *publication;
    Metric *swept;
} Outbox;

static void outbox_end(Outbox *x, bool more) {
    turn_give(x->upkeep->parts.turn);
    publication_clear(x->publication);
    arena_reset(x->arena);
    chore_end(x->upkeep, CHORE_OUTBOX, more ? 0 : -1);
}

static void on_deleted(void *arg, StoreOutcome outcome, const char *problem) {
    (void)problem; /* published again later: consumers know (ticket, seq) */
    Outbox *x = arg;
    if (outcome == STORE_DONE) metric_add(x->swept, (double)x->n);
    outbox_end(x, outcome == STORE_DONE && x->n == PAGE);
}

static void on_published(void *arg) {
    Outbox *x = arg;
    CRASH_POINT("after-outbox-publish");
    store_outbox_delete(turn_store(x->upkeep->parts.turn), x->rows, x->n, on_deleted, x);
}

static void on_taken(void *arg, StoreOutcome outcome, const char *problem) {
    (void)problem;
    Outbox *x = arg;
    if (outcome != STORE_DONE || x->n == 0) {
        outbox_end(x, false);
        return;
    }
    for (size_t i = 0; i < x->n; i++)
        publication_add_outbox(x->publication, x->rows[i].topic, x->rows[i].key,
                               x->rows[i].message);
    publication_start(x->publication, on_published, x);
}

static void on_turn(void *arg) {
    Outbox *x = arg;
    x->n = 0;
    store_outbox_take(turn_store(x->upkeep->parts.turn), x->upkeep->parts.settings->outbox_age_ms,
                      x->rows, PAGE, &x->n, x->arena, on_taken, x);
}

void outbox_begin(Upkeep *u) {
    Outbox *x = u->outbox;
    if (!x) {
        x = u->outbox = xcalloc(1, sizeof(*x));
        x->upkeep = u;
        x->arena = arena_new(64 * 1024);
        x->publication = publication_new(u->parts.publisher);
        x->swept = metric_counter("docket_router_outbox_swept_total",
                                  "Outbox rows published for a writer that did not", NULL);
    }
    turn_take(u->parts.turn, on_turn, x);
}

void outbox_free(Upkeep *u) {
    Outbox *x = u->outbox;
    if (!x) return;
    publication_free(x->publication);
    arena_free(x->arena);
    free(x);
}

/* ---- Keys past their 24 hours, partitions ahead ---- */

static void on_swept(void *arg, StoreOutcome outcome, const char *problem) {
    Upkeep *u = arg;
    if (outcome != STORE_DONE)
        log_warn(NULL, "sweeping old keys: %s", problem ? problem : "PostgreSQL is away");
    turn_give(u->parts.turn);
    chore_end(u, CHORE_SWEEP, -1);
}

static void on_sweep_turn(void *arg) {
    Upkeep *u = arg;
    store_sweep(turn_store(u->parts.turn), KEYS_PAGE, on_swept, u);
}

void sweep_begin(Upkeep *u) {
    turn_take(u->parts.turn, on_sweep_turn, u);
}
