/* Happenings move clocks; between them time is judged. One instant is: judge up to it, apply all of
 * it, then see what is due. */
#include <assert.h>
#include <errno.h>

#include "promise/life_internal.h"

static const char *const metric_names[METRICS] = {
    "first_reply",   "next_reply",   "periodic_update", "resolution",     "requester_wait",
    "agent_work",    "ack",          "stage_new",       "stage_assigned", "stage_in_progress",
    "stage_pending", "stage_on_hold"};

const char *metric_name(ClockMetric m) {
    return metric_names[m];
}

int metric_parse(Str name, ClockMetric *ret) {
    for (int m = 0; m < METRICS; m++)
        if (str_is(name, metric_names[m])) {
            *ret = (ClockMetric)m;
            return 0;
        }
    return -EINVAL;
}

#define STATE(s) ((uint16_t)(1u << (s)))

Terms terms_default(void) {
    return (Terms){.pauses = {[METRIC_REQUESTER_WAIT] = STATE(TICKET_PENDING),
                              [METRIC_AGENT_WORK] =
                                  (uint16_t)(STATE(TICKET_PENDING) | STATE(TICKET_ON_HOLD))}};
}

/* ---- Stretches ---- */

void stretch_add(Stretches *s, int64_t from, int64_t to) {
    if (from >= to) return;
    if (s->n && s->p[s->n - 1].to == from) {
        s->p[s->n - 1].to = to;
        return;
    }
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 4;
        s->p = xrealloc(s->p, s->room * sizeof(*s->p));
    }
    s->p[s->n++] = (Stretch){from, to};
}

static void stretches_free(Stretches *s) {
    free(s->p);
    *s = (Stretches){0};
}

/* The open part of [from, to). */
static void stretch_add_open(Stretches *s, const Calendar *hours, int64_t from, int64_t to) {
    int64_t start, end;
    for (; calendar_span(hours, from, to, &start, &end); from = end)
        stretch_add(s, start, end);
}

/* ---- A clock ---- */

Life *life_new(const Terms *terms, bool history) {
    Life *l = xcalloc(1, sizeof(*l));
    l->terms = *terms;
    l->history = history;
    l->now = INT64_MIN;
    return l;
}

static void clock_done(Clock *c) {
    stretches_free(&c->unjudged);
    stretches_free(&c->runs);
    stretches_free(&c->counted);
}

Life *life_free(Life *l) {
    if (!l) return NULL;
    for (size_t i = 0; i < l->n; i++)
        clock_done(&l->clocks[i]);
    for (size_t i = 0; i < l->past_n; i++)
        clock_done(&l->past[i]);
    free(l->clocks);
    free(l->past);
    free(l->all);
    free(l);
    return NULL;
}

static bool is_active(const Clock *c) {
    return c->status == CLOCK_RUNNING || c->status == CLOCK_PAUSED;
}

/* The latest instance of a metric, NULL when there is none. */
static Clock *latest(Life *l, ClockMetric m) {
    for (size_t i = 0; i < l->n; i++)
        if (l->clocks[i].metric == m) return &l->clocks[i];
    return NULL;
}

static Clock *active(Life *l, ClockMetric m) {
    Clock *c = latest(l, m);
    return c && is_active(c) ? c : NULL;
}

int64_t clock_warning_ms(const Clock *c, const Warning *w) {
    if (w->percent) return c->target_ms * w->percent / 100;
    return w->left_ms < c->target_ms ? c->target_ms - w->left_ms : c->target_ms;
}

int64_t clock_elapsed(const Clock *c) {
    int64_t elapsed = c->elapsed_ms;
    for (size_t i = 0; i < c->unjudged.n; i++)
        elapsed += c->unjudged.p[i].to - c->unjudged.p[i].from;
    return elapsed;
}

/* Breached at `at`: a warning that came no sooner than its breach was none. */
static void breach(Clock *c, int64_t at, BreachCause cause) {
    c->breached_ms = at;
    c->breach_cause = cause;
    for (int i = 0; i < SHARES_MAX; i++)
        if (c->warned_ms[i] >= at) c->warned_ms[i] = NEVER;
}

