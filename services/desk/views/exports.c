/* Incremental exports: every ticket once for each time that it changed, in the order in which the
 * projection saw it (generated_at), without the last minute, so that nothing comes in behind a
 * reader who is past it. Deleted tickets are there too. */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/desk.h"
#include "desk/people/sideload.h"
#include "desk/tickets/slas.h"
#include "desk/tickets/ticket_json.h"
#include "desk/tickets/ticket_row.h"
#include "desk/views/statements.h"
#include "store/histories.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

enum {
    ROWS_MAX = 1000,   /* of a page */
    SCAN_MAX = 5000,   /* looked at for it, where the subject does not reach everything */
    CURSOR_CLEAR = 17, /* version, position, id */
    CURSOR_SEAL = 16,
    CURSOR_BYTES = CURSOR_CLEAR + CURSOR_SEAL,
    CURSOR_VERSION = 1,
    AFTER_ROW = TICKET_COLUMNS_N, /* columns behind the ticket's */
};

static_assert((int)ROWS_MAX <= (int)HISTORIES_TICKETS_MAX, "slas_read() takes a page");

typedef struct Export {
    bool by_cursor;
    int64_t start_s, rows, scan;
    int64_t position_us, id; /* go on behind these */
    Buf *body;
    bool end;
    size_t n;
    int64_t last_us, last_id;
    Sideload named;
    int64_t *ids;    /* of the tickets in body */
    size_t *ends_at; /* and where each of them ends */
} Export;

/* ---- cursors ---- */

static bool cursor_seal(Request *r, const uint8_t *clear, uint8_t ret[VAULT_HASH_BYTES]) {
    CLEANUP(buf_done) Buf text = {0};
    ADD(&text, "incremental/tickets:");
    buf_add(&text, clear, CURSOR_CLEAR);
    return vault_hash(r->desk->vault, r->subject.tenant_id, STR("desk.cursor"), buf_str(&text),
                      ret) >= 0;
}

static void cursor_write(Request *r, int64_t position, int64_t id, char ret[2 * CURSOR_BYTES + 1]) {
    uint8_t bytes[CURSOR_BYTES] = {CURSOR_VERSION}, seal[VAULT_HASH_BYTES] = {0};
    memcpy(bytes + 1, &position, 8);
    memcpy(bytes + 9, &id, 8);
    ret[0] = 0;
    if (!cursor_seal(r, bytes, seal)) return;
    memcpy(bytes + CURSOR_CLEAR, seal, CURSOR_SEAL);
    text_hex(bytes, CURSOR_BYTES, ret);
}

static bool cursor_read(Request *r, Str text, Export *ret) {
    uint8_t bytes[CURSOR_BYTES], seal[VAULT_HASH_BYTES];
    if (text.n != 2 * CURSOR_BYTES || text_unhex(text, bytes, sizeof(bytes)) != CURSOR_BYTES ||
        bytes[0] != CURSOR_VERSION || !cursor_seal(r, bytes, seal))
        return false;
    unsigned char differs = 0; /* in constant time */
    for (size_t i = 0; i < CURSOR_SEAL; i++)
        differs |= (unsigned char)(bytes[CURSOR_CLEAR + i] ^ seal[i]);
    if (differs) return false;
    memcpy(&ret->position_us, bytes + 1, 8);
    memcpy(&ret->id, bytes + 9, 8);
    return true;
}

/* ---- the answer ---- */

static void add_url(Request *r, const Export *e, const char *cursor, Buf *ret) {
    CLEANUP(buf_done) Buf url = {0};
    buf_printf(&url, "%.*s/api/v2/incremental/tickets%s.json?", STR_ARG(request_base(r)),
               e->by_cursor ? "/cursor" : "");
    if (!e->by_cursor)
        buf_printf(&url, "start_time=%lld&", (long long)((e->last_us + 1) / 1000000));
    buf_printf(&url, "cursor=%s&per_page=%lld", cursor, (long long)e->rows);
    Str include = request_query(r, "include");
    if (str_is_text(include) && include.n && include.n < 100) {
        ADD(&url, "&include=");
        for (size_t i = 0; i < include.n; i++) /* words and commas; the rest means nothing */
            if ((include.p[i] >= 'a' && include.p[i] <= 'z') || include.p[i] == ',' ||
                include.p[i] == '_')
                buf_addc(&url, include.p[i]);
    }
    buf_add_json(ret, buf_str(&url));
}

