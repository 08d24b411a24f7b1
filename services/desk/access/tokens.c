/* API tokens: one's own, or somebody else's with the right to. Shown once, kept as a hash, listed
 * by their first characters, revoked, never changed. */
#include "desk/access/access.h"
#include "desk/access/audit.h"
#include "desk/access/within.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "json/json.h"

enum {
    SECRET_BYTES = 32,
    HINT_CHARACTERS = 8,
    SCOPES_MAX = 32,
    LABEL_BYTES_MAX = 400,
    TOKENS_SHOWN = 1000
};

static const char no_right[] =
    "您的角色不能管理他人的令牌。Your role may not manage others' tokens.";

/* ---- list ---- */

static const PostgresStatement list = {
    "access_token_list",
    "SELECT token_id, hint, principal, label, scopes, created_at, expires_at, revoked_at"
    " FROM access.tokens WHERE tenant_id = $1::bigint AND revoked_at IS NULL"
    " AND (expires_at IS NULL OR expires_at > now())"
    " AND ($2::text = '' OR principal = $2::text) AND ($3::bigint = 0 OR token_id = $3::bigint)"
    " ORDER BY token_id LIMIT $4::bigint"};

static void write_token(Request *r, const PostgresRows *rows, size_t i, Buf *b) {
    Str scopes[SCOPES_MAX], base = request_base(r), principal = rows_str(rows, i, 2), number;
    size_t n = rows_text_array(rows, i, 4, scopes, SCOPES_MAX);
    int64_t user_id = 0, id = rows_int(rows, i, 0);
    if (str_is(str_cut(principal, ':', &number), "user")) (void)str_to_i64(number, &user_id);
    OUT(b, "{\"id\":");
    buf_add_i64(b, id);
    buf_printf(b, ",\"url\":\"%.*s/api/v2/api_tokens/%lld.json\"", STR_ARG(base), (long long)id);
    out_text(b, "description", rows_str(rows, i, 3));
    out_text(b, "token", rows_str(rows, i, 1)); /* the hint */
    out_text(b, "principal", principal);
    out_id(b, "user_id", user_id);
    out_texts(b, "scopes", scopes, n < SCOPES_MAX ? n : SCOPES_MAX);
    out_bool(b, "active", true);
    out_time(b, "created_at", rows_time_ms(rows, i, 5));
    out_time(b, "expires_at", rows_null(rows, i, 6) ? 0 : rows_time_ms(rows, i, 6));
}

static void on_list(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    bool one = r->ids[0] != 0;
    CLEANUP(buf_done) Buf body = {0};
    size_t n = problem ? 0 : rows_count(results[0]);
    if (one && !n) {
        answer_not_found(r);
        return;
    }
    buf_adds(&body, one ? "{\"api_token\":" : "{\"api_tokens\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) OUT(&body, ",");
        write_token(r, results[0], i, &body);
        OUT(&body, "}");
    }
    if (one)
        OUT(&body, "}");
    else
        buf_printf(&body, "],\"next_page\":null,\"previous_page\":null,\"count\":%zu}", n);
    answer_json(r, 200, buf_str(&body));
}

/* Whose tokens this request may touch: one's own principal, or "" for all. False, having answered.
 */
static bool whose(Request *r, Str *ret) {
    bool manages = rights_has(&r->subject, RIGHT_TOKENS_MANAGE);
    *ret = manages ? STR("") : audit_target(r, "user", r->subject.user_id);
    if (manages || r->subject.user_id) return true;
    answer_forbidden(r, no_right);
    return false;
}

static void ask_list(Request *r, Str principal) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_text(p, principal);
    params_i64(p, r->ids[0]);
    params_i64(p, TOKENS_SHOWN);
    *query = (PostgresQuery){&list, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_list);
}

static void handle_list(Request *r) {
    Str principal;
    int64_t user_id = 0;
    if (!request_query_int(r, "user_id", 1, TICKET_ID_MAX, &user_id) || !whose(r, &principal))
        return;
    if (!user_id) user_id = r->subject.user_id; /* one's own, unless somebody's are asked for */
    if (!principal.n && user_id) principal = audit_target(r, "user", user_id);
    ask_list(r, principal);
}