static void warn(Clock *c, int share, int64_t at) {
    if (c->warned_ms[share] == NEVER && at < c->breached_ms) c->warned_ms[share] = at;
}

/* Lets a running clock run up to `to`. What is reached strictly before `to` is noted here; what is
 * reached exactly then must wait for what happens then. Should it be found over its target then, or
 * when it runs again, time has brought it there only if the target that it ran under was reached.
 */
static void run(const Life *l, Clock *c, int64_t to) {
    if (c->status != CLOCK_RUNNING || c->since_ms >= to) return;
    if (l->history) stretch_add(&c->runs, c->since_ms, to);
    if (!c->target_ms) {
        stretch_add(&c->unjudged, c->since_ms, to);
        c->since_ms = to;
        if (c->breached_ms == NEVER) c->breach_cause = BREACH_POLICY_CHANGE;
        return;
    }
    if (c->breached_ms == NEVER && c->elapsed_ms < c->target_ms) {
        for (int i = 0; i < l->terms.warnings_n; i++) {
            int64_t wanted = clock_warning_ms(c, &l->terms.warnings[i]) - c->elapsed_ms;
            if (wanted <= 0 || c->warned_ms[i] != NEVER) continue;
            int64_t at = calendar_reach(c->hours, c->since_ms, wanted);
            if (at < to) warn(c, i, at);
        }
        int64_t due = calendar_reach(c->hours, c->since_ms, c->target_ms - c->elapsed_ms);
        if (due < to) breach(c, due, BREACH_TIME);
    }
    c->elapsed_ms += calendar_open_ms(c->hours, c->since_ms, to);
    if (l->history) stretch_add_open(&c->counted, c->hours, c->since_ms, to);
    c->since_ms = to;
    if (c->breached_ms == NEVER)
        c->breach_cause = c->elapsed_ms >= c->target_ms ? BREACH_TIME : BREACH_POLICY_CHANGE;
}

/* After everything of this instant was applied: what has been reached by now? */
static void see(const Life *l, Clock *c, int64_t at) {
    if (c->status != CLOCK_RUNNING || !c->target_ms || c->breached_ms != NEVER) return;
    if (c->elapsed_ms >= c->target_ms) {
        breach(c, at, c->breach_cause);
        return;
    }
    for (int i = 0; i < l->terms.warnings_n; i++)
        if (c->elapsed_ms >= clock_warning_ms(c, &l->terms.warnings[i])) warn(c, i, at);
}

/* The first target judges what ran without one. */
static void judge(const Life *l, Clock *c) {
    for (size_t i = 0; i < c->unjudged.n; i++) {
        const Stretch *s = &c->unjudged.p[i];
        c->elapsed_ms += calendar_open_ms(c->hours, s->from, s->to);
        if (l->history) stretch_add_open(&c->counted, c->hours, s->from, s->to);
    }
    stretches_free(&c->unjudged);
}

static bool pauses(const Life *l, ClockMetric m) {
    return l->terms.pauses[m] >> l->status & 1;
}

static void apply_pause(const Life *l, Clock *c) {
    if (!is_active(c)) return;
    ClockStatus wanted = pauses(l, c->metric) ? CLOCK_PAUSED : CLOCK_RUNNING;
    if (wanted == CLOCK_RUNNING && c->status == CLOCK_PAUSED) c->since_ms = l->now;
    c->status = wanted;
}

/* The place for the next instance of a metric; what stood there is past. */
static Clock *place_for(Life *l, ClockMetric m, int32_t *ret_instance) {
    Clock *before = latest(l, m);
    *ret_instance = before ? before->instance + 1 : 1;
    if (before) {
        life_add_past(l, before);
        return before;
    }
    if (!l->clocks) l->clocks = xcalloc(METRICS, sizeof(*l->clocks));
    size_t at = l->n++;
    for (; at > 0 && l->clocks[at - 1].metric > m; at--)
        l->clocks[at] = l->clocks[at - 1];
    return &l->clocks[at];
}

