/* One tenant's rebuild, in this order:
 *
 *   begin    the epoch key becomes ours ("wipe:<run_id>:<nonce>"); nobody reads or writes the
 * tenant any more wipe     what an older life of this Redis left the epoch becomes "fill:...": from
 * here on every router tells Redis the rows that it commits. A row committed before that is read
 * below, one committed later is told: none falls between. wait     a decision made before `begin`
 * may still be on its way to PostgreSQL; routers store no decision older than 2 s without asking
 * again (batch.c), so after 3 s each of them is a row, or void read     agents, then every open
 * ticket, page by page, through the script that everybody settles with finish   the epoch becomes
 * the run_id; agents once more, so that whoever has room takes what waits
 *
 * The lock is the epoch key itself with a lease beside it: a rebuilder that dies is replaced after
 * 10 s, one that was frozen finds another nonce there and is refused by every script. */
#include "router/rebuild.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cause.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    TENANTS_MAX = 4096,
    PAGE = 500,
    SETTLE_WAIT_MS = 3000,
    BUSY_LOOK_MS = 300,
    TROUBLE_PAUSE_MS = 500,
    KEEP_MS = 2000
};

typedef struct Wanted {
    int64_t tenant_id;
    bool force;
} Wanted;

struct Rebuild {
    RebuildParts parts;
    Wanted wanted[TENANTS_MAX];
    size_t wanted_n;

    bool running, has_turn;
    int64_t tenant_id; /* the one under way */
    bool force;
    char nonce[37], fence[128];
    RebuildVerdict verdict;
    uint64_t cursor;
    int64_t began_ms, tickets;
    int64_t after_id;
    TicketPlace page[PAGE];
    size_t page_n;
    bool waited;
    Arena *arena;
    LoopTimer *timer;
    LoopCallback then; /* of the timer */
    Metric *rebuilds, *seconds, *cold;
};

static void next(void *arg);
static void read_page(void *arg);

static void later(Rebuild *r, int64_t ms, LoopCallback then) {
    r->then = then;
    loop_timer_arm(r->timer, ms);
}

static void on_timer(void *arg) {
    Rebuild *r = arg;
    r->then(r);
}

static void give_turn(Rebuild *r) {
    if (!r->has_turn) return;
    r->has_turn = false;
    turn_give(r->parts.turn);
}

/* This tenant is over, one way or the other. */
static void leave(Rebuild *r, bool again, int64_t pause_ms) {
    give_turn(r);
    arena_reset(r->arena);
    Wanted w = {r->tenant_id, r->force};
    r->running = false;
    r->tenant_id = 0;
    if (again) rebuild_request(r, w.tenant_id, w.force);
    if (r->wanted_n) later(r, pause_ms, next);
}

static void trouble(Rebuild *r, const char *what) {
    log_warn(ABOUT(r->tenant_id, 0), "the rebuild of Redis is interrupted: %s", what);
    leave(r, true, TROUBLE_PAUSE_MS);
}

/* ---- Finish ---- */

static void on_agents_again(void *arg, RosterOutcome outcome) {
    (void)outcome; /* the reconciler sends them again */
    Rebuild *r = arg;
    leave(r, false, 0);
}

static void set_agents(Rebuild *r, const char *fence, RosterDone done) {
    size_t n = 0;
    const AgentDuty *duties = configuration_duties(r->parts.configuration, r->tenant_id, &n);
    roster_agents_set(r->parts.roster, r->tenant_id,
                      configuration_catalog(r->parts.configuration, r->tenant_id), duties, n, fence,
                      clock_wall_ms(), done, r);
}

static void on_finished(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE || r->verdict != REBUILD_OK) {
        trouble(r, "Redis went away, or another router took over");
        return;
    }
    int64_t took = clock_monotonic_ms() - r->began_ms;
    log_info(ABOUT(r->tenant_id, 0), "Redis is warm again: %lld open tickets in %lld ms",
             (long long)r->tickets, (long long)took);
    metric_add(r->rebuilds, 1);
    metric_observe(r->seconds, (double)took / 1000);
    r->parts.warm(r->parts.arg, r->tenant_id);
    set_agents(r, NULL, on_agents_again);
}

/* ---- Read ---- */

static void on_page_kept(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE || r->verdict != REBUILD_OK)
        trouble(r, "Redis went away, or another router took over");
    else
        read_page(r);
}

static void on_page_settled(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE) {
        trouble(r, outcome == ROSTER_COLD ? "another router took over" : "Redis went away");
        return;
    }
    r->tickets += (int64_t)r->page_n;
    r->after_id = r->page[r->page_n - 1].ticket_id;
    arena_reset(r->arena);
    roster_rebuild(r->parts.roster, r->tenant_id, REBUILD_KEEP, r->nonce, NULL, &r->verdict,
                   on_page_kept, r);
}

static void on_page(void *arg, StoreOutcome outcome, const char *problem) {
    Rebuild *r = arg;
    if (outcome != STORE_DONE) {
        trouble(r, problem ? problem : "PostgreSQL is away");
        return;
    }
    if (r->page_n == 0) {
        give_turn(r);
        roster_rebuild(r->parts.roster, r->tenant_id, REBUILD_FINISH, r->nonce, NULL, &r->verdict,
                       on_finished, r);
        return;
    }
    /* Only a tenant that has open tickets can have decisions on their way. */
    if (!r->waited) {
        r->waited = true;
        int64_t left = SETTLE_WAIT_MS - (clock_monotonic_ms() - r->began_ms);
        if (left > 0) {
            later(r, left, read_page);
            return;
        }
    }
    int64_t aging = settler_aging_ms(r->parts.settler, r->tenant_id);
    Settlement *items = arena_alloc(r->arena, r->page_n * sizeof(*items));
    for (size_t i = 0; i < r->page_n; i++)
        items[i] = settlement_of(r->arena, &r->page[i], aging);
    roster_settle(r->parts.roster, r->tenant_id, items, r->page_n, 0, r->fence, clock_wall_ms(),
                  on_page_settled, r);
}

