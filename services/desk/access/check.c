/* Tenant, attempt and account, the work in a thread, and what is left behind: in that order. */
#include "desk/access/check.h"

#include "access/limits.h"
#include "base/clock.h"
#include "desk/access/audit.h"
#include "desk/access/network.h"
#include "log/log.h"
#include "vault/password.h"
#include "vault/personal.h"

enum { DEVICE_BYTES = 16, SECRET_BYTES_MAX = 1024 };

static const PostgresStatement find_tenant = {
    "access_find_tenant",
    "SELECT coalesce((SELECT tenant_id FROM docket.tenants WHERE name = $1::text),"
    " CASE WHEN $1::text = '' THEN"
    "   coalesce((SELECT tenant_id FROM docket.tenants WHERE name = $2::text),"
    "            (SELECT min(tenant_id) FROM docket.tenants HAVING count(*) = 1)) END, 0)"};

/* Counted unless the origin must wait; whose attempt was let through stands in the row. */
static const PostgresStatement begin_attempt = {
    "access_begin_attempt",
    "INSERT INTO access.sign_in_failures AS f"
    " (tenant_id, account, origin, attempt, failures, last_at)"
    " VALUES ($1::bigint, $2::bytea, $3::text, $4::uuid, 1, now())"
    " ON CONFLICT (tenant_id, account, origin) DO UPDATE SET"
    "  attempt = CASE WHEN f.blocked_until > now() THEN f.attempt ELSE excluded.attempt END,"
    "  failures = CASE WHEN f.blocked_until > now() THEN f.failures"
    "    WHEN f.last_at < now() - interval '1 hour' THEN 1 ELSE f.failures + 1 END,"
    "  last_at = CASE WHEN f.blocked_until > now() THEN f.last_at ELSE now() END,"
    "  blocked_until = CASE WHEN f.blocked_until > now() THEN f.blocked_until"
    "    WHEN f.last_at >= now() - interval '1 hour' AND f.failures + 1 >= $5::integer"
    "    THEN now() + least(interval '30 seconds' * 2 ^ least(f.failures + 1 - $5::integer, 10),"
    "                       interval '15 minutes') END"
    " RETURNING attempt = $4::uuid,"
    "  coalesce(ceil(extract(epoch FROM blocked_until - now())), 0)::bigint"};

static const PostgresStatement find_account = {
    "access_find_account",
    "SELECT user_id, role, coalesce(password, ''), suspended OR deleted_at IS NOT NULL"
    " FROM access.users WHERE tenant_id = $1::bigint AND email_hash = $2::bytea"};

static const PostgresStatement clear_attempts = {
    "access_clear_attempts",
    "DELETE FROM access.sign_in_failures"
    " WHERE tenant_id = $1::bigint AND account = $2::bytea AND origin = $3::text"};

static const PostgresStatement refresh_hash = {
    "access_refresh_hash",
    "UPDATE access.users SET password = $3::text"
    " WHERE tenant_id = $1::bigint AND user_id = $2::bigint AND password = $4::text"};

typedef struct CheckInner {
    uint8_t account[VAULT_HASH_BYTES];
    Str origin;
    Cause attempt;
    bool barred; /* suspended or deleted */
} CheckInner;

/* What a thread has of it, apart from everything else. */
typedef struct Work {
    Check *check;
    char hash[PASSWORD_HASH_BYTES], fresh[PASSWORD_HASH_BYTES];
    bool right;
    size_t n;
    char password[];
} Work;

static Access *access_of(const Check *c) {
    return c->r->desk->access;
}

static void end(Check *c, CheckOutcome outcome) {
    c->r->subject = (Subject){0};
    c->r->context = NULL;
    c->done(c, outcome);
}

static void away(Request *r) {
    Check *c = r->context;
    end(c, CHECK_UNSURE);
}

/* ---- devices ---- */