static void start(Life *l, ClockMetric m) {
    int32_t instance;
    Clock *c = place_for(l, m, &instance);
    *c = (Clock){.metric = m,
                 .instance = instance,
                 .start_ms = l->now,
                 .since_ms = l->now,
                 .target_ms = l->terms.target_ms[m],
                 .hours = l->terms.hours[m],
                 .breached_ms = NEVER,
                 .ended_ms = NEVER};
    for (int i = 0; i < SHARES_MAX; i++)
        c->warned_ms[i] = NEVER;
    c->status = pauses(l, m) ? CLOCK_PAUSED : CLOCK_RUNNING;
}

static void end(const Life *l, Clock *c, ClockStatus how);

/* The clock of the state that the ticket is in, if one is promised: from when it was entered. What
 * ran of it before the promise was made is judged by that promise, as for every other clock. */
static void start_stage(Life *l) {
    ClockMetric m = metric_of_stage(l->status);
    if (!ticket_status_is_open(l->status) || !l->terms.target_ms[m] || active(l, m)) return;
    start(l, m);
    Clock *c = latest(l, m);
    if (l->entered_ms >= l->now) return;
    c->start_ms = l->entered_ms;
    c->breach_cause = BREACH_POLICY_CHANGE;
    stretch_add(&c->unjudged, l->entered_ms, l->now);
    if (l->history) stretch_add(&c->runs, l->entered_ms, l->now);
    judge(l, c);
}

static void enter_stage(Life *l, TicketStatus was) {
    if (ticket_status_is_open(was)) end(l, active(l, metric_of_stage(was)), CLOCK_FULFILLED);
    l->entered_ms = l->now;
    start_stage(l);
}

static void end(const Life *l, Clock *c, ClockStatus how) {
    if (!c || !is_active(c)) return;
    c->status = how;
    c->ended_ms = l->now;
}

/* ---- Instants ---- */

static void see_all(Life *l) {
    for (size_t i = 0; i < l->n; i++)
        see(l, &l->clocks[i], l->now);
}

void life_settle(Life *l, int64_t now) {
    if (l->ended || now < l->now) return;
    l->together = false;
    see_all(l);
    for (size_t i = 0; i < l->n; i++)
        run(l, &l->clocks[i], now);
    l->now = now;
    see_all(l);
}

/* Judges up to `at`, whose happenings follow. False: the ticket's life is over. */
static bool reach(Life *l, int64_t at) {
    if (l->ended) return false;
    l->together = false;
    if (at > l->now) {
        if (l->now != INT64_MIN)
            see_all(l); /* what came true at the instant that is now complete */
        for (size_t i = 0; i < l->n; i++)
            run(l, &l->clocks[i], at);
        l->now = at;
    }
    return true;
}

void life_reach(Life *l, int64_t at) {
    (void)reach(l, at);
}

static void end_all(Life *l, ClockStatus how) {
    for (size_t i = 0; i < l->n; i++)
        end(l, &l->clocks[i], how);
    l->ended = true;
}

/* ---- Happenings ---- */

static bool is_reply(const Life *l, Speaker by, bool is_public) {
    return (by == SPEAKER_AGENT || (by == SPEAKER_BOT && l->terms.bots_reply)) &&
           (is_public || l->terms.private_replies);
}

static void solved(Life *l) {
    for (size_t i = 0; i < l->n; i++)
        end(l, &l->clocks[i], CLOCK_FULFILLED);
    l->answered = true;
    l->unheard = false;
}

void life_create(Life *l, int64_t at, Speaker by, bool public_comment, TicketStatus status) {
    static const ClockMetric from_birth[] = {METRIC_FIRST_REPLY, METRIC_RESOLUTION,
                                             METRIC_REQUESTER_WAIT, METRIC_AGENT_WORK, METRIC_ACK};
    assert(l->n == 0);
    l->now = l->entered_ms = at;
    l->status = status;
    for (size_t i = 0; i < sizeof(from_birth) / sizeof(*from_birth); i++)
        start(l, from_birth[i]);
    /* The comment of creation is never the reply, whoever made it. */
    if (public_comment && is_reply(l, by, true)) start(l, METRIC_PERIODIC_UPDATE);
    start_stage(l);
    if (status == TICKET_SOLVED) solved(l);
    if (status >= TICKET_CLOSED)
        end_all(l, status == TICKET_CLOSED ? CLOCK_FULFILLED : CLOCK_CANCELLED);
}

