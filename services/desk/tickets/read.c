/* GET of one ticket. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/ticket_json.h"

static const PostgresStatement ticket_by_id = {
    "desk_ticket_by_id", "SELECT " TICKET_COLUMNS " FROM ticket.tickets t"
                         " WHERE t.tenant_id = $1::bigint AND t.id = $2::bigint"};

static void on_ticket(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    (void)problem;
    if (!results || !rows_count(results[0])) {
        answer_not_found(r);
        return;
    }
    TicketRow t = ticket_row_read(results[0], 0, 0, r->subject.tenant_id, r->arena);
    TicketScope scope = ticket_row_scope(&t);
    const char *reason;
    switch (rights_decide(&r->subject, RIGHT_TICKETS_READ, &scope, &reason)) {
    case RIGHTS_HIDDEN:
        answer_not_found(r);
        return;
    case RIGHTS_NO:
        answer_forbidden(r, reason);
        return;
    case RIGHTS_YES:
        break;
    }
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"ticket\":");
    ticket_json(&body, request_base(r), &t);
    buf_adds(&body, "}");
    answer_json(r, 200, buf_str(&body));
}

static void get_ticket(Request *r) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&ticket_by_id, p}, 1, on_ticket);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}", RIGHT_TICKETS_READ, ROUTE_TICKET, get_ticket},
};
const RouteTable ticket_reading_routes = {"tickets", routes, sizeof(routes) / sizeof(*routes)};