static int device_seal(const Check *c, const uint8_t device[DEVICE_BYTES],
                       uint8_t ret[VAULT_HASH_BYTES]) {
    uint8_t bound[VAULT_HASH_BYTES + DEVICE_BYTES];
    memcpy(bound, c->inner->account, VAULT_HASH_BYTES);
    memcpy(bound + VAULT_HASH_BYTES, device, DEVICE_BYTES);
    char text[2 * sizeof(bound) + 1];
    text_hex(bound, sizeof(bound), text);
    return vault_hash(c->r->desk->vault, c->tenant_id, STR("device"), str(text), ret);
}

void check_device_cookie(Check *c, char ret[CHECK_DEVICE_BYTES]) {
    uint8_t device[DEVICE_BYTES], seal[VAULT_HASH_BYTES];
    random_bytes(device, sizeof(device));
    if (device_seal(c, device, seal) < 0) memset(seal, 0, sizeof(seal)); /* known by nobody */
    text_hex(device, sizeof(device), ret);
    text_hex(seal, 16, ret + 2 * DEVICE_BYTES);
}

/* "device:<hex>" when the cookie is of this account. */
static bool find_device(Check *c, Str *ret) {
    uint8_t shown[2 * DEVICE_BYTES], seal[VAULT_HASH_BYTES];
    Str cookie = access_cookie(c->r, "docket_device");
    if (cookie.n != 4 * DEVICE_BYTES || text_unhex(cookie, shown, sizeof(shown)) < 0) return false;
    if (device_seal(c, shown, seal) < 0) return false;
    uint8_t wrong = 0;
    for (size_t i = 0; i < DEVICE_BYTES; i++)
        wrong |= seal[i] ^ shown[DEVICE_BYTES + i];
    if (wrong) return false;
    *ret = str(arena_printf(c->r->arena, "device:%.*s", 2 * DEVICE_BYTES, cookie.p));
    return true;
}

/* ---- afterwards ---- */

static void on_settled(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Check *c = r->context;
    (void)results;
    if (problem) log_warn(NULL, "Signing in was not noted: %s", problem->text);
    end(c, c->user_id ? CHECK_RIGHT : CHECK_WRONG);
}

static void settle(Check *c, const Work *w) {
    Request *r = c->r;
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    size_t n = 0;
    int64_t account = c->user_id;
    if (!w->right || c->inner->barred) c->user_id = 0;
    if (c->user_id) {
        Params *p = request_params(r);
        params_i64(p, c->tenant_id);
        params_bytea(p, (Str){(const char *)c->inner->account, VAULT_HASH_BYTES});
        params_text(p, c->inner->origin);
        queries[n++] = (PostgresQuery){&clear_attempts, p};
        if (w->fresh[0]) {
            p = request_params(r);
            params_i64(p, c->tenant_id);
            params_i64(p, c->user_id);
            params_text(p, str(w->fresh));
            params_text(p, str(w->hash));
            queries[n++] = (PostgresQuery){&refresh_hash, p};
        }
    } else {
        queries[n++] =
            audit_query(r, "sign_in_failed",
                        account ? audit_target(r, "user", account) : STR("user:0"), (Str){NULL, 0});
    }
    request_try_rows(r, 0, queries, n, on_settled, away);
}

/* ---- the work ---- */

static void work(void *arg) {
    Work *w = arg;
    Str password = {w->password, w->n};
    w->right = password_verify(w->hash, password);
    if (w->right && password_is_dated(w->hash) && password_hash(password, w->fresh) < 0)
        w->fresh[0] = 0;
    explicit_bzero(w->password, w->n);
}

static void worked(void *arg, bool ran) {
    Work *w = arg;
    if (ran)
        settle(w->check, w);
    else
        end(w->check, CHECK_UNSURE);
    explicit_bzero(w->password, w->n);
    free(w);
}

