/* Status, group and assignee belong together: who may have the ticket, and in which state. */
#include <errno.h>

#include "desk/tickets/change_internal.h"
#include "desk/tickets/ticket_json.h"
#include "json/json.h"

const Agent *draft_agent(const Draft *d, int64_t id) {
    return id && d->a->catalog ? catalog_agent(d->a->catalog, id) : NULL;
}

bool agent_in(const Agent *agent, int64_t group_id) {
    for (size_t i = 0; i < agent->groups_n; i++)
        if (agent->groups[i] == group_id) return true;
    return false;
}

static const ChangeLoad *load_of(const Draft *d, int64_t agent_id) {
    for (size_t i = 0; i < d->t->loads_n; i++)
        if (d->t->loads[i].agent_id == agent_id) return &d->t->loads[i];
    return NULL;
}

bool draft_is_full(const Draft *d, int64_t agent_id) {
    const ChangeLoad *l = load_of(d, agent_id);
    return l && l->load >= l->capacity;
}

bool draft_on_duty(const Draft *d, int64_t agent_id) {
    const ChangeLoad *l = load_of(d, agent_id);
    return l && l->on_duty;
}

static bool check_people(Draft *d, int64_t group_id, int64_t assignee_id) {
    const Catalog *c = d->a->catalog;
    size_t before = d->bad->n;
    if (group_id && group_id != d->row->group_id && (!c || !catalog_group(c, group_id)))
        invalid_add(d->bad, "group_id", "InvalidValue", "没有这个组 (no such group)");
    if (assignee_id && assignee_id != d->row->assignee_id) {
        const Agent *agent = draft_agent(d, assignee_id);
        const Group *group = c && group_id ? catalog_group(c, group_id) : NULL;
        if (!agent)
            invalid_add(d->bad, "assignee_id", "InvalidValue", "没有这位客服 (no such agent)");
        else if (group && !agent_in(agent, group_id))
            invalid_add(d->bad, "assignee_id", "InvalidValue",
                        "「%.*s」不在「%.*s」(the assignee is not in the group)",
                        STR_ARG(agent->title), STR_ARG(group->title));
    }
    return d->bad->n == before;
}

void draft_move(Draft *d, TicketStatus to, int64_t group_id, int64_t assignee_id, ActorKind by) {
    unsigned demands = 0;
    if (!check_people(d, group_id, assignee_id)) return;
    int r = ticket_transition(d->row->status, to, by, &demands);
    if (r < 0) {
        invalid_add(d->bad, "status", "InvalidValue",
                    r == -EPERM ? "不能由您从 %.*s 改为 %.*s (you cannot make this change of state)"
                                : "不能从 %.*s 改为 %.*s (no such change of state)",
                    STR_ARG(ticket_status_shown(d->row->status)), STR_ARG(ticket_status_shown(to)));
        return;
    }
    if (demands & DEMANDS_ASSIGNEE && !assignee_id) {
        invalid_add(d->bad, "assignee_id", "BlankValue", "请先指定受理人 (name an assignee first)");
        return;
    }
    demands |= ticket_handover(d->row->assignee_id, assignee_id, d->row->group_id, group_id, by);
    if (demands & DEMANDS_NOTE && !d->e->note.n &&
        !(d->e->comment.present && !d->e->comment.is_public)) {
        if (!d->note_missed)
            invalid_add(d->bad, "handover_note", "BlankValue",
                        "转交需要交接说明：写 handover_note 或内部备注 (handing on needs a note: "
                        "handover_note, or an internal comment)");
        return;
    }
    if (to != d->row->status) d->e->sets |= EDIT_STATUS;
    if (group_id != d->row->group_id) d->e->sets |= EDIT_GROUP;
    if (assignee_id != d->row->assignee_id) d->e->sets |= EDIT_ASSIGNEE;
    bool gains = ticket_status_is_load(to) && assignee_id &&
                 (assignee_id != d->row->assignee_id || !ticket_status_is_load(d->row->status));
    if (gains && draft_is_full(d, assignee_id)) d->above_capacity = true;
    d->e->status = to;
    d->e->group_id = group_id;
    d->e->assignee_id = assignee_id;
}

/* ---- PUT: what of these three was said, and what follows for the others ---- */

typedef struct Wish {
    bool status, group, assignee; /* said at all */
    TicketStatus to;
    int64_t group_id, assignee_id; /* 0: nobody */
    bool open;                     /* Zendesk's word: begun, or reopened */
} Wish;

static bool read_status(Draft *d, const cJSON *ticket, Wish *w) {
    Str text = {NULL, 0};
    int r = draft_text(d, ticket, "docket_status", "status", 64, &text);
    if (r == 0) r = draft_text(d, ticket, "status", "status", 64, &text);
    if (r < 0) return false;
    if (r == 0 || !text.n) return true;
    w->status = true;
    w->open = str_is(text, "open");
    if (ticket_status_sent(text, &w->to) == 0 && w->to < TICKET_DELETED) return true;
    invalid_add(d->bad, "status", "InvalidValue",
                "没有「%.*s」这个状态，可选 new、open、pending、hold、solved (no such status)",
                (int)(text.n < 60 ? text.n : 60), text.p);
    return false;
}

