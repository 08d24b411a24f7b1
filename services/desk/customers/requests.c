/* The customer's own view of her tickets: listed, read, answered, said to be solved. Whoever asks
 * sees what she requested herself, staff too; everything else is 404. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/customers/request_json.h"
#include "desk/tickets/comment.h"
#include "desk/tickets/ledger_page.h"
#include "desk/tickets/reader.h"
#include "desk/tickets/work.h"
#include "desk/views/index.h"
#include "json/json.h"

static bool is_hers(const Request *r, const TicketRow *t) {
    return r->subject.user_id && t->requester_id == r->subject.user_id;
}

static void answer_request(Request *r, const TicketRow *t) {
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"request\":");
    request_json(&body, request_base(r), t, r->catalog);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

/* ---- reading ---- */

static void on_ticket(Request *r, const TicketRow *t) {
    if (!t || !is_hers(r, t))
        answer_not_found(r);
    else if (ticket_allows(r, RIGHT_TICKETS_READ, t))
        answer_request(r, t);
}

static void get_request(Request *r) {
    ticket_read(r, r->ids[0], on_ticket);
}

static void on_page(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    const Paging *p = r->context;
    CLEANUP(buf_done) Buf body = {0};
    size_t shown = 0;
    (void)problem; /* an id is never refused */
    buf_adds(&body, "{\"requests\":[");
    for (size_t i = 0; page && i < page->n; i++) {
        if (!is_hers(r, &page->rows[i])) continue;
        if (shown++) buf_addc(&body, ',');
        request_json(&body, request_base(r), &page->rows[i], r->catalog);
    }
    buf_addc(&body, ']');
    static const PagingEnds none = {0};
    paging_write(r, p, page ? page->n : 0, page && page->more, page ? &page->ends : &none, -1,
                 &body);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

static void list_requests(Request *r) {
    static const char *const sorts[] = {"-id", "id", "created_at", NULL};
    Paging *p = arena_alloc(r->arena, sizeof(*p));
    if (!paging_read(r, sorts, p)) return;
    r->context = p;
    index_list(r, &(IndexWanted){.by = INDEX_REQUESTED, .id = r->subject.user_id}, p, on_page);
}

/* ---- conversation: what was said to her and by her ---- */

static void add_users(Buf *body, const LedgerPage *page, const int64_t *authors) {
    bool first = true;
    buf_adds(body, ",\"users\":[");
    for (size_t i = 0; i < page->n; i++) {
        bool seen = authors[i] <= 0;
        for (size_t k = 0; k < i && !seen; k++)
            seen = authors[k] == authors[i];
        if (seen) continue;
        bool customer = authors[i] == page->ticket.requester_id;
        buf_printf(body, "%s{\"id\":%lld,\"name\":\"%s\",\"photo\":null,\"agent\":%s}",
                   first ? "" : ",", (long long)authors[i], customer ? "我" : "客服",
                   customer ? "false" : "true");
        first = false;
    }
    buf_addc(body, ']');
}

static void on_comments(Request *r, const LedgerPage *page) {
    if (!is_hers(r, &page->ticket)) {
        answer_not_found(r);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    int64_t *authors = arena_alloc(r->arena, (page->n + 1) * sizeof(*authors));
    buf_adds(&body, "{\"comments\":[");
    for (size_t i = 0; i < page->n; i++) {
        if (i) buf_addc(&body, ',');
        authors[i] =
            comment_json(&body, request_base(r), &page->rows[i], &page->ticket, r->arena).author_id;
    }
    buf_addc(&body, ']');
    add_users(&body, page, authors);
    ledger_page_end(r, page, &body);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

static void get_comments(Request *r) {
    ledger_page_read(r, LEDGER_PUBLIC_COMMENTS, on_comments);
}

/* ---- answering ---- */

static ChangeVerdict decide(void *arg, const ChangeActor *a, const ChangeTicket *t, Arena *arena,
                            Change *ret) {
    if (t->row.requester_id != a->who->user_id) return VERDICT_HIDDEN;
    return change_request(a, t, arg, arena, ret);
}

static void answer_changed(void *arg, WorkOutcome outcome, const WorkResult *result) {
    Request *r = arg;
    if (!work_refused(r, outcome, result)) answer_request(r, &result->after);
}

static void put_request(Request *r) {
    const cJSON *request;
    if (json_get_object(r->body, "request", &request) != 1) {
        answer_bad_request(r, "request", "is missing or no object", "send {\"request\": {...}}");
        return;
    }
    WorkAsk ask = work_ask(r, decide, (void *)(uintptr_t)request);
    Str *tokens = arena_alloc(r->arena, CHANGE_UPLOADS_MAX * sizeof(*tokens));
    ask.actor = str(arena_printf(r->arena, "requester:%lld", (long long)r->subject.user_id));
    ask.uploads_n = change_uploads(request, tokens);
    ask.uploads = tokens;
    ask.wants_loads = true; /* it may come back to her who had it */
    work_begin(&ask, answer_changed, r);
}

static const Route routes[] = {
    {"GET", "/api/v2/requests", RIGHT_TICKETS_READ, ROUTE_CUSTOMER, list_requests},
    {"GET", "/api/v2/requests/{id}", RIGHT_TICKETS_READ, ROUTE_TICKET | ROUTE_CUSTOMER,
     get_request},
    {"GET", "/api/v2/requests/{id}/comments", RIGHT_TICKETS_READ, ROUTE_TICKET | ROUTE_CUSTOMER,
     get_comments},
    {"PUT", "/api/v2/requests/{id}", RIGHT_TICKETS_REPLY,
     ROUTE_TICKET | ROUTE_CUSTOMER | ROUTE_JSON, put_request},
};
const RouteTable request_routes = {"requests", routes, sizeof(routes) / sizeof(*routes)};
