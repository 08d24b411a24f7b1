/* The stretches of a clock and the steps of its ticket, cut at each other's edges. */
#include "lives/spans.h"

static const char *const kind_names[SPAN_KINDS] = {"counted", "closed", "paused", "ended"};

const char *span_kind_name(SpanKind k) {
    return kind_names[k];
}

/* How far the stretches from *at on reach: whether `from` lies in one, and where that changes. */
typedef struct Cursor {
    const Stretches *first, *second; /* second: later ones; may be NULL */
    size_t at;
} Cursor;

static const Stretch *current(const Cursor *c) {
    if (c->at < c->first->n) return &c->first->p[c->at];
    size_t later = c->at - c->first->n;
    return c->second && later < c->second->n ? &c->second->p[later] : NULL;
}

static bool covers(Cursor *c, int64_t from, int64_t *ret_until) {
    const Stretch *s;
    while ((s = current(c)) && s->to <= from)
        c->at++;
    if (!s) return false;
    int64_t edge = s->from <= from ? s->to : s->from;
    if (edge < *ret_until) *ret_until = edge;
    return s->from <= from;
}

static bool same(const Span *a, const Span *b) {
    return a->kind == b->kind && a->to_ms == b->from_ms && a->step && b->step &&
           a->step->status == b->step->status && a->step->policy == b->step->policy &&
           a->step->priority == b->step->priority && a->step->revision == b->step->revision;
}

/* How many steps there are up to and at this instant. */
static size_t steps_until(const LifeStep *steps, size_t n, int64_t at_ms) {
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (steps[middle].at_ms <= at_ms)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

size_t clock_spans(const TicketLife *l, const Clock *c, Arena *arena, Span **ret) {
    const LifeStep *steps;
    size_t steps_n = ticket_life_steps(l, &steps), n = 0;
    int64_t end = c->ended_ms != NEVER ? c->ended_ms : ticket_life_now_ms(l);
    size_t before = steps_until(steps, steps_n, c->start_ms), step = before ? before - 1 : 0;
    Cursor runs = {&c->runs, NULL, 0}, counted = {&c->counted, &c->unjudged, 0};
    size_t most = 2 * (c->runs.n + c->counted.n + c->unjudged.n) +
                  steps_until(steps, steps_n, end) - step + 1;
    Span *spans = arena_alloc(arena, most * sizeof(*spans));
    for (int64_t from = c->start_ms, until; from < end; from = until) {
        until = end;
        while (step + 1 < steps_n && steps[step + 1].at_ms <= from)
            step++;
        if (step + 1 < steps_n && steps[step + 1].at_ms < until) until = steps[step + 1].at_ms;
        bool ran = covers(&runs, from, &until), counts = covers(&counted, from, &until);
        Span s = {.from_ms = from, .to_ms = until, .step = steps_n ? &steps[step] : NULL};
        if (ran)
            s.kind = counts ? SPAN_COUNTED : SPAN_CLOSED;
        else
            s.kind = s.step && s.step->status == TICKET_SOLVED ? SPAN_ENDED : SPAN_PAUSED;
        if (n && same(&spans[n - 1], &s))
            spans[n - 1].to_ms = until;
        else if (n < most)
            spans[n++] = s;
    }
    *ret = spans;
    return n;
}

const LifeStep *life_step_before(const TicketLife *l, int64_t at_ms) {
    const LifeStep *steps;
    size_t n = ticket_life_steps(l, &steps), until = steps_until(steps, n, at_ms);
    return until ? &steps[until - 1] : NULL;
}

const LifeStep *life_step_at(const TicketLife *l, int64_t at_ms) {
    const LifeStep *s = life_step_before(l, at_ms);
    return s && s->at_ms == at_ms ? s : NULL;
}
