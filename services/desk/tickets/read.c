/* Reading tickets: by id, by several ids, by external id, and all of them page by page. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/reader.h"
#include "desk/tickets/ticket_list.h"
#include "desk/views/counters.h"
#include "desk/views/index.h"

enum { SHOW_MANY_MAX = 100 };

/* ---- one ---- */

static void on_ticket(Request *r, const TicketRow *ticket) {
    if (!ticket)
        answer_not_found(r);
    else if (ticket_allows(r, RIGHT_TICKETS_READ, ticket))
        ticket_answer(r, ticket);
}

static void get_ticket(Request *r) {
    ticket_read(r, r->ids[0], on_ticket);
}

/* ---- several by id: in the order of ?ids=, without those that are not reached ---- */

/* OFFSET 0 keeps r.id a plain value: the fence lets no condition with a sub-select inside reach an
 * index, for it might tell what is behind the fence. */
static const PostgresStatement by_ids = {
    "desk_tickets_by_ids",
    "SELECT " TICKET_COLUMNS " FROM unnest($2::bigint[]) WITH ORDINALITY i (id, n)"
    " CROSS JOIN LATERAL (SELECT coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "   WHERE a.tenant_id = $1::bigint AND a.id = i.id), i.id) AS id OFFSET 0) w"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t"
    "   WHERE t.tenant_id = $1::bigint AND t.id = w.id LIMIT 1) t ORDER BY i.n"};

static void on_many(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    (void)problem; /* numbers are never refused */
    size_t n = results ? rows_count(results[0]) : 0, kept = 0;
    TicketRow *rows = arena_alloc(r->arena, (n + 1) * sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        rows[kept] = ticket_row_read(results[0], i, 0, r->subject.tenant_id, r->arena);
        TicketScope scope = ticket_row_scope(&rows[kept]);
        if (rows[kept].status == TICKET_DELETED) continue;
        if (rights_decide(&r->subject, RIGHT_TICKETS_READ, &scope, NULL) == RIGHTS_YES) kept++;
    }
    ticket_list_answer_all(r, rows, kept);
}

static void show_many(Request *r) {
    int64_t *ids;
    size_t n;
    if (!request_query_ids(r, "ids", SHOW_MANY_MAX, &ids, &n)) return;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, ids[i]);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&by_ids, p}, 1, on_many);
}

/* ---- page by page ---- */

typedef struct Asked {
    Paging paging;
    IndexWanted wanted;
    int64_t count;
} Asked;

static void on_page(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    const Asked *a = r->context;
    if (problem) {
        answer_bad_request(r, "external_id", "is no text that can be looked for", "send another");
        return;
    }
    ticket_list_answer(r, page->rows, page->n, &a->paging, page->more, &page->ends, a->count);
}

static void on_count(Request *r, ViewCount count) {
    Asked *a = r->context;
    a->count = count.value;
    index_list(r, &a->wanted, &a->paging, on_page);
}

static void list_tickets(Request *r) {
    static const char *const sorts[] = {"id", "created_at", "updated_at", NULL};
    static const char *const by_id[] = {"id", "created_at", NULL};
    Str external = request_query(r, "external_id");
    Asked *a = arena_zalloc(r->arena, sizeof(*a));
    a->wanted = (IndexWanted){.by = external.p ? INDEX_EXTERNAL_ID : INDEX_EVERY, .text = external};
    a->count = -1;
    if (!paging_read(r, external.p ? by_id : sorts, &a->paging)) return;
    r->context = a;
    if (external.p || a->paging.by_cursor)
        index_list(r, &a->wanted, &a->paging, on_page);
    else
        counters_sum(r, NULL, on_count); /* offset pages say how many there are */
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets", RIGHT_TICKETS_READ, 0, list_tickets},
    {"GET", "/api/v2/tickets/show_many", RIGHT_TICKETS_READ, 0, show_many},
    {"GET", "/api/v2/tickets/{id}", RIGHT_TICKETS_READ, ROUTE_TICKET, get_ticket},
};
const RouteTable ticket_reading_routes = {"tickets", routes, sizeof(routes) / sizeof(*routes)};
