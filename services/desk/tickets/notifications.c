/* What was sent about a ticket: to whom, by which way, and how it ended. Out of notify.deliveries,
 * where the notifier keeps what waits and, for 30 days, what has ended; addresses masked. */
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/tickets/reader.h"

enum { SHOWN_MAX = 500 /* the newest */ };

static const PostgresStatement list = {
    "ticket_notifications",
    "SELECT d.delivery_id, d.seq::bigint, d.notification, d.recipient, d.way, d.urgent, d.state,"
    " d.attempts::bigint, d.doubts::bigint, coalesce(d.status, 0)::bigint, coalesce(d.reason, ''),"
    " d.created_at, d.due, d.ended_at, coalesce(p.id, 0), CASE WHEN d.way = 'mail' THEN"
    "  coalesce(nullif(u.email_masked, ''), jsonb_path_query_first(q.personal,"
    "   '$[*] ? (@.field == \"email\").masked') #>> '{}', '')"
    "  WHEN d.way = 'sms' THEN coalesce(jsonb_path_query_first(q.personal,"
    "   '$[*] ? (@.field == \"phone\").masked') #>> '{}', '') ELSE '' END"
    " FROM (SELECT delivery_id, seq, notification, recipient, way, urgent, state, attempts, doubts,"
    "   status, reason, created_at, due, ended_at FROM notify.deliveries"
    "   WHERE tenant_id = $1::bigint AND ticket_id = $2::bigint"
    "   ORDER BY delivery_id DESC LIMIT $3::integer) d"
    " LEFT JOIN LATERAL (SELECT substring(d.recipient FROM "
    "'^(?:requester|agent|user):([0-9]{1,18})$')"
    "  ::bigint AS id) p ON true"
    " LEFT JOIN access.users u ON u.tenant_id = $1::bigint AND u.user_id = p.id"
    " LEFT JOIN ticket.requesters q ON q.tenant_id = $1::bigint AND q.id = p.id"
    " ORDER BY d.delivery_id"};

static void write_one(Buf *b, const PostgresRows *rows, size_t i) {
    OUT(b, "{\"id\":");
    buf_add_i64(b, rows_int(rows, i, 0));
    out_id(b, "audit_seq", rows_int(rows, i, 1));
    out_text_or_null(b, "notification", rows_str(rows, i, 2));
    out_text(b, "recipient", rows_str(rows, i, 3));
    out_id(b, "user_id", rows_int(rows, i, 14));
    out_text(b, "way", rows_str(rows, i, 4));
    out_text_or_null(b, "address", rows_str(rows, i, 15));
    out_bool(b, "urgent", rows_bool(rows, i, 5));
    out_text(b, "state", rows_str(rows, i, 6));
    out_int(b, "attempts", rows_int(rows, i, 7));
    out_int(b, "doubts", rows_int(rows, i, 8));
    out_id(b, "status", rows_int(rows, i, 9));
    out_text_or_null(b, "reason", rows_str(rows, i, 10));
    out_time(b, "created_at", rows_time_ms(rows, i, 11));
    out_time(b, "due_at", rows_time_ms(rows, i, 12));
    out_time(b, "ended_at", rows_null(rows, i, 13) ? 0 : rows_time_ms(rows, i, 13));
    OUT(b, "}");
}

static void on_rows(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Buf *body = request_buf(r);
    (void)problem; /* numbers are never refused */
    OUT(body, "{\"notifications\":[");
    for (size_t i = 0; results && i < rows_count(results[0]); i++) {
        if (i) OUT(body, ",");
        write_one(body, results[0], i);
    }
    OUT(body, "]}");
    answer_json(r, 200, buf_str(body));
}

static void on_ticket(Request *r, const TicketRow *ticket) {
    if (!ticket) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_LEDGER_READ, ticket)) return;
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, ticket->id);
    params_i32(p, SHOWN_MAX);
    *query = (PostgresQuery){&list, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_rows);
}

static void show(Request *r) {
    ticket_read(r, r->ids[0], on_ticket);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}/notifications", RIGHT_LEDGER_READ, ROUTE_TICKET, show},
};
const RouteTable notification_routes = {"notifications", routes, sizeof(routes) / sizeof(*routes)};