void life_comment(Life *l, int64_t at, Speaker by, bool is_public) {
    if (!reach(l, at)) return;
    if (by == SPEAKER_REQUESTER && is_public) {
        if (l->status == TICKET_SOLVED)
            l->unheard = true;
        else if (l->answered && !active(l, METRIC_NEXT_REPLY))
            start(l, METRIC_NEXT_REPLY);
    } else if (is_reply(l, by, is_public)) {
        l->answered = true;
        l->unheard = false;
        end(l, active(l, METRIC_FIRST_REPLY), CLOCK_FULFILLED);
        end(l, active(l, METRIC_NEXT_REPLY), CLOCK_FULFILLED);
        end(l, active(l, METRIC_PERIODIC_UPDATE), CLOCK_FULFILLED);
        end(l, active(l, METRIC_ACK), CLOCK_FULFILLED);
        if (l->status != TICKET_SOLVED) start(l, METRIC_PERIODIC_UPDATE);
    }
}

static void reopen(Life *l) {
    static const ClockMetric revived[] = {METRIC_RESOLUTION, METRIC_REQUESTER_WAIT,
                                          METRIC_AGENT_WORK};
    for (size_t i = 0; i < sizeof(revived) / sizeof(*revived); i++) {
        Clock *c = latest(l, revived[i]);
        if (l->terms.restart || !c) {
            start(l, revived[i]);
        } else {
            c->status = CLOCK_RUNNING;
            c->ended_ms = NEVER;
            c->since_ms = l->now;
            c->target_ms = l->terms.target_ms[c->metric];
            c->hours = l->terms.hours[c->metric];
            if (c->target_ms) judge(l, c);
        }
    }
    if (l->unheard) start(l, METRIC_NEXT_REPLY);
    l->unheard = false;
}

void life_status(Life *l, int64_t at, TicketStatus status) {
    if (!reach(l, at) || status == l->status) return;
    TicketStatus was = l->status;
    l->status = status;
    enter_stage(l, was);
    if (status == TICKET_SOLVED) {
        solved(l);
    } else if (status >= TICKET_CLOSED) {
        end_all(l, status == TICKET_CLOSED ? CLOCK_FULFILLED : CLOCK_CANCELLED);
    } else {
        if (was == TICKET_SOLVED) reopen(l);
        for (size_t i = 0; i < l->n; i++)
            apply_pause(l, &l->clocks[i]);
    }
}

/* Warnings keep their instants when the terms that name them change places; those that the new
 * terms do not know are forgotten. */
static void move_warnings(Clock *c, const Terms *from, const Terms *to) {
    int64_t moved[SHARES_MAX];
    for (int i = 0; i < SHARES_MAX; i++) {
        moved[i] = NEVER;
        for (int k = 0; i < to->warnings_n && k < from->warnings_n; k++)
            if (from->warnings[k].percent == to->warnings[i].percent &&
                from->warnings[k].left_ms == to->warnings[i].left_ms)
                moved[i] = c->warned_ms[k];
    }
    memcpy(c->warned_ms, moved, sizeof(moved));
}

static bool same_warnings(const Terms *a, const Terms *b) {
    for (int i = 0; i < a->warnings_n && a->warnings_n == b->warnings_n; i++)
        if (a->warnings[i].percent != b->warnings[i].percent ||
            a->warnings[i].left_ms != b->warnings[i].left_ms)
            return false;
    return a->warnings_n == b->warnings_n;
}

void life_terms(Life *l, int64_t at, const Terms *terms) {
    if (!reach(l, at)) return;
    bool same = same_warnings(&l->terms, terms);
    for (size_t i = 0; i < l->n && !same; i++)
        move_warnings(&l->clocks[i], &l->terms, terms);
    for (size_t i = 0; i < l->past_n && !same; i++)
        move_warnings(&l->past[i], &l->terms, terms);
    l->terms = *terms;
    for (size_t i = 0; i < l->n; i++) {
        Clock *c = &l->clocks[i];
        if (!is_active(c)) continue;
        c->target_ms = terms->target_ms[c->metric];
        c->hours = terms->hours[c->metric];
        if (c->target_ms) judge(l, c);
        apply_pause(l, c);
    }
    start_stage(l);
}