static bool read_wish(Draft *d, const cJSON *ticket, Wish *w) {
    bool empty;
    *w = (Wish){
        .to = d->row->status, .group_id = d->row->group_id, .assignee_id = d->row->assignee_id};
    bool good = read_status(d, ticket, w);
    int r = draft_id(d, ticket, "group_id", "group_id", &w->group_id, &empty);
    if (r < 0) good = false;
    w->group = w->group_id != d->row->group_id;
    r = draft_id(d, ticket, "assignee_id", "assignee_id", &w->assignee_id, &empty);
    if (r < 0) good = false;
    if (empty) w->assignee_id = 0;
    w->assignee = w->assignee_id != d->row->assignee_id;
    return good;
}

/* A person brings her group along; a group leaves behind who is not in it. */
static void settle_people(Draft *d, Wish *w) {
    const Agent *agent = draft_agent(d, w->assignee_id);
    if (w->assignee && agent && !w->group && !agent_in(agent, w->group_id)) {
        w->group_id = agent->groups[0];
        w->group = true;
    }
    if (w->group && !w->assignee && w->assignee_id && !(agent && agent_in(agent, w->group_id))) {
        w->assignee_id = 0;
        w->assignee = true;
    }
}

/* Who begins to work on what nobody has, has it. */
static void take_oneself(Draft *d, Wish *w) {
    const Agent *me = draft_agent(d, d->a->who->user_id);
    if (w->assignee_id || !me || (w->group_id && !agent_in(me, w->group_id))) return;
    if (!w->group_id) w->group_id = me->groups[0];
    w->assignee_id = me->id;
    w->assignee = true;
}

static TicketStatus settle_status(Draft *d, Wish *w) {
    TicketStatus now = d->row->status;
    if (w->status && w->open) {
        if (now == TICKET_SOLVED) return w->assignee_id ? TICKET_ASSIGNED : TICKET_NEW;
        if (!w->assignee_id) take_oneself(d, w);
        bool mine = w->assignee_id == d->a->who->user_id;
        return w->assignee && !mine ? TICKET_ASSIGNED : TICKET_IN_PROGRESS;
    }
    if (w->status) {
        if (w->to == TICKET_NEW) {
            w->assignee_id = 0;
            w->assignee = d->row->assignee_id != 0;
        } else if (w->to != TICKET_CLOSED) {
            take_oneself(d, w);
        }
        return w->to;
    }
    if (w->assignee || w->group) {
        if (!w->assignee_id) return TICKET_NEW;
        if (!w->assignee && now != TICKET_NEW) return now;
        return now == TICKET_NEW || now == TICKET_IN_PROGRESS ? TICKET_ASSIGNED : now;
    }
    /* An answer to the customer is the beginning of the work. */
    if (d->replies && now == TICKET_ASSIGNED) return TICKET_IN_PROGRESS;
    return now;
}

static void ask_rights(Draft *d, const Wish *w, TicketStatus to, bool said) {
    bool took = w->assignee && !d->row->assignee_id && w->assignee_id == d->a->who->user_id;
    bool moved = w->group && !(took && !d->row->group_id);
    if (took) d->needs |= right_bit(RIGHT_TICKETS_CLAIM);
    if (moved || (w->assignee && !took)) d->needs |= right_bit(RIGHT_TICKETS_TRANSFER);
    if (!said || to == d->row->status) return;
    d->needs |= right_bit(to == TICKET_SOLVED || to == TICKET_CLOSED ? RIGHT_TICKETS_SOLVE
                                                                     : RIGHT_TICKETS_EDIT);
}

void draft_place(Draft *d, const cJSON *ticket) {
    Wish w;
    if (!read_wish(d, ticket, &w)) return;
    settle_people(d, &w);
    TicketStatus to = settle_status(d, &w);
    bool moves = w.assignee || w.group || to != d->row->status;
    if (!moves) return;
    if (d->row->status == TICKET_SOLVED && to == TICKET_ASSIGNED) d->why = "reopened";
    if (to == TICKET_SOLVED && d->row->status != TICKET_SOLVED) d->why = "solved";
    if (w.group || (w.assignee && d->row->assignee_id)) d->why = "transferred";
    if (w.assignee && !d->row->assignee_id && w.assignee_id)
        d->why = w.assignee_id == d->a->who->user_id ? "claimed" : "assigned";
    if (w.assignee && !w.assignee_id && !w.group) d->why = "released";
    ask_rights(d, &w, to, w.status);
    draft_move(d, to, w.group_id, w.assignee_id, ACTOR_AGENT);
}
