/* One surge at a time: its ticket is stored; where its incidents are is read; they are changed on
 * the versions read, those overtaken meanwhile are read again; then all of it is published and told
 * to Redis. */
#include "router/problems.h"

#include <stdlib.h>

#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/problem.h"

enum {
    RETRY_MS = 50,
    RETRY_MAX_MS = 2000,
    ROUNDS_MAX = 8, /* then those who change too often are left out */
};

struct Problems {
    ProblemsParts parts;
    Arena *arena; /* of the run */
    ProblemsAsk *asked;
    size_t n, at, pending;
    LoopCallback done;
    void *arg;
    int tries, rounds;

    NewTicket ticket;
    TicketPlace *places; /* of the incidents not settled yet */
    size_t places_n;
    TicketEdit *edits;
    size_t edits_n;
    OutboxRow *outbox; /* of all rounds */
    size_t outbox_n;
    Publication *publication;
    LoopTimer *timer;
    Metric *opened, *replayed, *linked;
};

static void ask_next(void *arg);
static void read_places(Problems *p);

static const Signal *signal_of(const Problems *p) {
    return p->asked[p->at].signal;
}

static void next(Problems *p) {
    p->at++;
    loop_defer(p->parts.loop, ask_next, p);
}

static void bury(Problems *p, const char *reason) {
    p->asked[p->at].dead = arena_strndup(p->arena, reason, strlen(reason));
    next(p);
}

