/* POST and DELETE of uploads. An upload's bytes are judged beside the loop, then stored a few
 * chunks a transaction; the file exists for others only when the last one says that it is complete.
 * What is left half stored goes with the sweep. */
#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/files/attachment.h"
#include "desk/files/files.h"
#include "documents/forms.h"
#include "filetype/detect.h"
#include "filetype/kind.h"
#include "filetype/name.h"

enum {
    TOKEN_BYTES = 24,
    TOKEN_TEXT = 32, /* of them in base64url */
    CLASS_BYTES_MAX = 64,
    CHUNKS_A_TURN = 16, /* 4 MiB a transaction */
    DECLARED_BYTES_MAX = 120
};

typedef struct Upload {
    Request *request;
    FileDetector *detector;
    Str body, name, class, declared;
    char token[TOKEN_TEXT + 1];
    bool token_is_theirs; /* the client named it */
    uint8_t token_hash[DIGEST_SHA256_BYTES];
    /* what the thread finds out */
    char detected[DETECT_TYPE_BYTES];
    uint8_t sha256[DIGEST_SHA256_BYTES];
    /* storing */
    Params *params; /* of the present turn's chunks */
    int64_t file_id;
    size_t stored; /* bytes */
} Upload;

/* ---- what is asked ---- */

static bool may_upload(const Subject *who) {
    const RightSet some = (RightSet)1 << RIGHT_TICKETS_REPLY | (RightSet)1 << RIGHT_TICKETS_NOTE |
                          (RightSet)1 << RIGHT_TICKETS_CREATE;
    return who->like == ROLE_CUSTOMER || (who->rights & some);
}

static bool token_is_good(Str token) {
    if (token.n != TOKEN_TEXT) return false;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
        if (!ok) return false;
    }
    return true;
}

/* Classes that no processing standard asks for are a slip of the pen. */
static bool class_is_known(const Catalog *c, Str class, Buf *known) {
    const Standard *standards;
    size_t n = c ? catalog_standards(c, &standards) : 0;
    bool any = false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < standards[i].evidence_n; k++) {
            if (str_eq(standards[i].evidence[k].class, class)) return true;
            buf_printf(known, "%s%.*s", any ? ", " : "", STR_ARG(standards[i].evidence[k].class));
            any = true;
        }
    return !any; /* none is asked for: all are good */
}

/* False, having answered. */
static bool read_question(Request *r, Upload *u) {
    CLEANUP(buf_done) Buf name = {0}, known = {0};
    Str raw = request_query(r, "filename");
    if (!raw.n || raw.n > 4096) {
        answer_bad_request(r, "filename", raw.n ? "is too long" : "is missing",
                           "send ?filename=NAME");
        return false;
    }
    file_name_clean(raw, &name);
    u->name = arena_str(r->arena, buf_str(&name));
    u->class = request_query(r, "class");
    if (u->class.n > CLASS_BYTES_MAX) {
        answer_bad_request(r, "class", "is too long", "send at most 64 bytes");
        return false;
    }
    Str token = request_query(r, "token");
    u->token_is_theirs = token.n;
    if (token.n && !token_is_good(token)) {
        answer_bad_request(r, "token", "is none of an upload", "send one that an upload gave you");
        return false;
    }
    if (token.n) {
        memcpy(u->token, token.p, token.n);
    } else {
        uint8_t bytes[TOKEN_BYTES];
        random_bytes(bytes, sizeof(bytes));
        text_base64url(bytes, sizeof(bytes), u->token);
    }
    upload_token_hash(str(u->token), u->token_hash);
    Str declared = http_header(r->exchange, "Content-Type");
    u->declared = declared.n <= DECLARED_BYTES_MAX ? declared : STR("application/octet-stream");
    if (!str_is_text(u->declared)) u->declared = STR("application/octet-stream");
    Invalid invalid;
    invalid_init(&invalid, r->arena);
    if (u->class.n && !class_is_known(r->catalog, u->class, &known))
        invalid_add(&invalid, "class", "InvalidValue",
                    "没有处理规范要求“%.*s”这类证据，可用的有：%s No processing standard asks for "
                    "evidence of the class '%.*s'; there are: %s",
                    STR_ARG(u->class), known.p, STR_ARG(u->class), known.p);
    if (!u->body.n)
        invalid_add(&invalid, "file", "BlankValue", "文件“%.*s”是空的 The file '%.*s' is empty",
                    STR_ARG(u->name), STR_ARG(u->name));
    if (invalid.n) answer_invalid(r, &invalid);
    return !invalid.n;
}

