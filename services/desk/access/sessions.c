/* POST /sessions gives a cookie, everything else asks about such cookies or ends them. */
#include "desk/access/sessions.h"

#include "desk/access/access.h"
#include "desk/access/audit.h"
#include "desk/access/basic.h"
#include "desk/access/check.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "log/log.h"
#include "json/json.h"

enum { SECRET_BYTES = 32, SECRET_TEXT = 4 + 43 + 1, SEEN_MS = 60000, SESSIONS_SHOWN = 100 };

/* ---- used ---- */

static const PostgresStatement seen = {
    "access_session_seen",
    "UPDATE access.sessions SET seen_at = now(),"
    " idle_until = least(until, now() + $3::bigint * interval '1 millisecond')"
    " WHERE tenant_id = $1::bigint AND session_id = $2::bigint AND idle_until > now()"};
static const PostgresStatement seen_fence = {"access_session_seen_fence",
                                             "SELECT set_config('docket.tenants', $1::text, true)"};

typedef struct Seen { /* lives beyond the request */
    PostgresQuery queries[2];
    Params params[2];
} Seen;

static void on_seen(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Seen *s = arg;
    (void)results;
    if (outcome != POSTGRES_COMMITTED)
        log_warn(NULL, "A session's use was not noted: %s", problem->text);
    params_done(&s->params[0]);
    params_done(&s->params[1]);
    free(s);
}

void session_seen(Request *r) {
    Access *a = r->desk->access;
    SeenSession *slot = &a->seen[(uint64_t)r->session_id % SEEN_SESSIONS];
    if (slot->session_id == r->session_id && r->now_ms - slot->at_ms < SEEN_MS) return;
    *slot = (SeenSession){r->session_id, r->now_ms};
    Seen *s = xcalloc(1, sizeof(*s));
    char tenants[24];
    int n = snprintf(tenants, sizeof(tenants), "{%lld}", (long long)r->subject.tenant_id);
    params_text(&s->params[0], (Str){tenants, (size_t)n});
    params_i64(&s->params[1], r->subject.tenant_id);
    params_i64(&s->params[1], r->session_id);
    params_i64(&s->params[1], r->desk->config->session_idle_ms);
    s->queries[0] = (PostgresQuery){&seen_fence, &s->params[0]};
    s->queries[1] = (PostgresQuery){&seen, &s->params[1]};
    if (postgres_pool_run(r->desk->pool, 0, s->queries, 2, on_seen, s) == 0) return;
    params_done(&s->params[0]);
    params_done(&s->params[1]);
    free(s);
    slot->session_id = 0;
}

/* ---- signing in ---- */

static const PostgresStatement insert = {
    "access_session_insert",
    "INSERT INTO access.sessions (tenant_id, hash, user_id, network, idle_until, until)"
    " VALUES ($1::bigint, $2::bytea, $3::bigint, $4::text,"
    " now() + least($5::bigint, $6::bigint) * interval '1 millisecond',"
    " now() + $6::bigint * interval '1 millisecond')"
    " RETURNING session_id, created_at, until"};
static const PostgresStatement signed_in = {
    "access_signed_in", "UPDATE access.users SET last_sign_in = now()"
                        " WHERE tenant_id = $1::bigint AND user_id = $2::bigint"};

typedef struct SignIn {
    Check check; /* first */
    char secret[SECRET_TEXT];
} SignIn;

static void set_cookie(Request *r, const char *name, const char *value, int64_t seconds) {
    bool tls = str_starts(request_base(r), STR("https://"));
    http_answer_header(r->exchange, "Set-Cookie",
                       arena_printf(r->arena,
                                    "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", name,
                                    value, (long long)seconds, tls ? "; Secure" : ""));
}

static void write_session(Request *r, Buf *b, int64_t id, int64_t user_id, int64_t began_ms,
                          int64_t seen_ms, int64_t until_ms) {
    OUT(b, "{\"id\":");
    buf_add_i64(b, id);
    Str base = request_base(r);
    buf_printf(b, ",\"url\":\"%.*s/api/v2/sessions/%lld.json\"", STR_ARG(base), (long long)id);
    out_int(b, "user_id", user_id);
    out_time(b, "authenticated_at", began_ms);
    out_time(b, "last_seen_at", seen_ms);
    out_time(b, "expires_at", until_ms);
}

