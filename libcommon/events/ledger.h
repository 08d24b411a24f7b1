/* LedgerRow -- one row of ticket.ledger in memory, and the event that is a pure function of it
 * (correctness.md 8).
 *
 * The payload is JSON, because a check must be able to rebuild a ticket from its ledger with SQL
 * alone:
 *   {"set": {<column of ticket.tickets>: <new value>, ...}, "reason": {...}, "note": "..."}
 * Merging the "set" objects in order of seq gives the ticket's row (except version, updated_at and
 * requester_id: last seq, last at, and the number in the first row's actor "requester:7" unless
 * "set" names it). */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"
#include "ticket/ticket.h"

typedef enum LedgerKind {
    LEDGER_TICKET_CREATED,
    LEDGER_TICKET_ASSIGNED,
    LEDGER_TICKET_QUEUED,
    LEDGER_TICKET_RELEASED,
    LEDGER_TICKET_NOTED,
    LEDGER_TICKET_UPDATED, /* people's: events/update.h */
    LEDGER_PROMISE_WARNED, /* these three, in the order of PromiseAct: events/promise.h */
    LEDGER_PROMISE_BREACHED,
    LEDGER_PROMISE_ESCALATED,
    LEDGER_KINDS
} LedgerKind;

const char *ledger_kind_name(
    LedgerKind k); /* "ticket_created": column `kind` and CloudEvents type docket.<name> */
int ledger_kind_parse(Str name, LedgerKind *ret);

typedef struct LedgerRow {
    int64_t tenant_id, ticket_id;
    int32_t seq;
    Cause cause;
    int32_t step;
    LedgerKind kind;
    Str actor;
    int64_t at_ms; /* PostgreSQL's clock */
    int64_t revision;
    Trace trace;
    Str payload; /* JSON as above */
} LedgerRow;

/* Payloads, written by whoever decides. `reason` is a JSON object's text, absent for {}. */
struct Submission;
typedef struct TicketFacts { /* what a ticket is at birth, after the rules */
    Str kind, category;
    TicketPriority priority;
    int64_t group_id; /* 0: none */
    const Str *skills, *tags;
    size_t skills_n, tags_n;
    Str reason;
} TicketFacts;

void ledger_payload_created(const struct Submission *s, const TicketFacts *f, Buf *ret);
/* assignee_id 0: the payload of a queued or released ticket, status "new". */
void ledger_payload_placed(TicketStatus status, int64_t group_id, int64_t assignee_id, Str reason,
                           Buf *ret);
void ledger_payload_noted(Str note, Buf *ret);

/* The Envelope of this row's event, appended to *ret. -EBADMSG when the payload is not what its
 * kind demands. */
int ledger_event_encode(const LedgerRow *row, Arena *arena, Buf *ret);