/* ---- beside the loop ---- */

static void look(void *arg) {
    Upload *u = arg;
    file_detect(u->detector, u->body, u->detected);
    digest_sha256(u->body, u->sha256);
}

/* False, having answered 422 that names what it is. */
static bool judge(Request *r, const Upload *u) {
    Str detected = str(u->detected), title = file_kind_title(detected);
    Invalid invalid;
    invalid_init(&invalid, r->arena);
    switch (file_judge(u->name, u->declared, detected, u->body.n,
                       str(r->desk->config->upload_refused))) {
    case FILE_GOOD:
        return true;
    case FILE_EMPTY: /* answered before */
    case FILE_REFUSED:
        invalid_add(
            &invalid, "file", "InvalidValue",
            "不接受这类文件：“%.*s”是%.*s（%s） Files like '%.*s' are not taken: it is %.*s "
            "(%s)",
            STR_ARG(u->name), STR_ARG(title), u->detected, STR_ARG(u->name), STR_ARG(title),
            u->detected);
        break;
    case FILE_NAME_LIES:
        invalid_add(&invalid, "filename", "InvalidFormat",
                    "文件名与内容不符：“%.*s”实际是%.*s（%s） The name '%.*s' does not fit its "
                    "content, which is %.*s (%s)",
                    STR_ARG(u->name), STR_ARG(title), u->detected, STR_ARG(u->name), STR_ARG(title),
                    u->detected);
        break;
    case FILE_TYPE_LIES:
        invalid_add(
            &invalid, "content_type", "InvalidFormat",
            "声明的类型 %.*s 与内容不符：“%.*s”实际是%.*s（%s） The declared type %.*s does "
            "not fit the content of '%.*s', which is %.*s (%s)",
            STR_ARG(u->declared), STR_ARG(u->name), STR_ARG(title), u->detected,
            STR_ARG(u->declared), STR_ARG(u->name), STR_ARG(title), u->detected);
        break;
    }
    answer_invalid(r, &invalid);
    return false;
}

/* ---- storing ---- */

/* The file and its first chunks, unless the upload named is unknown ($14) or somebody has too much
 * lying about already ($15 bytes). One row: bytes lying about, files of this token, the new id. */
static const PostgresStatement store_file = {
    "desk_store_file",
    "WITH held AS (SELECT coalesce(sum(f.size), 0)::bigint AS bytes,"
    "  count(*) FILTER (WHERE f.token_hash = $2::bytea AND f.complete"
    "   AND f.created_at > now() - interval '60 minutes') AS files"
    "  FROM desk.files f WHERE f.tenant_id = $1::bigint AND f.uploader_id = $3::bigint"
    "  AND f.ticket_id IS NULL),"
    " stored AS (INSERT INTO desk.files (tenant_id, token_hash, uploader_id, name, declared_type,"
    "  detected_type, size, sha256, class, complete)"
    "  SELECT $1::bigint, $2::bytea, $3::bigint, $4::text, $5::text, $6::text, $7::bigint,"
    "   $8::bytea, $9::text, $10::boolean FROM held"
    "  WHERE held.bytes + $7::bigint <= $13::bigint AND held.files < $14::bigint"
    "  AND (NOT $12::boolean OR held.files > 0) RETURNING file_id, created_at),"
    " chunks AS (INSERT INTO desk.file_chunks (tenant_id, file_id, n, bytes)"
    "  SELECT $1::bigint, s.file_id, (u.at - 1)::integer, u.bytes"
    "  FROM stored s, unnest($11::bytea[]) WITH ORDINALITY AS u (bytes, at))"
    " SELECT h.bytes, h.files::bigint, s.file_id, s.created_at FROM held h LEFT JOIN stored s ON"
    " true"};

static const PostgresStatement store_chunks = {
    "desk_store_chunks",
    "INSERT INTO desk.file_chunks (tenant_id, file_id, n, bytes)"
    " SELECT $1::bigint, $2::bigint, ($3::integer + u.at - 1)::integer, u.bytes"
    " FROM unnest($4::bytea[]) WITH ORDINALITY AS u (bytes, at)"};