static void on_signed_in(Request *r, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    SignIn *s = r->context;
    if (problem) { /* the user has just gone */
        answer_unauthenticated(r);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    char csrf[44], device[CHECK_DEVICE_BYTES];
    int64_t id = rows_int(results[0], 0, 0), began_ms = rows_time_ms(results[0], 0, 1);
    access_csrf(str(s->secret), csrf);
    OUT(&body, "{\"session\":");
    write_session(r, &body, id, r->subject.user_id, began_ms, began_ms,
                  rows_time_ms(results[0], 0, 2));
    out_text(&body, "csrf_token", str(csrf));
    out_text(&body, "role", r->role);
    OUT(&body, "}}");
    set_cookie(r, "docket_session", s->secret, r->desk->config->session_ms / 1000);
    if (!s->check.known_device) {
        check_device_cookie(&s->check, device);
        set_cookie(r, "docket_device", device, 365 * 86400);
    }
    answer_created(r, str(arena_printf(r->arena, "/api/v2/sessions/%lld.json", (long long)id)),
                   buf_str(&body));
}

static void on_checked(Check *c, CheckOutcome outcome) {
    SignIn *s = (SignIn *)c;
    Request *r = c->r;
    switch (outcome) {
    case CHECK_WRONG:
        answer_unauthenticated(r);
        return;
    case CHECK_THROTTLED:
        answer_too_many(r, c->retry_after_s);
        return;
    case CHECK_UNSURE:
        answer_unavailable(r, "Signing in is not possible at the moment; try again", -1);
        return;
    case CHECK_RIGHT:
        break;
    }
    if (!basic_subject(r, c->tenant_id, c->user_id, c->role)) {
        answer_unauthenticated(r);
        return;
    }
    uint8_t secret[SECRET_BYTES], hash[DIGEST_SHA256_BYTES];
    memcpy(s->secret, "dks_", 4);
    random_bytes(secret, sizeof(secret));
    (void)text_base64url(secret, sizeof(secret), s->secret + 4);
    digest_sha256(str(s->secret), hash);
    PostgresQuery *queries = arena_alloc(r->arena, 3 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, c->tenant_id);
    params_bytea(p, (Str){(const char *)hash, sizeof(hash)});
    params_i64(p, c->user_id);
    params_text(p, access_network(r));
    params_i64(p, r->desk->config->session_idle_ms);
    params_i64(p, r->desk->config->session_ms);
    queries[0] = (PostgresQuery){&insert, p};
    p = request_params(r);
    params_i64(p, c->tenant_id);
    params_i64(p, c->user_id);
    queries[1] = (PostgresQuery){&signed_in, p};
    queries[2] = audit_query(r, "sign_in", audit_target(r, "user", c->user_id), (Str){NULL, 0});
    r->context = s;
    request_query_rows(r, 0, queries, 3, on_signed_in);
}

static void handle_sign_in(Request *r) {
    const cJSON *session = NULL;
    SignIn *s = arena_zalloc(r->arena, sizeof(*s));
    Check *c = &s->check;
    *c = (Check){.r = r, .done = on_checked};
    if (json_get_object(r->body, "session", &session) < 1) session = r->body;
    if (json_get_string(session, "email", &c->email) < 1 ||
        json_get_string(session, "password", &c->password) < 1 ||
        json_get_string(session, "tenant", &c->tenant) < 0) {
        answer_bad_request(r, "session", "needs email and password, and may name a tenant",
                           "send {\"session\":{\"email\":\"...\",\"password\":\"...\"}}");
        return;
    }
    r->subject = (Subject){0}; /* whoever it was before: now it is who signs in */
    r->session_id = r->token_id = 0;
    check_password(c);
}

/* ---- which there are ---- */

static const PostgresStatement list = {
    "access_session_list",
    "SELECT session_id, user_id, created_at, seen_at, least(idle_until, until), network"
    " FROM access.sessions WHERE tenant_id = $1::bigint AND user_id = $2::bigint"
    " AND least(idle_until, until) > now() ORDER BY session_id DESC LIMIT $3::bigint"};

static void on_list(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    bool only_own = *(const bool *)r->context;
    CLEANUP(buf_done) Buf body = {0};
    size_t n = problem ? 0 : rows_count(results[0]), written = 0;
    OUT(&body, "{\"sessions\":[");
    for (size_t i = 0; i < n; i++) {
        int64_t id = rows_int(results[0], i, 0);
        bool own = id == r->session_id;
        if (only_own && !own) continue;
        if (only_own) {
            char csrf[44];
            buf_clear(&body);
            access_csrf(access_cookie(r, "docket_session"), csrf);
            OUT(&body, "{\"session\":");
            write_session(r, &body, id, rows_int(results[0], i, 1), rows_time_ms(results[0], i, 2),
                          rows_time_ms(results[0], i, 3), rows_time_ms(results[0], i, 4));
            out_text(&body, "csrf_token", str(csrf));
            OUT(&body, "}}");
            answer_json(r, 200, buf_str(&body));
            return;
        }
        if (written++) OUT(&body, ",");
        write_session(r, &body, id, rows_int(results[0], i, 1), rows_time_ms(results[0], i, 2),
                      rows_time_ms(results[0], i, 3), rows_time_ms(results[0], i, 4));
        out_text(&body, "network", rows_str(results[0], i, 5));
        out_bool(&body, "current", own);
        OUT(&body, "}");
    }
    if (only_own) {
        answer_not_found(r);
        return;
    }
    buf_printf(&body, "],\"next_page\":null,\"previous_page\":null,\"count\":%zu}", written);
    answer_json(r, 200, buf_str(&body));
}

static void ask_list(Request *r, int64_t user_id, bool only_own) {
    bool *kept = arena_alloc(r->arena, sizeof(*kept));
    *kept = only_own;
    r->context = kept;
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, user_id);
    params_i64(p, SESSIONS_SHOWN);
    *query = (PostgresQuery){&list, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_list);
}

