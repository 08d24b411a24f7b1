/* One tenant's rebuild, in this order:
 *
 *   begin    the epoch key becomes ours ("wipe:<run_id>:<nonce>"); nobody reads or writes the
 *            tenant any more
 *   wipe     what an older life of this Redis left
 *            the epoch becomes "fill:...": from here on every router tells Redis the rows that it
 *            commits. A row committed before that is read below, one committed later is told: none
 *            falls between.
 *   agents   as documents and duties say
 *   wait     a decision made before `begin` may still be on its way to PostgreSQL, which takes none
 *            that is older than 2.5 s (RESERVATION_USE_MS), so after 3 s each of them is a row, or
 *            void
 *   read     every open ticket, page by page, through the script that everybody settles with
 *   finish   the epoch becomes the run_id; agents once more, so that whoever has room takes what
 *            waits
 *
 * One tenant is worked on at a time, but they wait side by side: a Redis that comes back empty is
 * cold for all of them, and the last one is warm a few seconds later, not three seconds later each.
 *
 * The lock is the epoch key itself with a lease beside it, which those that wait keep up: a
 * rebuilder that dies is replaced after 10 s, one that was frozen finds another nonce there and is
 * refused by every script. */
#include "router/rebuild.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cause.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    TENANTS_MAX = 4096,
    BEGUN_MAX = 512, /* their leases are kept up, a script each */
    PAGE = 500,
    SETTLE_WAIT_MS = RESERVATION_USE_MS + 500,
    BUSY_LOOK_MS = 500,
    TROUBLE_PAUSE_MS = 500,
    KEEP_MS = 3000
};

typedef struct Wanted { /* of the monotonic clock, all of them */
    int64_t tenant_id;
    bool force;
    int64_t not_before_ms; /* in vain so far: come again */
    int64_t began_ms;      /* when it was ours */
    int64_t kept_ms;       /* its lease */
} Wanted;

struct Rebuild {
    RebuildParts parts;
    Wanted wanted[TENANTS_MAX]; /* in order of asking */
    size_t wanted_n;
    Wanted
        begun[BEGUN_MAX]; /* filled but for its tickets; waits to be read. In order of began_ms */
    size_t begun_n;
    int64_t met[TENANTS_MAX]; /* that had a life in Redis before, as far as we know; sorted */
    size_t met_n;

    bool opened, running, has_turn;
    Wanted now; /* the one under way */
    char nonce[37], fence[128];
    RebuildVerdict verdict,
        kept; /* kept: what is not ours any more is noticed by its next script */
    uint64_t cursor;
    int64_t tickets, after_id;
    TicketPlace page[PAGE];
    size_t page_n;
    Arena *arena;
    LoopTimer *timer;
    Metric *rebuilds, *seconds, *cold;
};

static void next(void *arg);
static void read_page(void *arg);

static void look_again(Rebuild *r, int64_t ms) {
    if (!r->running) loop_timer_arm(r->timer, ms > 0 ? ms : 0);
}

static void give_turn(Rebuild *r) {
    if (!r->has_turn) return;
    r->has_turn = false;
    turn_give(r->parts.turn);
}

/* ---- Who had a life in Redis before ---- */