static const PostgresStatement file_complete = {
    "desk_file_complete", "UPDATE desk.files SET complete = true WHERE tenant_id = $1::bigint"
                          " AND file_id = $2::bigint"};

static const PostgresStatement files_of_upload = {
    "desk_files_of_upload",
    "SELECT f.file_id, f.size, f.name, f.detected_type, f.class, f.created_at FROM desk.files f"
    " WHERE f.tenant_id = $1::bigint AND f.token_hash = $2::bytea AND f.uploader_id = $3::bigint"
    " AND f.ticket_id IS NULL AND f.complete ORDER BY f.file_id"};

static void next_chunks(Request *r);

/* The next chunks of the body as the elements of an array. */
static void add_chunks(Upload *u, Params *p) {
    size_t left = u->body.n - u->stored;
    size_t n = (left + FILE_CHUNK_BYTES - 1) / FILE_CHUNK_BYTES;
    if (n > CHUNKS_A_TURN) n = CHUNKS_A_TURN;
    params_array(p, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++) {
        size_t bytes = u->body.n - u->stored;
        if (bytes > FILE_CHUNK_BYTES) bytes = FILE_CHUNK_BYTES;
        params_element_text(p, (Str){u->body.p + u->stored, bytes});
        u->stored += bytes;
    }
}

static Attachment attachment_of(const PostgresRows *rows, size_t i) {
    return (Attachment){.id = rows_int(rows, i, 0),
                        .size = rows_int(rows, i, 1),
                        .name = rows_str(rows, i, 2),
                        .type = rows_str(rows, i, 3),
                        .class = rows_str(rows, i, 4)};
}

static void on_listed(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    const Upload *u = r->context;
    CLEANUP(buf_done) Buf body = {0}, all = {0}, mine = {0};
    char expires[21] = "";
    (void)problem;
    for (size_t i = 0; results && i < rows_count(results[0]); i++) {
        Attachment a = attachment_of(results[0], i);
        if (all.n) buf_addc(&all, ',');
        attachment_json(&all, request_base(r), &a);
        if (a.id != u->file_id) continue;
        attachment_json(&mine, request_base(r), &a);
        clock_format_s(rows_time_ms(results[0], i, 5) + (int64_t)UPLOAD_MINUTES * 60000, expires);
    }
    if (!mine.n) { /* deleted, or attached, between two steps of ours */
        answer_conflict(r, "The upload was taken away while it was stored");
        return;
    }
    buf_printf(&body,
               "{\"upload\":{\"token\":\"%s\",\"expires_at\":\"%s\",\"attachment\":", u->token,
               expires);
    buf_add_str(&body, buf_str(&mine));
    buf_adds(&body, ",\"attachments\":[");
    buf_add_str(&body, buf_str(&all));
    buf_adds(&body, "]}}");
    answer_json(r, 201, buf_str(&body));
}

static void list_upload(Request *r) {
    const Upload *u = r->context;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_bytea(p, (Str){(const char *)u->token_hash, sizeof(u->token_hash)});
    params_i64(p, r->subject.user_id);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&files_of_upload, p}, 1, on_listed);
}

static void on_chunks(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    const Upload *u = r->context;
    (void)problem;
    if (!results) /* its row is gone: deleted meanwhile */
        answer_conflict(r, "The upload was taken away while it was stored");
    else if (u->stored < u->body.n)
        next_chunks(r);
    else
        list_upload(r);
}

static void next_chunks(Request *r) {
    Upload *u = r->context;
    PostgresQuery queries[2];
    Params *p = u->params;
    params_clear(p);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, u->file_id);
    params_i32(p, (int32_t)(u->stored / FILE_CHUNK_BYTES));
    add_chunks(u, p);
    queries[0] = (PostgresQuery){&store_chunks, p};
    size_t n = 1;
    if (u->stored == u->body.n) {
        p = request_params(r);
        params_i64(p, r->subject.tenant_id);
        params_i64(p, u->file_id);
        queries[n++] = (PostgresQuery){&file_complete, p};
    }
    request_query_rows(r, 0, queries, n, on_chunks);
}

