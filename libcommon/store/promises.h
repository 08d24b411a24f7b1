/* Promises -- the record of a promise that is about to be broken, is broken, or escalates: one
 * ledger row (kinds promise_warned, promise_breached, promise_escalated), and what the step of the
 * escalation makes of the ticket. Runs on a Store like everything else (store/store.h).
 *
 * There is a message behind each (docket.signals), so nothing lies in the outbox: the caller
 * publishes the row's event and tells Redis the place before it commits the message's offset, and
 * does both again when it meets the footprint of an earlier life. */
#pragma once

#include "events/promise.h"
#include "store/store.h"

enum { PROMISES_MAX = 512 }; /* of one call */

/* What the ledger has of (ticket, cause, step), and where the ticket is. */
typedef struct Footprint {
    int64_t tenant_id, ticket_id; /* in */
    Cause cause;
    int32_t step;
    TicketPlace place;       /* out; follows aliases; version 0: no such ticket */
    int64_t acknowledged_ms; /* when somebody last said that she is on it; 0: never */
    bool found;
    LedgerRow row; /* when found */
} Footprint;

void store_footprints(Store *s, Footprint *footprints, size_t n, Arena *arena, StoreDone done,
                      void *arg);

typedef struct PromiseChange {
    /* in */
    int64_t tenant_id, ticket_id;
    int32_t expected_version; /* > 0: the version at which it was found true */
    Cause cause;
    int32_t step;
    PromiseAct act;
    const Promise *promise;
    /* Where the ticket is to be: what differs from now is set. */
    TicketStatus to_status;
    TicketPriority to_priority;
    int64_t to_group_id, to_assignee_id; /* 0: none */
    int64_t use_by_ms;                   /* as NewTicket.use_by_ms */
    Str reason;                          /* JSON object */
    int64_t revision;
    Trace trace;
    /* out */
    ChangeFate fate;
    TicketPlace place; /* after it, or what it is now */
    LedgerRow row;     /* for DONE and REPLAYED */
} PromiseChange;

/* At most PROMISES_MAX, each ticket at most once. */
void store_record_promises(Store *s, PromiseChange *changes, size_t n, Arena *arena, StoreDone done,
                           void *arg);