static size_t met_at(const Rebuild *r, int64_t tenant_id) {
    size_t low = 0, high = r->met_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->met[middle] < tenant_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_met(const Rebuild *r, int64_t tenant_id) {
    size_t at = met_at(r, tenant_id);
    return at < r->met_n ? r->met[at] == tenant_id : r->met_n == TENANTS_MAX;
}

static void meet(Rebuild *r, int64_t tenant_id) {
    size_t at = met_at(r, tenant_id);
    if (has_met(r, tenant_id) || r->met_n == TENANTS_MAX) return;
    memmove(r->met + at + 1, r->met + at, (r->met_n++ - at) * sizeof(*r->met));
    r->met[at] = tenant_id;
}

void rebuild_meet_everybody(Rebuild *r) {
    int64_t *tenants = xmalloc(TENANTS_MAX * sizeof(*tenants));
    size_t n = configuration_tenants(r->parts.configuration, tenants, TENANTS_MAX);
    for (size_t i = 0; i < n; i++)
        meet(r, tenants[i]);
    free(tenants);
}

/* ---- From one tenant to the next ---- */

/* The one under way is left, whatever became of it. */
static void leave(Rebuild *r) {
    give_turn(r);
    arena_reset(r->arena);
    r->running = false;
    r->now = (Wanted){0};
    look_again(r, 0);
}

static void leave_for(Rebuild *r, int64_t pause_ms) {
    Wanted w = r->now;
    r->now = (Wanted){0}; /* or it would not be asked for again */
    rebuild_request(r, w.tenant_id, w.force);
    for (size_t i = 0; i < r->wanted_n; i++)
        if (r->wanted[i].tenant_id == w.tenant_id)
            r->wanted[i].not_before_ms = clock_monotonic_ms() + pause_ms;
    leave(r);
}

static void trouble(Rebuild *r, const char *what) {
    log_warn(ABOUT(r->now.tenant_id, 0), "the rebuild of Redis is interrupted: %s", what);
    leave_for(r, TROUBLE_PAUSE_MS);
}

static void is_warm(Rebuild *r) {
    meet(r, r->now.tenant_id);
    r->parts.warm(r->parts.arg, r->now.tenant_id);
}

static void keep_leases(Rebuild *r, int64_t now) {
    for (size_t i = 0; i < r->begun_n; i++) {
        if (now - r->begun[i].kept_ms < KEEP_MS) continue;
        r->begun[i].kept_ms = now;
        roster_rebuild(r->parts.roster, r->begun[i].tenant_id, REBUILD_KEEP, r->nonce, NULL,
                       &r->kept, NULL, NULL);
    }
}

/* ---- Finish ---- */

static void on_agents_again(void *arg, RosterOutcome outcome) {
    (void)outcome; /* the reconciler sends them again */
    leave(arg);
}

static void set_agents(Rebuild *r, const char *fence, RosterDone done) {
    size_t n = 0;
    int64_t tenant = r->now.tenant_id;
    const AgentDuty *duties = configuration_duties(r->parts.configuration, tenant, &n);
    roster_agents_set(r->parts.roster, tenant,
                      configuration_catalog(r->parts.configuration, tenant), duties, n, fence,
                      clock_wall_ms(), done, r);
}

static void on_finished(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE || r->verdict != REBUILD_OK) {
        trouble(r, "Redis went away, or another router took over");
        return;
    }
    int64_t took = clock_monotonic_ms() - r->now.began_ms;
    log_info(ABOUT(r->now.tenant_id, 0), "Redis is warm again: %lld open tickets in %lld ms",
             (long long)r->tickets, (long long)took);
    metric_add(r->rebuilds, 1);
    metric_observe(r->seconds, (double)took / 1000);
    is_warm(r);
    set_agents(r, NULL, on_agents_again);
}

/* ---- Read ---- */

static void on_page_kept(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE || r->verdict != REBUILD_OK) {
        trouble(r, "Redis went away, or another router took over");
        return;
    }
    keep_leases(r, clock_monotonic_ms());
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
    roster_rebuild(r->parts.roster, r->now.tenant_id, REBUILD_KEEP, r->nonce, NULL, &r->verdict,
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
        roster_rebuild(r->parts.roster, r->now.tenant_id, REBUILD_FINISH, r->nonce, NULL,
                       &r->verdict, on_finished, r);
        return;
    }
    int64_t aging = settler_aging_ms(r->parts.settler, r->now.tenant_id);
    Settlement *items = arena_alloc(r->arena, r->page_n * sizeof(*items));
    for (size_t i = 0; i < r->page_n; i++)
        items[i] = settlement_of(r->arena, &r->page[i], aging);
    roster_settle(r->parts.roster, r->now.tenant_id, items, r->page_n, 0, r->fence, clock_wall_ms(),
                  on_page_settled, r);
}

static void read_page(void *arg) {
    Rebuild *r = arg;
    store_open_tickets(turn_store(r->parts.turn), r->now.tenant_id, r->after_id, r->page, PAGE,
                       &r->page_n, r->arena, on_page, r);
}

static void on_turn(void *arg) {
    Rebuild *r = arg;
    r->has_turn = true;
    read_page(r);
}

static void read_begin(Rebuild *r) {
    r->after_id = r->tickets = 0;
    roster_fence(r->parts.roster, r->now.tenant_id, r->nonce, r->fence);
    turn_take(r->parts.turn, on_turn, r);
}

static void on_agents(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE) {
        trouble(r, "Redis went away, or another router took over");
    } else if (!has_met(r, r->now.tenant_id)) {
        read_begin(r); /* nobody can have decided anything for a tenant that is new */
    } else {
        r->begun[r->begun_n++] = r->now;
        leave(r);
    }
}

/* ---- Begin and wipe ---- */

static void on_wiped(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE || r->verdict != REBUILD_OK) {
        trouble(r, "Redis went away, or another router took over");
        return;
    }
    if (r->cursor) {
        roster_rebuild(r->parts.roster, r->now.tenant_id, REBUILD_WIPE, r->nonce, &r->cursor,
                       &r->verdict, on_wiped, r);
        return;
    }
    roster_fence(r->parts.roster, r->now.tenant_id, r->nonce, r->fence);
    set_agents(r, r->fence, on_agents);
}

