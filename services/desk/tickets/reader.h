/* Ticket reader -- tickets by id. All that is asked in one turn of the loop, and while the last
 * questions are under way, goes to PostgreSQL as one. */
#pragma once

#include "desk/api/request.h"
#include "desk/tickets/ticket_row.h"

/* NULL: no such ticket of this tenant. Texts live until the callback returns (ticket_row_keep()).
 * Rights are not looked at. When PostgreSQL is away the request is answered 503, and the callback
 * does not come. */
typedef void (*TicketFound)(Request *r, const TicketRow *ticket);
void ticket_read(Request *r, int64_t id, TicketFound found);

/* May this subject do that to this ticket? False, having answered 404 or 403. */
bool ticket_allows(Request *r, Right what, const TicketRow *ticket);

extern const struct DeskPart ticket_reader_part;
