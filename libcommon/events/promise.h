/* Promise -- one moment of a promise, as it travels and as the ledger keeps it: a warning, a
 * breach, a level of an escalation. First a signal from the scheduler to the router
 * (docket.signals); then a row of the ticket's ledger, written by the router, and its event. Pure.
 *
 * The payload of such a row is
 *   {"set": {<column of ticket.tickets>: <new value>, ...},
 *    "promise": {"metric", "instance", "level", "policy", "due_ms", "at_ms", "late", "target_ms",
 *                "elapsed_ms", "why", and of what the policy asks what it does ask: "notify_lead",
 *                "notify_manager", "notify_agent", "raise_priority", "move_to_group", "reassign"},
 *    "reason": {...}}
 * where "set" names status, group_id, assignee_id and priority at most. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"
#include "events/update.h"

typedef enum PromiseAct {
    PROMISE_WARNED,
    PROMISE_BREACHED,
    PROMISE_ESCALATED,
    PROMISE_ACTS
} PromiseAct;

const char *promise_act_name(PromiseAct act); /* "promise_warned": also the ledger's kind */

enum { PROMISE_METRIC_MAX = 32, PROMISE_LEVEL_MAX = 15 }; /* bytes */

typedef struct Promise {
    Str metric;        /* "first_reply": promise/life.h */
    int32_t instance;  /* of the metric, from 1 */
    Str level;         /* "80%" "10m"; absent; "2" "2.1": proto/promise.proto */
    Str policy;        /* its name */
    int64_t due_ms;    /* 0: unknown, the clock is paused */
    int64_t at_ms;     /* became true */
    bool late;         /* told noticeably later */
    int64_t target_ms; /* 0: none */
    int64_t elapsed_ms;
    Str why;            /* "time" "policy_change"; absent of a warning */
    int32_t judged_seq; /* of signals only: the last ledger row that was known to the sender */
    /* What the policy asks for. */
    bool notify_lead, notify_manager, raise_priority, reassign;
    int64_t notify_agent, move_to_group; /* 0: none */
} Promise;

/* The cause of everything that follows from one moment: the same on every host and under every
 * revision, so its effect comes once however often it is told. */
Cause promise_cause(int64_t tenant_id, int64_t ticket_id, PromiseAct act, Str metric,
                    int32_t instance, Str level);

/* Of a ledger row: `set` is what of status, group, assignee and priority changes
 * (TicketUpdate.sets; NULL: nothing), `reason` a JSON object or absent. Appends. */
void promise_payload_write(const Promise *p, const TicketUpdate *set, Str reason, Buf *ret);
/* Also from PostgreSQL's own spelling; in the arena or in `payload`. `ret_set` (may be NULL) has
 * sets and reason. -EBADMSG when it is none. */
int promise_payload_read(Str payload, Arena *arena, Promise *ret, TicketUpdate *ret_set);
