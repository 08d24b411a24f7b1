/* Reading tickets: by id, by several ids, by external id, and all of them page by page. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/reader.h"
#include "desk/tickets/ticket_list.h"
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

/* Until the projection is there: by id, straight from the tickets. */
static const PostgresStatement page_up = {"desk_tickets_up",
                                          "SELECT " TICKET_COLUMNS
                                          " FROM ticket.tickets t WHERE t.tenant_id = $1::bigint"
                                          " AND t.id > $2::bigint ORDER BY t.id LIMIT $3::bigint"};
static const PostgresStatement page_down = {
    "desk_tickets_down",
    "SELECT " TICKET_COLUMNS " FROM ticket.tickets t WHERE t.tenant_id = $1::bigint"
    " AND t.id < $2::bigint ORDER BY t.id DESC LIMIT $3::bigint"};

typedef struct Plain {
    const Paging *paging;
    IndexDone done;
    void *context;
} Plain;

static void on_plain(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Plain *c = r->context;
    r->context = c->context;
    size_t n = results ? rows_count(results[0]) : 0;
    (void)problem;
    bool more = n > (size_t)c->paging->size;
    if (more) n--;
    TicketRow *rows = arena_alloc(r->arena, (n + 1) * sizeof(*rows));
    for (size_t i = 0; i < n; i++)
        rows[i] = ticket_row_read(results[0], paging_row(c->paging, n, i), 0, r->subject.tenant_id,
                                  r->arena);
    IndexPage page = {.rows = rows, .n = n, .more = more};
    if (n) page.ends = (PagingEnds){rows[0].id, rows[0].id, rows[n - 1].id, rows[n - 1].id};
    c->done(r, &page, NULL);
}

__attribute__((weak)) void index_list(Request *r, const IndexWanted *wanted, const Paging *p,
                                      IndexDone done) {
    Plain *c = arena_alloc(r->arena, sizeof(*c));
    (void)wanted;
    *c = (Plain){p, done, r->context};
    r->context = c;
    Params *params = request_params(r);
    params_i64(params, r->subject.tenant_id);
    params_i64(params, p->has_position ? p->id : p->descending ? INT64_MAX : 0);
    params_i64(params, paging_limit(p));
    request_query_rows(r, POSTGRES_READ_ONLY,
                       &(PostgresQuery){p->descending ? &page_down : &page_up, params}, 1,
                       on_plain);
}

static void on_page(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    const Paging *p = r->context;
    if (problem) {
        answer_bad_request(r, "external_id", "is no text that can be looked for", "send another");
        return;
    }
    ticket_list_answer(r, page->rows, page->n, p, page->more, &page->ends, -1);
}

static void list_tickets(Request *r) {
    static const char *const sorts[] = {"id", "created_at", "updated_at", NULL};
    static const char *const by_id[] = {"id", "created_at", NULL};
    Str external = request_query(r, "external_id");
    IndexWanted wanted = {.by = external.p ? INDEX_EXTERNAL_ID : INDEX_EVERY, .text = external};
    Paging *p = arena_alloc(r->arena, sizeof(*p));
    if (!paging_read(r, external.p ? by_id : sorts, p)) return;
    r->context = p;
    index_list(r, &wanted, p, on_page);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets", RIGHT_TICKETS_READ, 0, list_tickets},
    {"GET", "/api/v2/tickets/show_many", RIGHT_TICKETS_READ, 0, show_many},
    {"GET", "/api/v2/tickets/{id}", RIGHT_TICKETS_READ, ROUTE_TICKET, get_ticket},
};
const RouteTable ticket_reading_routes = {"tickets", routes, sizeof(routes) / sizeof(*routes)};
