/* TicketView -- a ticket as of one row of its ledger, told row by row. Pure. What it points to is
 * the events' own. */
#pragma once

#include "conditions/matcher.h"
#include "events/event.h"

typedef struct TicketView { /* zero-initialised: before its first row */
    int64_t tenant_id, ticket_id;
    int32_t seq; /* of the last row told */
    TicketStatus status;
    TicketPriority priority;
    int64_t group_id, assignee_id, requester_id, source_id; /* 0: none */
    Str kind, category, subject, description, channel, tier, region;
    Str order, product, batch, device, language, external_id;
    Str custom_fields; /* a JSON object, or absent */
    const Str *tags;
    size_t tags_n;
    const int64_t *collaborators, *followers; /* requesters in copy; staff who follow it */
    size_t collaborators_n, followers_n;
    int64_t created_ms, updated_ms;
} TicketView;

/* The next row. False, and nothing changed: it is not the one behind the last. */
bool ticket_view_tell(TicketView *v, const Event *row);

/* As conditions ask for it, without custom fields. Numbers are written into the arena. */
Facts ticket_view_facts(const TicketView *v, Arena *arena);

/* "物流" of "物流/丢件". */
Str ticket_view_top_category(const TicketView *v);
