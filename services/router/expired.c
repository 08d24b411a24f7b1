/* Reservations, and places held, that nobody confirmed: PostgreSQL says what became of them
 * (correctness.md 18). And tickets whose settling Redis never confirmed. */
#include <stdlib.h>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "router/upkeep_internal.h"

enum {
    /* A new ticket's reservation whose row does not exist: its message is on its way to another
     * router, which will be given the same agent. Only when no replay can come any more (it became
     * a dead letter, or its topic is gone) is her place given back. */
    ABANDONED_MS = 120000,
    UNSETTLED_PAGE = 500
};

typedef struct Expired {
    Upkeep *upkeep;
    int64_t tenants[UPKEEP_TENANTS_MAX];
    size_t tenants_n, at;
    Unconfirmed unconfirmed[ROSTER_EXPIRED_MAX];
    size_t n;
    TicketPlace places[ROSTER_EXPIRED_MAX];
    TicketPlace gone[ROSTER_EXPIRED_MAX];
    Arena *arena;
    Metric *confirmed, *released;
} Expired;

static void next_tenant(Expired *x);

static void on_settled(void *arg) {
    next_tenant(arg);
}

static void on_places(void *arg, StoreOutcome outcome, const char *problem) {
    Expired *x = arg;
    (void)problem;
    turn_give(x->upkeep->parts.turn);
    if (outcome != STORE_DONE) { /* they come again */
        chore_end(x->upkeep, CHORE_EXPIRED, -1);
        return;
    }
    int64_t tenant = x->tenants[x->at - 1];
    const TicketPlace *told[2 * ROSTER_EXPIRED_MAX];
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        TicketPlace *p = &x->places[i], *gone = &x->gone[i];
        int64_t asked = x->unconfirmed[i].ticket_id;
        *gone = (TicketPlace){.tenant_id = tenant, .ticket_id = asked, .status = TICKET_DELETED};
        if (p->version && p->ticket_id != asked) { /* an alias: never a ticket of its own */
            gone->version = 1;
            told[n++] = gone;
        }
        if (p->version) {
            told[n++] = p;
            metric_add(p->version > x->unconfirmed[i].version ? x->confirmed : x->released, 1);
        } else if (x->unconfirmed[i].age_ms >= ABANDONED_MS) {
            told[n++] = gone;
            metric_add(x->released, 1);
        }
    }
    settler_settle(x->upkeep->parts.settler, told, n, SETTLE_ENDS_EXPIRED, on_settled, x);
}

static void on_turn(void *arg) {
    Expired *x = arg;
    arena_reset(x->arena);
    for (size_t i = 0; i < x->n; i++)
        x->places[i] = (TicketPlace){.tenant_id = x->tenants[x->at - 1],
                                     .ticket_id = x->unconfirmed[i].ticket_id};
    store_places(turn_store(x->upkeep->parts.turn), x->places, x->n, x->arena, on_places, x);
}

static void on_expired(void *arg, RosterOutcome outcome) {
    Expired *x = arg;
    if (outcome == ROSTER_DONE && x->n)
        turn_take(x->upkeep->parts.turn, on_turn, x);
    else
        next_tenant(x);
}

static void next_tenant(Expired *x) {
    Upkeep *u = x->upkeep;
    while (x->at < x->tenants_n && rebuild_waiting(u->parts.rebuild, x->tenants[x->at]))
        x->at++;
    if (x->at >= x->tenants_n || !roster_connected(u->parts.roster)) {
        chore_end(u, CHORE_EXPIRED, -1);
        return;
    }
    roster_expired(u->parts.roster, x->tenants[x->at++], x->unconfirmed, &x->n, clock_wall_ms(),
                   on_expired, x);
}

void expired_begin(Upkeep *u) {
    Expired *x = u->expired;
    if (!x) {
        x = u->expired = xcalloc(1, sizeof(*x));
        x->upkeep = u;
        x->arena = arena_new(16 * 1024);
        static const char name[] = "docket_router_reservations_expired_total";
        static const char help[] =
            "Reservations not confirmed within 10 s, by what PostgreSQL said";
        x->confirmed = metric_counter(name, help, "row=\"newer\"");
        x->released = metric_counter(name, help, "row=\"as_before\"");
    }
    x->tenants_n = upkeep_tenants(u, x->tenants);
    x->at = 0;
    next_tenant(x);
}

void expired_free(Upkeep *u) {
    Expired *x = u->expired;
    if (!x) return;
    arena_free(x->arena);
    free(x);
}

/* ---- Unsettled ---- */

typedef struct Unsettled {
    Upkeep *upkeep;
    Arena *arena;
    TicketPlace asked[UNSETTLED_PAGE], places[UNSETTLED_PAGE];
    size_t n;
} Unsettled;

static void unsettled_end(Unsettled *x) {
    Upkeep *u = x->upkeep;
    arena_free(x->arena);
    free(x);
    chore_end(u, CHORE_UNSETTLED, -1);
}

static void on_unsettled_told(void *arg) {
    unsettled_end(arg);
}

static void on_unsettled_places(void *arg, StoreOutcome outcome, const char *problem) {
    Unsettled *x = arg;
    (void)problem;
    turn_give(x->upkeep->parts.turn);
    if (outcome != STORE_DONE) {
        for (size_t i = 0; i < x->n; i++)
            settler_remember(x->upkeep->parts.settler, x->asked[i].tenant_id,
                             x->asked[i].ticket_id);
        unsettled_end(x);
        return;
    }
    const TicketPlace *told[UNSETTLED_PAGE];
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        if (x->places[i].version) told[n++] = &x->places[i];
    settler_settle(x->upkeep->parts.settler, told, n, 0, on_unsettled_told, x);
}

static void on_unsettled_turn(void *arg) {
    Unsettled *x = arg;
    x->n = settler_unsettled(x->upkeep->parts.settler, x->asked, UNSETTLED_PAGE);
    if (x->n == 0) {
        turn_give(x->upkeep->parts.turn);
        unsettled_end(x);
        return;
    }
    memcpy(x->places, x->asked, x->n * sizeof(*x->places));
    store_places(turn_store(x->upkeep->parts.turn), x->places, x->n, x->arena, on_unsettled_places,
                 x);
}

void unsettled_begin(Upkeep *u) {
    if (settler_unsettled_count(u->parts.settler) == 0 || !roster_connected(u->parts.roster)) {
        chore_end(u, CHORE_UNSETTLED, -1);
        return;
    }
    Unsettled *x = xcalloc(1, sizeof(*x));
    x->upkeep = u;
    x->arena = arena_new(16 * 1024);
    turn_take(u->parts.turn, on_unsettled_turn, x);
}
