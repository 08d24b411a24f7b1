/* Waves: of each ticket the first signal that is not settled yet. Looked up, judged where need be,
 * somebody else asked for, stored, then published and told to Redis; until nothing is left. */
#include "router/acts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/escalation.h"

enum {
    RETRY_MS = 50,
    RETRY_MAX_MS = 2000,
    LATES_MAX = 3, /* then nobody else is asked for */
};

typedef enum Refusal {
    REFUSED_OVER,   /* the ticket is closed, merged or deleted */
    REFUSED_UNTRUE, /* its ledger says otherwise */
    REFUSED_WORN,   /* too many changes */
    REFUSALS
} Refusal;

typedef struct Act {
    ActsAsk *ask;
    bool settled;
    bool
        restless; /* the ledger was found ahead of the scheduler: judged whenever it is looked at */
    int lates;
} Act;

typedef struct Step { /* an act in this wave */
    Act *act;
    const Footprint *footprint;
    Withheld withheld;
    bool judging, storing;
    Another another;
} Step;

struct Acts {
    ActsParts parts;
    Arena *arena, *wave_arena;
    Act acts[ACTS_MAX];
    size_t n;
    LoopCallback done;
    void *arg;
    /* The wave. */
    Step steps[ACTS_MAX];
    Footprint *footprints;
    History *histories;
    size_t steps_n, histories_n, pending;
    int64_t asked_ms; /* Redis was, monotonic; 0: not */
    PromiseChange *changes;
    Step **owners; /* change -> its step */
    size_t changes_n, at, window;
    int tries;
    bool stalled; /* lives could not be told: those who need them wait for the next wave */
    const TicketPlace **places;
    size_t places_n;
    Publication *publication;
    LoopTimer *timer;
    int64_t since_us;

    Metric *recorded[PROMISE_ACTS], *refused[REFUSALS], *replayed, *judged, *seconds;
};

static void wave_begin(void *arg);
static void store_next(Acts *a);

static const TicketPlace *place_of(const Step *s) {
    return &s->footprint->place;
}

static const Signal *signal_of(const Step *s) {
    return s->act->ask->signal;
}

/* ---- Ends of an act ---- */

static void refuse(Acts *a, Step *s, Refusal why, const char *words) {
    s->act->settled = true;
    metric_add(a->refused[why], 1);
    log_info(ABOUT(signal_of(s)->tenant_id, signal_of(s)->ticket_id),
             "a signal is refused, %s: %s %.*s", words, promise_act_name(signal_act(signal_of(s))),
             STR_ARG(signal_of(s)->promise.metric));
}

static void bury(Acts *a, Step *s, const char *reason) {
    s->act->settled = true;
    s->act->ask->dead = arena_strndup(a->arena, reason, strlen(reason));
}

/* Recorded, now or in an earlier life: everybody else is to know. */
static void record(Acts *a, Step *s, const TicketPlace *place, const LedgerRow *row) {
    s->act->settled = true;
    a->places[a->places_n++] = place;
    publication_add_event(a->publication, row);
}

/* ---- After the commit ---- */

