/* A slow walk through both stores, one tenant a turn: what PostgreSQL has open is told to Redis,
 * what Redis holds is looked up in PostgreSQL, and agents are set once more. Finds what nobody
 * reported; the rest of the router does not rely on it. */
#include <stdlib.h>

#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/presence.h"
#include "router/upkeep_internal.h"

enum { PAGE = 300, REDIS_PAGES = 4 };

typedef struct Walk { /* how far we are in one tenant */
    int64_t tenant_id;
    int64_t after_id;
    size_t container;
    uint64_t cursor;
    bool hurry; /* one whole pass without pauses */
} Walk;

typedef struct Reconcile {
    Upkeep *upkeep;
    Walk *walks;
    size_t walks_n, at;
    Arena *arena;
    TicketPlace page[PAGE];
    size_t page_n;
    Str *containers;
    size_t containers_n;
    int64_t tickets[ROSTER_AUDIT_MAX];
    size_t tickets_n;
    int pages_left;
    Metric *compared;
    int64_t soon[64]; /* tenants to hurry for; when full, the slow walk finds them */
    size_t soon_n;
} Reconcile;

static Walk *walk_of(Reconcile *x) {
    return &x->walks[x->at];
}

static void end(Reconcile *x) {
    arena_reset(x->arena);
    bool hurry = x->soon_n > 0;
    for (size_t i = 0; i < x->walks_n; i++)
        hurry = hurry || x->walks[i].hurry;
    x->at++;
    chore_end(x->upkeep, CHORE_RECONCILE, hurry ? 0 : -1);
}

static void next_redis_page(void *arg);

static void on_places(void *arg, StoreOutcome outcome, const char *problem) {
    Reconcile *x = arg;
    (void)problem;
    turn_give(x->upkeep->parts.turn);
    if (outcome != STORE_DONE) {
        end(x);
        return;
    }
    const TicketPlace *told[ROSTER_AUDIT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < x->tickets_n; i++)
        if (x->page[i].version) told[n++] = &x->page[i];
    metric_add(x->compared, (double)x->tickets_n);
    settler_settle(x->upkeep->parts.settler, told, n, 0, next_redis_page, x);
}

static void on_places_turn(void *arg) {
    Reconcile *x = arg;
    for (size_t i = 0; i < x->tickets_n; i++)
        x->page[i] = (TicketPlace){.tenant_id = walk_of(x)->tenant_id, .ticket_id = x->tickets[i]};
    store_places(turn_store(x->upkeep->parts.turn), x->page, x->tickets_n, x->arena, on_places, x);
}

static void on_audit(void *arg, RosterOutcome outcome) {
    Reconcile *x = arg;
    Walk *w = walk_of(x);
    if (outcome != ROSTER_DONE) {
        end(x);
        return;
    }
    if (w->cursor == 0) w->container++;
    if (x->tickets_n)
        turn_take(x->upkeep->parts.turn, on_places_turn, x);
    else
        next_redis_page(x);
}

static void next_redis_page(void *arg) {
    Reconcile *x = arg;
    Walk *w = walk_of(x);
    if (w->container >= x->containers_n) {
        w->container = 0;
        w->cursor = 0;
        end(x);
        return;
    }
    if (x->pages_left-- == 0) {
        end(x);
        return;
    }
    roster_audit(x->upkeep->parts.roster, w->tenant_id, x->containers[w->container], &w->cursor,
                 x->tickets, &x->tickets_n, clock_wall_ms(), on_audit, x);
}

static void on_containers(void *arg, RosterOutcome outcome) {
    Reconcile *x = arg;
    if (outcome != ROSTER_DONE) {
        end(x);
        return;
    }
    x->pages_left = REDIS_PAGES;
    next_redis_page(x);
}

static void on_page_settled(void *arg) {
    Reconcile *x = arg;
    roster_containers(x->upkeep->parts.roster, walk_of(x)->tenant_id, &x->containers,
                      &x->containers_n, x->arena, clock_wall_ms(), on_containers, x);
}

static void on_page(void *arg, StoreOutcome outcome, const char *problem) {
    Reconcile *x = arg;
    (void)problem;
    turn_give(x->upkeep->parts.turn);
    if (outcome != STORE_DONE) {
        end(x);
        return;
    }
    Walk *w = walk_of(x);
    const TicketPlace *told[PAGE];
    for (size_t i = 0; i < x->page_n; i++)
        told[i] = &x->page[i];
    w->after_id = x->page_n == PAGE ? x->page[PAGE - 1].ticket_id : 0;
    if (x->page_n < PAGE) w->hurry = false;
    metric_add(x->compared, (double)x->page_n);
    settler_settle(x->upkeep->parts.settler, told, x->page_n, 0, on_page_settled, x);
}

static void on_turn(void *arg) {
    Reconcile *x = arg;
    store_open_tickets(turn_store(x->upkeep->parts.turn), walk_of(x)->tenant_id,
                       walk_of(x)->after_id, x->page, PAGE, &x->page_n, x->arena, on_page, x);
}

/* The walks of tenants that are still there; new ones begin at the beginning. */
static void follow_tenants(Reconcile *x) {
    int64_t *tenants = xmalloc(UPKEEP_TENANTS_MAX * sizeof(*tenants));
    size_t n = upkeep_tenants(x->upkeep, tenants);
    Walk *walks = xcalloc(n + 1, sizeof(*walks));
    for (size_t i = 0; i < n; i++) {
        walks[i].tenant_id = tenants[i];
        for (size_t k = 0; k < x->walks_n; k++)
            if (x->walks[k].tenant_id == tenants[i]) walks[i] = x->walks[k];
    }
    free(tenants);
    free(x->walks);
    x->walks = walks;
    x->walks_n = n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < x->soon_n; k++)
            if (walks[i].tenant_id == x->soon[k]) {
                walks[i].hurry = true;
                walks[i].after_id = 0;
            }
    x->soon_n = 0;
    if (x->at >= n) x->at = 0;
    for (size_t i = 0; i < n; i++)
        if (walks[i].hurry) x->at = i;
}

static Reconcile *reconcile_of(Upkeep *u) {
    if (u->reconcile) return u->reconcile;
    Reconcile *x = u->reconcile = xcalloc(1, sizeof(*x));
    x->upkeep = u;
    x->arena = arena_new(64 * 1024);
    x->compared = metric_counter("docket_router_reconciled_tickets_total",
                                 "Tickets compared between PostgreSQL and Redis", NULL);
    return x;
}

void reconcile_soon(Upkeep *u, int64_t tenant_id) {
    Reconcile *x = reconcile_of(u);
    if (x->soon_n < sizeof(x->soon) / sizeof(x->soon[0])) x->soon[x->soon_n++] = tenant_id;
    u->chores[CHORE_RECONCILE].due_ms = 0;
}

void reconcile_begin(Upkeep *u) {
    Reconcile *x = reconcile_of(u);
    follow_tenants(x);
    if (x->walks_n == 0 || !roster_connected(u->parts.roster) ||
        rebuild_waiting(u->parts.rebuild, walk_of(x)->tenant_id)) {
        x->at++;
        chore_end(u, CHORE_RECONCILE, -1);
        return;
    }
    presence_sync(u->parts.roster, u->parts.configuration, walk_of(x)->tenant_id);
    turn_take(u->parts.turn, on_turn, x);
}

void reconcile_free(Upkeep *u) {
    Reconcile *x = u->reconcile;
    if (!x) return;
    arena_free(x->arena);
    free(x->walks);
    free(x);
}
