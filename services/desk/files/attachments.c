/* GET of an attachment: what it is, and its bytes in pieces. For who reaches its ticket; a file of
 * an internal note only for who may read notes; before it is attached, only for its uploader. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/files/attachment.h"
#include "desk/files/files.h"
#include "desk/files/range.h"
#include "filetype/kind.h"
#include "http/url.h"

/* A comment is public when its row says so; the first row is what was asked in the beginning. */
static const PostgresStatement file_by_id = {
    "desk_file_by_id",
    "SELECT f.file_id, f.size, f.name, f.detected_type, f.class, f.sha256, f.uploader_id,"
    " f.ticket_id, coalesce((l.payload->'comment'->>'public')::boolean, l.seq = 1, false),"
    " t.group_id, t.assignee_id, t.requester_id, t.kind, t.category, t.region"
    " FROM desk.files f LEFT JOIN ticket.tickets t ON t.tenant_id = f.tenant_id AND"
    " t.id = f.ticket_id LEFT JOIN ticket.ledger l ON l.tenant_id = f.tenant_id AND"
    " l.ticket_id = f.ticket_id AND l.seq = f.bound_seq"
    " WHERE f.tenant_id = $1::bigint AND f.file_id = $2::bigint AND f.complete"};

static bool may_see(const Request *r, const PostgresRows *rows) {
    const Subject *who = &r->subject;
    if (rows_null(rows, 0, 7)) return who->user_id && rows_int(rows, 0, 6) == who->user_id;
    if (rows_null(rows, 0, 12)) return false; /* its ticket is not there */
    TicketScope scope = {.tenant_id = who->tenant_id,
                         .group_id = rows_int(rows, 0, 9),
                         .assignee_id = rows_int(rows, 0, 10),
                         .requester_id = rows_int(rows, 0, 11),
                         .kind = rows_str(rows, 0, 12),
                         .category = rows_str(rows, 0, 13),
                         .region = rows_str(rows, 0, 14)};
    if (rights_decide(who, RIGHT_TICKETS_READ, &scope, NULL) != RIGHTS_YES) return false;
    return rows_bool(rows, 0, 8) ||
           rights_decide(who, RIGHT_NOTES_READ, &scope, NULL) == RIGHTS_YES;
}

static Attachment attachment_of(const PostgresRows *rows) {
    return (Attachment){.id = rows_int(rows, 0, 0),
                        .size = rows_int(rows, 0, 1),
                        .name = rows_str(rows, 0, 2),
                        .type = rows_str(rows, 0, 3),
                        .class = rows_str(rows, 0, 4)};
}

static void read_file(Request *r, RequestRows done) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&file_by_id, p}, 1, done);
}

/* ---- what it is ---- */

