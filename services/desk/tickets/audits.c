/* GET /tickets/{id}/audits: the ledger as Zendesk shows it. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/ledger_page.h"

/* The state moves on from row to row, so audits are made by seq, and shown in the page's order. */
static void add_audits(Request *r, const LedgerPage *page, Buf *body) {
    AuditState state = page->before;
    bool notes = rights_has(&r->subject, RIGHT_NOTES_READ);
    if (page->n < 2 || page->rows[0].seq < page->rows[1].seq) {
        for (size_t i = 0; i < page->n; i++) {
            if (i) buf_addc(body, ',');
            audit_json(body, &page->rows[i], &state, r->catalog, notes, r->arena);
        }
        return;
    }
    Buf *made = xcalloc(page->n, sizeof(*made));
    for (size_t i = page->n; i-- > 0;)
        audit_json(&made[i], &page->rows[i], &state, r->catalog, notes, r->arena);
    for (size_t i = 0; i < page->n; i++) {
        if (i) buf_addc(body, ',');
        buf_add_str(body, buf_str(&made[i]));
        buf_done(&made[i]);
    }
    free(made);
}

static void on_page(Request *r, const LedgerPage *page) {
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"audits\":[");
    add_audits(r, page, &body);
    buf_addc(&body, ']');
    ledger_page_end(r, page, &body);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

static void get_audits(Request *r) {
    ledger_page_read(r, LEDGER_ALL, on_page);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}/audits", RIGHT_LEDGER_READ, ROUTE_TICKET, get_audits},
};
const RouteTable ticket_audit_routes = {"audits", routes, sizeof(routes) / sizeof(*routes)};
