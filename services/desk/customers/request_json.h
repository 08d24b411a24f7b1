/* Request JSON -- a ticket as its requester sees it (Zendesk's "request"): no notes, no tags,
 * nobody's name, and of the custom fields those that her ticket's form shows to customers
 * (documents/forms.h). Pure. */
#pragma once

#include "desk/tickets/ticket_row.h"
#include "documents/catalog.h"

/* Zendesk's customers know no "hold": that is "open" to them. */
Str request_status_shown(TicketStatus s);
/* Appends {"url":...}. `base` as request_base(); `catalog` NULL: no
 * documents yet. */
void request_json(Buf *ret, Str base, const TicketRow *t, const Catalog *catalog);
