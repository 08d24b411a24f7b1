/* Event -- a message of docket.events read back: what a follower (counters, clocks, notifications)
 * needs of a ledger row, whatever its kind. Pure. */
#pragma once

#include "events/ledger.h"
#include "events/promise.h"
#include "events/update.h"

typedef struct Event {
    int64_t tenant_id, ticket_id;
    int32_t
        seq; /* of its ledger row: drop what is not newer, read what is missing from the ledger */
    Cause cause;
    int32_t step;
    LedgerKind
        kind; /* LEDGER_KINDS: of a later release; only what stands above and `at_ms` counts */
    int64_t at_ms, revision;
    Str actor;
    Trace trace;
    /* What it set. Of a created ticket: status, priority, kind, category, subject, tags, external
     * id, custom fields, group and requester; of one assigned, queued or released: status, group
     * and assignee. */
    TicketUpdate set;
    /* Of a created ticket only. */
    int64_t source_id, created_ms;
    Str channel, description, tier, region, order, product, batch, device, language;
    const Str *skills;
    size_t skills_n;
    /* Of LEDGER_PROMISE_... only; what was set by it stands in `set`. */
    Promise promise;
} Event;

/* Everything lives in the arena. -EBADMSG and the reason when it is no event. */
int event_decode(Str message, Arena *arena, Event *ret, const char **ret_problem);
/* The same of a ledger row that was read to fill a gap. */
int event_of_row(const LedgerRow *row, Arena *arena, Event *ret);