static void handle_list(Request *r) {
    ask_list(r, r->subject.user_id, false);
}

static void handle_current(Request *r) {
    if (r->session_id <= 0)
        answer_not_found(r);
    else
        ask_list(r, r->subject.user_id, true);
}

static bool may_manage(Request *r, int64_t user_id) {
    if (user_id == r->subject.user_id || rights_has(&r->subject, RIGHT_USERS_MANAGE)) return true;
    const char *reason;
    (void)rights_decide(&r->subject, RIGHT_USERS_MANAGE, NULL, &reason);
    answer_forbidden(r, reason);
    return false;
}

static void handle_list_of(Request *r) {
    if (may_manage(r, r->ids[0])) ask_list(r, r->ids[0], false);
}

/* ---- their end ---- */

static const PostgresStatement end_one = {
    "access_session_end", "DELETE FROM access.sessions WHERE tenant_id = $1::bigint"
                          " AND session_id = $2::bigint AND ($3::bigint = 0 OR user_id = "
                          "$3::bigint) RETURNING user_id, hash"};
static const PostgresStatement end_all = {"access_session_end_all",
                                          "DELETE FROM access.sessions WHERE tenant_id = $1::bigint"
                                          " AND user_id = $2::bigint RETURNING user_id, hash"};

static void on_ended(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    bool must = r->context != NULL;
    if (problem || (must && rows_count(results[0]) == 0)) {
        answer_not_found(r);
        return;
    }
    for (size_t i = 0; i < rows_count(results[0]); i++)
        secrets_forget(r->desk->access->credentials, (const uint8_t *)rows_str(results[0], i, 1).p);
    if (r->session_id > 0 && must) set_cookie(r, "docket_session", "", 0);
    answer_no_content(r);
}

static void end_session(Request *r, int64_t session_id, int64_t user_id) {
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, session_id);
    params_i64(p, user_id);
    queries[0] = (PostgresQuery){&end_one, p};
    queries[1] = audit_query(r, "sign_out", audit_target(r, "session", session_id), (Str){NULL, 0});
    r->context = queries; /* there must be one */
    request_query_rows(r, 0, queries, 2, on_ended);
}

static void handle_end_current(Request *r) {
    if (r->session_id <= 0)
        answer_not_found(r);
    else
        end_session(r, r->session_id, r->subject.user_id);
}

static void handle_end(Request *r) {
    bool manages = rights_has(&r->subject, RIGHT_USERS_MANAGE);
    if (!manages && !r->subject.user_id)
        answer_not_found(r);
    else
        end_session(r, r->ids[0], manages ? 0 : r->subject.user_id);
}

static void handle_end_all(Request *r) {
    if (!may_manage(r, r->ids[0])) return;
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    queries[0] = (PostgresQuery){&end_all, p};
    queries[1] = audit_query(r, "sign_out", audit_target(r, "user", r->ids[0]), (Str){NULL, 0});
    request_query_rows(r, 0, queries, 2, on_ended);
}

static const Route routes[] = {
    {"POST", "/api/v2/sessions", RIGHTS, ROUTE_OPEN | ROUTE_JSON | ROUTE_CUSTOMER, handle_sign_in},
    {"GET", "/api/v2/sessions", RIGHTS, ROUTE_CUSTOMER, handle_list},
    {"GET", "/api/v2/sessions/me", RIGHTS, ROUTE_CUSTOMER, handle_current},
    {"DELETE", "/api/v2/sessions/me", RIGHTS, ROUTE_CUSTOMER, handle_end_current},
    {"DELETE", "/api/v2/sessions/{id}", RIGHTS, ROUTE_CUSTOMER, handle_end},
    {"GET", "/api/v2/users/me/session", RIGHTS, ROUTE_CUSTOMER, handle_current},
    {"DELETE", "/api/v2/users/me/logout", RIGHTS, ROUTE_CUSTOMER, handle_end_current},
    {"GET", "/api/v2/users/{id}/sessions", RIGHTS, 0, handle_list_of},
    {"DELETE", "/api/v2/users/{id}/sessions", RIGHTS, 0, handle_end_all},
};
const RouteTable session_routes = {"sessions", routes, sizeof(routes) / sizeof(*routes)};
