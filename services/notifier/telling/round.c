/* Stages, each ending by calling the next; what failed is asked again by a timer.
 *
 *   events ─▶ ledger ─▶ people ─▶ plan ─▶ write
 *   storms ─▶ storm  ─▶ people ─▶ plan ─▶ write */
#include "notifier/telling/round.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "notifier/telling/plan.h"
#include "notifier/telling/statements.h"

enum { RETRY_FIRST_MS = 50, RETRY_LAST_MS = 2000, PARAMS = 4 };

typedef enum Stage {
    STAGE_IDLE,
    STAGE_LEDGER,
    STAGE_STORMS,
    STAGE_STORM,
    STAGE_PEOPLE,
    STAGE_WRITE
} Stage;

typedef struct Happening { /* an event, and the ticket ahead of it */
    const Event *event;
    TicketView before;
    bool known; /* `before` is what the ledger says */
} Happening;

typedef struct Known { /* documents that hold for this round */
    int64_t tenant_id;
    const Catalog *catalog;
} Known;

struct Round {
    RoundParts parts;
    Stage stage;
    Arena *arena;
    Happening *all;
    size_t n, room;
    Known *tenants; /* ascending */
    size_t tenants_n;
    size_t *asked; /* places in `all` of the first events of tickets whose ledger is read */
    size_t asked_n;
    Storm storm;
    bool of_storm, found;
    Notices notices;
    StormCount *counts;
    size_t counts_n;
    size_t from, to; /* of the notices that are being written */
    bool counted;    /* what is written before them has been */
    size_t answer;   /* which of the results is that of the deliveries */
    size_t written;
    Params params[PARAMS];
    LoopTimer *retry;
    int64_t retry_ms, since_us;
    LoopCallback done;
    void *arg;
    bool freed;
    Metric *rows, *nobody, *own, *hidden, *refused, *broken, *retries, *storms, *seconds;
};

static void stage_ledger(Round *r);
static void stage_storms(Round *r);
static void stage_storm(Round *r);
static void stage_people(Round *r);
static void stage_write(Round *r);

/* ---- Trying again ---- */

static void try_later(Round *r, const char *problem) {
    r->retry_ms = r->retry_ms ? r->retry_ms * 2 : RETRY_FIRST_MS;
    if (r->retry_ms > RETRY_LAST_MS) r->retry_ms = RETRY_LAST_MS;
    metric_add(r->retries, 1);
    if (problem && *problem) log_warn(NULL, "will be tried again: %s", problem);
    loop_timer_arm(r->retry, r->retry_ms);
}

static void on_retry(void *arg) {
    Round *r = arg;
    switch (r->stage) {
    case STAGE_LEDGER:
        stage_ledger(r);
        break;
    case STAGE_STORMS:
        stage_storms(r);
        break;
    case STAGE_STORM:
        stage_storm(r);
        break;
    case STAGE_PEOPLE:
        stage_people(r);
        break;
    case STAGE_WRITE:
        stage_write(r);
        break;
    case STAGE_IDLE:
        break;
    }
}

void round_wake(Round *r) {
    if (loop_timer_armed(r->retry)) loop_timer_arm(r->retry, 0);
}

static void run(Round *r, unsigned flags, const PostgresQuery *queries, size_t n,
                PostgresDone done) {
    if (connection_run(r->parts.postgres, flags, queries, n, done, r) < 0) try_later(r, NULL);
}

/* Did it go well? Else it is tried again. */
static bool went_well(Round *r, PostgresOutcome outcome, const PostgresProblem *problem) {
    if (r->freed) return false;
    if (outcome == POSTGRES_COMMITTED) {
        r->retry_ms = 0;
        return true;
    }
    try_later(r, problem->state[0] ? problem->text : NULL);
    return false;
}

static void finish(void *arg) {
    Round *r = arg;
    if (r->freed) return;
    r->stage = STAGE_IDLE;
    metric_observe(r->seconds, (double)(clock_monotonic_us() - r->since_us) / 1e6);
    r->done(r->arg);
}