static void on_attempt(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Check *c = r->context;
    if (problem || rows_count(results[0]) == 0) {
        end(c, CHECK_UNSURE);
        return;
    }
    if (!rows_bool(results[0], 0, 0)) {
        int64_t wait_s = rows_int(results[0], 0, 1);
        c->retry_after_s = wait_s < 1 ? 1 : (int)wait_s;
        end(c, CHECK_THROTTLED);
        return;
    }
    Work *w = xcalloc(1, sizeof(*w) + c->password.n + 1);
    w->check = c;
    w->n = c->password.n;
    memcpy(w->password, c->password.p, w->n);
    if (rows_count(results[1])) {
        Str hash = rows_str(results[1], 0, 2);
        c->user_id = rows_int(results[1], 0, 0);
        c->role = arena_str(r->arena, rows_str(results[1], 0, 1));
        c->inner->barred = rows_bool(results[1], 0, 3);
        if (hash.n < sizeof(w->hash)) memcpy(w->hash, hash.p, hash.n);
    }
    if (workers_run(access_of(c)->workers, work, worked, w) == 0) return;
    explicit_bzero(w->password, w->n);
    free(w);
    end(c, CHECK_UNSURE);
}

/* ---- whose account ---- */

static bool hash_account(Check *c) {
    CLEANUP(buf_done) Buf normal = {0};
    if (personal_normal_email(c->email, &normal) < 0) buf_add_str(&normal, c->email);
    return vault_hash(c->r->desk->vault, c->tenant_id, STR("email"), buf_str(&normal),
                      c->inner->account) == 0;
}

static void on_tenant(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Check *c = r->context;
    if (problem || rows_count(results[0]) == 0) {
        end(c, CHECK_UNSURE);
        return;
    }
    c->tenant_id = rows_int(results[0], 0, 0); /* 0: none of this name; counted all the same */
    if (!hash_account(c)) {
        end(c, CHECK_UNSURE);
        return;
    }
    r->subject = (Subject){.tenant_id = c->tenant_id};
    c->known_device = find_device(c, &c->inner->origin);
    if (!c->known_device)
        c->inner->origin = str(arena_printf(r->arena, "network:%.*s", STR_ARG(access_network(r))));
    c->inner->attempt = cause_new();

    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Str account = {(const char *)c->inner->account, VAULT_HASH_BYTES};
    Params *p = request_params(r);
    params_i64(p, c->tenant_id);
    params_bytea(p, account);
    params_text(p, c->inner->origin);
    params_uuid(p, c->inner->attempt);
    params_i32(p, CHECK_FREE_FAILURES);
    queries[0] = (PostgresQuery){&begin_attempt, p};
    p = request_params(r);
    params_i64(p, c->tenant_id);
    params_bytea(p, account);
    queries[1] = (PostgresQuery){&find_account, p};
    request_try_rows(r, 0, queries, 2, on_attempt, away);
}

/* "demo" of demo.docket.example, or nothing. */
static Str host_label(Request *r) {
    Str host = http_header(r->exchange, "Host"), rest, label = str_cut(host, '.', &rest);
    return rest.n ? label : STR("");
}

void check_password(Check *c) {
    Request *r = c->r;
    c->inner = arena_zalloc(r->arena, sizeof(*c->inner));
    r->context = c;
    Str network = access_network(r);
    uint8_t hash[DIGEST_SHA256_BYTES];
    int64_t who;
    LimitState limit;
    digest_sha256(network, hash);
    memcpy(&who, hash, sizeof(who));
    if (!limits_take(access_of(c)->attempts, who ? who : 1, r->now_ms, &limit)) {
        c->retry_after_s = limit.reset_s;
        end(c, CHECK_THROTTLED);
        return;
    }
    if (!c->email.n || c->email.n > SECRET_BYTES_MAX || c->password.n > PASSWORD_BYTES_MAX ||
        !str_is_text(c->email)) {
        end(c, CHECK_WRONG); /* nobody's, by its form alone */
        return;
    }
    if (!c->tenant.n) c->tenant = http_header(r->exchange, "X-Docket-Tenant");
    if (!str_is_text(c->tenant)) c->tenant = STR("");
    Params *p = request_params(r);
    params_text(p, c->tenant);
    params_text(p, host_label(r));
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&find_tenant, p};
    request_try_rows(r, POSTGRES_READ_ONLY, query, 1, on_tenant, away);
}
