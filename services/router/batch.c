/* The stages of one batch, in order. What each one leaves when we die is in pipeline.c. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/batch_internal.h"

enum {
    DOCUMENTS_WAIT_MS = 2500, /* for a tenant never seen: applied documents arrive within 2 s */
    DOCUMENTS_LOOK_MS = 50,
    LATES_MAX = 3, /* then what is left is stored as waiting */
    RETRY_MS = 50,
    RETRY_MAX_MS = 2000
};

static LoopTimer *batch_timer(Batch *b, LoopCallback cb) {
    loop_timer_free(b->timer);
    return b->timer = loop_timer_new(b->pipeline->parts.loop, cb, b);
}

/* ---- Deciding ---- */

void batch_dead(Batch *b, size_t decision, const char *reason) {
    Decision *d = &b->decisions[decision];
    d->dead = reason;
    metric_add(pipeline_metrics()->dead, 1);
    log_error(ABOUT(d->submission.tenant_id, d->submission.ticket_id),
              "a submission cannot be processed and goes to docket.dead: %s", reason);
}

static const BatchTenant *batch_tenant(Batch *b, int64_t tenant_id) {
    for (size_t i = b->tenants_n; i-- > 0;) /* neighbours are often of one tenant */
        if (b->tenants[i].tenant_id == tenant_id) return &b->tenants[i];
    BatchTenant *t = &b->tenants[b->tenants_n++];
    const Catalog *c = configuration_catalog(b->pipeline->parts.configuration, tenant_id);
    *t = (BatchTenant){.tenant_id = tenant_id, .catalog = c ? catalog_ref(c) : NULL};
    return t;
}

/* A tenant without documents: how long may this batch wait for them? 0: it has waited enough. */
static int64_t stranger_until(Pipeline *p, int64_t tenant_id) {
    for (size_t i = 0; i < p->strangers_n && i < STRANGERS_MAX; i++)
        if (p->strangers[i].tenant_id == tenant_id)
            return p->strangers[i].since_ms + DOCUMENTS_WAIT_MS;
    int64_t now = clock_monotonic_ms();
    size_t at = p->strangers_n++ % STRANGERS_MAX;
    p->strangers[at].tenant_id = tenant_id;
    p->strangers[at].since_ms = now;
    return now + DOCUMENTS_WAIT_MS;
}

static void decode(Batch *b) {
    b->decisions = arena_zalloc(b->arena, 2 * b->messages_n * sizeof(*b->decisions));
    b->tickets = arena_alloc(b->arena, 2 * b->messages_n * sizeof(*b->tickets));
    b->owners = arena_alloc(b->arena, 2 * b->messages_n * sizeof(*b->owners));
    b->decisions_n = b->messages_n;
    b->oldest_accepted_ms = 0;
    for (size_t i = 0; i < b->messages_n; i++) {
        Decision *d = &b->decisions[i];
        const char *problem = NULL;
        if (submission_decode(b->messages[i].message.value, b->arena, &d->submission, &problem) <
            0) {
            d->submission = (Submission){0};
            batch_dead(b, i, problem);
            continue;
        }
        if (!b->oldest_accepted_ms || d->submission.accepted_ms < b->oldest_accepted_ms)
            b->oldest_accepted_ms = d->submission.accepted_ms;
    }
}

static void classify(void *arg);

static int by_tenant_and_score(const void *a, const void *b) {
    const Reservation *x = *(Reservation *const *)a, *y = *(Reservation *const *)b;
    if (x->tenant_id != y->tenant_id) return x->tenant_id < y->tenant_id ? -1 : 1;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->ticket_id > y->ticket_id) - (x->ticket_id < y->ticket_id);
}

void batch_decide(Batch *b) {
    decode(b);
    classify(b);
}

static bool documents_are_there(Batch *b) {
    Pipeline *p = b->pipeline;
    int64_t now = clock_monotonic_ms();
    bool there = true;
    int64_t seen = 0;
    for (size_t i = 0; i < b->decisions_n && there; i++) {
        int64_t tenant = b->decisions[i].submission.tenant_id;
        if (b->decisions[i].dead || tenant == seen) continue;
        seen = tenant;
        if (!configuration_catalog(p->parts.configuration, tenant) &&
            now < stranger_until(p, tenant))
            there = false;
    }
    return there;
}