/* ---- Whose documents ---- */

static const Catalog *catalog_of(const Round *r, int64_t tenant_id) {
    for (size_t low = 0, high = r->tenants_n; low < high;) {
        size_t at = (low + high) / 2;
        if (r->tenants[at].tenant_id == tenant_id) return r->tenants[at].catalog;
        if (r->tenants[at].tenant_id < tenant_id)
            low = at + 1;
        else
            high = at;
    }
    return NULL;
}

/* The present ones, for as long as the round lasts; called with tenants ascending. */
static void know(Round *r, int64_t tenant_id) {
    if (r->tenants_n && r->tenants[r->tenants_n - 1].tenant_id == tenant_id) return;
    const Catalog *c = configuration_catalog(r->parts.configuration, tenant_id);
    r->tenants[r->tenants_n++] = (Known){tenant_id, c ? catalog_ref(c) : NULL};
}

static void tenants_params(const Round *r, Params *p) {
    params_clear(p);
    params_array(p, PARAM_INT8, r->tenants_n);
    for (size_t i = 0; i < r->tenants_n; i++)
        params_element_i64(p, r->tenants[i].tenant_id);
}

/* ---- The ledger: what was ahead of each event ---- */

static bool same_ticket(const Event *a, const Event *b) {
    return a->ticket_id == b->ticket_id && a->tenant_id == b->tenant_id;
}

static size_t end_of_ticket(const Round *r, size_t from) {
    size_t to = from + 1;
    while (to < r->n && same_ticket(r->all[from].event, r->all[to].event))
        to++;
    return to;
}

/* Tells a ticket's rows in order, those of the ledger between those that came. */
static void tell_ticket(Round *r, size_t from, const Event *const *rows, size_t rows_n) {
    TicketView view = {0};
    size_t next = 0, to = end_of_ticket(r, from);
    for (size_t i = from; i < to; i++) {
        const Event *event = r->all[i].event;
        bool whole = true;
        while (whole && next < rows_n && rows[next]->seq < event->seq) {
            if (rows[next]->seq > view.seq) whole = ticket_view_tell(&view, rows[next]);
            next++;
        }
        r->all[i].before = view;
        r->all[i].known = whole && ticket_view_tell(&view, event);
        if (r->all[i].known) continue;
        metric_add(r->broken, (double)(to - i));
        log_error(ABOUT(event->tenant_id, event->ticket_id),
                  "nobody is told of what happened to it: row %d does not follow its ledger",
                  (int)event->seq);
        return;
    }
}

/* Everything from its first row on is here. */
static bool is_whole(const Round *r, size_t from) {
    size_t to = end_of_ticket(r, from);
    for (size_t i = from; i < to; i++)
        if (r->all[i].event->seq != (int32_t)(i - from) + 1) return false;
    return true;
}

static void on_ledger(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Round *r = arg;
    if (!went_well(r, outcome, problem)) return;
    const PostgresRows *rows = results[1];
    size_t count = rows_count(rows), at = 0;
    const Event **told = arena_alloc(r->arena, (count + 1) * sizeof(*told));
    for (size_t i = 0; i < r->asked_n; i++) {
        size_t n = 0;
        for (; at < count && rows_int(rows, at, 0) == (int64_t)i; at++) {
            LedgerRow ledger = telling_ledger_row(rows, at);
            Event *event = arena_alloc(r->arena, sizeof(*event));
            if (event_of_row(&ledger, r->arena, event) == 0) told[n++] = event;
        }
        tell_ticket(r, r->asked[i], told, n);
    }
    stage_people(r);
}

