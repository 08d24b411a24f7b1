/* Changing a password: one's own, knowing the old one, or somebody else's, with the right to. Other
 * sessions of that account end with it. */
#include "access/limits.h"
#include "desk/access/access.h"
#include "desk/access/audit.h"
#include "desk/access/within.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "vault/password.h"
#include "json/json.h"

typedef struct Change { /* outlives nothing: the request waits for it */
    Request *r;
    bool knows_old; /* must */
    Str old, new;
} Change;

typedef struct Work {
    Change *change;
    char stored[PASSWORD_HASH_BYTES], fresh[PASSWORD_HASH_BYTES];
    bool right, hashed;
} Work;

static const PostgresStatement find = {
    "access_password_find", "SELECT role, coalesce(password, '') FROM access.users WHERE tenant_id "
                            "= $1::bigint AND user_id = $2::bigint AND deleted_at IS NULL"};
static const PostgresStatement store = {
    "access_password_store",
    "UPDATE access.users SET password = $3::text, password_at = now(), updated_at = now(),"
    " version = version + 1 WHERE tenant_id = $1::bigint AND user_id = $2::bigint"};
/* The session that asked goes on; all others end with the password. */
static const PostgresStatement keep_own = {
    "access_password_keep",
    "UPDATE access.sessions SET created_at = now()"
    " WHERE tenant_id = $1::bigint AND user_id = $2::bigint AND session_id = $3::bigint"};
static const PostgresStatement end_others = {
    "access_password_end", "DELETE FROM access.sessions WHERE tenant_id = $1::bigint"
                           " AND user_id = $2::bigint AND session_id <> $3::bigint RETURNING hash"};

static void on_stored(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    if (problem) {
        answer_not_found(r);
        return;
    }
    for (size_t i = 0; i < rows_count(results[2]); i++)
        secrets_forget(r->desk->access->credentials, (const uint8_t *)rows_str(results[2], i, 0).p);
    answer_no_content(r);
}

static void work(void *arg) {
    Work *w = arg;
    w->right = !w->change->knows_old || password_verify(w->stored, w->change->old);
    if (w->right) w->hashed = password_hash(w->change->new, w->fresh) == 0;
}

static void refuse_old(Request *r) {
    Invalid v;
    invalid_init(&v, r->arena);
    invalid_add(&v, "previous_password", "InvalidValue",
                "原密码不正确 The previous password is not right");
    answer_invalid(r, &v);
}

static void worked(void *arg, bool ran) {
    Work *w = arg;
    Request *r = w->change->r;
    if (ran && !w->right) {
        refuse_old(r);
    } else if (!ran || !w->hashed) {
        answer_unavailable(r, "The password could not be hashed; try again", -1);
    } else {
        PostgresQuery *queries = arena_alloc(r->arena, 4 * sizeof(*queries));
        Params *p = request_params(r);
        params_i64(p, r->subject.tenant_id);
        params_i64(p, r->ids[0]);
        params_text(p, str(w->fresh));
        queries[0] = (PostgresQuery){&store, p};
        p = request_params(r);
        params_i64(p, r->subject.tenant_id);
        params_i64(p, r->ids[0]);
        params_i64(p, r->session_id > 0 ? r->session_id : 0);
        queries[1] = (PostgresQuery){&keep_own, p};
        queries[2] = (PostgresQuery){&end_others, p};
        queries[3] =
            audit_query(r, "password_changed", audit_target(r, "user", r->ids[0]), (Str){NULL, 0});
        request_query_rows(r, 0, queries, 4, on_stored);
    }
    explicit_bzero(w, sizeof(*w));
    free(w);
}

static void on_found(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Change *c = r->context;
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    if (!within_reach(r, r->ids[0], rows_str(results[0], 0, 0))) {
        answer_forbidden(r, "此人的权限超出您的权限 That person may more than you may");
        return;
    }
    Work *w = xcalloc(1, sizeof(*w));
    Str stored = rows_str(results[0], 0, 1);
    if (stored.n < sizeof(w->stored)) memcpy(w->stored, stored.p, stored.n);
    w->change = c;
    if (workers_run(r->desk->access->workers, work, worked, w) == 0) return;
    free(w);
    answer_unavailable(r, "Too many passwords wait to be hashed; try again", -1);
}

static bool read_password(Request *r, const char *key, Str *ret) {
    Invalid v;
    invalid_init(&v, r->arena);
    if (json_get_string(r->body, key, ret) < 1)
        invalid_add(&v, key, "BlankValue", "缺少 %s is missing", key);
    else if (ret->n < PASSWORD_BYTES_MIN)
        invalid_add(&v, key, "TooShort", "密码至少 %d 个字符 A password has at least %d characters",
                    PASSWORD_BYTES_MIN, PASSWORD_BYTES_MIN);
    else if (ret->n > PASSWORD_BYTES_MAX)
        invalid_add(&v, key, "TooLong", "密码过长 A password has at most %d bytes",
                    PASSWORD_BYTES_MAX);
    if (v.n) answer_invalid(r, &v);
    return v.n == 0;
}

static void change(Request *r, bool knows_old) {
    Change *c = arena_zalloc(r->arena, sizeof(*c));
    *c = (Change){.r = r, .knows_old = knows_old};
    if (!read_password(r, "password", &c->new)) return;
    if (knows_old && (json_get_string(r->body, "previous_password", &c->old) < 1 ||
                      c->old.n > PASSWORD_BYTES_MAX)) {
        refuse_old(r);
        return;
    }
    LimitState limit; /* who has stolen a session does not try passwords with it */
    if (!limits_take(r->desk->access->attempts, -1 - r->subject.user_id, r->now_ms, &limit)) {
        answer_too_many(r, limit.reset_s);
        return;
    }
    r->context = c;
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    *query = (PostgresQuery){&find, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_found);
}

static void handle_change(Request *r) {
    if (r->ids[0] == r->subject.user_id && r->subject.user_id)
        change(r, true);
    else
        answer_not_found(r);
}

static void handle_set(Request *r) {
    change(r, false);
}

static const Route routes[] = {
    {"PUT", "/api/v2/users/{id}/password", RIGHTS, ROUTE_JSON | ROUTE_CUSTOMER, handle_change},
    {"POST", "/api/v2/users/{id}/password", RIGHT_USERS_MANAGE, ROUTE_JSON, handle_set},
};
const RouteTable password_routes = {"passwords", routes, sizeof(routes) / sizeof(*routes)};
