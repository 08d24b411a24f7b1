/* Rounds: take for some hints at once, one transaction for all that was taken, publish, tell Redis.
 */
#include "router/dispatch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/refresh.h"

enum {
    HINTS_MAX = 20000,
    ROUND_HINTS = REFRESH_AGENTS_MAX,
    ROUND_TAKES = ROUND_HINTS + 8, /* with what their refresh brings */
    MOVES_MAX = 500,
    ROUND_MOVES = 200,
    CHANGES_MAX = ROUND_TAKES * ROSTER_TAKE_MAX + ROUND_MOVES,
    RETRY_MS = 50,
    /* What was taken longer ago than RESERVATION_FRESH_MS is left to its expiry; once a transaction
     * has been tried, we go on asking this long what became of it. */
    PATIENCE_MS = 5000
};

typedef struct Hint {
    int64_t tenant_id, agent_id; /* 0: nobody in particular */
    int64_t ticket_id;           /* to be read first; 0: none */
    Cause cause;
    LoopCallback done; /* NULL: of our own */
    void *arg;
} Hint;

typedef struct Move {
    int64_t tenant_id, ticket_id;
    int32_t version;
    int64_t from_group, to_group;
    Staffing staffing;
} Move;

typedef struct Take { /* one hint of the round */
    Dispatch *dispatch;
    Hint hint;
    Taken taken[ROSTER_TAKE_MAX];
    size_t n;
    bool more;
} Take;

struct Dispatch {
    DispatchParts parts;
    Hint *hints; /* a ring */
    size_t hints_first, hints_n, hints_room;
    Move moves[MOVES_MAX];
    size_t moves_n;

    /* The round. */
    bool running, woken, refreshing, stopped;
    Arena *arena;
    Take takes[ROUND_TAKES];
    size_t takes_n, pending;
    Refresh *refresh;
    TicketChange *changes;
    size_t changes_n, at, window; /* of `changes`: stored up to, trying so many */
    int64_t taken_ms, tried_ms;
    OutboxRow *outbox;
    Publication *publication;
    LoopTimer *retry;

    Metric *taken_total, *moved_total, *hints_waiting, *seconds, *dropped, *late;
};

static void round_begin(void *arg);
static void round_store(Dispatch *d);

static void wake(Dispatch *d) {
    if (d->running || d->woken) return;
    d->woken = true;
    loop_defer(d->parts.loop, round_begin, d);
}

/* ---- What waits to be done ---- */

static Hint *hint_at(const Dispatch *d, size_t i) {
    return &d->hints[(d->hints_first + i) % d->hints_room];
}

static void hint_push(Dispatch *d, const Hint *h) {
    if (d->hints_n == d->hints_room) {
        size_t room = d->hints_room ? 2 * d->hints_room : 64;
        Hint *bigger = xmalloc(room * sizeof(*bigger));
        for (size_t i = 0; i < d->hints_n; i++)
            bigger[i] = *hint_at(d, i);
        free(d->hints);
        d->hints = bigger;
        d->hints_room = room;
        d->hints_first = 0;
    }
    *hint_at(d, d->hints_n++) = *h;
    metric_set(d->hints_waiting, (double)d->hints_n);
    wake(d);
}

static void round_add(Dispatch *d, const Hint *h) {
    for (size_t i = 0; i < d->takes_n && !h->done; i++)
        if (d->takes[i].hint.tenant_id == h->tenant_id && d->takes[i].hint.agent_id == h->agent_id)
            return;
    Take *t = &d->takes[d->takes_n++];
    t->dispatch = d;
    t->hint = *h;
    t->n = 0;
    t->more = false;
}

