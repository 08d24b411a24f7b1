/* Rows become figures: first the time since the row before is counted, where it lay; then what the
 * row says holds. */
#include <errno.h>

#include "facts/sheet_internal.h"

static const char *const text_names[SHEET_TEXTS] = {
    "channel", "kind",   "category", "product",  "batch",
    "device",  "region", "tier",     "language", "satisfaction"};

const char *sheet_text_name(SheetText t) {
    return text_names[t];
}

FactSheet *fact_sheet_new(void) {
    FactSheet *f = xcalloc(1, sizeof(*f));
    f->assigned_ms = f->replied_ms = f->solved_ms = f->resolved_ms = f->rated_ms = SHEET_NEVER;
    return f;
}

FactSheet *fact_sheet_free(FactSheet *f) {
    if (!f) return NULL;
    for (int i = 0; i < SHEET_TEXTS; i++)
        free((void *)f->texts[i].p);
    free(f->groups.p);
    free(f->agents.p);
    free(f->moves.p);
    free(f->outcomes);
    free(f);
    return NULL;
}

bool sheet_text_set(FactSheet *f, SheetText t, Str value) {
    if (value.n > SHEET_TEXT_MAX) {
        value.n = SHEET_TEXT_MAX;
        while (value.n && ((unsigned char)value.p[value.n] & 0xc0) == 0x80)
            value.n--;
    }
    if (str_eq(f->texts[t], value)) return false;
    free((void *)f->texts[t].p);
    char *own = value.n ? memcpy(xmalloc(value.n), value.p, value.n) : NULL;
    f->texts[t] = (Str){own, value.n};
    return true;
}

/* ---- Who and when ---- */

static Speaker speaker_of(Str actor, int64_t *ret_id) {
    Str number = {NULL, 0};
    Str who = str_cut(actor, ':', &number);
    *ret_id = 0;
    if (number.n && (str_to_i64(number, ret_id) < 0 || *ret_id < 0)) *ret_id = 0;
    if (number.p && (str_is(who, "agent") || str_is(who, "user"))) return SPEAKER_AGENT;
    if (number.p && str_is(who, "requester")) return SPEAKER_REQUESTER;
    return SPEAKER_BOT;
}

static int64_t instant(int64_t at, int64_t not_before) {
    if (at > SHEET_INSTANT_MAX) at = SHEET_INSTANT_MAX;
    return at > not_before ? at : not_before;
}

static void time_add(FactTime *t, FactTime more) {
    t->calendar_ms += more.calendar_ms;
    t->business_ms += more.business_ms;
}

FactTime fact_sheet_since(const FactSheet *f, int64_t now_ms, const Calendar *hours) {
    int64_t now = instant(now_ms, f->row_ms);
    if (!f->seq || f->status > TICKET_SOLVED) return (FactTime){0, 0};
    return (FactTime){now - f->row_ms, calendar_open_ms(hours, f->row_ms, now)};
}

/* ---- Places ---- */

const Place *place_of(const Places *p, int64_t id) {
    for (size_t i = 0; i < p->n; i++)
        if (p->p[i].id == id) return &p->p[i];
    return NULL;
}

static Place *place(Places *p, int64_t id) {
    return (Place *)place_of(p, id);
}

/* Found or made; NULL: too many. */
static Place *place_made(Places *p, int64_t id) {
    Place *found = place(p, id);
    if (found || p->n == SHEET_PLACES_MAX) return found;
    p->p = xrealloc(p->p, (p->n + 1) * sizeof(*p->p));
    p->p[p->n] = (Place){.id = id};
    return &p->p[p->n++];
}

static void come_to(Places *p, int64_t id) {
    Place *there = place_made(p, id);
    if (there)
        there->times++;
    else
        p->others++;
}

static void stay(Places *p, int64_t id, TicketStatus status, FactTime time) {
    Place *there = id ? place(p, id) : NULL;
    if (!there) return;
    time_add(&there->held, time);
    if (status == TICKET_IN_PROGRESS) time_add(&there->worked, time);
}

static void move(Moves *m, int64_t from, int64_t to) {
    for (size_t i = 0; i < m->n; i++) {
        if (m->p[i].from != from || m->p[i].to != to) continue;
        m->p[i].count++;
        return;
    }
    if (m->n == SHEET_MOVES_MAX) {
        m->others++;
        return;
    }
    m->p = xrealloc(m->p, (m->n + 1) * sizeof(*m->p));
    m->p[m->n++] = (Move){from, to, 1};
}