static void classify(void *arg) {
    Batch *b = arg;
    Pipeline *p = b->pipeline;
    if (!documents_are_there(b)) {
        loop_timer_arm(batch_timer(b, classify), DOCUMENTS_LOOK_MS);
        return;
    }
    b->tenants = arena_alloc(b->arena, b->decisions_n * sizeof(*b->tenants));
    b->asking = arena_alloc(b->arena, (b->decisions_n + 1) * sizeof(Reservation *));
    for (size_t i = 0; i < b->decisions_n; i++) {
        Decision *d = &b->decisions[i];
        if (d->dead) continue;
        const Catalog *c = batch_tenant(b, d->submission.tenant_id)->catalog;
        size_t duties_n = 0;
        const AgentDuty *duties =
            c ? configuration_duties(p->parts.configuration, d->submission.tenant_id, &duties_n)
              : NULL;
        d->ticket = &b->tickets[b->tickets_n];
        b->owners[b->tickets_n++] = i;
        decision_classify(d, c, duties, duties_n, b->arena);
        if (d->asks) b->asking[b->asking_n++] = &d->reservation;
    }
    /* Of one tenant, those that would stand first are asked about first. */
    if (b->asking_n > 1) qsort(b->asking, b->asking_n, sizeof(Reservation *), by_tenant_and_score);
    batch_enter(b, BATCH_RESERVING);
    batch_reserve(b);
}

/* ---- Reserving ---- */

static void place_all(Batch *b) {
    for (size_t i = 0; i < b->decisions_n; i++)
        if (!b->decisions[i].dead && b->conflicts_seen == 0)
            decision_place(&b->decisions[i], b->arena);
}

static void on_reserved(void *arg, RosterOutcome outcome) {
    (void)outcome; /* cold or away: those not answered wait */
    Batch *b = arg;
    if (--b->pending) return;
    place_all(b);
    CRASH_POINT("after-reservation");
    batch_enter(b, BATCH_READY);
    batch_store(b);
}

void batch_reserve(Batch *b) {
    Pipeline *p = b->pipeline;
    b->reserved_ms = clock_monotonic_ms();
    if (b->asking_n == 0) {
        place_all(b);
        batch_enter(b, BATCH_READY);
        batch_store(b);
        return;
    }
    b->pending = 0;
    for (size_t at = 0, end; at < b->asking_n; at = end) {
        for (end = at; end < b->asking_n && b->asking[end]->tenant_id == b->asking[at]->tenant_id;)
            end++;
        b->pending++;
        roster_reserve(p->parts.roster, b->asking + at, end - at, clock_wall_ms(), on_reserved, b);
    }
}

/* ---- Storing ---- */

static void store_next(Batch *b);
static void reserve_again(Batch *b);

static void store_again(void *arg) {
    store_next(arg);
}

/* The turn goes to the other batch, should it wait. */
static void stored(Batch *b) {
    Pipeline *p = b->pipeline;
    p->storing = false;
    CRASH_POINT("after-commit");
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < b->tickets_n; i++)
        if (b->tickets[i].fate == NEW_TICKET_STORED && !b->decisions[b->owners[i]].dead)
            metric_observe(pipeline_metrics()->latency,
                           (double)(now - b->tickets[i].submission->accepted_ms) / 1000);
    batch_enter(b, BATCH_FOLLOWING);
    batch_follow(b);
    for (int i = 0; i < BATCHES; i++)
        if (p->batch[i].stage == BATCH_READY) batch_store(&p->batch[i]);
}

static void range_push(Batch *b, size_t first, size_t n) {
    assert(b->ranges_n < RANGES_MAX); /* halving 4,096 leaves at most a dozen */
    if (n) b->ranges[b->ranges_n++] = (Range){first, n};
}

/* Ids that belong to another cause: the same submissions once more, under fresh ids. True when
 * there is something to store, or an id to wait for. */
