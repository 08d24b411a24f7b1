/* Ticket -- the vocabulary: states, priorities, and the one table of legal transitions (design.md
 * §4). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

typedef enum TicketStatus {
    TICKET_NEW,         /* 新建: waits for somebody */
    TICKET_ASSIGNED,    /* 已分配 */
    TICKET_IN_PROGRESS, /* 处理中 */
    TICKET_PENDING,     /* 待客户回复 */
    TICKET_ON_HOLD,     /* 挂起 */
    TICKET_SOLVED,      /* 待客户确认 */
    TICKET_CLOSED,      /* 已结案: only a follow-up continues it */
    TICKET_DELETED,
    TICKET_MERGED,
    TICKET_STATUSES
} TicketStatus;

typedef enum TicketPriority {
    PRIORITY_LOW,
    PRIORITY_NORMAL,
    PRIORITY_HIGH,
    PRIORITY_URGENT,
    PRIORITIES
} TicketPriority;

/* Who asks for a change; a transition names who may. */
typedef enum ActorKind {
    ACTOR_ROUTER = 1,
    ACTOR_AGENT = 2,
    ACTOR_REQUESTER = 4,
    ACTOR_SYSTEM = 8 /* sweeps: auto-close and the like */
} ActorKind;

/* What a transition demands besides the right to make it. */
typedef enum TransitionDemand {
    DEMANDS_NOTHING = 0,
    DEMANDS_ASSIGNEE = 1, /* the new state has one */
    DEMANDS_NOTE = 2,     /* a handover note */
    DEMANDS_STANDARD = 4  /* the processing standard: required fields and evidence */
} TransitionDemand;

const char *ticket_status_name(TicketStatus s);       /* "in_progress", as stored and published */
int ticket_status_parse(Str name, TicketStatus *ret); /* -EINVAL */
const char *ticket_priority_name(TicketPriority p);
int ticket_priority_parse(Str name, TicketPriority *ret);

/* Counts towards its assignee's load: assigned and in_progress (correctness.md 19). */
bool ticket_status_is_load(TicketStatus s);
bool ticket_status_is_open(TicketStatus s); /* not solved, closed, deleted or merged */

/* 0 when `by` may take a ticket from one state to the other, *ret_demands filled with
 * TransitionDemand bits; -EPERM when the transition exists but not for `by`, -EINVAL when there is
 * none. Staying in a state is legal. */
int ticket_transition(TicketStatus from, TicketStatus to, ActorKind by, unsigned *ret_demands);

/* What handing a ticket on demands besides: a note (TransitionDemand bits) when somebody who had it
 * gives it to another person, or to another group. */
unsigned ticket_handover(int64_t from_assignee, int64_t to_assignee, int64_t from_group,
                         int64_t to_group, ActorKind by);

/* The kind of a ticket that stands for many: its incidents name it as their problem. */
#define TICKET_KIND_PROBLEM "问题"

/* Positive and exact in a JavaScript number. */
#define TICKET_ID_MAX ((int64_t)9007199254740991)