static void finish(Request *r) {
    Export *e = r->context;
    Buf *body = e->body;
    char cursor[2 * CURSOR_BYTES + 1];
    cursor_write(r, e->last_us, e->last_id, cursor);
    if (e->by_cursor) {
        ADD(body, ",\"after_cursor\":\"");
        buf_adds(body, cursor);
        ADD(body, "\",\"after_url\":");
        add_url(r, e, cursor, body);
        ADD(body, ",\"before_cursor\":null,\"before_url\":null");
    } else {
        buf_printf(body, ",\"count\":%zu,\"end_time\":%lld,\"next_page\":", e->n,
                   (long long)((e->last_us + 1) / 1000000));
        if (e->end)
            ADD(body, "null");
        else
            add_url(r, e, cursor, body);
    }
    buf_printf(body, ",\"end_of_stream\":%s}", e->end ? "true" : "false");
    answer_json(r, 200, buf_str(body));
}

static void add_tickets(Request *r, Export *e, const PostgresRows *rows, size_t n) {
    int64_t *users = arena_alloc(r->arena, (2 * n + 1) * sizeof(*users));
    int64_t *groups = arena_alloc(r->arena, (n + 1) * sizeof(*groups));
    Str base = request_base(r);
    e->ids = arena_alloc(r->arena, (n + 1) * sizeof(*e->ids));
    e->ends_at = arena_alloc(r->arena, (n + 1) * sizeof(*e->ends_at));
    ADD(e->body, "{\"tickets\":[");
    for (size_t i = 0; i < n; i++) {
        if (rows_null(rows, i, 0)) continue; /* not reached any more, or gone for good */
        TicketRow t = ticket_row_read(rows, i, 0, r->subject.tenant_id, r->arena);
        if (e->n) ADD(e->body, ",");
        ticket_json(e->body, base, &t, r->catalog);
        e->ids[e->n] = t.id;
        e->ends_at[e->n++] = e->body->n;
        users[e->named.users_n++] = t.requester_id;
        if (t.assignee_id) users[e->named.users_n++] = t.assignee_id;
        if (t.group_id) groups[e->named.groups_n++] = t.group_id;
    }
    ADD(e->body, "]");
    e->named.users = users;
    e->named.groups = groups;
}

static void on_slas(Request *r, const Str *slas) {
    Export *e = r->context;
    e->body = slas_insert(r, e->body, e->ends_at, e->n, slas);
    sideload_add(r, &e->named, e->body, finish);
}

static void on_rows(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Export *e = r->context;
    if (problem) {
        answer_bad_request(r, "start_time", "is no time that can be looked for", "send another");
        return;
    }
    const PostgresRows *rows = results[0];
    if (!rows_bool(rows, 0, AFTER_ROW + 5)) {
        answer_unavailable(r, "the tickets that were there before the desk are still being read",
                           5);
        return;
    }
    size_t n = rows_null(rows, 0, AFTER_ROW) ? 0 : rows_count(rows);
    int64_t scanned = rows_int(rows, 0, AFTER_ROW + 2);
    bool full = n == (size_t)e->rows;
    e->end = !full && scanned < e->scan;
    e->last_us = e->position_us;
    e->last_id = e->id;
    if (full) {
        e->last_us = rows_int(rows, n - 1, AFTER_ROW);
        e->last_id = rows_int(rows, n - 1, AFTER_ROW + 1);
    } else if (scanned) {
        e->last_us = rows_int(rows, 0, AFTER_ROW + 3);
        e->last_id = rows_int(rows, 0, AFTER_ROW + 4);
    }
    e->body = request_buf(r);
    add_tickets(r, e, rows, n);
    if (e->n && request_includes(r, "slas"))
        slas_read(r, e->ids, e->n, on_slas);
    else if (request_query(r, "include").n)
        sideload_add(r, &e->named, e->body, finish);
    else
        finish(r);
}

#define MICROSECONDS(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

