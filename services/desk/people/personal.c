/* Personal data in clear: for those who have the right, about whom they reach, and only behind a
 * row in the record of access: both are one transaction, and nothing is shown before it stands. */
#include "desk/access/audit.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/desk.h"
#include "desk/people/person.h"
#include "desk/tickets/reader.h"
#include "desk/views/statements.h"
#include "log/log.h"
#include "vault/field.h"

enum { SEQ_BITS = 13 /* comment ids: DESK.md's ticket id * 8192 + seq */ };

/* ---- fields ---- */

/* {"field":"email","value":"..."}: what cannot be opened is said to be so. */
static void write_field(Request *r, Str field, Str sealed, bool *first, Buf *b) {
    CLEANUP(buf_done) Buf clear = {0};
    int e = field_unseal(r->desk->vault, r->subject.tenant_id, field, sealed, &clear);
    if (!*first) OUT(b, ",");
    *first = false;
    OUT(b, "{\"field\":");
    buf_add_json(b, field);
    if (e == 0)
        out_text(b, "value", buf_str(&clear));
    else
        OUT(b, ",\"value\":null,\"problem\":\"cannot be opened with this key ring\"");
    OUT(b, "}");
    if (e < 0)
        log_warn(ABOUT(r->subject.tenant_id, 0), "A sealed `%.*s` cannot be opened: %s",
                 STR_ARG(field), strerror(-e));
}

/* ---- of a ticket ---- */

static const PostgresStatement of_ticket = {
    "personal_of_ticket",
    "SELECT 'fields', 0::bigint, f ->> 'field', f ->> 'sealed' FROM ticket.personal p,"
    " jsonb_array_elements(p.fields) f WHERE p.tenant_id = $1::bigint AND p.ticket_id = $2::bigint"
    " UNION ALL SELECT 'requester', q.id, f ->> 'field', f ->> 'sealed' FROM ticket.requesters q,"
    " jsonb_array_elements(q.personal) f WHERE q.tenant_id = $1::bigint AND q.id = $3::bigint"
    " UNION ALL SELECT 'comments', l.seq::bigint, f ->> 'field', f ->> 'sealed'"
    " FROM ticket.ledger l, jsonb_array_elements(coalesce(l.payload -> 'comment' -> 'personal',"
    " '[]') || coalesce(l.payload -> 'personal', '[]')) f WHERE l.tenant_id = $1::bigint"
    " AND l.ticket_id = $2::bigint AND ($4::boolean OR (l.payload -> 'comment' -> 'public') ="
    " 'true') ORDER BY 1 DESC, 2"};

static void on_ticket_fields(Request *r, const PostgresRows *const *results,
                             const PostgresProblem *problem) {
    const int64_t *ticket_id = r->context;
    CLEANUP(buf_done) Buf body = {0};
    if (problem) {
        answer_not_found(r);
        return;
    }
    const PostgresRows *rows = results[1];
    size_t n = rows_count(rows);
    OUT(&body, "{\"personal\":{\"ticket_id\":");
    buf_add_i64(&body, *ticket_id);
    bool first = true;
    OUT(&body, ",\"requester\":[");
    for (size_t i = 0; i < n; i++)
        if (str_is(rows_str(rows, i, 0), "requester"))
            write_field(r, rows_str(rows, i, 2), rows_str(rows, i, 3), &first, &body);
    first = true;
    OUT(&body, "],\"fields\":[");
    for (size_t i = 0; i < n; i++)
        if (str_is(rows_str(rows, i, 0), "fields"))
            write_field(r, rows_str(rows, i, 2), rows_str(rows, i, 3), &first, &body);
    OUT(&body, "],\"comments\":[");
    int64_t seq = 0;
    for (size_t i = 0; i < n; i++) {
        if (!str_is(rows_str(rows, i, 0), "comments")) continue;
        if (rows_int(rows, i, 1) != seq) {
            if (seq) OUT(&body, "]},");
            seq = rows_int(rows, i, 1);
            OUT(&body, "{\"id\":");
            buf_add_i64(&body, (*ticket_id << SEQ_BITS) + seq);
            OUT(&body, ",\"fields\":[");
            first = true;
        }
        write_field(r, rows_str(rows, i, 2), rows_str(rows, i, 3), &first, &body);
    }
    if (seq) OUT(&body, "]}");
    OUT(&body, "]}}");
    http_answer_header(r->exchange, "Cache-Control", "no-store");
    answer_json(r, 200, buf_str(&body));
}

