/* Moments: what became true of the clocks, what of it was told, and how broken promises escalate.
 */
#include <errno.h>
#include <stdio.h>

#include "lives/ticket_life_internal.h"

/* ---- Levels ----
 * A code is the act in its lowest two bits, and above them: of a warning its percent, or 128 and
 * the seconds that are left; of an escalation its step and repetition. */

enum { LEFT_FROM = 128, LEFT_SECONDS_MAX = 366 * 86400 };

static int64_t code_of(PromiseAct act, int64_t level) {
    return (int64_t)act | level << 2;
}

int64_t warning_code(const Warning *w) {
    return code_of(PROMISE_WARNED, w->percent ? w->percent : LEFT_FROM + w->left_ms / 1000);
}

int64_t step_code(size_t step, int repeat) {
    return code_of(PROMISE_ESCALATED, (int64_t)step * (ESCALATION_TIMES_MAX + 1) + repeat);
}

static const struct {
    char letter;
    int64_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
enum { UNITS = sizeof(units) / sizeof(*units) };

static int64_t warning_level(Str level) {
    int64_t n;
    char last = level.p[level.n - 1];
    if (str_to_i64((Str){level.p, level.n - 1}, &n) < 0 || n < 1) return -1;
    if (last == '%') return n < 100 ? n : -1;
    for (int i = 0; i < UNITS; i++)
        if (last == units[i].letter)
            return n <= LEFT_SECONDS_MAX / units[i].seconds ? LEFT_FROM + n * units[i].seconds : -1;
    return -1;
}

static int64_t step_level(Str level) {
    Str repeat;
    int64_t step, times = 0;
    Str first = str_cut(level, '.', &repeat);
    if (str_to_i64(first, &step) < 0 || step < 1 || step > ESCALATION_MAX) return -1;
    if (repeat.p && (str_to_i64(repeat, &times) < 0 || times < 1 || times > ESCALATION_TIMES_MAX))
        return -1;
    return (step - 1) * (ESCALATION_TIMES_MAX + 1) + times;
}

int64_t level_code(PromiseAct act, Str level) {
    int64_t value = -1;
    if (act == PROMISE_BREACHED) return BREACH_CODE;
    if (level.n && act == PROMISE_WARNED) value = warning_level(level);
    if (level.n && act == PROMISE_ESCALATED) value = step_level(level);
    return value < 0 ? -1 : code_of(act, value);
}

void level_name(int64_t code, char ret[PROMISE_LEVEL_MAX + 1]) {
    int64_t value = code >> 2;
    int step = (int)(value / (ESCALATION_TIMES_MAX + 1)),
        repeat = (int)(value % (ESCALATION_TIMES_MAX + 1)), unit = 0;
    ret[0] = 0;
    switch (code_act(code)) {
    case PROMISE_WARNED:
        if (value < LEFT_FROM) {
            (void)snprintf(ret, PROMISE_LEVEL_MAX + 1, "%d%%", (int)value);
            break;
        }
        value -= LEFT_FROM;
        while (unit < UNITS - 1 && value % units[unit].seconds)
            unit++;
        (void)snprintf(ret, PROMISE_LEVEL_MAX + 1, "%d%c", (int)(value / units[unit].seconds),
                       units[unit].letter);
        break;
    case PROMISE_ESCALATED:
        (void)snprintf(ret, PROMISE_LEVEL_MAX + 1, repeat ? "%d.%d" : "%d", step + 1, repeat);
        break;
    case PROMISE_BREACHED:
    case PROMISE_ACTS:
    default:
        break;
    }
}

/* ---- Notes ---- */

static int compare_note(const Note *n, ClockMetric m, int32_t instance, int64_t code) {
    if (n->metric != m) return n->metric < m ? -1 : 1;
    if (n->instance != instance) return n->instance < instance ? -1 : 1;
    return n->code < code ? -1 : n->code > code;
}

/* The place of a note, or where it would stand. */
static size_t note_place(const TicketLife *l, ClockMetric m, int32_t instance, int64_t code) {
    size_t low = 0, high = l->notes_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_note(&l->notes[middle], m, instance, code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

Note *note_find(const TicketLife *l, ClockMetric m, int32_t instance, int64_t code) {
    size_t at = note_place(l, m, instance, code);
    return at < l->notes_n && compare_note(&l->notes[at], m, instance, code) == 0 ? &l->notes[at]
                                                                                  : NULL;
}

void note_add(TicketLife *l, Note n) {
    if (l->notes_n >= (n.told ? NOTES_MAX : ESCALATIONS_MAX)) return;
    if (!l->notes || l->notes_n == l->notes_room) {
        l->notes_room = l->notes_room ? l->notes_room * 2 : 4;
        l->notes = xrealloc(l->notes, l->notes_room * sizeof(*l->notes));
    }
    size_t at = note_place(l, (ClockMetric)n.metric, n.instance, n.code);
    memmove(&l->notes[at + 1], &l->notes[at], (l->notes_n - at) * sizeof(*l->notes));
    l->notes[at] = n;
    l->notes_n++;
}

void note_tell(TicketLife *l, ClockMetric m, int32_t instance, int64_t code) {
    Note *n = note_find(l, m, instance, code);
    if (n)
        n->told = true;
    else
        note_add(l, (Note){.metric = (uint8_t)m, .told = true, .instance = instance, .code = code});
}

static bool told(const TicketLife *l, const Clock *c, int64_t code) {
    const Note *n = note_find(l, c->metric, c->instance, code);
    return n && n->told;
}

/* ---- Chains ---- */

static bool chain_ended(const TicketLife *l, const Clock *c) {
    return note_find(l, c->metric, c->instance, CHAIN_ENDED);
}

static bool escalates(const TicketLife *l, const Clock *c) {
    return l->policy && l->policy->steps_n && c->breached_ms != NEVER && c->target_ms &&
           c->status == CLOCK_RUNNING && c->breached_ms > l->acked_ms && !chain_ended(l, c) &&
           l->notes_n < ESCALATIONS_MAX;
}

/* The first level of a chain that is not yet true, in order of its schedule; NEVER: none. */
static int64_t chain_next(const TicketLife *l, const Clock *c) {
    int64_t first = c->breached_ms, soonest = NEVER;
    for (size_t s = 0; s < l->policy->steps_n; s++) {
        const EscalationStep *step = &l->policy->steps[s];
        first += step->after_ms;
        for (int r = 0; r < step->times; r++) {
            int64_t at = first + r * step->every_ms;
            if (at >= soonest) break;
            if (!note_find(l, c->metric, c->instance, step_code(s, r))) soonest = at;
        }
    }
    return soonest;
}

static void chain_advance(TicketLife *l, const Clock *c, int64_t until, bool inclusive) {
    int64_t first = c->breached_ms;
    for (size_t s = 0; s < l->policy->steps_n; s++) {
        const EscalationStep *step = &l->policy->steps[s];
        first += step->after_ms;
        for (int r = 0; r < step->times; r++) {
            int64_t at = first + r * step->every_ms, code = step_code(s, r);
            if (at < l->chains_ms) at = l->chains_ms; /* it stood until then */
            if (at > until || (at == until && !inclusive)) break;
            if (!note_find(l, c->metric, c->instance, code))
                note_add(l, (Note){.metric = (uint8_t)c->metric,
                                   .instance = c->instance,
                                   .code = code,
                                   .at_ms = at});
        }
    }
}

void chains_advance(TicketLife *l, int64_t until, bool inclusive) {
    const Clock *clocks; /* what is past escalates no more */
    size_t n = life_latest(l->life, &clocks);
    for (size_t i = 0; i < n; i++)
        if (escalates(l, &clocks[i])) chain_advance(l, &clocks[i], until, inclusive);
    if (until > l->chains_ms) l->chains_ms = until;
}

void chains_acknowledged(TicketLife *l, int64_t at) {
    l->acked_ms = at; /* of breaches up to and at this instant, also of one that is only noted
                         when the instant is complete */
}

static void see_end(TicketLife *l, const Clock *c) {
    if (c->breached_ms != NEVER && c->ended_ms != NEVER)
        note_tell(l, c->metric, c->instance, CHAIN_ENDED);
}

void chains_see_ends(TicketLife *l) {
    const Clock *clocks;
    size_t n = life_past(l->life, &clocks);
    for (; l->past_seen < n; l->past_seen++)
        see_end(l, &clocks[l->past_seen]);
    n = life_latest(l->life, &clocks);
    for (size_t i = 0; i < n; i++)
        see_end(l, &clocks[i]);
}

/* ---- Due ---- */

static bool is_open(const Clock *c) {
    return c->status == CLOCK_RUNNING || c->status == CLOCK_PAUSED;
}

typedef struct Found {
    PromiseMoment *p;
    size_t n, room;
} Found;

static void found_add(Found *f, Arena *arena, PromiseMoment m) {
    if (f->n == f->room) {
        size_t room = f->room ? f->room * 2 : 4;
        PromiseMoment *p = arena_alloc(arena, room * sizeof(*p));
        if (f->n) memcpy(p, f->p, f->n * sizeof(*p));
        f->p = p;
        f->room = room;
    }
    f->p[f->n++] = m;
}

static PromiseMoment moment_of(const TicketLife *l, const Clock *c, int64_t code, int64_t at) {
    PromiseMoment m = {.act = code_act(code),
                       .metric = c->metric,
                       .instance = c->instance,
                       .at_ms = at,
                       .due_ms = c->breached_ms,
                       .target_ms = c->target_ms,
                       .elapsed_ms = clock_elapsed(c),
                       .why = c->breach_cause,
                       .policy = l->policy ? l->policy->name : (Str){NULL, 0},
                       .revision = l->catalog ? catalog_revision(l->catalog) : 0};
    level_name(code, m.level);
    if (m.act == PROMISE_WARNED) {
        m.why = BREACH_NONE;
        m.due_ms = clock_reach(c, c->since_ms, c->target_ms);
    }
    return m;
}

/* The step that a code means, if the policy in force has it. */
static const EscalationStep *step_of(const TicketLife *l, int64_t code) {
    int64_t value = code >> 2;
    size_t step = (size_t)(value / (ESCALATION_TIMES_MAX + 1));
    if (!l->policy || step >= l->policy->steps_n) return NULL;
    const EscalationStep *s = &l->policy->steps[step];
    return value % (ESCALATION_TIMES_MAX + 1) < s->times ? s : NULL;
}

typedef void (*DueSeen)(void *arg, const Clock *c, int64_t code, int64_t at);

static void each_due(const TicketLife *l, const Clock *c, DueSeen seen, void *arg) {
    if (c->status == CLOCK_CANCELLED) return;
    if (c->breached_ms != NEVER && !told(l, c, BREACH_CODE))
        seen(arg, c, BREACH_CODE, c->breached_ms);
    if (!l->policy) return;
    for (size_t i = 0; i < l->policy->warnings_n && is_open(c) && c->breached_ms == NEVER; i++) {
        int64_t code = warning_code(&l->policy->warnings[i]);
        if (c->warned_ms[i] != NEVER && c->target_ms && !told(l, c, code))
            seen(arg, c, code, c->warned_ms[i]);
    }
    if (c->breached_ms == NEVER) return;
    for (size_t i = note_place(l, c->metric, c->instance, 0); i < l->notes_n; i++) {
        const Note *n = &l->notes[i];
        if (n->metric != c->metric || n->instance != c->instance) break;
        if (!n->told && code_act(n->code) == PROMISE_ESCALATED && step_of(l, n->code))
            seen(arg, c, n->code, n->at_ms);
    }
}

typedef struct Collection {
    const TicketLife *life;
    Arena *arena;
    Found found;
} Collection;

static void collect(void *arg, const Clock *c, int64_t code, int64_t at) {
    Collection *to = arg;
    PromiseMoment m = moment_of(to->life, c, code, at);
    if (m.act == PROMISE_ESCALATED) m.step = step_of(to->life, code);
    found_add(&to->found, to->arena, m);
}

static void earliest(void *arg, const Clock *c, int64_t code, int64_t at) {
    int64_t *least = arg;
    (void)c;
    (void)code;
    if (at < *least) *least = at;
}

static int by_instant(const void *a, const void *b) {
    const PromiseMoment *x = a, *y = b;
    if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
    if (x->act != y->act) return (int)x->act - (int)y->act;
    if (x->metric != y->metric) return (int)x->metric - (int)y->metric;
    if (x->instance != y->instance) return x->instance < y->instance ? -1 : 1;
    return strcmp(x->level, y->level);
}

size_t ticket_life_due(const TicketLife *l, Arena *arena, PromiseMoment **ret) {
    Collection all = {.life = l, .arena = arena};
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks);
    for (size_t i = 0; i < n; i++)
        each_due(l, &clocks[i], collect, &all);
    if (all.found.n) qsort(all.found.p, all.found.n, sizeof(*all.found.p), by_instant);
    *ret = all.found.p;
    return all.found.n;
}

void ticket_life_mark(TicketLife *l, const PromiseMoment *m) {
    int64_t code = level_code(m->act, str(m->level));
    if (code >= 0) note_tell(l, m->metric, m->instance, code);
    if (!l->history && l->life) clocks_forget(l);
}

bool ticket_life_is_true(const TicketLife *l, PromiseAct act, ClockMetric metric, int32_t instance,
                         Str level) {
    const Clock *clocks;
    size_t n = l->life ? life_clocks(l->life, &clocks) : 0;
    int64_t code = level_code(act, level);
    for (size_t i = 0; i < n && code >= 0; i++) {
        const Clock *c = &clocks[i];
        if (c->metric != metric || c->instance != instance || c->status == CLOCK_CANCELLED)
            continue;
        if (act == PROMISE_BREACHED) return c->breached_ms != NEVER;
        if (act == PROMISE_ESCALATED) {
            const Note *note = note_find(l, metric, instance, code);
            return c->breached_ms != NEVER && note && step_of(l, code);
        }
        for (size_t w = 0; l->policy && w < l->policy->warnings_n && is_open(c); w++)
            if (warning_code(&l->policy->warnings[w]) == code)
                return c->warned_ms[w] != NEVER && c->breached_ms == NEVER && c->target_ms;
    }
    return false;
}

/* A clock's next instant, whatever of it is due already. */
static int64_t next_of_clock(const TicketLife *l, const Clock *c) {
    int64_t next = NEVER;
    if (c->status != CLOCK_RUNNING || !c->target_ms) return NEVER;
    if (c->breached_ms != NEVER) {
        if (!escalates(l, c)) return NEVER;
        next = chain_next(l, c);
        return next < l->chains_ms ? l->chains_ms : next;
    }
    if (c->elapsed_ms >= c->target_ms) return c->since_ms; /* once this instant is complete */
    next = clock_reach(c, c->since_ms, c->target_ms);
    for (size_t i = 0; l->policy && i < l->policy->warnings_n; i++) {
        int64_t wanted = clock_warning_ms(c, &l->policy->warnings[i]);
        if (c->warned_ms[i] != NEVER) continue;
        int64_t at = c->elapsed_ms >= wanted ? c->since_ms : clock_reach(c, c->since_ms, wanted);
        if (at < next) next = at;
    }
    return next;
}

int64_t ticket_life_next_ms(const TicketLife *l) {
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks);
    int64_t next = NEVER;
    for (size_t i = 0; i < n; i++) {
        int64_t at = next_of_clock(l, &clocks[i]);
        if (at < next) next = at;
        each_due(l, &clocks[i], earliest, &next);
    }
    return next;
}

bool ticket_life_over(const TicketLife *l) {
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks);
    int64_t due = NEVER;
    if (!l->life || !life_ended(l->life)) return false;
    for (size_t i = 0; i < n; i++)
        each_due(l, &clocks[i], earliest, &due);
    return due == NEVER;
}