/* Nobody knows what became of it: the whole surge once more, its causes tell. */
static void begin_again(Problems *p, const char *problem) {
    int64_t pause = (int64_t)RETRY_MS << (p->tries < 6 ? p->tries : 6);
    p->tries++;
    log_warn(ABOUT(signal_of(p)->tenant_id, signal_of(p)->ticket_id),
             "PostgreSQL did not take a problem (%s); asking again", problem ? problem : "busy");
    loop_timer_arm(p->timer, pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
}

/* ---- After the commits ---- */

static void on_deleted(void *arg, StoreOutcome outcome, const char *problem) {
    (void)outcome, (void)problem; /* swept otherwise, and published twice */
    next(arg);
}

static void on_followed(void *arg) {
    Problems *p = arg;
    if (--p->pending) return;
    CRASH_POINT("problem-after-publish");
    if (p->outbox_n)
        store_outbox_delete(p->parts.store, p->outbox, p->outbox_n, on_deleted, p);
    else
        next(p);
}

static void follow(Problems *p) {
    CRASH_POINT("problem-after-commit");
    const TicketPlace *place = &p->ticket.place;
    p->pending = 2;
    for (size_t i = 0; i < p->ticket.rows_n; i++)
        publication_add_event(p->publication, &p->ticket.rows[i]);
    settler_settle(p->parts.settler, &place, 1, 0, on_followed, p);
    publication_start(p->publication, on_followed, p);
}

/* ---- Incidents ---- */

static void on_linked(void *arg, StoreOutcome outcome, const char *problem) {
    Problems *p = arg;
    if (outcome == STORE_REFUSED) {
        log_error(ABOUT(signal_of(p)->tenant_id, signal_of(p)->ticket_id),
                  "the incidents of a problem cannot be linked: %s", problem ? problem : "?");
        follow(p);
        return;
    }
    if (outcome != STORE_DONE) {
        begin_again(p, problem);
        return;
    }
    p->places_n = 0;
    for (size_t i = 0; i < p->edits_n; i++) {
        TicketEdit *e = &p->edits[i];
        if (e->fate == CHANGE_OVERTAKEN)
            p->places[p->places_n++] =
                (TicketPlace){.tenant_id = e->tenant_id, .ticket_id = e->ticket_id};
        if (e->fate != CHANGE_DONE && e->fate != CHANGE_REPLAYED) continue;
        if (e->fate == CHANGE_DONE && e->sets & EDIT_PROBLEM) metric_add(p->linked, 1);
        publication_add_event(p->publication, &e->row);
        for (size_t k = 0; k < e->outbox_n; k++)
            p->outbox[p->outbox_n++] = e->outbox[k];
    }
    if (p->places_n && ++p->rounds < ROUNDS_MAX)
        read_places(p);
    else
        follow(p);
}

static bool asked_already(const Problems *p, int64_t ticket_id) {
    for (size_t i = 0; i < p->edits_n; i++)
        if (p->edits[i].ticket_id == ticket_id) return true;
    return false;
}

static void on_places(void *arg, StoreOutcome outcome, const char *problem) {
    Problems *p = arg;
    if (outcome != STORE_DONE) {
        begin_again(p, problem);
        return;
    }
    p->edits = arena_alloc(p->arena, (p->places_n + 1) * sizeof(*p->edits));
    p->edits_n = 0;
    for (size_t i = 0; i < p->places_n; i++) /* two may be one ticket's aliases */
        if (!asked_already(p, p->places[i].ticket_id) &&
            problem_change(signal_of(p), &p->places[i], p->arena, &p->edits[p->edits_n]))
            p->edits_n++;
    if (p->edits_n)
        store_edit_tickets(p->parts.store, p->edits, p->edits_n, p->arena, on_linked, p);
    else
        follow(p);
}

static void read_places(Problems *p) {
    store_places(p->parts.store, p->places, p->places_n, p->arena, on_places, p);
}

/* ---- The ticket ---- */

static void on_opened(void *arg, StoreOutcome outcome, const char *problem) {
    Problems *p = arg;
    const SurgeFound *surge = &signal_of(p)->surge;
    if (outcome == STORE_REFUSED) {
        bury(p, arena_printf(p->arena, "PostgreSQL refuses it: %s", problem ? problem : "?"));
        return;
    }
    if (outcome != STORE_DONE) {
        begin_again(p, problem);
        return;
    }
    if (p->ticket.fate != NEW_TICKET_STORED && p->ticket.fate != NEW_TICKET_REPLAYED) {
        bury(p, "its id belongs to another ticket");
        return;
    }
    metric_add(p->ticket.fate == NEW_TICKET_STORED ? p->opened : p->replayed, 1);
    CRASH_POINT("problem-after-open");
    p->places = arena_zalloc(p->arena, (surge->incidents_n + 1) * sizeof(*p->places));
    p->places[0].ticket_id = signal_of(p)->ticket_id;
    for (size_t i = 0; i < surge->incidents_n; i++)
        p->places[i + 1].ticket_id = surge->incidents[i];
    p->places_n = surge->incidents_n + 1;
    for (size_t i = 0; i < p->places_n; i++)
        p->places[i].tenant_id = signal_of(p)->tenant_id;
    read_places(p);
}

static void open_ticket(Problems *p) {
    const Signal *s = signal_of(p);
    if (!configuration_ready(p->parts.configuration)) {
        begin_again(p, "the tenants' documents are not read yet");
        return;
    }
    size_t duties_n = 0;
    const Catalog *catalog = configuration_catalog(p->parts.configuration, s->tenant_id);
    const AgentDuty *duties =
        catalog ? configuration_duties(p->parts.configuration, s->tenant_id, &duties_n) : NULL;
    problem_ticket(s, catalog, duties, duties_n, p->arena, &p->ticket);
    CRASH_POINT("problem-before-store");
    store_new_tickets(p->parts.store, &p->ticket, 1, p->arena, on_opened, p);
}

static void ask_next(void *arg) {
    Problems *p = arg;
    publication_clear(p->publication);
    p->tries = 0;
    if (p->at == p->n) {
        p->n = 0;
        p->done(p->arg);
        return;
    }
    const Signal *s = signal_of(p);
    if (!cause_eq(surge_cause(s->tenant_id, s->surge.category, s->surge.began_ms), s->cause)) {
        bury(p, "its cause is not that of its surge");
        return;
    }
    loop_timer_arm(p->timer, 0);
}

static void on_timer(void *arg) {
    Problems *p = arg;
    publication_clear(p->publication);
    p->rounds = 0;
    p->outbox_n = 0;
    p->outbox = arena_alloc(p->arena, 4 * (SURGE_INCIDENTS_MAX + 1) * sizeof(*p->outbox));
    open_ticket(p);
}

void problems_run(Problems *p, ProblemsAsk *asked, size_t n, LoopCallback done, void *arg) {
    arena_reset(p->arena);
    p->asked = asked;
    p->n = n;
    p->at = 0;
    p->done = done;
    p->arg = arg;
    for (size_t i = 0; i < n; i++)
        asked[i].dead = NULL;
    loop_defer(p->parts.loop, ask_next, p);
}

/* ---- Life ---- */

Problems *problems_new(const ProblemsParts *parts) {
    Problems *p = xcalloc(1, sizeof(*p));
    p->parts = *parts;
    p->arena = arena_new(4 * 1024);
    p->publication = publication_new(parts->publisher);
    p->timer = loop_timer_new(parts->loop, on_timer, p);
    p->opened = metric_counter("docket_router_problems_total",
                               "Problem tickets opened for surges that were found", NULL);
    p->replayed = metric_counter("docket_router_problems_replayed_total",
                                 "Surges told again: their problems were there", NULL);
    p->linked = metric_counter("docket_router_incidents_total",
                               "Tickets that became incidents of a problem", NULL);
    return p;
}

Problems *problems_free(Problems *p) {
    if (!p) return NULL;
    loop_timer_free(p->timer);
    publication_free(p->publication);
    arena_free(p->arena);
    free(p);
    return NULL;
}