/* ---- A row ---- */

static void count_time(FactSheet *f, FactTime time) {
    if (f->status > TICKET_SOLVED) return;
    time_add(&f->stages[f->status].time, time);
    time_add(&f->age, time);
    if (!ticket_status_is_open(f->status)) return;
    stay(&f->groups, f->group_id, f->status, time);
    stay(&f->agents, f->assignee_id, f->status, time);
    if (f->assignee_id && f->status == TICKET_IN_PROGRESS) time_add(&f->worked, time);
}

static void enter(FactSheet *f, TicketStatus status, FactStep *step) {
    TicketStatus was = f->status;
    f->status = status;
    f->entered_ms = f->row_ms;
    step->did |= DID_ENTER;
    if (status <= TICKET_SOLVED) f->stages[status].entered++;
    bool closes_unsolved = status == TICKET_CLOSED && f->resolved_ms == SHEET_NEVER;
    if (status == TICKET_SOLVED || closes_unsolved) {
        step->did |= DID_SOLVE;
        f->resolved_ms = f->row_ms;
        f->to_resolved = f->age;
        if (f->solved_ms == SHEET_NEVER) {
            step->did |= DID_FIRST_SOLVE;
            f->solved_ms = f->row_ms;
            f->to_solved = f->age;
        }
    }
    if (!ticket_status_is_open(status)) return;
    f->resolved_ms = SHEET_NEVER;
    f->to_resolved = (FactTime){0, 0};
    if (was != TICKET_SOLVED) return;
    step->did |= DID_REOPEN;
    f->reopenings++;
}

static void move_to_group(FactSheet *f, int64_t group, FactStep *step) {
    f->group_id = group;
    if (!group) return;
    come_to(&f->groups, group);
    if (f->last_group_id && f->last_group_id != group) {
        step->did |= DID_TRANSFER;
        step->from_group = f->last_group_id;
        f->transfers++;
        move(&f->moves, f->last_group_id, group);
    }
    f->last_group_id = group;
}

static void give_to(FactSheet *f, int64_t agent, FactStep *step) {
    f->assignee_id = agent;
    if (!agent) return;
    step->did |= DID_ASSIGN;
    come_to(&f->agents, agent);
    if (f->last_assignee_id && f->last_assignee_id != agent) {
        step->did |= DID_HAND_OVER;
        step->from_assignee = f->last_assignee_id;
        f->handovers++;
    }
    f->last_assignee_id = agent;
    if (f->assigned_ms != SHEET_NEVER) return;
    f->assigned_ms = f->row_ms;
    f->to_assigned = f->age;
}

/* Ids of a ledger are positive; anything else is nobody. */
static int64_t id_of(int64_t id) {
    return id > 0 ? id : 0;
}

static void take(FactSheet *f, const TicketUpdate *u, FactStep *step) {
    unsigned sets = u->sets;
    bool texts = false;
    if (sets & EDIT_PRIORITY && u->priority != f->priority) {
        if (f->seq && u->priority > f->priority) f->priority_raises++;
        f->priority = u->priority;
    }
    if (sets & EDIT_REQUESTER) f->requester_id = id_of(u->requester_id);
    if (sets & EDIT_FORM) f->form_id = id_of(u->form_id);
    if (sets & EDIT_FOLLOWUP_OF) f->followup_of = id_of(u->followup_of);
    if (sets & EDIT_KIND) texts |= sheet_text_set(f, SHEET_KIND, u->kind);
    if (sets & EDIT_CATEGORY) texts |= sheet_text_set(f, SHEET_CATEGORY, u->category);
    if (texts) step->did |= DID_RECATEGORISE;
    if (sets & EDIT_GROUP && id_of(u->group_id) != f->group_id)
        move_to_group(f, id_of(u->group_id), step);
    if (sets & EDIT_ASSIGNEE && id_of(u->assignee_id) != f->assignee_id)
        give_to(f, id_of(u->assignee_id), step);
    if (sets & EDIT_STATUS && u->status != f->status) enter(f, u->status, step);
}

