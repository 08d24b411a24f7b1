/* Names of states and priorities, and who may take a ticket from which to which. */
#include "ticket/ticket.h"

#include <errno.h>

static const char *const status_names[TICKET_STATUSES] = {"new",     "assigned", "in_progress",
                                                          "pending", "on_hold",  "solved",
                                                          "closed",  "deleted",  "merged"};
static const char *const priority_names[PRIORITIES] = {"low", "normal", "high", "urgent"};

typedef struct Transition {
    TicketStatus from, to;
    unsigned who;     /* ActorKind bits */
    unsigned demands; /* TransitionDemand bits */
} Transition;

/* DEMANDS_STANDARD is meant for agents: a customer who says that it is solved shows no evidence.
 * Everything that is not here is illegal. `deleted` and `merged` are terminal, a closed ticket gets
 * a follow-up. */
static const Transition transitions[] = {
    {TICKET_NEW, TICKET_ASSIGNED, ACTOR_ROUTER | ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_NEW, TICKET_IN_PROGRESS, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_NEW, TICKET_PENDING, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_NEW, TICKET_ON_HOLD, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_NEW, TICKET_SOLVED, ACTOR_AGENT, DEMANDS_ASSIGNEE | DEMANDS_STANDARD},
    {TICKET_ASSIGNED, TICKET_NEW, ACTOR_ROUTER | ACTOR_AGENT | ACTOR_SYSTEM, DEMANDS_NOTHING},
    {TICKET_ASSIGNED, TICKET_IN_PROGRESS, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_ASSIGNED, TICKET_PENDING, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_ASSIGNED, TICKET_ON_HOLD, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_ASSIGNED, TICKET_SOLVED, ACTOR_AGENT | ACTOR_REQUESTER,
     DEMANDS_ASSIGNEE | DEMANDS_STANDARD},
    {TICKET_IN_PROGRESS, TICKET_NEW, ACTOR_ROUTER | ACTOR_AGENT | ACTOR_SYSTEM, DEMANDS_NOTHING},
    {TICKET_IN_PROGRESS, TICKET_ASSIGNED, ACTOR_ROUTER | ACTOR_AGENT,
     DEMANDS_ASSIGNEE | DEMANDS_NOTE},
    {TICKET_IN_PROGRESS, TICKET_PENDING, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_IN_PROGRESS, TICKET_ON_HOLD, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_IN_PROGRESS, TICKET_SOLVED, ACTOR_AGENT | ACTOR_REQUESTER,
     DEMANDS_ASSIGNEE | DEMANDS_STANDARD},
    {TICKET_PENDING, TICKET_IN_PROGRESS, ACTOR_AGENT | ACTOR_REQUESTER, DEMANDS_ASSIGNEE},
    {TICKET_PENDING, TICKET_ON_HOLD, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_PENDING, TICKET_SOLVED, ACTOR_AGENT | ACTOR_REQUESTER | ACTOR_SYSTEM,
     DEMANDS_ASSIGNEE | DEMANDS_STANDARD},
    {TICKET_PENDING, TICKET_ASSIGNED, ACTOR_AGENT | ACTOR_REQUESTER, DEMANDS_ASSIGNEE},
    {TICKET_PENDING, TICKET_NEW, ACTOR_ROUTER | ACTOR_AGENT | ACTOR_REQUESTER, DEMANDS_NOTHING},
    {TICKET_ON_HOLD, TICKET_IN_PROGRESS, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_ON_HOLD, TICKET_PENDING, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_ON_HOLD, TICKET_SOLVED, ACTOR_AGENT | ACTOR_REQUESTER,
     DEMANDS_ASSIGNEE | DEMANDS_STANDARD},
    {TICKET_ON_HOLD, TICKET_ASSIGNED, ACTOR_AGENT, DEMANDS_ASSIGNEE},
    {TICKET_ON_HOLD, TICKET_NEW, ACTOR_ROUTER | ACTOR_AGENT, DEMANDS_NOTHING},
    {TICKET_SOLVED, TICKET_ASSIGNED, ACTOR_AGENT | ACTOR_REQUESTER | ACTOR_SYSTEM,
     DEMANDS_ASSIGNEE},
    {TICKET_SOLVED, TICKET_NEW, ACTOR_AGENT | ACTOR_REQUESTER | ACTOR_SYSTEM, DEMANDS_NOTHING},
    {TICKET_SOLVED, TICKET_CLOSED, ACTOR_AGENT | ACTOR_REQUESTER | ACTOR_SYSTEM, DEMANDS_NOTHING},
};

const char *ticket_status_name(TicketStatus s) {
    return status_names[s];
}

int ticket_status_parse(Str name, TicketStatus *ret) {
    for (int s = 0; s < TICKET_STATUSES; s++)
        if (str_is(name, status_names[s])) {
            *ret = (TicketStatus)s;
            return 0;
        }
    return -EINVAL;
}

const char *ticket_priority_name(TicketPriority p) {
    return priority_names[p];
}

int ticket_priority_parse(Str name, TicketPriority *ret) {
    for (int p = 0; p < PRIORITIES; p++)
        if (str_is(name, priority_names[p])) {
            *ret = (TicketPriority)p;
            return 0;
        }
    return -EINVAL;
}

bool ticket_status_is_load(TicketStatus s) {
    return s == TICKET_ASSIGNED || s == TICKET_IN_PROGRESS;
}

bool ticket_status_is_open(TicketStatus s) {
    return s <= TICKET_ON_HOLD;
}

int ticket_transition(TicketStatus from, TicketStatus to, ActorKind by, unsigned *ret_demands) {
    if (from == to && from <= TICKET_SOLVED) {
        *ret_demands = from == TICKET_NEW ? DEMANDS_NOTHING : DEMANDS_ASSIGNEE;
        return 0;
    }
    if ((to == TICKET_DELETED || to == TICKET_MERGED) && from < TICKET_DELETED) {
        if (by != ACTOR_AGENT) return -EPERM;
        *ret_demands = DEMANDS_NOTHING;
        return 0;
    }
    for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
        const Transition *t = &transitions[i];
        if (t->from != from || t->to != to) continue;
        if (!(t->who & (unsigned)by)) return -EPERM;
        *ret_demands = t->demands;
        return 0;
    }
    return -EINVAL;
}

unsigned ticket_handover(int64_t from_assignee, int64_t to_assignee, int64_t from_group,
                         int64_t to_group, ActorKind by) {
    if (by != ACTOR_AGENT || !from_assignee) return DEMANDS_NOTHING;
    bool person = to_assignee && to_assignee != from_assignee;
    bool group = to_group != from_group;
    return person || group ? DEMANDS_NOTE : DEMANDS_NOTHING;
}