static bool renumber_conflicts(Batch *b) {
    Pipeline *p = b->pipeline;
    size_t first = b->tickets_n;
    for (; b->conflicts_seen < first; b->conflicts_seen++) {
        const NewTicket *t = &b->tickets[b->conflicts_seen];
        size_t owner = b->owners[b->conflicts_seen];
        Decision *old = &b->decisions[owner];
        if (old->dead || t->fate != NEW_TICKET_CONFLICT) continue;
        if (owner >= b->messages_n) { /* a fresh one: somebody gives out ids twice */
            batch_dead(b, owner, "its id and a fresh one belong to other causes");
            continue;
        }
        if (!p->ids)
            p->ids =
                ids_new(p->parts.loop, p->parts.settings->postgres_url, p->parts.instance, NULL);
        int64_t fresh = p->ids ? ids_next(p->ids) : 0;
        if (!fresh) break; /* none yet */
        metric_add(pipeline_metrics()->conflicts, 1);
        log_error(ABOUT(t->submission->tenant_id, t->submission->ticket_id),
                  "ALARM: this id belongs to another cause; its submission is stored as %lld",
                  (long long)fresh);
        Decision *d = &b->decisions[b->decisions_n];
        d->ticket = &b->tickets[b->tickets_n];
        b->owners[b->tickets_n++] = b->decisions_n++;
        decision_renumber(old, fresh, d, b->arena);
    }
    range_push(b, first, b->tickets_n - first);
    if (b->ranges_n > 0) return true;
    if (b->conflicts_seen == first) return false;
    loop_timer_arm(batch_timer(b, store_again), RETRY_MS);
    return true;
}

static void range_halve(Batch *b) {
    Range r = b->ranges[--b->ranges_n];
    range_push(b, r.first + r.n / 2, r.n - r.n / 2);
    range_push(b, r.first, r.n / 2);
}

/* Too slow for a reservation time and again: nobody gets what is left, until somebody takes it from
 * the queue. */
static void place_as_waiting(Batch *b) {
    for (size_t i = 0; i < b->ranges_n; i++)
        for (size_t k = 0; k < b->ranges[i].n; k++) {
            Decision *d = &b->decisions[b->owners[b->ranges[i].first + k]];
            if (!d->asks) continue;
            d->reservation.why = RESERVE_RAN_OUT;
            d->reservation.agent_id = 0;
            decision_place(d, b->arena);
        }
}

/* Frozen on the way to PostgreSQL, or it took too long: half as much takes half as long. */
static void on_late(Batch *b) {
    metric_add(pipeline_metrics()->late, 1);
    log_warn(NULL, "reservations ran out before PostgreSQL had a batch of %zu: %s",
             b->ranges[b->ranges_n - 1].n,
             b->lates < LATES_MAX ? "asking Redis again" : "stored as waiting");
    range_halve(b);
    if (b->lates++ < LATES_MAX) {
        reserve_again(b);
        return;
    }
    place_as_waiting(b);
    store_next(b);
}