static void read_page(void *arg) {
    Rebuild *r = arg;
    store_open_tickets(turn_store(r->parts.turn), r->tenant_id, r->after_id, r->page, PAGE,
                       &r->page_n, r->arena, on_page, r);
}

static void on_turn(void *arg) {
    Rebuild *r = arg;
    r->has_turn = true;
    read_page(r);
}

static void on_agents(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE)
        trouble(r, "Redis went away, or another router took over");
    else
        turn_take(r->parts.turn, on_turn, r);
}

/* ---- Begin and wipe ---- */

static void on_wiped(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE || r->verdict != REBUILD_OK) {
        trouble(r, "Redis went away, or another router took over");
        return;
    }
    if (r->cursor) {
        roster_rebuild(r->parts.roster, r->tenant_id, REBUILD_WIPE, r->nonce, &r->cursor,
                       &r->verdict, on_wiped, r);
        return;
    }
    roster_fence(r->parts.roster, r->tenant_id, r->nonce, r->fence);
    set_agents(r, r->fence, on_agents);
}

static void on_begun(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE) {
        leave(r, true, TROUBLE_PAUSE_MS);
        return;
    }
    switch (r->verdict) {
    case REBUILD_OK:
        log_info(ABOUT(r->tenant_id, 0), "Redis is cold: assignment pauses until it is rebuilt");
        settler_forget(r->parts.settler, r->tenant_id);
        r->cursor = 0;
        roster_rebuild(r->parts.roster, r->tenant_id, REBUILD_WIPE, r->nonce, &r->cursor,
                       &r->verdict, on_wiped, r);
        return;
    case REBUILD_WARM:
        r->parts.warm(r->parts.arg, r->tenant_id);
        leave(r, false, 0);
        return;
    case REBUILD_BUSY:
    case REBUILD_LOST:
        leave(r, true, BUSY_LOOK_MS); /* until it is warm, or its rebuilder's lease ends */
        return;
    }
}

static void next(void *arg) {
    Rebuild *r = arg;
    if (r->running || r->wanted_n == 0) return;
    if (!roster_connected(r->parts.roster) || !configuration_ready(r->parts.configuration)) {
        later(r, TROUBLE_PAUSE_MS, next);
        return;
    }
    Wanted w = r->wanted[0];
    memmove(r->wanted, r->wanted + 1, --r->wanted_n * sizeof(*r->wanted));
    metric_set(r->cold, (double)r->wanted_n + 1);
    r->running = true;
    r->tenant_id = w.tenant_id;
    r->force = w.force;
    r->waited = false;
    r->after_id = r->tickets = 0;
    r->began_ms = clock_monotonic_ms();
    roster_rebuild(r->parts.roster, r->tenant_id, w.force ? REBUILD_FORCE : REBUILD_BEGIN, r->nonce,
                   NULL, &r->verdict, on_begun, r);
}

/* ---- Life ---- */

bool rebuild_waiting(const Rebuild *r, int64_t tenant_id) {
    if (r->running && r->tenant_id == tenant_id) return true;
    for (size_t i = 0; i < r->wanted_n; i++)
        if (r->wanted[i].tenant_id == tenant_id) return true;
    return false;
}

void rebuild_request(Rebuild *r, int64_t tenant_id, bool force) {
    for (size_t i = 0; i < r->wanted_n; i++)
        if (r->wanted[i].tenant_id == tenant_id) {
            r->wanted[i].force |= force;
            return;
        }
    if (r->running && r->tenant_id == tenant_id && !force) return;
    if (r->wanted_n == TENANTS_MAX) return; /* asked again with its next ticket */
    r->wanted[r->wanted_n++] = (Wanted){tenant_id, force};
    metric_set(r->cold, (double)r->wanted_n + r->running);
    if (!r->running && !loop_timer_armed(r->timer)) later(r, 0, next);
}

static void on_scrape(void *arg) {
    const Rebuild *r = arg;
    metric_set(r->cold, (double)r->wanted_n + r->running);
}

Rebuild *rebuild_new(const RebuildParts *parts) {
    Rebuild *r = xcalloc(1, sizeof(*r));
    r->parts = *parts;
    r->arena = arena_new(64 * 1024);
    cause_format(cause_new(), r->nonce);
    r->timer = loop_timer_new(parts->loop, on_timer, r);
    r->rebuilds = metric_counter("docket_router_rebuilds_total",
                                 "Tenants rebuilt in Redis by this router", NULL);
    r->seconds = metric_histogram("docket_router_rebuild_seconds", "Time to rebuild a tenant", NULL,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
    r->cold = metric_gauge("docket_router_cold_tenants",
                           "Tenants whose assignment pauses until Redis is rebuilt", NULL);
    metrics_on_scrape(on_scrape, r);
    return r;
}

Rebuild *rebuild_free(Rebuild *r) {
    if (!r) return NULL;
    metrics_off_scrape(on_scrape, r);
    loop_timer_free(r->timer);
    arena_free(r->arena);
    free(r);
    return NULL;
}