static void on_stored(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Upload *u = r->context;
    if (!results) {
        answer_bad_request(r, "file", "cannot be stored", problem->text);
        return;
    }
    const PostgresRows *row = results[0];
    if (!rows_null(row, 0, 2)) {
        u->file_id = rows_int(row, 0, 2);
        if (u->stored < u->body.n)
            next_chunks(r);
        else
            list_upload(r);
        return;
    }
    int64_t files = rows_int(row, 0, 1);
    Invalid invalid;
    invalid_init(&invalid, r->arena);
    if (u->token_is_theirs && files == 0)
        invalid_add(&invalid, "token", "InvalidValue",
                    "上传令牌无效或已过期 The upload's token is unknown or has expired");
    else if (files >= UPLOAD_FILES_MAX)
        invalid_add(&invalid, "token", "TooManyValues",
                    "一次上传最多 %d 个文件 An upload holds at most %d files", UPLOAD_FILES_MAX,
                    UPLOAD_FILES_MAX);
    if (invalid.n)
        answer_invalid(r, &invalid);
    else /* attach some of it, or wait: after an hour it is gone */
        answer_too_many(r, 60);
}

static void store(Request *r) {
    Upload *u = r->context;
    Params *p = u->params = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_bytea(p, (Str){(const char *)u->token_hash, sizeof(u->token_hash)});
    params_i64(p, r->subject.user_id);
    params_text(p, u->name);
    params_text(p, u->declared);
    params_text(p, str(u->detected));
    params_i64(p, (int64_t)u->body.n);
    params_bytea(p, (Str){(const char *)u->sha256, sizeof(u->sha256)});
    params_text(p, u->class);
    params_bool(p, u->body.n <= (size_t)CHUNKS_A_TURN * FILE_CHUNK_BYTES);
    add_chunks(u, p);
    params_bool(p, u->token_is_theirs);
    params_i64(p, r->desk->config->upload_quota);
    params_i64(p, UPLOAD_FILES_MAX);
    request_query_rows(r, 0, &(PostgresQuery){&store_file, p}, 1, on_stored);
}

static void on_looked(void *arg, bool ran) {
    Upload *u = arg;
    Request *r = u->request;
    if (!ran)
        answer_unavailable(r, "The desk is about to stop; ask again", -1);
    else if (judge(r, u))
        store(r);
}

static void post_upload(Request *r) {
    if (!may_upload(&r->subject)) {
        answer_forbidden(r, "您的角色不能上传文件。Your role may not upload files.");
        return;
    }
    Upload *u = arena_zalloc(r->arena, sizeof(*u));
    u->request = r;
    u->detector = files_detector(r->desk);
    u->body = http_body(r->exchange);
    r->context = u;
    if (!read_question(r, u)) return;
    if (!files_beside(r->desk, look, on_looked, u))
        answer_unavailable(r, "Too many files wait to be looked at; ask again", -1);
}

/* ---- taking one back ---- */

static const PostgresStatement delete_upload = {
    "desk_delete_upload", "DELETE FROM desk.files WHERE tenant_id = $1::bigint AND token_hash ="
                          " $2::bytea AND uploader_id = $3::bigint AND ticket_id IS NULL"};

static void on_deleted(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    (void)problem;
    if (results && rows_affected(results[0]) > 0)
        answer_no_content(r);
    else
        answer_not_found(r);
}

static void remove_upload(Request *r) {
    uint8_t hash[DIGEST_SHA256_BYTES];
    if (!token_is_good(r->name)) {
        answer_not_found(r);
        return;
    }
    upload_token_hash(r->name, hash);
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_bytea(p, (Str){(const char *)hash, sizeof(hash)});
    params_i64(p, r->subject.user_id);
    request_query_rows(r, 0, &(PostgresQuery){&delete_upload, p}, 1, on_deleted);
}

static const Route routes[] = {
    {"POST", "/api/v2/uploads", RIGHTS, ROUTE_RAW | ROUTE_CUSTOMER, post_upload},
    {"DELETE", "/api/v2/uploads/{name}", RIGHTS, ROUTE_CUSTOMER, remove_upload},
};
const RouteTable upload_routes = {"uploads", routes, sizeof(routes) / sizeof(*routes)};