void dispatch_hint(Dispatch *d, int64_t tenant_id, int64_t agent_id) {
    if (d->hints_n >= HINTS_MAX) {
        metric_add(d->dropped, 1);
        return;
    }
    if (d->refreshing && d->takes_n < ROUND_TAKES) { /* what the signals brought: this round's */
        round_add(d, &(Hint){.tenant_id = tenant_id, .agent_id = agent_id, .cause = cause_new()});
        return;
    }
    if (d->stopped) return;  /* what waits is taken by whoever stays */
    enum { LOOK_BACK = 64 }; /* the same again comes soon after */
    for (size_t i = d->hints_n; i-- > 0 && d->hints_n - i <= LOOK_BACK;) {
        const Hint *h = hint_at(d, i);
        if (h->tenant_id == tenant_id && h->agent_id == agent_id) return;
    }
    hint_push(d, &(Hint){.tenant_id = tenant_id, .agent_id = agent_id, .cause = cause_new()});
}

void dispatch_signal(Dispatch *d, const Signal *s, LoopCallback done, void *arg) {
    hint_push(d, &(Hint){.tenant_id = s->tenant_id,
                         .agent_id = s->agent_id,
                         .ticket_id = s->ticket_id,
                         .cause = s->cause,
                         .done = done,
                         .arg = arg});
}

static bool move_push(Dispatch *d, const Move *m) {
    for (size_t i = 0; i < d->moves_n; i++)
        if (d->moves[i].tenant_id == m->tenant_id && d->moves[i].ticket_id == m->ticket_id)
            return true;
    if (d->moves_n == MOVES_MAX) return false;
    d->moves[d->moves_n++] = *m;
    wake(d);
    return true;
}

bool dispatch_move(Dispatch *d, int64_t tenant_id, int64_t ticket_id, int32_t version,
                   int64_t from_group, int64_t to_group, Staffing staffing) {
    return move_push(d, &(Move){.tenant_id = tenant_id,
                                .ticket_id = ticket_id,
                                .version = version,
                                .from_group = from_group,
                                .to_group = to_group,
                                .staffing = staffing});
}

void dispatch_stop(Dispatch *d) {
    d->stopped = true;
}

bool dispatch_idle(const Dispatch *d) {
    return !d->running && !d->woken && d->hints_n == 0 && d->moves_n == 0;
}

/* ---- A round ---- */

static void round_end(Dispatch *d) {
    d->running = false;
    /* Callbacks may push hints, and so wake the next round. */
    Hint ended[ROUND_TAKES];
    size_t n = d->takes_n;
    for (size_t i = 0; i < n; i++) {
        ended[i] = d->takes[i].hint;
        if (d->takes[i].more) dispatch_hint(d, ended[i].tenant_id, ended[i].agent_id);
    }
    d->takes_n = 0;
    publication_clear(d->publication);
    arena_reset(d->arena);
    for (size_t i = 0; i < n; i++)
        if (ended[i].done) ended[i].done(ended[i].arg);
    if (d->hints_n || d->moves_n) wake(d);
}

static int64_t revision_of(const Dispatch *d, int64_t tenant_id) {
    const Catalog *c = configuration_catalog(d->parts.configuration, tenant_id);
    return c ? catalog_revision(c) : 0;
}

static Staffing staffing_of(const Dispatch *d, int64_t tenant_id, int64_t group_id, Str skills) {
    enum { SKILLS_MAX = 64 };
    Str list[SKILLS_MAX];
    size_t n = 0, duties_n = 0;
    while (skills.n && n < SKILLS_MAX)
        list[n++] = str_cut(skills, ',', &skills);
    const Catalog *c = configuration_catalog(d->parts.configuration, tenant_id);
    if (!c) return (Staffing){0};
    const AgentDuty *duties = configuration_duties(d->parts.configuration, tenant_id, &duties_n);
    return placement_staffing(c, duties, duties_n, group_id, list, n);
}