void life_rehours(Life *l, const Terms *terms) {
    l->terms = *terms;
    l->together = false;
    for (size_t i = 0; i < l->n; i++)
        l->clocks[i].hours = terms->hours[l->clocks[i].metric];
    for (size_t i = 0; i < l->past_n; i++)
        l->past[i].hours = terms->hours[l->past[i].metric];
}

void life_acknowledge(Life *l, int64_t at) {
    if (reach(l, at)) end(l, active(l, METRIC_ACK), CLOCK_FULFILLED);
}

void life_merge(Life *l, int64_t at) {
    if (reach(l, at)) end_all(l, CLOCK_CANCELLED);
}

void life_delete(Life *l, int64_t at) {
    life_merge(l, at);
}

/* ---- Looking at them ---- */

void life_add_past(Life *l, const Clock *c) {
    assert(!is_active(c));
    if (l->past_n == l->past_room) {
        l->past_room = l->past_room ? l->past_room * 2 : 4;
        l->past = xrealloc(l->past, l->past_room * sizeof(*l->past));
    }
    l->past[l->past_n++] = *c;
    l->together = false;
}

/* Metric by metric, and of each the past ones first: they are in order of their instances. */
static void put_together(Life *l) {
    size_t place[METRICS + 1] = {0}, n = l->past_n + l->n;
    if (n > l->all_room) {
        l->all_room = n * 2;
        l->all = xrealloc(l->all, l->all_room * sizeof(*l->all));
    }
    for (size_t i = 0; i < l->past_n; i++)
        place[l->past[i].metric + 1]++;
    for (size_t i = 0; i < l->n; i++)
        place[l->clocks[i].metric + 1]++;
    for (int m = 0; m < METRICS; m++)
        place[m + 1] += place[m];
    for (size_t i = 0; i < l->past_n; i++)
        l->all[place[l->past[i].metric]++] = l->past[i];
    for (size_t i = 0; i < l->n; i++)
        l->all[place[l->clocks[i].metric]++] = l->clocks[i];
    l->together = true;
}

size_t life_clocks(const Life *l, const Clock **ret) {
    if (!l->past_n) return life_latest(l, ret);
    if (!l->together) put_together((Life *)(uintptr_t)l); /* nothing that anybody sees changes */
    *ret = l->all;
    return l->past_n + l->n;
}

size_t life_latest(const Life *l, const Clock **ret) {
    *ret = l->clocks;
    return l->n;
}

size_t life_past(const Life *l, const Clock **ret) {
    *ret = l->past;
    return l->past_n;
}

TicketStatus life_ticket_status(const Life *l) {
    return l->status;
}

int64_t life_now(const Life *l) {
    return l->now;
}

int64_t life_entered(const Life *l) {
    return l->entered_ms;
}

bool life_ended(const Life *l) {
    return l->ended;
}

void life_forget(Life *l, size_t place) {
    assert(place < l->past_n);
    clock_done(&l->past[place]);
    l->past_n--;
    memmove(&l->past[place], &l->past[place + 1], (l->past_n - place) * sizeof(*l->past));
    l->together = false;
}

/* ---- Looking ahead, and back ---- */

/* The first instant at which it ran and had `amount` of counted time behind it. */
static int64_t look_back(const Clock *c, int64_t amount) {
    for (size_t i = 0; i < c->counted.n; i++) {
        int64_t length = c->counted.p[i].to - c->counted.p[i].from;
        if (amount > length) {
            amount -= length;
            continue;
        }
        int64_t at = c->counted.p[i].from + amount;
        for (size_t k = 0; k < c->runs.n; k++) { /* stopped at that very instant: when it ran on */
            if (c->runs.p[k].to > at) return at > c->runs.p[k].from ? at : c->runs.p[k].from;
        }
        return c->since_ms > at ? c->since_ms : at; /* running again since, or just now */
    }
    return NEVER;
}

int64_t clock_reach(const Clock *c, int64_t now, int64_t amount) {
    if (c->status != CLOCK_RUNNING || !c->target_ms) return NEVER;
    if (c->elapsed_ms >= amount) return look_back(c, amount);
    return calendar_reach(c->hours, now, amount - c->elapsed_ms);
}
