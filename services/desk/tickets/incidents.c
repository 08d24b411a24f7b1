/* GET /tickets/{id}/incidents: the tickets of which this one is the problem, by id. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/reader.h"
#include "desk/tickets/ticket_list.h"

#define INCIDENTS(order, behind)                                                                   \
    "SELECT " TICKET_COLUMNS " FROM ticket.tickets t WHERE t.tenant_id = $1::bigint"               \
    " AND t.problem_id = $2::bigint AND t.status <> 'deleted'"                                     \
    " AND (NOT $3::boolean OR t.id " behind " $4::bigint)"                                         \
    " ORDER BY t.id " order " LIMIT $5::bigint OFFSET $6::bigint"
static const PostgresStatement ascending = {"desk_incidents", INCIDENTS("", ">")};
static const PostgresStatement descending = {"desk_incidents_down", INCIDENTS("DESC", "<")};

static void on_incidents(Request *r, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    (void)problem; /* numbers are never refused */
    const Paging *p = r->context;
    size_t n = results ? rows_count(results[0]) : 0, shown = 0;
    bool more = n > (size_t)p->size;
    if (more) n = (size_t)p->size;
    PagingEnds ends = {0};
    TicketRow *rows = arena_alloc(r->arena, (n + 1) * sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        rows[shown] =
            ticket_row_read(results[0], paging_row(p, n, i), 0, r->subject.tenant_id, r->arena);
        int64_t id = rows[shown].id;
        if (i == 0) ends.first_position = ends.first_id = id;
        ends.last_position = ends.last_id = id;
        TicketScope scope = ticket_row_scope(&rows[shown]);
        if (rights_decide(&r->subject, RIGHT_TICKETS_READ, &scope, NULL) == RIGHTS_YES) shown++;
    }
    ticket_list_answer(r, rows, shown, p, more, &ends, -1);
}

static void on_problem(Request *r, const TicketRow *ticket) {
    static const char *const sorts[] = {"id", NULL};
    if (!ticket) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_TICKETS_READ, ticket)) return;
    Paging *paging = arena_zalloc(r->arena, sizeof(*paging));
    if (!paging_read(r, sorts, paging)) return;
    r->context = paging;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, ticket->id);
    params_bool(p, paging->has_position);
    params_i64(p, paging->id);
    params_i64(p, paging_limit(paging));
    params_i64(p, paging_offset(paging));
    request_query_rows(r, POSTGRES_READ_ONLY,
                       &(PostgresQuery){paging->descending ? &descending : &ascending, p}, 1,
                       on_incidents);
}

static void get_incidents(Request *r) {
    ticket_read(r, r->ids[0], on_problem);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}/incidents", RIGHT_TICKETS_READ, ROUTE_TICKET, get_incidents},
};
const RouteTable ticket_incident_routes = {"incidents", routes, sizeof(routes) / sizeof(*routes)};
