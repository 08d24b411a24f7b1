/* GET /tickets/{id}/comments, and GET /requests/{id}/comments for customers: the same conversation,
 * without its internal notes. */
#include "desk/tickets/comments.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/people/sideload.h"
#include "desk/tickets/comment.h"
#include "desk/tickets/ledger_page.h"

typedef struct Answer {
    Buf *body;
    const LedgerPage *page;
} Answer;

static void finish(Request *r) {
    Answer *a = r->context;
    ledger_page_end(r, a->page, a->body);
    buf_addc(a->body, '}');
    answer_json(r, 200, buf_str(a->body));
}

static void on_page(Request *r, const LedgerPage *page) {
    Answer *a = arena_zalloc(r->arena, sizeof(*a));
    int64_t *authors = arena_alloc(r->arena, (page->n + 1) * sizeof(*authors));
    a->body = request_buf(r);
    a->page = page;
    r->context = a;
    buf_adds(a->body, "{\"comments\":[");
    for (size_t i = 0; i < page->n; i++) {
        if (i) buf_addc(a->body, ',');
        CommentFacts facts =
            comment_json(a->body, request_base(r), &page->rows[i], &page->ticket, r->arena);
        authors[i] = facts.author_id > 0 ? facts.author_id : 0;
    }
    buf_addc(a->body, ']');
    sideload_add(r, &(Sideload){.users = authors, .users_n = page->n}, a->body, finish);
}

void comments_answer(Request *r, bool public_only) {
    bool notes = rights_has(&r->subject, RIGHT_NOTES_READ) && !public_only;
    ledger_page_read(r, notes ? LEDGER_COMMENTS : LEDGER_PUBLIC_COMMENTS, on_page);
}

static void get_comments(Request *r) {
    comments_answer(r, false);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}/comments", RIGHT_TICKETS_READ, ROUTE_TICKET, get_comments},
};
const RouteTable ticket_comment_routes = {"comments", routes, sizeof(routes) / sizeof(*routes)};