static void stage_ledger(Round *r) {
    r->stage = STAGE_LEDGER;
    r->asked_n = 0;
    for (size_t i = 0; i < r->n; i = end_of_ticket(r, i)) {
        if (is_whole(r, i))
            tell_ticket(r, i, NULL, 0);
        else
            r->asked[r->asked_n++] = i;
    }
    if (!r->asked_n) {
        stage_people(r);
        return;
    }
    Params *p = &r->params[1];
    params_clear(p);
    params_array(p, PARAM_INT8, r->asked_n);
    for (size_t i = 0; i < r->asked_n; i++)
        params_element_i64(p, r->all[r->asked[i]].event->tenant_id);
    params_array(p, PARAM_INT8, r->asked_n);
    for (size_t i = 0; i < r->asked_n; i++)
        params_element_i64(p, r->all[r->asked[i]].event->ticket_id);
    params_array(p, PARAM_INT4, r->asked_n);
    for (size_t i = 0; i < r->asked_n; i++)
        params_element_i32(p, r->all[end_of_ticket(r, r->asked[i]) - 1].event->seq);
    tenants_params(r, &r->params[0]);
    run(r, POSTGRES_READ_ONLY,
        (PostgresQuery[]){{&telling_tenants_statement, &r->params[0]},
                          {&telling_ledger_statement, p}},
        2, on_ledger);
}

/* ---- Storms ---- */

static void storm_params(const Round *r, Params *p) {
    params_clear(p);
    params_i64(p, r->storm.tenant_id);
    params_text(p, r->storm.category);
    params_time_ms(p, r->storm.starts_ms);
}

static void on_storms(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Round *r = arg;
    if (!went_well(r, outcome, problem)) return;
    const PostgresRows *rows = results[0];
    if (!rows_count(rows)) {
        finish(r);
        return;
    }
    r->found = true;
    r->storm = (Storm){.tenant_id = rows_int(rows, 0, 0),
                       .category = arena_str(r->arena, rows_str(rows, 0, 1)),
                       .starts_ms = rows_time_ms(rows, 0, 2),
                       .ends_ms = rows_time_ms(rows, 0, 3),
                       .tickets = (int32_t)rows_int(rows, 0, 4),
                       .urgent = (int32_t)rows_int(rows, 0, 5),
                       .tellings = (int32_t)rows_int(rows, 0, 6)};
    r->tenants = arena_alloc(r->arena, sizeof(*r->tenants));
    know(r, r->storm.tenant_id);
    stage_storm(r);
}

static void stage_storms(Round *r) {
    r->stage = STAGE_STORMS;
    params_clear(&r->params[0]);
    params_time_ms(&r->params[0], clock_wall_ms());
    params_i32(&r->params[0], 1);
    run(r, POSTGRES_READ_ONLY, (PostgresQuery[]){{&telling_untold_statement, &r->params[0]}}, 1,
        on_storms);
}

static void on_storm(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Round *r = arg;
    if (!went_well(r, outcome, problem)) return;
    const PostgresRows *groups = results[1], *tickets = results[2];
    size_t n = rows_count(groups), some_n = rows_count(tickets);
    int64_t *ids = arena_alloc(r->arena, (n + 1) * sizeof(*ids));
    StormTicket *some = arena_alloc(r->arena, (some_n + 1) * sizeof(*some));
    for (size_t i = 0; i < n; i++)
        ids[i] = rows_int(groups, i, 0);
    for (size_t i = 0; i < some_n; i++)
        some[i] = (StormTicket){.id = rows_int(tickets, i, 0),
                                .subject = arena_str(r->arena, rows_str(tickets, i, 1)),
                                .priority = arena_str(r->arena, rows_str(tickets, i, 2)),
                                .category = arena_str(r->arena, rows_str(tickets, i, 3))};
    r->storm.groups = ids;
    r->storm.groups_n = n;
    r->storm.some = some;
    r->storm.some_n = some_n;
    stage_people(r);
}

static void stage_storm(Round *r) {
    r->stage = STAGE_STORM;
    tenants_params(r, &r->params[0]);
    storm_params(r, &r->params[1]);
    run(r, POSTGRES_READ_ONLY,
        (PostgresQuery[]){{&telling_tenants_statement, &r->params[0]},
                          {&telling_storm_groups_statement, &r->params[1]},
                          {&telling_storm_tickets_statement, &r->params[1]}},
        3, on_storm);
}

/* ---- People, and the plan ---- */