static TicketChange *change_add(Dispatch *d, int64_t tenant_id, int64_t ticket_id, int32_t version,
                                Cause cause) {
    TicketChange *c = &d->changes[d->changes_n++];
    *c = (TicketChange){.tenant_id = tenant_id,
                        .ticket_id = ticket_id,
                        .expected_version = version,
                        .cause = cause,
                        .step = version %
                                32000, /* one cause may take a ticket again, at another version */
                        .actor_kind = ACTOR_ROUTER,
                        .actor = STR("router"),
                        .revision = revision_of(d, tenant_id),
                        .trace = trace_new()};
    return c;
}

static void add_taken(Dispatch *d, const Take *take, const Taken *t) {
    Str skills, group = str_cut(t->kind, ':', &skills);
    TicketChange *c =
        change_add(d, take->hint.tenant_id, t->ticket_id, t->version, take->hint.cause);
    c->kind = LEDGER_TICKET_ASSIGNED;
    c->to_status = TICKET_ASSIGNED;
    c->to_assignee_id = t->agent_id;
    c->use_by_ms = d->taken_ms + RESERVATION_USE_MS;
    (void)str_to_i64(group, &c->to_group_id);
    c->reason = placement_reason(
        d->arena,
        &(PlacementFacts){.why = WHY_TAKEN_FROM_QUEUE,
                          .load = t->load,
                          .capacity = t->capacity,
                          .staffing = staffing_of(d, c->tenant_id, c->to_group_id, skills)});
}

static void add_move(Dispatch *d, const Move *m) {
    TicketChange *c = change_add(d, m->tenant_id, m->ticket_id, m->version, cause_new());
    c->kind = LEDGER_TICKET_QUEUED;
    c->to_status = TICKET_NEW;
    c->to_group_id = m->to_group;
    c->reason = placement_reason(d->arena, &(PlacementFacts){.why = WHY_FALLBACK,
                                                             .staffing = m->staffing,
                                                             .from_group = m->from_group});
}

static void round_taken(Dispatch *d) {
    if (--d->pending) return;
    d->changes = arena_alloc(d->arena, CHANGES_MAX * sizeof(*d->changes));
    d->changes_n = 0;
    for (size_t i = 0; i < d->takes_n; i++)
        for (size_t k = 0; k < d->takes[i].n; k++)
            add_taken(d, &d->takes[i], &d->takes[i].taken[k]);
    size_t moves = d->moves_n < ROUND_MOVES ? d->moves_n : ROUND_MOVES;
    for (size_t i = 0; i < moves; i++)
        add_move(d, &d->moves[i]);
    memmove(d->moves, d->moves + moves, (d->moves_n - moves) * sizeof(*d->moves));
    d->moves_n -= moves;
    d->at = 0;
    d->window = d->changes_n;
    d->tried_ms = 0;
    if (d->changes_n) CRASH_POINT("after-reservation");
    round_store(d);
}

static void on_taken(void *arg, RosterOutcome outcome) {
    (void)outcome; /* cold: the rebuild hints again; away: so does the next connection */
    Take *t = arg;
    round_taken(t->dispatch);
}

static void round_take(void *arg) {
    Dispatch *d = arg;
    d->refreshing = false;
    d->taken_ms = clock_monotonic_ms();
    d->pending = d->takes_n + 1;
    for (size_t i = 0; i < d->takes_n; i++) {
        Take *t = &d->takes[i];
        if (!t->hint.agent_id) {
            d->pending--;
            continue;
        }
        roster_take(d->parts.roster, t->hint.tenant_id, t->hint.agent_id, t->taken, &t->n, &t->more,
                    d->arena, clock_wall_ms(), on_taken, t);
    }
    round_taken(d); /* moves may come without any hint */
}

typedef struct Concerned {
    AgentRef agents[REFRESH_AGENTS_MAX];
    TicketRef tickets[REFRESH_AGENTS_MAX];
    size_t agents_n, tickets_n;
} Concerned;

/* Whom and what the signals of this round name: Redis may count for her what she does not hold any
 * more, and not know of that ticket what it is now. */