static void on_stored(void *arg, StoreOutcome outcome, const char *problem) {
    Batch *b = arg;
    Range r = b->ranges[b->ranges_n - 1];
    switch (outcome) {
    case STORE_DONE:
        b->ranges_n--;
        b->tries = 0;
        break;
    case STORE_REFUSED:
        if (r.n > 1) {
            range_halve(b);
            break;
        }
        b->ranges_n--;
        batch_dead(b, b->owners[r.first],
                   arena_printf(b->arena, "PostgreSQL refuses it: %s", problem ? problem : "?"));
        break;
    case STORE_LATE:
        on_late(b);
        return;
    case STORE_AGAIN:
    case STORE_BUSY: {
        metric_add(pipeline_metrics()->retries, 1);
        int64_t pause = (int64_t)RETRY_MS << (b->tries < 6 ? b->tries : 6);
        b->tries++;
        log_warn(NULL, "PostgreSQL did not take a batch of %zu (%s); asking again", r.n,
                 problem ? problem : "busy");
        loop_timer_arm(batch_timer(b, store_again), pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
        return;
    }
    }
    store_next(b);
}

static void on_reserved_again(void *arg, RosterOutcome outcome) {
    (void)outcome;
    Batch *b = arg;
    if (--b->pending) return;
    place_all(b);
    store_next(b);
}

/* Frozen, or PostgreSQL was away: what Redis said then may be somebody else's by now. */
static void reserve_again(Batch *b) {
    b->reserved_ms = clock_monotonic_ms();
    b->pending = 0;
    for (size_t at = 0, end; at < b->asking_n; at = end) {
        for (end = at; end < b->asking_n && b->asking[end]->tenant_id == b->asking[at]->tenant_id;)
            end++;
        b->pending++;
        roster_reserve(b->pipeline->parts.roster, b->asking + at, end - at, clock_wall_ms(),
                       on_reserved_again, b);
    }
}

static void store_next(Batch *b) {
    if (b->ranges_n == 0 && !renumber_conflicts(b)) {
        stored(b);
        return;
    }
    if (b->ranges_n == 0) return; /* waits for an id */
    if (b->asking_n && b->lates <= LATES_MAX &&
        clock_monotonic_ms() - b->reserved_ms > RESERVATION_FRESH_MS) {
        reserve_again(b);
        return;
    }
    Range r = b->ranges[b->ranges_n - 1];
    for (size_t i = r.first; i < r.first + r.n; i++)
        b->tickets[i].use_by_ms = b->decisions[b->owners[i]].reservation.agent_id
                                      ? b->reserved_ms + RESERVATION_USE_MS
                                      : 0;
    CRASH_POINT("before-store");
    store_new_tickets(b->pipeline->parts.store, b->tickets + r.first, r.n, b->arena, on_stored, b);
}

void batch_store(Batch *b) {
    Pipeline *p = b->pipeline;
    if (p->storing) return; /* its turn comes */
    p->storing = true;
    batch_enter(b, BATCH_STORING);
    range_push(b, 0, b->tickets_n);
    store_next(b);
}

/* ---- What follows a commit ---- */

static void on_followed(void *arg) {
    Batch *b = arg;
    if (--b->pending) return;
    batch_finish(b);
}

static void on_published(void *arg) {
    CRASH_POINT("after-publish");
    on_followed(arg);
}

static void count(const NewTicket *t) {
    const PipelineMetrics *m = pipeline_metrics();
    switch (t->fate) {
    case NEW_TICKET_STORED:
        metric_add(m->stored, 1);
        metric_add(t->assignee_id ? m->assigned : m->queued, 1);
        break;
    case NEW_TICKET_REPLAYED:
        metric_add(m->replayed, 1);
        break;
    case NEW_TICKET_ALIASED:
        metric_add(m->aliased, 1);
        break;
    case NEW_TICKET_CONFLICT:
        break;
    }
}

/* A reservation under an id that is no ticket's, and never will be: out of Redis, with a tombstone.
 */
static const TicketPlace *no_ticket(Batch *b, const Submission *s) {
    TicketPlace *p = arena_zalloc(b->arena, sizeof(*p));
    p->tenant_id = s->tenant_id;
    p->ticket_id = s->ticket_id;
    p->version = 1;
    p->status = TICKET_DELETED;
    return p;
}

void batch_follow(Batch *b) {
    Pipeline *p = b->pipeline;
    const TicketPlace **places =
        arena_alloc(b->arena, (2 * b->tickets_n + 1) * sizeof(const TicketPlace *));
    size_t places_n = 0;
    for (size_t i = 0; i < b->tickets_n; i++) {
        const NewTicket *t = &b->tickets[i];
        const Decision *d = &b->decisions[b->owners[i]];
        if (d->dead) {
            if (d->reservation.agent_id) places[places_n++] = no_ticket(b, &d->submission);
            continue;
        }
        count(t);
        if (t->fate == NEW_TICKET_CONFLICT)
            continue; /* a look at unconfirmed reservations does the rest */
        if (t->fate == NEW_TICKET_ALIASED && t->place.ticket_id != d->submission.ticket_id)
            places[places_n++] = no_ticket(b, &d->submission);
        places[places_n++] = &t->place;
        for (size_t k = 0; k < t->rows_n; k++)
            publication_add_event(b->publication, &t->rows[k]);
    }
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < b->decisions_n; i++) {
        const Decision *d = &b->decisions[i];
        if (!d->dead) continue;
        /* One renumbered belongs to the message of the same submission. */
        size_t m = i;
        for (size_t k = 0; i >= b->messages_n && k < b->messages_n; k++)
            if (cause_eq(b->decisions[k].submission.cause, d->submission.cause)) m = k;
        publication_add_dead(b->publication, &b->messages[m].message, d->submission.tenant_id,
                             d->submission.ticket_id, d->dead, now);
    }
    b->pending = 2;
    settler_settle(p->parts.settler, places, places_n, 0, on_followed, b);
    publication_start(b->publication, on_published, b);
}