static void count_ticket(Round *r, const Happening *h, const TicketView *created) {
    int64_t window = r->parts.settings->storm_window_ms;
    r->counts[r->counts_n++] = (StormCount){.tenant_id = created->tenant_id,
                                            .ticket_id = created->ticket_id,
                                            .group_id = created->group_id,
                                            .starts_ms = h->event->at_ms / window * window,
                                            .category = ticket_view_top_category(created),
                                            .urgent = created->priority == PRIORITY_URGENT};
}

static void plan(Round *r, const Directory *directory) {
    r->notices = (Notices){.arena = r->arena};
    r->counts_n = 0;
    PlanWorld w = {.directory = directory,
                   .sms_gateway = r->parts.settings->sms_gateway,
                   .now_ms = clock_wall_ms()};
    if (r->of_storm) {
        w.catalog = catalog_of(r, r->storm.tenant_id);
        if (w.catalog) plan_storm(&w, &r->storm, &r->notices);
        return;
    }
    r->counts = arena_alloc(r->arena, (r->n + 1) * sizeof(*r->counts));
    for (size_t i = 0; i < r->n; i++) {
        const Happening *h = &r->all[i];
        TicketView created = {0};
        if (!h->known || !(w.catalog = catalog_of(r, h->event->tenant_id))) continue;
        plan_row(&w, &h->before, h->event, &r->notices);
        if (h->event->seq == 1 && ticket_view_tell(&created, h->event) && plan_counts(&w, &created))
            count_ticket(r, h, &created);
    }
}

static void on_people(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Round *r = arg;
    if (!went_well(r, outcome, problem)) return;
    const PostgresRows *staff = results[1], *requesters = results[2];
    Directory *d = directory_new(r->arena);
    for (size_t i = 0; i < rows_count(staff); i++)
        directory_add_staff(d, catalog_of(r, rows_int(staff, i, 0)), rows_int(staff, i, 0),
                            rows_int(staff, i, 1), rows_str(staff, i, 2),
                            arena_str(r->arena, rows_str(staff, i, 3)), rows_bool(staff, i, 4));
    for (size_t i = 0; i < rows_count(requesters); i++)
        directory_add_requester(d, rows_int(requesters, i, 0), rows_int(requesters, i, 1),
                                arena_str(r->arena, rows_str(requesters, i, 2)),
                                rows_bool(requesters, i, 3), rows_bool(requesters, i, 4));
    plan(r, d);
    metric_add(r->nobody, (double)r->notices.nobody);
    metric_add(r->own, (double)r->notices.own);
    metric_add(r->hidden, (double)r->notices.private);
    r->from = 0;
    r->to = r->notices.n;
    r->counted = false;
    stage_write(r);
}

typedef struct Pairs { /* of tenant and requester */
    int64_t *ids;
    size_t n, room;
} Pairs;

static void add_requesters(Round *r, Pairs *to, int64_t tenant_id, const int64_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!ids[i]) continue;
        if (to->n && to->ids[2 * to->n - 2] == tenant_id && to->ids[2 * to->n - 1] == ids[i])
            continue;
        if (to->n == to->room) {
            size_t room = to->room ? to->room * 2 : 256;
            int64_t *more = arena_alloc(r->arena, 2 * room * sizeof(*more));
            if (to->n) memcpy(more, to->ids, 2 * to->n * sizeof(*more));
            to->ids = more;
            to->room = room;
        }
        to->ids[2 * to->n] = tenant_id;
        to->ids[2 * to->n++ + 1] = ids[i];
    }
}

