/* Ledger page -- the rows of one ticket's ledger, page by page, for whoever may read the ticket. */
#pragma once

#include "desk/api/paging.h"
#include "desk/api/request.h"
#include "desk/tickets/audit.h"
#include "desk/tickets/ticket_row.h"

typedef enum LedgerPart {
    LEDGER_ALL,      /* audits */
    LEDGER_COMMENTS, /* what was said, internal notes too; the first row is the description */
    LEDGER_PUBLIC_COMMENTS, /* what customers may see of it */
} LedgerPart;

typedef struct LedgerPage {
    TicketRow ticket;
    Paging paging;
    AuditRow *rows; /* as they are shown */
    size_t n;
    bool more;
    int64_t count;     /* of offset pages; -1: not counted */
    AuditState before; /* ahead of the row with the smallest seq, of LEDGER_ALL */
} LedgerPage;

/* Reads ?page..., the ticket r->ids[0] and its rows; `done` comes once the subject may read it,
 * else the request is answered. Everything in it lives as long as the request. */
typedef void (*LedgerDone)(Request *r, const LedgerPage *page);
void ledger_page_read(Request *r, LedgerPart part, LedgerDone done);
/* The closing part of the list's JSON. */
void ledger_page_end(Request *r, const LedgerPage *page, Buf *ret);
