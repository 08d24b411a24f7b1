/* Ticket list -- the answer to every request for several tickets. */
#pragma once

#include "desk/api/paging.h"
#include "desk/api/request.h"
#include "desk/tickets/ticket_row.h"

/* Answers {"tickets":[...], side-loads as ?include= asks, paging}. `rows` in the order in which
 * they are shown; they need not live longer than this call. The rest as paging_write(). */
void ticket_list_answer(Request *r, const TicketRow *rows, size_t n, const Paging *p, bool more,
                        const PagingEnds *ends, int64_t count);
/* The same for a body that has begun in another way and holds a ticket for each row already, which
 * ends at ends_at[i] (in the arena): side-loads, paging, the end. `body` is the request's
 * (request_buf()). */
void ticket_list_end(Request *r, Buf *body, size_t *ends_at, const TicketRow *rows, size_t n,
                     const Paging *p, bool more, const PagingEnds *ends, int64_t count);
/* The same without pages, for show_many: next_page null and count n. */
void ticket_list_answer_all(Request *r, const TicketRow *rows, size_t n);
/* One ticket: {"ticket":{...}, side-loads}; status 200. */
void ticket_answer(Request *r, const TicketRow *ticket);
