/* One walk over the sheet, for writing and for reading: so both have the same order. Version 2:
 * base/pack.h, instants since the creation. */
#include <errno.h>

#include "base/pack.h"
#include "facts/sheet_internal.h"

enum { VERSION = 2, COUNT_MAX = 1 << 30 /* and room to count on */ };
#define SPAN_MAX INT64_C(253402300799999) /* no time is longer: 1970 to 9999 */

typedef struct Walk {
    Buf *out; /* NULL: reading */
    Unpack in;
    int64_t origin; /* the creation */
} Walk;

static void number(Walk *w, int64_t *v, int64_t max) {
    if (w->out)
        pack_number(w->out, (uint64_t)*v);
    else
        *v = (int64_t)unpack_number(&w->in, (uint64_t)max);
}

static void count(Walk *w, int32_t *v) {
    int64_t n = *v;
    number(w, &n, COUNT_MAX);
    *v = (int32_t)n;
}

/* Any enum, from 0 to max. */
static int choice(Walk *w, int v, int max) {
    int64_t n = v;
    number(w, &n, max);
    return (int)n;
}

/* Not before the creation; 0 for SHEET_NEVER. */
static void instant(Walk *w, int64_t *v) {
    int64_t since = *v == SHEET_NEVER ? 0 : *v - w->origin + 1;
    number(w, &since, SHEET_INSTANT_MAX - w->origin + 1);
    *v = since ? w->origin + since - 1 : SHEET_NEVER;
}

static void present(Walk *w, int64_t *v) {
    instant(w, v);
    if (*v != SHEET_NEVER) return;
    w->in.bad = true;
    *v = w->origin;
}

/* Business time is a part of that of the calendar. */
static void time_of(Walk *w, FactTime *t) {
    number(w, &t->calendar_ms, SPAN_MAX);
    number(w, &t->business_ms, t->calendar_ms);
}

static void id(Walk *w, int64_t *v) {
    number(w, v, INT64_MAX);
}

static void text(Walk *w, FactSheet *f, SheetText t) {
    if (w->out) {
        pack_text(w->out, f->texts[t]);
        return;
    }
    Str s = unpack_text(&w->in, SHEET_TEXT_MAX);
    if (!str_is_text(s)) w->in.bad = true;
    (void)sheet_text_set(f, t, s);
}

static size_t things(Walk *w, size_t n, size_t max, size_t least) {
    if (!w->out) return unpack_count(&w->in, max, least);
    pack_number(w->out, n);
    return n;
}

static void places(Walk *w, Places *p, bool agents) {
    p->n = things(w, p->n, SHEET_PLACES_MAX, 6);
    if (!w->out && p->n) p->p = xcalloc(p->n, sizeof(*p->p));
    for (size_t i = 0; i < p->n && !w->in.bad; i++) {
        Place *one = &p->p[i];
        id(w, &one->id);
        count(w, &one->times);
        time_of(w, &one->held);
        time_of(w, &one->worked);
        if (agents) {
            count(w, &one->replies);
            count(w, &one->touches);
        }
        if (one->id < 1) w->in.bad = true;
        for (size_t k = 0; k < i; k++)
            if (p->p[k].id == one->id) w->in.bad = true;
    }
    count(w, &p->others);
}

/* Together with the others they are the transfers. */
static void moves(Walk *w, FactSheet *f) {
    Moves *m = &f->moves;
    int64_t left = f->transfers;
    m->n = things(w, m->n, SHEET_MOVES_MAX, 3);
    if (!w->out && m->n) m->p = xcalloc(m->n, sizeof(*m->p));
    for (size_t i = 0; i < m->n && !w->in.bad; i++) {
        Move *one = &m->p[i];
        id(w, &one->from);
        id(w, &one->to);
        count(w, &one->count);
        left -= one->count;
        if (one->from < 1 || one->to < 1 || one->from == one->to || one->count < 1)
            w->in.bad = true;
        for (size_t k = 0; k < i; k++)
            if (m->p[k].from == one->from && m->p[k].to == one->to) w->in.bad = true;
    }
    if (left < 0) w->in.bad = true;
    m->others = left < 0 ? 0 : (int32_t)left;
}

static void outcome(Walk *w, Outcome *o) {
    o->metric = (ClockMetric)choice(w, (int)o->metric, METRICS - 1);
    count(w, &o->instance);
    int state = choice(w, (int)o->state << 1 | o->ended, (OUTCOME_STATES - 1) << 1 | 1);
    o->state = (OutcomeState)(state >> 1);
    o->ended = state & 1;
    number(w, &o->target_ms, SPAN_MAX);
    number(w, &o->elapsed_ms, SPAN_MAX);
    id(w, &o->group_id);
    id(w, &o->assignee_id);
}

