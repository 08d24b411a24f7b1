/* Index -- pages of tickets that are found by the projection (desk.ticket_index) and shown as they
 * are now (ticket.tickets). What the subject does not reach, and what is deleted, is not shown.
 *
 * A page is full or the last one, as far as views/listing.h says. */
#pragma once

#include "desk/api/paging.h"
#include "desk/api/request.h"
#include "desk/tickets/ticket_row.h"

enum { INDEX_SCAN_MAX = 10000 };

typedef enum IndexBy {
    INDEX_EVERY,       /* all tickets; by updated_at or id */
    INDEX_EXTERNAL_ID, /* text; by id */
    INDEX_REQUESTED,   /* by user `id`; by id */
    INDEX_ASSIGNED,    /* to user `id`, open or done; by id */
    INDEX_ORGANIZATION /* of which its requester is; by id */
} IndexBy;

typedef struct IndexWanted {
    IndexBy by;
    int64_t id;
    Str text;
} IndexWanted;

typedef struct IndexPage {
    const TicketRow *rows; /* in the order of the page as it is shown; texts live until the callback
                              returns */
    size_t n;
    bool more;
    PagingEnds ends; /* for paging_write(); also where n is 0 and there is more */
} IndexPage;

/* `problem` NULL, or why PostgreSQL refused (and page NULL). PostgreSQL away has been answered
 * already, as with request_query_rows(). paging->sort "updated_at" or anything else: by id. */
typedef void (*IndexDone)(Request *r, const IndexPage *page, const PostgresProblem *problem);
void index_list(Request *r, const IndexWanted *wanted, const Paging *paging, IndexDone done);