static void handle_get(Request *r) {
    Str principal;
    if (!r->ids[0])
        answer_not_found(r);
    else if (whose(r, &principal))
        ask_list(r, principal);
}

/* ---- create ---- */

static const PostgresStatement find_role = {
    "access_token_owner", "SELECT role, suspended OR deleted_at IS NOT NULL FROM access.users"
                          " WHERE tenant_id = $1::bigint AND user_id = $2::bigint"};
static const PostgresStatement insert = {
    "access_token_insert",
    "INSERT INTO access.tokens (tenant_id, hash, hint, principal, label, scopes, expires_at)"
    " VALUES ($1::bigint, $2::bytea, $3::text, $4::text, $5::text, $6::text[], $7::timestamptz)"
    " RETURNING token_id, hint, principal, label, scopes, created_at, expires_at, revoked_at"};

typedef struct NewToken {
    int64_t user_id, expires_ms; /* 0: never */
    Str label, scopes[SCOPES_MAX];
    size_t scopes_n;
    RightSet rights;
    char secret[4 + 43 + 1];
} NewToken;

static void on_created(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    const NewToken *t = r->context;
    if (problem) {
        answer_not_found(r);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    OUT(&body, "{\"api_token\":");
    write_token(r, results[0], 0, &body);
    out_text(&body, "full_token", str(t->secret));
    OUT(&body, "}}");
    answer_created(r,
                   str(arena_printf(r->arena, "/api/v2/api_tokens/%lld.json",
                                    (long long)rows_int(results[0], 0, 0))),
                   buf_str(&body));
}

static void on_owner(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    NewToken *t = r->context;
    bool known = !problem && rows_count(results[0]);
    Str role = known ? rows_str(results[0], 0, 0) : STR("");
    Subject owner;
    if (problem || (known && rows_bool(results[0], 0, 1)) ||
        !within_subject(r, t->user_id, role, &owner)) {
        answer_not_found(r);
        return;
    }
    /* A narrow token does not make a wide one, not even of its own person. */
    if (!rights_may_give(&r->subject, owner.rights & t->rights, &owner.reach)) {
        answer_forbidden(r, "此令牌的权限将超出您的权限 The token would allow more than you may");
        return;
    }
    uint8_t secret[SECRET_BYTES], hash[DIGEST_SHA256_BYTES];
    memcpy(t->secret, "dkt_", 4);
    random_bytes(secret, sizeof(secret));
    (void)text_base64url(secret, sizeof(secret), t->secret + 4);
    digest_sha256(str(t->secret), hash);
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_bytea(p, (Str){(const char *)hash, sizeof(hash)});
    params_text(p, (Str){t->secret, HINT_CHARACTERS});
    params_text(p, audit_target(r, "user", t->user_id));
    params_text(p, t->label);
    params_array(p, PARAM_TEXT, t->scopes_n);
    for (size_t i = 0; i < t->scopes_n; i++)
        params_element_text(p, t->scopes[i]);
    if (t->expires_ms)
        params_time_ms(p, t->expires_ms);
    else
        params_null(p);
    queries[0] = (PostgresQuery){&insert, p};
    queries[1] =
        audit_query(r, "token_created", audit_target(r, "user", t->user_id), (Str){NULL, 0});
    request_query_rows(r, 0, queries, 2, on_created);
}

static void read_scopes(const cJSON *body, NewToken *t, Invalid *v) {
    const cJSON *scopes = NULL, *item;
    int there = json_get_array(body, "scopes", &scopes);
    if (there == 0) {
        t->scopes[t->scopes_n++] = STR("write");
        t->rights = RIGHTS_ALL;
        return;
    }
    if (there < 0 || cJSON_GetArraySize(scopes) > SCOPES_MAX || cJSON_GetArraySize(scopes) == 0) {
        invalid_add(v, "scopes", "InvalidValue",
                    "权限范围须为 1 至 %d 项 Scopes are a list of 1 to %d", SCOPES_MAX, SCOPES_MAX);
        return;
    }
    cJSON_ArrayForEach(item, scopes) {
        Str scope = {NULL, 0};
        RightSet rights = 0;
        if (json_as_string(item, &scope) == 1) rights = rights_of_scope(scope);
        bool of_gate = str_is(scope, "tickets:place");
        if (!rights && !of_gate)
            invalid_add(v, "scopes", "InvalidValue",
                        "没有这种权限范围 There is no scope `%.*s`; possible are read, write, "
                        "tickets, tickets:write, tickets.solve and the like",
                        scope.p ? (int)(scope.n < 60 ? scope.n : 60) : 0, scope.p ? scope.p : "");
        t->rights |= rights;
        t->scopes[t->scopes_n++] = scope;
    }
}

static void handle_create(Request *r) {
    const cJSON *body = NULL;
    NewToken *t = arena_zalloc(r->arena, sizeof(*t));
    Invalid v;
    invalid_init(&v, r->arena);
    if (json_get_object(r->body, "api_token", &body) < 1) {
        answer_bad_request(r, "api_token", "is missing", "send {\"api_token\":{...}}");
        return;
    }
    t->user_id = r->subject.user_id;
    if (json_get_string(body, "description", &t->label) < 0 || t->label.n > LABEL_BYTES_MAX)
        invalid_add(&v, "description", "TooLong", "备注过长 At most %d bytes", LABEL_BYTES_MAX);
    if (json_get_int(body, "user_id", &t->user_id) < 0)
        invalid_add(&v, "user_id", "InvalidValue", "须为用户编号 Must be a user's id");
    int64_t days = 0;
    if (json_get_int(body, "expires_in_days", &days) < 0 || days < 0 || days > 3653)
        invalid_add(&v, "expires_in_days", "InvalidValue", "须为 1 至 3653 From 1 to 3653");
    else if (days)
        t->expires_ms = r->now_ms + days * 86400000;
    read_scopes(body, t, &v);
    if (!t->user_id)
        invalid_add(&v, "user_id", "BlankValue",
                    "程序须指明令牌属于谁 A program must say whose token it shall be");
    if (v.n) {
        answer_invalid(r, &v);
        return;
    }
    if (t->user_id != r->subject.user_id && !rights_has(&r->subject, RIGHT_TOKENS_MANAGE)) {
        answer_forbidden(r, no_right);
        return;
    }
    r->context = t;
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, t->user_id);
    *query = (PostgresQuery){&find_role, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_owner);
}

