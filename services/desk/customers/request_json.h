/* Request JSON -- a ticket as its requester sees it (Zendesk's "request"): no notes, no tags, no
 * fields of the staff's, nobody's name. Pure. */
#pragma once

#include "desk/tickets/ticket_row.h"

/* Zendesk's customers know no "hold": that is "open" to them. */
Str request_status_shown(TicketStatus s);
/* Appends {"url":...}. `base` as request_base(). */
void request_json(Buf *ret, Str base, const TicketRow *t);