static void on_ticket(Request *r, const TicketRow *ticket) {
    if (!ticket || ticket->status == TICKET_DELETED) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_PERSONAL_SHOW, ticket)) return;
    int64_t *kept = arena_alloc(r->arena, sizeof(*kept));
    *kept = ticket->id;
    r->context = kept;
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, ticket->id);
    params_i64(p, ticket->requester_id);
    params_bool(p, rights_has(&r->subject, RIGHT_NOTES_READ));
    queries[0] =
        audit_query(r, "personal_shown", audit_target(r, "ticket", ticket->id), (Str){NULL, 0});
    queries[1] = (PostgresQuery){&of_ticket, p};
    request_query_rows(r, 0, queries, 2, on_ticket_fields);
}

static void handle_ticket(Request *r) {
    ticket_read(r, r->ids[0], on_ticket);
}

/* ---- of a user ---- */

static const PostgresStatement of_user = {
    "personal_of_user",
    "SELECT f ->> 'field', f ->> 'sealed' FROM ticket.requesters q, "
    "jsonb_array_elements(q.personal)"
    " f WHERE q.tenant_id = $1::bigint AND q.id = $2::bigint UNION ALL SELECT 'email',"
    " rtrim(translate(replace(encode(u.email_sealed, 'base64'), E'\\n', ''), '+/', '-_'), '=')"
    " FROM access.users u WHERE u.tenant_id = $1::bigint AND u.user_id = $2::bigint"
    " AND u.email_sealed IS NOT NULL AND NOT EXISTS (SELECT FROM ticket.requesters q"
    "  WHERE q.tenant_id = $1::bigint AND q.id = $2::bigint)"};
static const PostgresStatement present = {"personal_user",
                                          "WITH wanted (id) AS (SELECT $2::bigint)" PERSON_SELECT};

static Params *ids(Request *r) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    return p;
}

static void on_user_fields(Request *r, const PostgresRows *const *results,
                           const PostgresProblem *problem) {
    CLEANUP(buf_done) Buf body = {0};
    if (problem) {
        answer_not_found(r);
        return;
    }
    bool first = true;
    OUT(&body, "{\"personal\":{\"user_id\":");
    buf_add_i64(&body, r->ids[0]);
    OUT(&body, ",\"fields\":[");
    for (size_t i = 0; i < rows_count(results[1]); i++)
        write_field(r, rows_str(results[1], i, 0), rows_str(results[1], i, 1), &first, &body);
    OUT(&body, "]}}");
    http_answer_header(r->exchange, "Cache-Control", "no-store");
    answer_json(r, 200, buf_str(&body));
}

static void show_user(Request *r) {
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    queries[0] =
        audit_query(r, "personal_shown", audit_target(r, "user", r->ids[0]), (Str){NULL, 0});
    queries[1] = (PostgresQuery){&of_user, ids(r)};
    request_query_rows(r, 0, queries, 2, on_user_fields);
}

static void on_reached(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    if (problem || rows_count(results[0]) == 0)
        answer_not_found(r);
    else
        show_user(r);
}

/* Somebody who reaches some tickets only sees the people of those. */
static void look_for_ticket(Request *r) {
    CLEANUP(buf_done) Buf sql = {0};
    ReachValue values[REACH_VALUES_MAX];
    Params *p = ids(r);
    buf_adds(&sql, "SELECT 1::bigint FROM desk.ticket_index t WHERE t.tenant_id = $1::bigint AND "
                   "t.requester_id = $2::bigint AND ");
    size_t n = rights_reach_sql(&r->subject, "t", 3, &sql, values);
    buf_adds(&sql, " LIMIT 1");
    for (size_t i = 0; i < n; i++) {
        params_array(p, values[i].texts ? PARAM_TEXT : PARAM_INT8, values[i].n);
        for (size_t k = 0; k < values[i].n; k++)
            if (values[i].texts)
                params_element_text(p, values[i].texts[k]);
            else
                params_element_i64(p, values[i].numbers[k]);
    }
    const PostgresStatement *statement = statement_of(buf_str(&sql));
    if (!statement) {
        answer_unavailable(r, "Too many shapes of questions", -1);
        return;
    }
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){statement, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_reached);
}

static void on_person(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Person p;
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    person_read(r, results[0], 0, &p);
    const char *reason;
    if (p.id == r->subject.user_id)
        show_user(r);
    else if (!p.requester && rights_decide(&r->subject, RIGHT_USERS_MANAGE, NULL, &reason))
        answer_forbidden(r, reason); /* of colleagues: for those who manage them */
    else if (!p.requester || rights_reach_all(&r->subject.reach))
        show_user(r);
    else
        look_for_ticket(r);
}

static void handle_user(Request *r) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&present, ids(r)};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_person);
}

static const Route routes[] = {
    {"GET", "/api/v2/users/{id}/personal", RIGHT_PERSONAL_SHOW, 0, handle_user},
    {"GET", "/api/v2/tickets/{id}/personal", RIGHT_PERSONAL_SHOW, ROUTE_TICKET, handle_ticket},
};
const RouteTable personal_routes = {"personal", routes, sizeof(routes) / sizeof(*routes)};