static void stage_people(Round *r) {
    r->stage = STAGE_PEOPLE;
    Pairs pairs = {0};
    for (size_t i = 0; i < r->n; i++) {
        const Event *e = r->all[i].event;
        const TicketView *before = &r->all[i].before;
        if (!r->all[i].known) continue;
        add_requesters(r, &pairs, e->tenant_id, &before->requester_id, 1);
        add_requesters(r, &pairs, e->tenant_id, before->collaborators, before->collaborators_n);
        if (e->set.sets & EDIT_REQUESTER)
            add_requesters(r, &pairs, e->tenant_id, &e->set.requester_id, 1);
        if (e->set.sets & EDIT_COLLABORATORS)
            add_requesters(r, &pairs, e->tenant_id, e->set.collaborators, e->set.collaborators_n);
    }
    size_t n = pairs.n;
    const int64_t *ids = pairs.ids;
    Params *p = &r->params[1];
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, ids[2 * i]);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, ids[2 * i + 1]);
    tenants_params(r, &r->params[0]);
    run(r, POSTGRES_READ_ONLY,
        (PostgresQuery[]){{&telling_tenants_statement, &r->params[0]},
                          {&telling_staff_statement, &r->params[0]},
                          {&telling_requesters_statement, p}},
        3, on_people);
}

/* ---- Writing ---- */

static void on_written(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Round *r = arg;
    if (r->freed) return;
    if (outcome == POSTGRES_REFUSED && r->to - r->from > 1) {
        r->to = r->from + (r->to - r->from) / 2; /* the culprit is found by halves */
        stage_write(r);
        return;
    }
    if (outcome == POSTGRES_REFUSED && r->to - r->from == 1) {
        const Notice *n = &r->notices.all[r->from];
        metric_add(r->refused, 1);
        log_error(ABOUT(n->tenant_id, n->ticket_id), "a delivery cannot be stored: %s",
                  problem->text);
    } else if (!went_well(r, outcome, problem)) {
        return;
    } else {
        size_t written = (size_t)rows_affected(results[r->answer]);
        r->written += written;
        metric_add(r->rows, (double)written);
        CRASH_POINT("after-deliveries-commit");
    }
    r->counted = true;
    r->from = r->to;
    r->to = r->notices.n;
    stage_write(r);
}

static void stage_write(Round *r) {
    PostgresQuery queries[3] = {{&telling_tenants_statement, &r->params[0]}};
    size_t n = 1;
    r->stage = STAGE_WRITE;
    if (r->from == r->to && (r->counted || (!r->counts_n && !r->of_storm))) {
        if (r->of_storm) metric_add(r->storms, 1);
        loop_defer(r->parts.loop, finish, r);
        return;
    }
    tenants_params(r, &r->params[0]);
    if (r->of_storm) {
        storm_params(r, &r->params[1]);
        params_i32(&r->params[1], r->storm.tickets);
        params_i32(&r->params[1], r->storm.tellings);
        params_time_ms(&r->params[1], clock_wall_ms());
        queries[n++] = (PostgresQuery){&telling_storm_told_statement, &r->params[1]};
    } else if (r->counts_n) {
        telling_count_params(&r->params[1], r->counts, r->counts_n,
                             r->parts.settings->storm_window_ms, r->parts.settings->storm_tickets);
        queries[n++] = (PostgresQuery){&telling_count_statement, &r->params[1]};
    }
    r->answer = n;
    telling_write_params(&r->params[2], r->notices.all + r->from, r->to - r->from);
    queries[n++] = (PostgresQuery){&telling_write_statement, &r->params[2]};
    run(r, 0, queries, n, on_written);
}

/* ---- Life ---- */

