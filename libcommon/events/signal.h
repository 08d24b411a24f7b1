/* Signal -- what others ask the router to act on (docket.signals). Pure. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"
#include "events/promise.h"
#include "ticket/ticket.h"

typedef enum SignalKind {
    SIGNAL_CAPACITY_CHANGED, /* somebody has more room, or less */
    SIGNAL_TICKET_WAITING,   /* a person put a ticket into a queue, elsewhere in it, or out of it:
                                read what it is now */
    SIGNAL_PROMISE_WARNED,   /* these three, in the order of PromiseAct, from the scheduler */
    SIGNAL_PROMISE_BREACHED,
    SIGNAL_PROMISE_ESCALATED,
    SIGNAL_SURGE_FOUND, /* from analytics: a problem to be opened */
} SignalKind;

enum { SURGE_INCIDENTS_MAX = 200, SURGE_SUBJECT_MAX = 1000, SURGE_DESCRIPTION_MAX = 32 << 10 };

/* More arrives in a category than the rhythm of its weeks explains: proto/surge_found.proto. */
typedef struct SurgeFound {
    Str category;
    int64_t began_ms, found_ms;
    Str subject, description;
    TicketPriority priority;
    int64_t group_id; /* 0: the tenant's default */
    const int64_t *incidents;
    size_t incidents_n;
} SurgeFound;

/* Of the surge of this category that began then: the same wherever it is found. */
Cause surge_cause(int64_t tenant_id, Str category, int64_t began_ms);

typedef struct Signal {
    SignalKind kind;
    int64_t tenant_id;
    Cause cause;
    int64_t at_ms;    /* when it was told; of a promise not when it became true */
    int64_t agent_id; /* capacity_changed */
    Str why;          /* duty capacity solved transferred released applied updated */
    /* The ticket by which it came, and its version after that; of capacity_changed 0 where no
     * ticket is the reason. */
    int64_t ticket_id;
    int32_t version;
    /* Of SIGNAL_PROMISE_...: its ticket is `ticket_id`, its cause promise_cause(). */
    Promise promise;
    int64_t revision; /* of the documents by which it was judged */
    /* Of SIGNAL_SURGE_FOUND: `ticket_id` is the problem's, its cause surge_cause(). */
    SurgeFound surge;
} Signal;

/* The key of its record: what orders signals. "tenant:agent", "tenant:t<ticket>", and of
 * promises and surges "ticket" as events have it. */
void signal_key(const Signal *s, Buf *ret);

void signal_encode(const Signal *s, Buf *ret);
int signal_decode(Str message, Arena *arena, Signal *ret, const char **ret_problem); /* -EBADMSG */
