/* What Redis says she holds, and what PostgreSQL says of that. */
#include "router/refresh.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { TICKETS_MAX = 2000, PAGES_MAX = 20, RETRY_MS = 200 };

typedef struct Look { /* at one agent's load */
    Refresh *refresh;
    AgentRef agent;
    char container[32];
    uint64_t cursor;
    int pages;
    int64_t tickets[ROSTER_AUDIT_MAX];
    size_t n;
} Look;

struct Refresh {
    Loop *loop;
    Store *store;
    Roster *roster;
    Settler *settler;
    Arena *arena;
    Look looks[REFRESH_AGENTS_MAX];
    size_t pending;
    TicketPlace *places;
    size_t places_n;
    LoopTimer *retry;
    LoopCallback done;
    void *arg;
};

static void end(void *arg) {
    Refresh *r = arg;
    arena_reset(r->arena);
    r->done(r->arg);
}

static void on_places(void *arg, StoreOutcome outcome, const char *problem) {
    Refresh *r = arg;
    (void)problem;
    if (outcome != STORE_DONE) { /* nothing can be given to anybody without PostgreSQL either */
        loop_timer_arm(r->retry, RETRY_MS);
        return;
    }
    const TicketPlace **told =
        arena_alloc(r->arena, (r->places_n + 1) * sizeof(const TicketPlace *));
    size_t n = 0;
    for (size_t i = 0; i < r->places_n; i++)
        if (r->places[i].version) told[n++] = &r->places[i];
    settler_settle(r->settler, told, n, 0, end, r);
}

static void read_places(void *arg) {
    Refresh *r = arg;
    store_places(r->store, r->places, r->places_n, r->arena, on_places, r);
}

static void looked(Refresh *r) {
    if (--r->pending) return;
    if (r->places_n)
        read_places(r);
    else
        loop_defer(r->loop, end, r);
}

static void on_page(void *arg, RosterOutcome outcome) {
    Look *l = arg;
    Refresh *r = l->refresh;
    for (size_t i = 0; outcome == ROSTER_DONE && i < l->n && r->places_n < TICKETS_MAX; i++)
        r->places[r->places_n++] =
            (TicketPlace){.tenant_id = l->agent.tenant_id, .ticket_id = l->tickets[i]};
    if (outcome == ROSTER_DONE && l->cursor && ++l->pages < PAGES_MAX)
        roster_audit(r->roster, l->agent.tenant_id, str(l->container), &l->cursor, l->tickets,
                     &l->n, clock_wall_ms(), on_page, l);
    else
        looked(r);
}

void refresh_run(Refresh *r, const AgentRef *agents, size_t agents_n, const TicketRef *tickets,
                 size_t tickets_n, LoopCallback done, void *arg) {
    assert(agents_n <= REFRESH_AGENTS_MAX && tickets_n <= REFRESH_AGENTS_MAX);
    r->done = done;
    r->arg = arg;
    r->places = arena_alloc(r->arena, TICKETS_MAX * sizeof(*r->places));
    r->places_n = 0;
    for (; r->places_n < tickets_n; r->places_n++)
        r->places[r->places_n] = (TicketPlace){.tenant_id = tickets[r->places_n].tenant_id,
                                               .ticket_id = tickets[r->places_n].ticket_id};
    r->pending = agents_n + 1;
    for (size_t i = 0; i < agents_n; i++) {
        Look *l = &r->looks[i];
        *l = (Look){.refresh = r, .agent = agents[i]};
        (void)snprintf(l->container, sizeof(l->container), "l:%lld", (long long)agents[i].agent_id);
        roster_audit(r->roster, l->agent.tenant_id, str(l->container), &l->cursor, l->tickets,
                     &l->n, clock_wall_ms(), on_page, l);
    }
    looked(r);
}

Refresh *refresh_new(Loop *loop, Store *store, Roster *roster, Settler *settler) {
    Refresh *r = xcalloc(1, sizeof(*r));
    *r = (Refresh){.loop = loop,
                   .store = store,
                   .roster = roster,
                   .settler = settler,
                   .arena = arena_new(16 * 1024)};
    r->retry = loop_timer_new(loop, read_places, r);
    return r;
}

Refresh *refresh_free(Refresh *r) {
    if (!r) return NULL;
    loop_timer_free(r->retry);
    arena_free(r->arena);
    free(r);
    return NULL;
}