static int by_place(const void *a, const void *b) {
    const Event *x = ((const Happening *)a)->event, *y = ((const Happening *)b)->event;
    if (x->tenant_id != y->tenant_id) return x->tenant_id < y->tenant_id ? -1 : 1;
    if (x->ticket_id != y->ticket_id) return x->ticket_id < y->ticket_id ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static void begin(Round *r, LoopCallback done, void *arg) {
    assert(r->stage == STAGE_IDLE);
    r->done = done;
    r->arg = arg;
    r->written = 0;
    r->retry_ms = 0;
    r->since_us = clock_monotonic_us();
}

void round_run(Round *r, LoopCallback done, void *arg) {
    begin(r, done, arg);
    r->of_storm = false;
    if (!r->n) {
        loop_defer(r->parts.loop, finish, r);
        return;
    }
    qsort(r->all, r->n, sizeof(*r->all), by_place);
    size_t kept = 1;
    for (size_t i = 1; i < r->n; i++)
        if (by_place(&r->all[kept - 1], &r->all[i])) r->all[kept++] = r->all[i];
    r->n = kept;
    r->tenants = arena_alloc(r->arena, r->n * sizeof(*r->tenants));
    r->asked = arena_alloc(r->arena, r->n * sizeof(*r->asked));
    for (size_t i = 0; i < r->n; i++)
        know(r, r->all[i].event->tenant_id);
    stage_ledger(r);
}

void round_run_storm(Round *r, LoopCallback done, void *arg) {
    round_clear(r);
    begin(r, done, arg);
    r->of_storm = true;
    stage_storms(r);
}

void round_add(Round *r, const Event *event) {
    assert(r->stage == STAGE_IDLE);
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 256;
        r->all = xrealloc(r->all, r->room * sizeof(*r->all));
    }
    r->all[r->n++] = (Happening){.event = event};
}

static void forget_tenants(Round *r) {
    for (size_t i = 0; i < r->tenants_n; i++)
        catalog_unref(r->tenants[i].catalog);
    r->tenants_n = 0;
}

void round_clear(Round *r) {
    assert(r->stage == STAGE_IDLE);
    forget_tenants(r);
    r->n = r->asked_n = r->counts_n = r->written = 0;
    r->of_storm = r->found = false;
    r->notices = (Notices){0};
    arena_reset(r->arena);
}

Arena *round_arena(Round *r) {
    return r->arena;
}

size_t round_size(const Round *r) {
    return r->n;
}

bool round_running(const Round *r) {
    return r->stage != STAGE_IDLE;
}

bool round_waiting(const Round *r) {
    return r->stage != STAGE_IDLE && r->retry_ms && loop_timer_armed(r->retry);
}

size_t round_written(const Round *r) {
    return r->written;
}

bool round_found_storm(const Round *r) {
    return r->found;
}

Round *round_new(const RoundParts *parts) {
    Round *r = xcalloc(1, sizeof(*r));
    r->parts = *parts;
    r->arena = arena_new(256 << 10);
    r->retry = loop_timer_new(parts->loop, on_retry, r);
    r->rows = metric_counter("docket_notifier_deliveries_written_total",
                             "Deliveries written down, to be sent or dropped at once", NULL);
    r->nobody = metric_counter("docket_notifier_nobody_total",
                               "Times that nobody could be told: there was nobody of that role, or "
                               "no address by any of the ways",
                               NULL);
    r->own = metric_counter("docket_notifier_own_deeds_total",
                            "People who were not told because it was they who did it", NULL);
    r->hidden = metric_counter("docket_notifier_notes_kept_total",
                               "People who were not told of a note that is not for them", NULL);
    r->refused = metric_counter("docket_notifier_unstorable_total",
                                "Deliveries that PostgreSQL refuses to hold", NULL);
    r->broken = metric_counter("docket_notifier_broken_ledgers_total",
                               "Events that do not follow their ticket's ledger", NULL);
    r->retries = metric_counter("docket_notifier_retries_total",
                                "Times that telling had to ask PostgreSQL again", NULL);
    r->storms = metric_counter("docket_notifier_storms_total", "Storms told as one", NULL);
    r->seconds =
        metric_histogram("docket_notifier_round_seconds", "From a batch of events to its commit",
                         NULL, metric_latency_s, METRIC_LATENCY_BUCKETS);
    return r;
}

static void free_memory(void *p) {
    Round *r = p;
    arena_free(r->arena);
    free(r->all);
    for (size_t i = 0; i < PARAMS; i++)
        params_done(&r->params[i]);
    free(r);
}

Round *round_free(Round *r) {
    if (!r) return NULL;
    r->freed = true;
    forget_tenants(r);
    r->retry = loop_timer_free(r->retry);
    loop_free_later(r->parts.loop, r, free_memory); /* finish() may be deferred */
    return NULL;
}