/* ---- revoke ---- */

static const PostgresStatement revoke = {
    "access_token_revoke",
    "UPDATE access.tokens SET revoked_at = now() WHERE tenant_id = $1::bigint"
    " AND token_id = $2::bigint AND ($3::text = '' OR principal = $3::text)"
    " AND revoked_at IS NULL RETURNING token_id"};

static void on_revoked(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    if (problem || rows_count(results[0]) == 0)
        answer_not_found(r);
    else
        answer_no_content(r);
}

static void handle_revoke(Request *r) {
    Str principal;
    if (!whose(r, &principal)) return;
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    params_text(p, principal);
    queries[0] = (PostgresQuery){&revoke, p};
    queries[1] =
        audit_query(r, "token_revoked", audit_target(r, "token", r->ids[0]), (Str){NULL, 0});
    request_query_rows(r, 0, queries, 2, on_revoked);
}

static const Route routes[] = {
    {"GET", "/api/v2/api_tokens", RIGHTS, ROUTE_CUSTOMER, handle_list},
    {"POST", "/api/v2/api_tokens", RIGHTS, ROUTE_JSON | ROUTE_CUSTOMER, handle_create},
    {"GET", "/api/v2/api_tokens/{id}", RIGHTS, ROUTE_CUSTOMER, handle_get},
    {"DELETE", "/api/v2/api_tokens/{id}", RIGHTS, ROUTE_CUSTOMER, handle_revoke},
};
const RouteTable token_routes = {"api_tokens", routes, sizeof(routes) / sizeof(*routes)};