static void create(FactSheet *f, const Event *e, FactStep *step) {
    Str texts[SHEET_TEXTS] = {
        [SHEET_CHANNEL] = e->channel,  [SHEET_PRODUCT] = e->product, [SHEET_BATCH] = e->batch,
        [SHEET_DEVICE] = e->device,    [SHEET_REGION] = e->region,   [SHEET_TIER] = e->tier,
        [SHEET_LANGUAGE] = e->language};
    for (int i = 0; i < SHEET_TEXTS; i++)
        if (texts[i].n) (void)sheet_text_set(f, (SheetText)i, texts[i]);
    f->source_id = id_of(e->source_id);
    f->created_ms = f->entered_ms = f->row_ms;
    f->stages[TICKET_NEW].entered = 1;
    take(f, &e->set, step);
    step->did |= DID_CREATE;
}

static void hear(FactSheet *f, const EditComment *c, FactStep *step) {
    if (!c->present) return;
    if (!c->is_public) {
        f->private_comments++;
        step->did |= DID_NOTE;
        return;
    }
    switch (step->by) {
    case SPEAKER_REQUESTER:
        f->requester_comments++;
        step->did |= DID_ASK;
        return;
    case SPEAKER_BOT:
        f->machine_comments++;
        return;
    case SPEAKER_AGENT:
        break;
    }
    step->did |= DID_REPLY;
    f->replies++;
    Place *her = step->actor_id ? place_made(&f->agents, step->actor_id) : NULL;
    if (her) her->replies++;
    if (f->replied_ms != SHEET_NEVER) return;
    step->did |= DID_FIRST_REPLY;
    f->replied_ms = f->row_ms;
    f->to_reply = f->age;
}

static void touch(FactSheet *f, FactStep *step) {
    Place *her = step->actor_id ? place_made(&f->agents, step->actor_id) : NULL;
    step->did |= DID_TOUCH;
    f->touches++;
    if (her) her->touches++;
}

static void rate(FactSheet *f, const Event *e, FactStep *step) {
    bool rates = str_is(update_why(&e->set), "rated");
    if (e->set.sets & EDIT_SATISFACTION) {
        rates |= !str_is(e->set.satisfaction, "offered") && e->set.satisfaction.n;
        (void)sheet_text_set(f, SHEET_SATISFACTION, e->set.satisfaction);
    }
    if (!rates) return;
    step->did |= DID_RATE;
    f->rated_ms = f->row_ms;
    f->rated_seq = e->seq;
    f->rated_note = e->set.note.n > 0;
}

static void heed_promise(FactSheet *f, const Event *e) {
    ClockMetric m;
    if (metric_parse(e->promise.metric, &m) < 0) return; /* of a later release */
    if (e->kind == LEDGER_PROMISE_WARNED) f->told[m].warned++;
    if (e->kind == LEDGER_PROMISE_BREACHED) f->told[m].breached++;
    if (e->kind == LEDGER_PROMISE_ESCALATED) f->told[m].escalated++;
}

int fact_sheet_tell(FactSheet *f, const Event *row, const Calendar *hours, FactStep *ret_step) {
    FactStep step = {0};
    if (row->seq <= f->seq) return -EALREADY;
    if (row->seq != f->seq + 1) return -EAGAIN;
    if (!f->seq && row->kind != LEDGER_TICKET_CREATED) return -EBADMSG;
    step.by = speaker_of(row->actor, &step.actor_id);
    step.from = f->status;
    step.from_group = f->group_id;
    step.from_assignee = f->assignee_id;
    if (!f->seq) {
        f->row_ms = instant(row->created_ms, 0);
        create(f, row, &step);
    } else {
        step.stretch = fact_sheet_since(f, row->at_ms, hours);
        count_time(f, step.stretch);
        f->row_ms = instant(row->at_ms, f->row_ms);
        if (row->kind == LEDGER_TICKET_UPDATED && step.by == SPEAKER_AGENT) touch(f, &step);
        if (row->kind >= LEDGER_PROMISE_WARNED && row->kind < LEDGER_KINDS) heed_promise(f, row);
        hear(f, &row->set.comment, &step);
        rate(f, row, &step);
        take(f, &row->set, &step);
    }
    f->seq = row->seq;
    step.at_ms = f->row_ms;
    if (ret_step) *ret_step = step;
    return 0;
}

bool fact_sheet_one_touch(const FactSheet *f) {
    size_t touched = 0;
    for (size_t i = 0; i < f->agents.n; i++)
        touched += f->agents.p[i].touches > 0;
    return f->resolved_ms != SHEET_NEVER && f->replies <= 1 && touched <= 1 && !f->reopenings;
}
