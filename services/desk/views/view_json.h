/* View JSON -- a view as Zendesk shows it: {"url","id","title","execution","conditions",...}; and
 * its columns, with what they hold of a ticket. */
#pragma once

#include "desk/tickets/ticket_row.h"
#include "documents/views.h"

void view_json(Buf *ret, Str base, const Catalog *catalog, const View *v, int position);

/* [{"id":"subject","title":"标题"},...] */
void view_columns_json(Buf *ret, const View *v);
/* {"subject":...,"requester_id":...,"ticket":{...}}: one member a column, named as Zendesk's rows
 * name them (people, groups and forms by number; created, updated), and the whole ticket. */
void view_row_json(Buf *ret, Str base, const View *v, const TicketRow *t, const Catalog *catalog);