static void signalled(const Dispatch *d, Concerned *c) {
    for (size_t i = 0; i < d->takes_n; i++) {
        const Hint *h = &d->takes[i].hint;
        size_t k = 0;
        if (!h->done) continue;
        while (k < c->agents_n &&
               (c->agents[k].tenant_id != h->tenant_id || c->agents[k].agent_id != h->agent_id))
            k++;
        if (h->agent_id && k == c->agents_n)
            c->agents[c->agents_n++] = (AgentRef){h->tenant_id, h->agent_id};
        k = 0;
        while (k < c->tickets_n &&
               (c->tickets[k].tenant_id != h->tenant_id || c->tickets[k].ticket_id != h->ticket_id))
            k++;
        if (h->ticket_id && k == c->tickets_n)
            c->tickets[c->tickets_n++] = (TicketRef){h->tenant_id, h->ticket_id};
    }
}

static void round_begin(void *arg) {
    Dispatch *d = arg;
    d->woken = false;
    if (d->running) return;
    d->running = true;
    d->takes_n = 0;
    while (d->hints_n && d->takes_n < ROUND_HINTS) {
        round_add(d, hint_at(d, 0));
        d->hints_first = (d->hints_first + 1) % d->hints_room;
        d->hints_n--;
    }
    metric_set(d->hints_waiting, (double)d->hints_n);
    Concerned c = {.agents_n = 0};
    signalled(d, &c);
    d->refreshing = c.agents_n || c.tickets_n;
    if (d->refreshing)
        refresh_run(d->refresh, c.agents, c.agents_n, c.tickets, c.tickets_n, round_take, d);
    else
        round_take(d);
}

/* ---- Storing ---- */

static void on_settled_and_published(void *arg);

static void on_retry(void *arg) {
    round_store(arg);
}

static void on_changed(void *arg, StoreOutcome outcome, const char *problem) {
    Dispatch *d = arg;
    switch (outcome) {
    case STORE_DONE:
        d->at += d->window;
        d->window = d->changes_n - d->at;
        d->tried_ms = 0;
        break;
    case STORE_REFUSED:
        if (d->window > 1) {
            d->window /= 2;
        } else {
            const TicketChange *c = &d->changes[d->at];
            log_error(ABOUT(c->tenant_id, c->ticket_id), "PostgreSQL refuses a change: %s",
                      problem ? problem : "?");
            d->at++;
            d->window = d->changes_n - d->at;
        }
        break;
    case STORE_AGAIN:
    case STORE_BUSY:
        if (clock_monotonic_ms() - d->taken_ms < PATIENCE_MS) {
            loop_timer_arm(d->retry, RETRY_MS);
            return;
        }
        log_warn(NULL, "PostgreSQL did not take %zu changes (%s); their reservations expire",
                 d->changes_n - d->at, problem ? problem : "busy");
        d->changes_n = d->at;
        break;
    case STORE_LATE:
        metric_add(d->late, 1);
        log_warn(NULL, "%zu reservations ran out before PostgreSQL had them; their tickets wait on",
                 d->changes_n - d->at);
        d->changes_n = d->at;
        break;
    }
    round_store(d);
}

static const TicketPlace *place_after(Dispatch *d, const TicketChange *c) {
    if (c->fate != CHANGE_NO_TICKET) return &c->place;
    TicketPlace *gone = arena_zalloc(d->arena, sizeof(*gone));
    gone->tenant_id = c->tenant_id;
    gone->ticket_id = c->ticket_id;
    gone->version = c->expected_version + 1;
    gone->status = TICKET_DELETED;
    return gone;
}