/* One statement, so that "how far was looked" and "what was found" are of one moment. */
static const PostgresStatement *write_export(Request *r, const Export *e, Params *p) {
    CLEANUP(buf_done) Buf sql = {0};
    ReachValue values[REACH_VALUES_MAX];
    params_i64(p, r->subject.tenant_id);
    params_i64(p, e->position_us);
    params_i64(p, e->id);
    params_i64(p, e->scan);
    params_i64(p, e->rows);
    buf_adds(&sql,
             "WITH scan AS MATERIALIZED (SELECT x.ticket_id AS id, x.generated_at, x.tenant_id,"
             " x.status, x.group_id, x.assignee_id, x.requester_id, x.kind, x.category, x.region"
             " FROM desk.ticket_index x WHERE x.tenant_id = $1::bigint"
             " AND x.generated_at < now() - interval '1 minute'"
             " AND (x.generated_at, x.ticket_id) > (timestamptz 'epoch' + $2::bigint *"
             " interval '1 microsecond', $3::bigint)"
             " ORDER BY x.generated_at, x.ticket_id LIMIT $4::bigint),"
             " page AS MATERIALIZED (SELECT s.id, s.generated_at FROM scan s WHERE ");
    size_t n = rights_reach_sql(&r->subject, "s", 6, &sql, values);
    for (size_t i = 0; i < n; i++) {
        params_array(p, values[i].texts ? PARAM_TEXT : PARAM_INT8, values[i].n);
        for (size_t k = 0; k < values[i].n; k++)
            if (values[i].texts)
                params_element_text(p, values[i].texts[k]);
            else
                params_element_i64(p, values[i].numbers[k]);
    }
    buf_adds(
        &sql,
        " ORDER BY s.generated_at, s.id LIMIT $5::bigint)"
        " SELECT " TICKET_COLUMNS ", " MICROSECONDS(
            "p.generated_at") ", p.id,"
                              " (SELECT count(*) FROM scan)::bigint,"
                              " (SELECT " MICROSECONDS(
                                  "max(s.generated_at)") " FROM scan s),"
                                                         " (SELECT s.id FROM scan s ORDER BY "
                                                         "s.generated_at DESC, s.id DESC LIMIT 1),"
                                                         " coalesce((SELECT f.first_done_at IS NOT "
                                                         "NULL FROM desk.fills f"
                                                         "   WHERE f.tenant_id = $1::bigint), "
                                                         "false)"
                                                         " FROM (SELECT) one LEFT JOIN page p ON "
                                                         "true LEFT JOIN LATERAL (SELECT t.* FROM"
                                                         " ticket.tickets t WHERE t.tenant_id = "
                                                         "$1::bigint AND t.id = p.id AND ");
    (void)rights_reach_sql(&r->subject, "t", 6, &sql, values);
    buf_adds(&sql, " LIMIT 1) t ON true ORDER BY p.generated_at, p.id");
    return statement_of(buf_str(&sql));
}

static void export_tickets(Request *r, bool by_cursor) {
    Export *e = arena_zalloc(r->arena, sizeof(*e));
    e->by_cursor = by_cursor;
    e->rows = ROWS_MAX;
    e->start_s = -1;
    if (!request_query_int(r, "per_page", 1, ROWS_MAX, &e->rows) ||
        !request_query_int(r, "start_time", 0, INT64_C(253402300799), &e->start_s))
        return;
    Str cursor = request_query(r, "cursor");
    if (cursor.n && !cursor_read(r, cursor, e)) {
        answer_bad_request(r, "cursor", "is no cursor of this export",
                           "begin again with start_time");
        return;
    }
    if (!cursor.n && e->start_s < 0) {
        answer_bad_request(r, "start_time", "is missing", "send seconds since 1970");
        return;
    }
    if (!cursor.n) e->position_us = e->start_s * 1000000 - 1; /* that second too */
    if (!cursor.n) e->id = INT64_MAX;
    e->scan = rights_reach_all(&r->subject.reach) ? e->rows + 1 : SCAN_MAX;
    Params *p = request_params(r);
    const PostgresStatement *statement = write_export(r, e, p);
    if (!statement) {
        answer_unavailable(r, "too many different questions", 60);
        return;
    }
    r->context = e;
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){statement, p}, 1, on_rows);
}

static void by_cursor(Request *r) {
    export_tickets(r, true);
}

static void by_time(Request *r) {
    export_tickets(r, false);
}

static const Route routes[] = {
    {"GET", "/api/v2/incremental/tickets/cursor", RIGHT_TICKETS_EXPORT, 0, by_cursor},
    {"GET", "/api/v2/incremental/tickets", RIGHT_TICKETS_EXPORT, 0, by_time},
};
const RouteTable export_routes = {"exports", routes, sizeof(routes) / sizeof(*routes)};