/* From the beginning: nobody knows what became of it, and its footprint would tell. */
static void begin_again(Acts *a, const char *problem) {
    int64_t pause = (int64_t)RETRY_MS << (a->tries < 6 ? a->tries : 6);
    a->tries++;
    log_warn(NULL, "PostgreSQL did not take %zu signals (%s); asking again", a->steps_n,
             problem ? problem : "busy");
    loop_timer_arm(a->timer, pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
}

static void on_followed(void *arg) {
    Acts *a = arg;
    if (--a->pending) return;
    CRASH_POINT("promise-after-publish");
    metric_observe(a->seconds, (double)(clock_monotonic_us() - a->since_us) / 1e6);
    wave_begin(a);
}

static void follow(Acts *a) {
    if (a->places_n == 0 && a->stalled) {
        begin_again(a, "ledgers cannot be read");
        return;
    }
    if (a->places_n == 0) {
        loop_defer(a->parts.loop, wave_begin, a);
        return;
    }
    CRASH_POINT("promise-after-commit");
    a->pending = 2;
    settler_settle(a->parts.settler, a->places, a->places_n, 0, on_followed, a);
    publication_start(a->publication, on_followed, a);
}

/* ---- Storing ---- */

static void settle_changes(Acts *a) {
    for (size_t i = a->at; i < a->at + a->window; i++) {
        PromiseChange *c = &a->changes[i];
        Step *s = a->owners[i];
        switch (c->fate) {
        case CHANGE_DONE:
            metric_add(a->recorded[c->act], 1);
            record(a, s, &c->place, &c->row);
            break;
        case CHANGE_REPLAYED:
            metric_add(a->replayed, 1);
            record(a, s, &c->place, &c->row);
            break;
        case CHANGE_OVERTAKEN: /* the next wave looks again */
            s->act->restless = true;
            break;
        case CHANGE_WORN_OUT:
            refuse(a, s, REFUSED_WORN, "the ticket has no room for another row");
            break;
        case CHANGE_ILLEGAL:
            bury(a, s, "what it asks for cannot be written");
            break;
        case CHANGE_NO_TICKET:
            bury(a, s, "there is no such ticket");
            break;
        }
    }
}

static void on_stored(void *arg, StoreOutcome outcome, const char *problem) {
    Acts *a = arg;
    switch (outcome) {
    case STORE_DONE:
        settle_changes(a);
        a->at += a->window;
        a->window = a->changes_n - a->at;
        a->tries = 0;
        break;
    case STORE_REFUSED:
        if (a->window > 1) {
            a->window /= 2;
            break;
        }
        bury(a, a->owners[a->at],
             arena_printf(a->wave_arena, "PostgreSQL refuses it: %s", problem ? problem : "?"));
        a->at++;
        a->window = a->changes_n - a->at;
        break;
    case STORE_LATE: /* a place held for somebody ran out */
        for (size_t i = a->at; i < a->changes_n; i++)
            if (a->changes[i].use_by_ms) a->owners[i]->act->lates++;
        a->changes_n = a->at;
        break;
    case STORE_AGAIN:
    case STORE_BUSY:
        if (a->places_n == 0) {
            begin_again(a, problem);
            return;
        }
        a->changes_n = a->at; /* what is written first */
        break;
    }
    store_next(a);
}

static void store_next(Acts *a) {
    if (a->at == a->changes_n) {
        follow(a);
        return;
    }
    CRASH_POINT("promise-before-store");
    store_record_promises(a->parts.store, a->changes + a->at, a->window, a->wave_arena, on_stored,
                          a);
}

/* ---- Deciding ---- */

static EscalationFacts facts_of(const Acts *a, const Step *s) {
    const Signal *signal = signal_of(s);
    EscalationFacts f = {.place = place_of(s),
                         .catalog =
                             configuration_catalog(a->parts.configuration, signal->tenant_id),
                         .withheld = s->withheld};
    return f;
}

static Staffing staffing_of(const Acts *a, const EscalationFacts *f, int64_t group_id) {
    enum { SKILLS_MAX = 64 };
    Str list[SKILLS_MAX], skills = f->place->skills;
    size_t n = 0, duties_n = 0;
    if (!group_id) return (Staffing){0};
    while (skills.n && n < SKILLS_MAX)
        list[n++] = str_cut(skills, ',', &skills);
    const AgentDuty *duties =
        configuration_duties(a->parts.configuration, f->place->tenant_id, &duties_n);
    return placement_staffing(f->catalog, duties, duties_n, group_id, list, n);
}

static void decide(Acts *a) {
    a->changes = arena_alloc(a->wave_arena, (a->steps_n + 1) * sizeof(*a->changes));
    a->owners = arena_alloc(a->wave_arena, (a->steps_n + 1) * sizeof(Step *));
    a->changes_n = a->at = 0;
    for (size_t i = 0; i < a->steps_n; i++) {
        Step *s = &a->steps[i];
        if (!s->storing) continue;
        EscalationFacts f = facts_of(a, s);
        f.another = s->act->lates < LATES_MAX ? &s->another : NULL;
        f.staffing = staffing_of(a, &f, escalation_group(signal_of(s), &f));
        PromiseChange *c = &a->changes[a->changes_n];
        a->owners[a->changes_n++] = s;
        escalation_decide(signal_of(s), &f, a->wave_arena, c);
        if (s->another.agent_id && c->to_assignee_id == s->another.agent_id)
            c->use_by_ms = a->asked_ms + RESERVATION_USE_MS;
    }
    a->window = a->changes_n;
    store_next(a);
}

/* ---- Somebody else ---- */

static void on_another(void *arg, RosterOutcome outcome) {
    (void)outcome; /* cold or away: whoever has it keeps it */
    Acts *a = arg;
    if (--a->pending) return;
    CRASH_POINT("promise-after-reservation");
    decide(a);
}

static void ask_for_others(Acts *a) {
    Another **asking = arena_alloc(a->wave_arena, (a->steps_n + 1) * sizeof(Another *));
    size_t n = 0;
    a->asked_ms = clock_monotonic_ms();
    for (size_t i = 0; i < a->steps_n; i++) {
        Step *s = &a->steps[i];
        EscalationFacts f = s->storing ? facts_of(a, s) : (EscalationFacts){0};
        if (!s->storing || s->act->lates >= LATES_MAX ||
            !escalation_wants_another(signal_of(s), &f))
            continue;
        const TicketPlace *p = place_of(s);
        s->another = (Another){.tenant_id = p->tenant_id,
                               .ticket_id = p->ticket_id,
                               .version = p->version,
                               .from_agent_id = p->assignee_id,
                               .kind = placement_kind_of(a->wave_arena, p)};
        asking[n++] = &s->another;
    }
    if (n == 0) {
        decide(a);
        return;
    }
    a->pending = 1;
    for (size_t at = 0, end; at < n; at = end) {
        for (end = at; end < n && asking[end]->tenant_id == asking[at]->tenant_id;)
            end++;
        a->pending++;
        roster_another(a->parts.roster, asking + at, end - at, clock_wall_ms(), on_another, a);
    }
    a->pending--;
}

/* ---- Judging ---- */

static bool is_moment(const PromiseMoment *m, const Signal *s) {
    return m->act == signal_act(s) && m->instance == s->promise.instance &&
           str_is(s->promise.metric, metric_name(m->metric)) && str_is(s->promise.level, m->level);
}

static bool clock_has_ended(const TicketLife *life, const PromiseMoment *m) {
    const Clock *clocks;
    size_t n = ticket_life_clocks(life, &clocks);
    for (size_t i = 0; i < n; i++)
        if (clocks[i].metric == m->metric && clocks[i].instance == m->instance)
            return clocks[i].status == CLOCK_FULFILLED || clocks[i].status == CLOCK_CANCELLED;
    return true; /* forgotten: nothing of it matters any more */
}

static void judge(Acts *a, Step *s, const History *h) {
    if (h->fate != HISTORY_TOLD) {
        bury(a, s, h->problem ? h->problem : "its ticket has no ledger");
        return;
    }
    if (ticket_life_seq(h->life) != place_of(s)->version) {
        s->act->restless = true; /* changed between the two readings: once more */
        return;
    }
    PromiseMoment *due;
    size_t n = ticket_life_due(h->life, a->wave_arena, &due);
    for (size_t i = 0; i < n; i++) {
        if (!is_moment(&due[i], signal_of(s))) continue;
        s->storing = true;
        if (!s->withheld && due[i].act == PROMISE_ESCALATED && clock_has_ended(h->life, &due[i]))
            s->withheld = WITHHELD_OVER;
        return;
    }
    refuse(a, s, REFUSED_UNTRUE, "the ledger says otherwise");
}

static void on_lives(void *arg, HistoriesOutcome outcome, const char *problem) {
    Acts *a = arg;
    size_t k = 0;
    for (size_t i = 0; outcome == HISTORIES_DONE && i < a->steps_n; i++)
        if (a->steps[i].judging) judge(a, &a->steps[i], &a->histories[k++]);
    for (size_t i = 0; i < a->histories_n; i++)
        a->histories[i].life = ticket_life_free(a->histories[i].life);
    a->stalled = outcome != HISTORIES_DONE;
    if (a->stalled) log_warn(NULL, "ledgers cannot be read: %s", problem ? problem : "?");
    ask_for_others(a);
}

/* Does the scheduler's judgement hold as it is? */
static bool must_be_judged(const Acts *a, const Step *s) {
    const Signal *signal = signal_of(s);
    const Catalog *c = configuration_catalog(a->parts.configuration, signal->tenant_id);
    return s->act->restless || place_of(s)->version != signal->promise.judged_seq || !c ||
           catalog_revision(c) != signal->revision ||
           (signal->promise.late && signal->kind == SIGNAL_PROMISE_ESCALATED);
}

/* ---- Looking up ---- */

static void look_at(Acts *a, Step *s) {
    const Footprint *f = s->footprint;
    const Signal *signal = signal_of(s);
    if (f->place.version == 0) {
        bury(a, s, "there is no such ticket");
    } else if (f->place.ticket_id != signal->ticket_id) {
        bury(a, s, "its ticket is another one's alias");
    } else if (f->found) {
        metric_add(a->replayed, 1);
        record(a, s, &f->place, &f->row);
    } else if (f->place.status >= TICKET_CLOSED) {
        refuse(a, s, REFUSED_OVER, "the ticket is over");
    } else {
        if (f->acknowledged_ms && f->acknowledged_ms >= signal->promise.at_ms)
            s->withheld = WITHHELD_ACKNOWLEDGED;
        else if (f->place.status == TICKET_SOLVED)
            s->withheld = WITHHELD_OVER;
        s->judging = must_be_judged(a, s);
        s->storing = !s->judging;
    }
}

static void on_footprints(void *arg, StoreOutcome outcome, const char *problem) {
    Acts *a = arg;
    if (outcome != STORE_DONE) {
        begin_again(a, problem);
        return;
    }
    a->histories = arena_zalloc(a->wave_arena, (a->steps_n + 1) * sizeof(*a->histories));
    for (size_t i = 0; i < a->steps_n; i++) {
        Step *s = &a->steps[i];
        look_at(a, s);
        if (!s->judging) continue;
        a->histories[a->histories_n++] = (History){.tenant_id = signal_of(s)->tenant_id,
                                                   .ticket_id = signal_of(s)->ticket_id,
                                                   .upto_ms = NEVER,
                                                   .judge_ms = signal_of(s)->at_ms};
    }
    if (a->histories_n == 0) {
        ask_for_others(a);
        return;
    }
    metric_add(a->judged, (double)a->histories_n);
    histories_lives(a->parts.histories, a->histories, a->histories_n, on_lives, a);
}

/* ---- Waves ---- */

/* Neighbours in Redis's and PostgreSQL's order, each ticket's signals as they came. */
static int by_ticket(const void *x, const void *y) {
    const Step *p = x, *q = y;
    const Signal *a = signal_of(p), *b = signal_of(q);
    if (a->tenant_id != b->tenant_id) return a->tenant_id < b->tenant_id ? -1 : 1;
    if (a->ticket_id != b->ticket_id) return a->ticket_id < b->ticket_id ? -1 : 1;
    return (p->act > q->act) - (p->act < q->act);
}

static void choose(Acts *a) {
    size_t n = 0;
    a->steps_n = 0;
    for (size_t i = 0; i < a->n; i++)
        if (!a->acts[i].settled) a->steps[n++] = (Step){.act = &a->acts[i]};
    if (n > 1) qsort(a->steps, n, sizeof(*a->steps), by_ticket);
    for (size_t i = 0; i < n; i++) {
        const Signal *s = signal_of(&a->steps[i]),
                     *last = a->steps_n ? signal_of(&a->steps[a->steps_n - 1]) : NULL;
        if (!last || last->tenant_id != s->tenant_id || last->ticket_id != s->ticket_id)
            a->steps[a->steps_n++] = a->steps[i];
    }
}

static void wave_begin(void *arg) {
    Acts *a = arg;
    publication_clear(a->publication);
    arena_reset(a->wave_arena);
    a->histories_n = a->changes_n = a->places_n = 0;
    a->stalled = false;
    choose(a);
    if (a->steps_n == 0) {
        a->n = 0;
        a->done(a->arg);
        return;
    }
    a->since_us = clock_monotonic_us();
    a->footprints = arena_zalloc(a->wave_arena, a->steps_n * sizeof(*a->footprints));
    a->places = arena_alloc(a->wave_arena, a->steps_n * sizeof(const TicketPlace *));
    for (size_t i = 0; i < a->steps_n; i++) {
        const Signal *s = signal_of(&a->steps[i]);
        a->footprints[i] =
            (Footprint){.tenant_id = s->tenant_id, .ticket_id = s->ticket_id, .cause = s->cause};
        a->steps[i].footprint = &a->footprints[i];
    }
    store_footprints(a->parts.store, a->footprints, a->steps_n, a->wave_arena, on_footprints, a);
}

static bool is_its_own_cause(const Signal *s) {
    Cause cause = promise_cause(s->tenant_id, s->ticket_id, signal_act(s), s->promise.metric,
                                s->promise.instance, s->promise.level);
    return cause_eq(cause, s->cause);
}

void acts_run(Acts *a, ActsAsk *asked, size_t n, LoopCallback done, void *arg) {
    arena_reset(a->arena);
    a->n = n;
    a->done = done;
    a->arg = arg;
    a->tries = 0;
    for (size_t i = 0; i < n; i++) {
        a->acts[i] = (Act){.ask = &asked[i]};
        asked[i].dead = NULL;
        if (is_its_own_cause(asked[i].signal)) continue;
        asked[i].dead = "its cause is not that of its moment";
        a->acts[i].settled = true;
    }
    loop_defer(a->parts.loop, wave_begin, a);
}

/* ---- Life ---- */

Acts *acts_new(const ActsParts *parts) {
    static const char *const labels[PROMISE_ACTS] = {"act=\"warned\"", "act=\"breached\"",
                                                     "act=\"escalated\""};
    static const char *const refusals[REFUSALS] = {"reason=\"over\"", "reason=\"untrue\"",
                                                   "reason=\"worn_out\""};
    Acts *a = xcalloc(1, sizeof(*a));
    a->parts = *parts;
    a->arena = arena_new(4 * 1024);
    a->wave_arena = arena_new(64 * 1024);
    a->publication = publication_new(parts->publisher);
    a->timer = loop_timer_new(parts->loop, wave_begin, a);
    for (int i = 0; i < PROMISE_ACTS; i++)
        a->recorded[i] = metric_counter("docket_router_promises_total",
                                        "Moments of promises recorded in the ledger", labels[i]);
    for (int i = 0; i < REFUSALS; i++)
        a->refused[i] =
            metric_counter("docket_router_promises_refused_total",
                           "Signals of promises that the ledger does not bear out", refusals[i]);
    a->replayed = metric_counter("docket_router_promises_replayed_total",
                                 "Signals of promises recorded already: told again", NULL);
    a->judged = metric_counter("docket_router_promises_judged_total",
                               "Signals of promises for which a ledger was read anew", NULL);
    a->seconds = metric_histogram("docket_router_promise_seconds",
                                  "From looking signals of promises up to told and published", NULL,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
    return a;
}

Acts *acts_free(Acts *a) {
    if (!a) return NULL;
    for (size_t i = 0; i < a->histories_n; i++)
        ticket_life_free(a->histories[i].life);
    loop_timer_free(a->timer);
    publication_free(a->publication);
    arena_free(a->wave_arena);
    arena_free(a->arena);
    free(a);
    return NULL;
}
