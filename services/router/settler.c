/* Places grouped by tenant, told to Redis, and a bounded list of those it did not confirm. */
#include "router/settler.h"

#include <stdlib.h>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "router/placement.h"

enum { UNSETTLED_MAX = 50000, OVERFLOWED_MAX = 1024 };
#define AGING_WITHOUT_DOCUMENTS_MS (15 * 60 * 1000)

typedef struct Unsettled {
    int64_t tenant_id, ticket_id;
} Unsettled;

struct Settler {
    Loop *loop;
    Roster *roster;
    const Configuration *configuration;
    Unsettled *unsettled;
    size_t unsettled_n, unsettled_room;
    int64_t overflowed[OVERFLOWED_MAX];
    size_t overflowed_n;
    Metric *waiting;
};

typedef struct Settling {
    Settler *settler;
    Arena *arena;
    size_t pending;
    LoopCallback done;
    void *arg;
} Settling;

typedef struct Part { /* one tenant of it */
    Settling *settling;
    int64_t tenant_id;
    Settlement *items;
    size_t n;
} Part;

Settler *settler_new(Loop *loop, Roster *roster, const Configuration *configuration) {
    Settler *s = xcalloc(1, sizeof(*s));
    s->loop = loop;
    s->roster = roster;
    s->configuration = configuration;
    s->waiting = metric_gauge("docket_router_unsettled_tickets",
                              "Tickets stored while Redis did not confirm, to be told to it", NULL);
    return s;
}

Settler *settler_free(Settler *s) {
    if (!s) return NULL;
    free(s->unsettled);
    free(s);
    return NULL;
}

int64_t settler_aging_ms(const Settler *s, int64_t tenant_id) {
    const Catalog *c = configuration_catalog(s->configuration, tenant_id);
    return c ? catalog_aging_ms(c) : AGING_WITHOUT_DOCUMENTS_MS;
}

Settlement settlement_of(Arena *arena, const TicketPlace *place, int64_t aging_ms) {
    Settlement s = {.ticket_id = place->ticket_id,
                    .version = place->version,
                    .state = placement_state(place),
                    .agent_id = place->assignee_id,
                    .since_ms = place->created_ms};
    if (s.state == 'W') {
        s.score = placement_score(place->created_ms, place->priority, aging_ms);
        s.kind = placement_kind_of(arena, place);
    }
    return s;
}

static void overflow(Settler *s, int64_t tenant_id) {
    for (size_t i = 0; i < s->overflowed_n; i++)
        if (s->overflowed[i] == tenant_id) return;
    if (s->overflowed_n < OVERFLOWED_MAX) s->overflowed[s->overflowed_n++] = tenant_id;
}

void settler_remember(Settler *s, int64_t tenant_id, int64_t ticket_id) {
    if (s->unsettled_n == UNSETTLED_MAX) {
        overflow(s, tenant_id);
        return;
    }
    if (s->unsettled_n == s->unsettled_room) {
        s->unsettled_room = s->unsettled_room ? 2 * s->unsettled_room : 256;
        s->unsettled = xrealloc(s->unsettled, s->unsettled_room * sizeof(*s->unsettled));
    }
    s->unsettled[s->unsettled_n++] = (Unsettled){tenant_id, ticket_id};
    metric_set(s->waiting, (double)s->unsettled_n);
}

static void settling_end(void *arg) {
    Settling *x = arg;
    if (x->done) x->done(x->arg);
    arena_free(x->arena);
    free(x);
}

static void on_settled(void *arg, RosterOutcome outcome) {
    Part *part = arg;
    Settling *x = part->settling;
    /* Cold: the rebuild reads rows after this moment, and so these. */
    for (size_t i = 0; outcome == ROSTER_AWAY && i < part->n; i++)
        settler_remember(x->settler, part->tenant_id, part->items[i].ticket_id);
    if (--x->pending == 0) settling_end(x);
}

static int by_tenant(const void *a, const void *b) {
    const TicketPlace *x = *(const TicketPlace *const *)a, *y = *(const TicketPlace *const *)b;
    return (x->tenant_id > y->tenant_id) - (x->tenant_id < y->tenant_id);
}

void settler_settle(Settler *s, const TicketPlace *const *places, size_t n, unsigned flags,
                    LoopCallback done, void *arg) {
    Settling *x = xcalloc(1, sizeof(*x));
    *x = (Settling){
        .settler = s, .arena = arena_new(16 * 1024), .pending = 1, .done = done, .arg = arg};
    const TicketPlace **sorted = arena_alloc(x->arena, (n + 1) * sizeof(const TicketPlace *));
    for (size_t i = 0; i < n; i++)
        sorted[i] = places[i];
    if (n > 1) qsort(sorted, n, sizeof(const TicketPlace *), by_tenant);
    for (size_t at = 0, end; at < n; at = end) {
        Part *part = arena_alloc(x->arena, sizeof(*part));
        *part = (Part){.settling = x, .tenant_id = sorted[at]->tenant_id};
        int64_t aging = settler_aging_ms(s, part->tenant_id);
        for (end = at; end < n && sorted[end]->tenant_id == part->tenant_id;)
            end++;
        part->n = end - at;
        part->items = arena_alloc(x->arena, part->n * sizeof(*part->items));
        for (size_t i = 0; i < part->n; i++) {
            part->items[i] = settlement_of(x->arena, sorted[at + i], aging);
            part->items[i].kind = arena_str(x->arena, part->items[i].kind);
        }
        x->pending++;
        roster_settle(s->roster, part->tenant_id, part->items, part->n, flags, NULL,
                      clock_wall_ms(), on_settled, part);
    }
    if (--x->pending == 0) loop_defer(s->loop, settling_end, x);
}

size_t settler_unsettled(Settler *s, TicketPlace *ret, size_t max) {
    size_t n = s->unsettled_n < max ? s->unsettled_n : max;
    if (n == 0) return 0;
    for (size_t i = 0; i < n; i++)
        ret[i] = (TicketPlace){.tenant_id = s->unsettled[i].tenant_id,
                               .ticket_id = s->unsettled[i].ticket_id};
    memmove(s->unsettled, s->unsettled + n, (s->unsettled_n - n) * sizeof(*s->unsettled));
    s->unsettled_n -= n;
    metric_set(s->waiting, (double)s->unsettled_n);
    return n;
}

size_t settler_unsettled_count(const Settler *s) {
    return s->unsettled_n;
}

int64_t settler_overflowed(Settler *s) {
    return s->overflowed_n ? s->overflowed[--s->overflowed_n] : 0;
}

void settler_forget(Settler *s, int64_t tenant_id) {
    size_t kept = 0;
    for (size_t i = 0; i < s->unsettled_n; i++)
        if (s->unsettled[i].tenant_id != tenant_id) s->unsettled[kept++] = s->unsettled[i];
    s->unsettled_n = kept;
    metric_set(s->waiting, (double)kept);
}