static void on_begun(void *arg, RosterOutcome outcome) {
    Rebuild *r = arg;
    if (outcome != ROSTER_DONE) {
        leave_for(r, TROUBLE_PAUSE_MS);
        return;
    }
    switch (r->verdict) {
    case REBUILD_OK:
        log_info(ABOUT(r->now.tenant_id, 0),
                 "Redis is cold: assignment pauses until it is rebuilt");
        settler_forget(r->parts.settler, r->now.tenant_id);
        r->now.began_ms = r->now.kept_ms = clock_monotonic_ms();
        r->cursor = 0;
        roster_rebuild(r->parts.roster, r->now.tenant_id, REBUILD_WIPE, r->nonce, &r->cursor,
                       &r->verdict, on_wiped, r);
        return;
    case REBUILD_WARM:
        is_warm(r);
        leave(r);
        return;
    case REBUILD_BUSY:
    case REBUILD_LOST:
        meet(r, r->now.tenant_id);
        leave_for(r, BUSY_LOOK_MS); /* until it is warm, or its rebuilder's lease ends */
        return;
    }
}

static void begin(Rebuild *r, size_t at) {
    r->now = r->wanted[at];
    memmove(r->wanted + at, r->wanted + at + 1, (--r->wanted_n - at) * sizeof(*r->wanted));
    r->running = true;
    roster_rebuild(r->parts.roster, r->now.tenant_id, r->now.force ? REBUILD_FORCE : REBUILD_BEGIN,
                   r->nonce, NULL, &r->verdict, on_begun, r);
}

static void go_on(Rebuild *r) {
    r->now = r->begun[0];
    memmove(r->begun, r->begun + 1, --r->begun_n * sizeof(*r->begun));
    r->running = true;
    read_begin(r);
}

/* Those that have waited go before those to begin with. */
static void next(void *arg) {
    Rebuild *r = arg;
    if (r->running) return;
    if (!r->opened && configuration_ready(r->parts.configuration)) {
        r->opened = true;
        rebuild_meet_everybody(r); /* whom this router found when it started */
    }
    if (r->opened && r->wanted_n + r->begun_n == 0) return;
    if (!roster_connected(r->parts.roster) || !configuration_ready(r->parts.configuration)) {
        look_again(r, TROUBLE_PAUSE_MS);
        return;
    }
    int64_t now = clock_monotonic_ms(), due = INT64_MAX;
    keep_leases(r, now);
    if (r->begun_n) due = r->begun[0].began_ms + SETTLE_WAIT_MS;
    if (due <= now) {
        go_on(r);
        return;
    }
    for (size_t i = 0; i < r->wanted_n && r->begun_n < BEGUN_MAX; i++) {
        if (r->wanted[i].not_before_ms <= now) {
            begin(r, i);
            return;
        }
        if (r->wanted[i].not_before_ms < due) due = r->wanted[i].not_before_ms;
    }
    look_again(r, due - now);
}

/* ---- Life ---- */

static Wanted *find(Wanted *list, size_t n, int64_t tenant_id) {
    for (size_t i = 0; i < n; i++)
        if (list[i].tenant_id == tenant_id) return &list[i];
    return NULL;
}

bool rebuild_waiting(const Rebuild *r, int64_t tenant_id) {
    Rebuild *x = (Rebuild *)(uintptr_t)r; /* find() serves both */
    return r->now.tenant_id == tenant_id || find(x->wanted, r->wanted_n, tenant_id) ||
           find(x->begun, r->begun_n, tenant_id);
}

void rebuild_request(Rebuild *r, int64_t tenant_id, bool force) {
    Wanted *asked = find(r->wanted, r->wanted_n, tenant_id);
    if (asked) {
        asked->force |= force;
        return;
    }
    if (find(r->begun, r->begun_n, tenant_id)) return; /* its rows are read later than this */
    if (r->now.tenant_id == tenant_id && !force) return;
    if (r->wanted_n == TENANTS_MAX) return; /* asked again with its next ticket */
    r->wanted[r->wanted_n++] = (Wanted){.tenant_id = tenant_id, .force = force};
    look_again(r, 0);
}

static void on_scrape(void *arg) {
    const Rebuild *r = arg;
    metric_set(r->cold, (double)(r->wanted_n + r->begun_n + r->running));
}

Rebuild *rebuild_new(const RebuildParts *parts) {
    Rebuild *r = xcalloc(1, sizeof(*r));
    r->parts = *parts;
    r->arena = arena_new(64 * 1024);
    cause_format(cause_new(), r->nonce);
    r->timer = loop_timer_new(parts->loop, next, r);
    r->rebuilds = metric_counter("docket_router_rebuilds_total",
                                 "Tenants rebuilt in Redis by this router", NULL);
    r->seconds = metric_histogram("docket_router_rebuild_seconds", "Time to rebuild a tenant", NULL,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
    r->cold = metric_gauge("docket_router_cold_tenants",
                           "Tenants whose assignment pauses until Redis is rebuilt", NULL);
    metrics_on_scrape(on_scrape, r);
    look_again(r, 0);
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
