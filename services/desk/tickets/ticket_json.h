/* Ticket JSON -- one ticket as Zendesk shows it, and our own members behind. */
#pragma once

#include "desk/tickets/ticket_row.h"
#include "documents/catalog.h"

/* "new" "open" "pending" "hold" "solved" "closed" "deleted" (merged is closed): what Zendesk's
 * clients know. */
Str ticket_status_shown(TicketStatus s);
/* The other way, as clients send it: "open" is in_progress, "hold" and "on_hold" are on_hold.
 * -EINVAL. Our own names are taken too. */
int ticket_status_sent(Str name, TicketStatus *ret);

/* The JSON value of one custom field, by the name it is stored under; absent: it has none. */
Str ticket_custom_field(const TicketRow *t, Str name);

/* Appends [1,2]. */
void ticket_ids_json(Buf *ret, const int64_t *ids, size_t n);
/* Appends {"url":...}. `catalog`, which may be NULL, knows the numbers of custom fields. `base` as
 * request_base(). */
void ticket_json(Buf *ret, Str base, const TicketRow *t, const Catalog *catalog);