static void on_described(Request *r, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    (void)problem;
    if (!results || !rows_count(results[0]) || !may_see(r, results[0])) {
        answer_not_found(r);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    Attachment a = attachment_of(results[0]);
    buf_adds(&body, "{\"attachment\":");
    attachment_json(&body, request_base(r), &a);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

static void get_attachment(Request *r) {
    read_file(r, on_described);
}

/* ---- its bytes ---- */

typedef struct Download {
    HttpExchange *exchange;
    PostgresPool *pool;
    int64_t tenant_id, file_id;
    int64_t at, left; /* bytes from the file's beginning; of the answer */
    char tenants[24];
    Params fence, piece;
    PostgresQuery queries[2];
} Download;

static const PostgresStatement download_fence = {
    "desk_download_fence", "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement file_piece = {"desk_file_piece",
                                             "SELECT c.bytes FROM desk.file_chunks c WHERE"
                                             " c.tenant_id = $1::bigint AND"
                                             " c.file_id = $2::bigint AND c.n = $3::integer"};

static void download_free(Download *d) {
    params_done(&d->fence);
    params_done(&d->piece);
    free(d);
}

static void on_piece(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Download *d = arg;
    HttpExchange *x = d->exchange;
    (void)problem;
    Str bytes = {NULL, 0};
    if (outcome == POSTGRES_COMMITTED && rows_count(results[1])) bytes = rows_str(results[1], 0, 0);
    size_t skip = (size_t)(d->at % FILE_CHUNK_BYTES);
    if (bytes.n <= skip) { /* away, or gone */
        download_free(d);
        http_answer_break(x);
        return;
    }
    Str piece = {bytes.p + skip, bytes.n - skip};
    if ((int64_t)piece.n > d->left) piece.n = (size_t)d->left;
    d->at += (int64_t)piece.n;
    d->left -= (int64_t)piece.n;
    if (!d->left) download_free(d); /* the last one asks for no more */
    http_answer_piece(x, piece);
}

static void on_more(HttpExchange *x, bool gone, void *arg) {
    Download *d = arg;
    if (gone) {
        download_free(d);
        return;
    }
    params_clear(&d->piece);
    params_i64(&d->piece, d->tenant_id);
    params_i64(&d->piece, d->file_id);
    params_i32(&d->piece, (int32_t)(d->at / FILE_CHUNK_BYTES));
    if (postgres_pool_run(d->pool, POSTGRES_READ_ONLY, d->queries, 2, on_piece, d) == 0) return;
    download_free(d);
    http_answer_break(x);
}

/* A browser shows none of it, runs none of it, and saves it under a name that is only a name. */
static void add_headers(Request *r, const Attachment *a, const char *tag) {
    CLEANUP(buf_done) Buf how = {0};
    buf_adds(&how, "attachment; filename=\"");
    for (size_t i = 0; i < a->name.n; i++) {
        char c = a->name.p[i];
        buf_addc(&how, c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%' ? c : '_');
    }
    buf_adds(&how, "\"; filename*=UTF-8''");
    url_encode(a->name, &how);
    http_answer_header(r->exchange, "Content-Disposition", how.p);
    http_answer_header(r->exchange, "X-Content-Type-Options", "nosniff");
    http_answer_header(r->exchange, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_answer_header(r->exchange, "Cross-Origin-Resource-Policy", "same-origin");
    http_answer_header(r->exchange, "Cache-Control", "private, no-cache");
    http_answer_header(r->exchange, "Accept-Ranges", "bytes");
    http_answer_header(r->exchange, "ETag", tag);
}

static void on_content(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    (void)problem;
    if (!results || !rows_count(results[0]) || !may_see(r, results[0])) {
        answer_not_found(r);
        return;
    }
    Attachment a = attachment_of(results[0]);
    char tag[2 * DIGEST_SHA256_BYTES + 3] = "\"";
    text_hex(rows_str(results[0], 0, 5).p, DIGEST_SHA256_BYTES, tag + 1);
    tag[sizeof(tag) - 2] = '"';
    tag[sizeof(tag) - 1] = 0;
    add_headers(r, &a, tag);
    if (range_names_tag(http_header(r->exchange, "If-None-Match"), str(tag))) {
        answer_bytes(r, 304, NULL, (Str){NULL, 0});
        return;
    }
    Str if_range = http_header(r->exchange, "If-Range");
    Str asked = http_header(r->exchange, "Range");
    FileRange range = {0, a.size - 1};
    RangeVerdict verdict = RANGE_WHOLE;
    if (!if_range.p || str_is(if_range, tag)) verdict = range_read(asked, a.size, &range);
    if (verdict != RANGE_WHOLE)
        http_answer_header(r->exchange, "Content-Range",
                           verdict == RANGE_NONE
                               ? arena_printf(r->arena, "bytes */%lld", (long long)a.size)
                               : arena_printf(r->arena, "bytes %lld-%lld/%lld",
                                              (long long)range.first, (long long)range.last,
                                              (long long)a.size));
    if (verdict == RANGE_NONE) {
        answer_bytes(r, 416, NULL, (Str){NULL, 0});
        return;
    }
    Download *d = xcalloc(1, sizeof(*d));
    d->exchange = r->exchange;
    d->pool = r->desk->pool;
    d->tenant_id = r->subject.tenant_id;
    d->file_id = a.id;
    d->at = range.first;
    d->left = range.last - range.first + 1;
    int n = snprintf(d->tenants, sizeof(d->tenants), "{%lld}", (long long)r->subject.tenant_id);
    params_text(&d->fence, (Str){d->tenants, (size_t)n});
    d->queries[0] = (PostgresQuery){&download_fence, &d->fence};
    d->queries[1] = (PostgresQuery){&file_piece, &d->piece};
    const char *type = file_type_is_inert(a.type) ? arena_strndup(r->arena, a.type.p, a.type.n)
                                                  : "application/octet-stream";
    answer_stream(r, verdict == RANGE_PART ? 206 : 200, type, (uint64_t)d->left, on_more, d);
}

static void get_content(Request *r) {
    read_file(r, on_content);
}

static const Route routes[] = {
    {"GET", "/api/v2/attachments/{id}", RIGHTS, ROUTE_CUSTOMER, get_attachment},
    {"GET", "/api/v2/attachments/{id}/{name}", RIGHTS, ROUTE_CUSTOMER, get_content},
};
const RouteTable attachment_routes = {"attachments", routes, sizeof(routes) / sizeof(*routes)};