void promise_of_moment(const PromiseMoment *m, bool late, int32_t judged_seq, Promise *ret) {
    static const char *const causes[] = {NULL, "time", "policy_change"};
    const EscalationStep none = {0}, *asks = m->step ? m->step : &none;
    *ret = (Promise){.metric = str(metric_name(m->metric)),
                     .instance = m->instance,
                     .level = str(m->level),
                     .policy = m->policy,
                     .due_ms = m->due_ms == NEVER ? 0 : m->due_ms,
                     .at_ms = m->at_ms,
                     .late = late,
                     .target_ms = m->target_ms,
                     .elapsed_ms = m->elapsed_ms,
                     .why = str(causes[m->why]),
                     .judged_seq = judged_seq,
                     .notify_lead = asks->notify_lead,
                     .notify_manager = asks->notify_manager,
                     .raise_priority = asks->raise_priority,
                     .reassign = asks->reassign,
                     .notify_agent = asks->notify_agent,
                     .move_to_group = asks->group_id};
}

/* ---- Forgetting ---- */

static void forget_notes(TicketLife *l, const Clock *c) {
    size_t from = note_place(l, c->metric, c->instance, 0),
           to = note_place(l, c->metric, c->instance, INT64_MAX);
    if (to > from) memmove(&l->notes[from], &l->notes[to], (l->notes_n - to) * sizeof(*l->notes));
    l->notes_n -= to - from;
}

static void remember_forgotten(TicketLife *l, Clock c) {
    c.unjudged = c.runs = c.counted = (Stretches){0};
    if (l->forgotten_n == l->forgotten_room) {
        l->forgotten_room = l->forgotten_room ? l->forgotten_room * 2 : 2;
        l->forgotten = xrealloc(l->forgotten, l->forgotten_room * sizeof(*l->forgotten));
    }
    l->forgotten[l->forgotten_n++] = c;
}

size_t ticket_life_forgotten(const TicketLife *l, const Clock **ret) {
    *ret = l->forgotten;
    return l->forgotten_n;
}

void clocks_forget(TicketLife *l) {
    const Clock *past;
    size_t n = life_past(l->life, &past);
    for (size_t i = n; i-- > 0;) {
        int64_t due = NEVER;
        each_due(l, &past[i], earliest, &due);
        if (due != NEVER) continue;
        forget_notes(l, &past[i]);
        remember_forgotten(l, past[i]);
        life_forget(l->life, i);
        n = life_past(l->life, &past);
    }
    l->past_seen = n;
}
