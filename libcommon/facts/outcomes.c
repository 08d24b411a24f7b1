/* Clocks become outcomes. A metric's latest instance may still change (a reopening wakes a clock
 * that had ended); an older one never does. */
#include <assert.h>

#include "facts/sheet_internal.h"

static int64_t over(const Outcome *o) {
    return o->state == OUTCOME_BROKEN && o->elapsed_ms > o->target_ms ? o->elapsed_ms - o->target_ms
                                                                      : 0;
}

static void sum(OutcomeSum *s, const Outcome *o) {
    int64_t late = over(o);
    switch (o->state) {
    case OUTCOME_OPEN:
        s->open++;
        break;
    case OUTCOME_KEPT:
        s->kept++;
        break;
    case OUTCOME_BROKEN:
        s->broken++;
        break;
    case OUTCOME_CANCELLED:
        s->cancelled++;
        break;
    case OUTCOME_STATES:
        break;
    }
    s->over_ms += late;
    if (late > s->worst_ms) s->worst_ms = late;
}

OutcomeSum fact_sheet_promises(const FactSheet *f, ClockMetric m) {
    OutcomeSum all = f->folded[m];
    for (size_t i = 0; i < f->outcomes_n; i++)
        if (f->outcomes[i].metric == m) sum(&all, &f->outcomes[i]);
    return all;
}

/* The first of a metric that has a later one: final, so its figures may stand alone. */
static bool fold_one(FactSheet *f) {
    for (size_t i = 0; i + 1 < f->outcomes_n; i++) {
        if (f->outcomes[i].metric != f->outcomes[i + 1].metric) continue;
        sum(&f->folded[f->outcomes[i].metric], &f->outcomes[i]);
        f->outcomes_n--;
        memmove(&f->outcomes[i], &f->outcomes[i + 1], (f->outcomes_n - i) * sizeof(*f->outcomes));
        return true;
    }
    return false;
}

Outcome *outcome_add(FactSheet *f, const Outcome *o) {
    if (f->outcomes_n == SHEET_OUTCOMES_MAX && !fold_one(f)) return NULL;
    size_t at = f->outcomes_n;
    while (at && f->outcomes[at - 1].metric > o->metric)
        at--;
    f->outcomes = xrealloc(f->outcomes, (f->outcomes_n + 1) * sizeof(*f->outcomes));
    memmove(&f->outcomes[at + 1], &f->outcomes[at], (f->outcomes_n - at) * sizeof(*f->outcomes));
    f->outcomes_n++;
    f->outcomes[at] = *o;
    return &f->outcomes[at];
}

static Outcome *latest(const FactSheet *f, ClockMetric m) {
    Outcome *found = NULL;
    for (size_t i = 0; i < f->outcomes_n; i++)
        if (f->outcomes[i].metric == m) found = &f->outcomes[i];
    return found;
}

static OutcomeState state_of(const Clock *c) {
    if (c->breached_ms != NEVER) return OUTCOME_BROKEN;
    if (c->status == CLOCK_CANCELLED) return OUTCOME_CANCELLED;
    return c->status == CLOCK_FULFILLED ? OUTCOME_KEPT : OUTCOME_OPEN;
}

static void heed(FactSheet *f, const Clock *c) {
    Outcome *o = latest(f, c->metric);
    if (o && c->instance < o->instance) return;
    if (!c->target_ms && c->breached_ms == NEVER) {
        /* What was promised is promised no more: as if it had never been. */
        if (!o || o->instance != c->instance) return;
        f->outcomes_n--;
        memmove(o, o + 1, (size_t)(f->outcomes + f->outcomes_n - o) * sizeof(*o));
        return;
    }
    if (!o || c->instance > o->instance)
        o = outcome_add(
            f, &(Outcome){.metric = c->metric, .instance = c->instance, .state = OUTCOME_STATES});
    assert(o); /* twelve latest ones are fewer than SHEET_OUTCOMES_MAX */
    OutcomeState state = state_of(c);
    if (state != o->state) {
        o->group_id = f->last_group_id;
        o->assignee_id = f->last_assignee_id;
    }
    o->state = state;
    o->ended = c->ended_ms != NEVER;
    o->target_ms = c->target_ms;
    o->elapsed_ms = clock_elapsed(c);
}

void fact_sheet_clocks(FactSheet *f, const Clock *clocks, size_t n) {
    for (size_t i = 0; i < n; i++)
        heed(f, &clocks[i]);
}