static void round_follow(Dispatch *d) {
    if (d->changes_n == 0) {
        round_end(d);
        return;
    }
    CRASH_POINT("after-commit");
    const TicketPlace **places = arena_alloc(d->arena, d->changes_n * sizeof(const TicketPlace *));
    size_t n = 0;
    for (size_t i = 0; i < d->changes_n; i++) {
        const TicketChange *c = &d->changes[i];
        places[n++] = place_after(d, c);
        if (c->fate != CHANGE_DONE && c->fate != CHANGE_REPLAYED) continue;
        publication_add_event(d->publication, &c->row);
        if (c->fate == CHANGE_DONE)
            metric_add(c->kind == LEDGER_TICKET_ASSIGNED ? d->taken_total : d->moved_total, 1);
    }
    d->pending = 2;
    settler_settle(d->parts.settler, places, n, 0, on_settled_and_published, d);
    publication_start(d->publication, on_settled_and_published, d);
}

static void round_store(Dispatch *d) {
    /* Frozen between taking and here: the reservations may be somebody else's by now. */
    int64_t age = clock_monotonic_ms() - d->taken_ms;
    if (d->at < d->changes_n && age > (d->tried_ms ? PATIENCE_MS : RESERVATION_FRESH_MS))
        d->changes_n = d->at;
    if (d->at == d->changes_n) {
        round_follow(d);
        return;
    }
    d->tried_ms = clock_monotonic_ms();
    CRASH_POINT("before-change");
    store_change_tickets(d->parts.store, d->changes + d->at, d->window, d->arena, on_changed, d);
}

/* ---- After the commit ---- */

static void on_deleted(void *arg, StoreOutcome outcome, const char *problem) {
    (void)outcome, (void)problem; /* what stays is swept, published twice, and known by its seq */
    Dispatch *d = arg;
    metric_observe(d->seconds, (double)(clock_monotonic_ms() - d->taken_ms) / 1000);
    round_end(d);
}

static void on_settled_and_published(void *arg) {
    Dispatch *d = arg;
    if (--d->pending) return;
    CRASH_POINT("after-outbox-publish");
    d->outbox = arena_zalloc(d->arena, d->changes_n * sizeof(*d->outbox));
    size_t n = 0;
    for (size_t i = 0; i < d->changes_n; i++)
        if (d->changes[i].fate == CHANGE_DONE && d->changes[i].outbox_id)
            d->outbox[n++] = (OutboxRow){.tenant_id = d->changes[i].tenant_id,
                                         .outbox_id = d->changes[i].outbox_id};
    if (n)
        store_outbox_delete(d->parts.store, d->outbox, n, on_deleted, d);
    else
        on_deleted(d, STORE_DONE, NULL);
}

/* ---- Life ---- */

Dispatch *dispatch_new(const DispatchParts *parts) {
    Dispatch *d = xcalloc(1, sizeof(*d));
    d->parts = *parts;
    d->arena = arena_new(64 * 1024);
    d->publication = publication_new(parts->publisher);
    d->retry = loop_timer_new(parts->loop, on_retry, d);
    d->refresh = refresh_new(parts->loop, parts->store, parts->roster, parts->settler);
    static const char name[] = "docket_router_dispatched_total";
    static const char help[] = "Tickets already stored that got somebody, or another group";
    d->taken_total = metric_counter(name, help, "how=\"taken_from_queue\"");
    d->moved_total = metric_counter(name, help, "how=\"fallback\"");
    d->hints_waiting = metric_gauge("docket_router_hints_waiting",
                                    "Agents with room, whose queues are to be looked at", NULL);
    d->dropped = metric_counter("docket_router_hints_dropped_total",
                                "Hints beyond the bound; the reconciler finds them again", NULL);
    d->late = metric_counter("docket_router_reservations_late_total",
                             "Transactions undone because a reservation in them had run out", NULL);
    d->seconds = metric_histogram("docket_router_dispatch_seconds",
                                  "From taking out of a queue to told and published", NULL,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
    return d;
}

Dispatch *dispatch_free(Dispatch *d) {
    if (!d) return NULL;
    loop_timer_free(d->retry);
    refresh_free(d->refresh);
    publication_free(d->publication);
    arena_free(d->arena);
    free(d->hints);
    free(d);
    return NULL;
}