static void outcomes(Walk *w, FactSheet *f) {
    f->outcomes_n = things(w, f->outcomes_n, SHEET_OUTCOMES_MAX, 7);
    if (!w->out && f->outcomes_n) f->outcomes = xcalloc(f->outcomes_n, sizeof(*f->outcomes));
    for (size_t i = 0; i < f->outcomes_n && !w->in.bad; i++) {
        Outcome *o = &f->outcomes[i];
        outcome(w, o);
        if (i && (o[-1].metric > o->metric ||
                  (o[-1].metric == o->metric && o[-1].instance >= o->instance)))
            w->in.bad = true;
    }
    for (int m = 0; m < METRICS && !w->in.bad; m++) {
        OutcomeSum *s = &f->folded[m];
        PromiseRows *told = &f->told[m];
        bool any = s->open || s->kept || s->broken || s->cancelled || told->warned ||
                   told->breached || told->escalated;
        if (!choice(w, any, 1)) continue;
        count(w, &s->open);
        count(w, &s->kept);
        count(w, &s->broken);
        count(w, &s->cancelled);
        number(w, &s->over_ms, INT64_MAX / 4);
        number(w, &s->worst_ms, s->over_ms);
        count(w, &told->warned);
        count(w, &told->breached);
        count(w, &told->escalated);
    }
}

static void sheet(Walk *w, FactSheet *f) {
    count(w, &f->seq);
    if (!f->seq) return;
    f->status = (TicketStatus)choice(w, (int)f->status, TICKET_STATUSES - 1);
    f->priority = (TicketPriority)choice(w, (int)f->priority, PRIORITIES - 1);
    number(w, &f->created_ms, SHEET_INSTANT_MAX);
    w->origin = f->created_ms;
    present(w, &f->row_ms);
    present(w, &f->entered_ms);
    if (f->entered_ms > f->row_ms) w->in.bad = true;
    int64_t *ids[] = {&f->source_id, &f->requester_id, &f->form_id,       &f->followup_of,
                      &f->group_id,  &f->assignee_id,  &f->last_group_id, &f->last_assignee_id};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        id(w, ids[i]);
    for (int t = 0; t < SHEET_TEXTS; t++)
        text(w, f, (SheetText)t);
    time_of(w, &f->age);
    for (int s = 0; s < SHEET_STAGES; s++) {
        count(w, &f->stages[s].entered);
        time_of(w, &f->stages[s].time);
    }
    int64_t *first[] = {&f->assigned_ms, &f->replied_ms, &f->solved_ms, &f->resolved_ms};
    FactTime *took[] = {&f->to_assigned, &f->to_reply, &f->to_solved, &f->to_resolved};
    for (int i = 0; i < 4; i++) {
        instant(w, first[i]);
        if (*first[i] != SHEET_NEVER) time_of(w, took[i]);
    }
    int32_t *counts[] = {
        &f->replies,        &f->requester_comments, &f->private_comments, &f->machine_comments,
        &f->touches,        &f->transfers,          &f->handovers,        &f->reopenings,
        &f->priority_raises};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        count(w, counts[i]);
    places(w, &f->groups, false);
    places(w, &f->agents, true);
    moves(w, f);
    time_of(w, &f->worked);
    instant(w, &f->rated_ms);
    if (f->rated_ms != SHEET_NEVER) {
        count(w, &f->rated_seq);
        f->rated_note = choice(w, f->rated_note, 1);
    }
    outcomes(w, f);
}

void fact_sheet_pack(const FactSheet *f, Buf *ret) {
    FactSheet same = *f; /* walked without a change */
    Walk w = {.out = ret};
    buf_addc(ret, VERSION);
    sheet(&w, &same);
}

int fact_sheet_unpack(Str packed, FactSheet **ret) {
    if (!packed.n || packed.n > SHEET_PACKED_MAX || packed.p[0] != VERSION) return -EBADMSG;
    CLEANUP(fact_sheet_freep) FactSheet *f = fact_sheet_new();
    Walk w = {.in = unpack_of((Str){packed.p + 1, packed.n - 1})};
    sheet(&w, f);
    if (!unpack_done(&w.in)) return -EBADMSG;
    *ret = TAKE(f);
    return 0;
}
