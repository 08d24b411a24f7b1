/* Views as Zendesk shows them: which there are, and their tickets. */
#include <stdio.h>

#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/ticket_list.h"
#include "desk/views/view_json.h"
#include "desk/views/view_list.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

/* ---- which there are ---- */

/* Those that the subject may see, in their order: everybody's, then the tenant's own. */
static size_t shown_views(Request *r, const View ***ret) {
    const View *own;
    size_t own_n = catalog_views(r->catalog, &own), n = 0;
    const View **shown = arena_alloc(r->arena, (VIEW_BUILTIN + own_n) * sizeof(*shown));
    for (size_t i = 0; i < VIEW_BUILTIN; i++)
        shown[n++] = &views_builtin[i];
    for (size_t i = 0; i < own_n; i++)
        if (view_shown(r, &own[i])) shown[n++] = &own[i];
    *ret = shown;
    return n;
}

static void list_views(Request *r) {
    static const char *const sorts[] = {"position", NULL};
    const View **views;
    Paging p;
    if (!paging_read(r, sorts, &p)) return;
    int64_t n = (int64_t)shown_views(r, &views);
    /* Their place is the sort key; a page read backwards ends before it. */
    int64_t first = p.by_cursor ? 0 : paging_offset(&p), last;
    if (p.has_position) first = p.backwards ? p.position - p.size : p.position + 1;
    last = p.has_position && p.backwards ? p.position : first + p.size;
    if (p.by_cursor && p.backwards && !p.has_position) {
        last = n;
        first = n - p.size;
    }
    if (first < 0) first = 0;
    if (first > n) first = n;
    if (last > n) last = n;
    if (last < first) last = first;
    Buf *body = request_buf(r);
    ADD(body, "{\"views\":[");
    for (int64_t i = first; i < last; i++) {
        if (i > first) ADD(body, ",");
        view_json(body, request_base(r), r->catalog, views[i], (int)i);
    }
    ADD(body, "]");
    PagingEnds ends = {first, first, last - 1, last - 1};
    paging_write(r, &p, (size_t)(last - first), p.backwards ? first > 0 : last < n, &ends, n, body);
    ADD(body, "}");
    answer_json(r, 200, buf_str(body));
}

/* NULL, having answered 404. */
static const View *find_view(Request *r) {
    const View *v = catalog_view(r->catalog, r->ids[0]);
    if (v && view_shown(r, v)) return v;
    answer_not_found(r);
    return NULL;
}

static void get_view(Request *r) {
    const View *v = find_view(r);
    if (!v) return;
    Buf *body = request_buf(r);
    ADD(body, "{\"view\":");
    view_json(body, request_base(r), r->catalog, v, 0);
    ADD(body, "}");
    answer_json(r, 200, buf_str(body));
}

/* ---- their tickets ---- */

typedef struct Execution {
    Paging paging;
    const View *view;
} Execution;

static void on_tickets(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    const Execution *e = r->context;
    if (problem)
        answer_unavailable(r, "PostgreSQL refused this view", 60);
    else
        ticket_list_answer(r, page->rows, page->n, &e->paging, page->more, &page->ends, -1);
}

/* The view's columns with a row a ticket. Nothing is grouped here: "groups" is empty. */
static void on_rows(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    const Execution *e = r->context;
    if (problem) {
        answer_unavailable(r, "PostgreSQL refused this view", 60);
        return;
    }
    Str base = request_base(r);
    Buf *body = request_buf(r);
    size_t *ends_at = arena_alloc(r->arena, (page->n + 1) * sizeof(*ends_at));
    ADD(body, "{\"columns\":");
    view_columns_json(body, e->view);
    ADD(body, ",\"rows\":[");
    for (size_t i = 0; i < page->n; i++) {
        if (i) ADD(body, ",");
        view_row_json(body, base, e->view, &page->rows[i], r->catalog);
        ends_at[i] = body->n - 1; /* a row ends with its ticket */
    }
    ADD(body, "],\"groups\":[],\"view\":");
    view_json(body, base, r->catalog, e->view, 0);
    ticket_list_end(r, body, ends_at, page->rows, page->n, &e->paging, page->more, &page->ends, -1);
}

static void read_tickets(Request *r, IndexDone done) {
    Execution *e = arena_alloc(r->arena, sizeof(*e));
    e->view = find_view(r);
    if (!e->view || !paging_read(r, view_sorts(e->view), &e->paging)) return;
    r->context = e;
    Listing *l =
        listing_new(r, &e->paging, str_is(e->paging.sort, "updated_at"), &e->view->filter, done);
    view_sources(l, e->view);
    listing_run(l);
}

static void list_tickets(Request *r) {
    read_tickets(r, on_tickets);
}

static void execute(Request *r) {
    read_tickets(r, on_rows);
}

static const Route routes[] = {
    {"GET", "/api/v2/views", RIGHT_TICKETS_READ, 0, list_views},
    {"GET", "/api/v2/views/active", RIGHT_TICKETS_READ, 0, list_views},
    {"GET", "/api/v2/views/compact", RIGHT_TICKETS_READ, 0, list_views},
    {"GET", "/api/v2/views/{id}", RIGHT_TICKETS_READ, 0, get_view},
    {"GET", "/api/v2/views/{id}/tickets", RIGHT_TICKETS_READ, 0, list_tickets},
    {"GET", "/api/v2/views/{id}/execute", RIGHT_TICKETS_READ, 0, execute},
};
const RouteTable view_routes = {"views", routes, sizeof(routes) / sizeof(*routes)};
