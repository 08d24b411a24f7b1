/* What a handler asks of its request, and the way to PostgreSQL. */
#include "desk/api/request_internal.h"

#include <assert.h>

#include "desk/api/answer.h"
#include "desk/desk.h"
#include "http/url.h"
#include "log/log.h"

enum { PAIRS_MAX = 64 };

/* ---- query string ---- */

static bool decode(Request *r, Str text, Str *ret) {
    CLEANUP(buf_done) Buf clear = {0};
    bool plain = true;
    for (size_t i = 0; plain && i < text.n; i++)
        plain = text.p[i] != '%' && text.p[i] != '+';
    if (plain) {
        *ret = text.p ? text : STR("");
    } else {
        if (url_decode(text, true, &clear) < 0) return false;
        *ret = arena_str(r->arena, buf_str(&clear));
        if (!ret->p) *ret = STR("");
    }
    return str_is_text(*ret);
}

bool request_read_query(Request *r) {
    Str query = http_query(r->exchange), rest = query, name, value;
    size_t n = 0;
    if (!query.n) return true;
    while (url_next_pair(&rest, &name, &value))
        n++;
    if (n > PAIRS_MAX) return false;
    r->inner->pairs = arena_alloc(r->arena, n * sizeof(QueryPair) + 1);
    for (rest = query; url_next_pair(&rest, &name, &value); r->inner->pairs_n++) {
        QueryPair *pair = &r->inner->pairs[r->inner->pairs_n];
        if (!decode(r, name, &pair->name) || !decode(r, value, &pair->value)) return false;
    }
    return true;
}

Str request_query(Request *r, const char *name) {
    for (size_t i = 0; i < r->inner->pairs_n; i++)
        if (str_is(r->inner->pairs[i].name, name)) return r->inner->pairs[i].value;
    return (Str){NULL, 0};
}

bool request_query_int(Request *r, const char *name, int64_t low, int64_t high, int64_t *ret) {
    Str text = request_query(r, name);
    int64_t value;
    if (!text.p) return true;
    if (str_to_i64(text, &value) < 0 || value < low || value > high) {
        answer_bad_request(
            r, name, "is not an integer within its bounds",
            arena_printf(r->arena, "send one from %lld to %lld", (long long)low, (long long)high));
        return false;
    }
    *ret = value;
    return true;
}

static int compare_ids(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

bool request_query_ids(Request *r, const char *name, size_t max, int64_t **ret, size_t *ret_n) {
    Str rest = request_query(r, name);
    if (!rest.n) {
        answer_bad_request(r, name, "is missing", "send ids, separated by commas");
        return false;
    }
    int64_t *ids = arena_alloc(r->arena, max * sizeof(*ids));
    size_t n = 0;
    while (rest.p) {
        Str word = str_trim(str_cut(rest, ',', &rest));
        int64_t id;
        if (str_to_i64(word, &id) < 0 || id <= 0 || id > TICKET_ID_MAX) {
            answer_bad_request(r, name, "holds something that is no id",
                               "send positive integers, separated by commas");
            return false;
        }
        if (n == max) {
            answer_bad_request(r, name, "holds too many ids",
                               arena_printf(r->arena, "send at most %zu", max));
            return false;
        }
        ids[n++] = id;
    }
    int64_t *sorted = arena_alloc(r->arena, n * sizeof(*sorted));
    memcpy(sorted, ids, n * sizeof(*ids));
    qsort(sorted, n, sizeof(*sorted), compare_ids);
    bool doubled = false;
    for (size_t i = 1; i < n; i++)
        doubled = doubled || sorted[i] == sorted[i - 1];
    if (doubled) { /* each once, in the order of its first mention */
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            bool seen = false;
            for (size_t j = 0; j < kept && !seen; j++)
                seen = ids[j] == ids[i];
            if (!seen) ids[kept++] = ids[i];
        }
        n = kept;
    }
    *ret = ids;
    *ret_n = n;
    return true;
}

bool request_includes(Request *r, const char *name) {
    Str rest = request_query(r, "include");
    while (rest.p)
        if (str_is(str_trim(str_cut(rest, ',', &rest)), name)) return true;
    return false;
}

/* ---- base of URLs ---- */

static bool is_host(Str host) {
    if (!host.n || host.n > 255) return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
        if (!ok) return false;
    }
    return true;
}

Str request_base(Request *r) {
    if (r->inner->base.p) return r->inner->base;
    Str told = str(r->desk->config->public_url);
    if (told.n) {
        while (told.n && told.p[told.n - 1] == '/')
            told.n--;
        return r->inner->base = told;
    }
    Str host = http_header(r->exchange, "X-Forwarded-Host");
    if (!is_host(host)) host = http_header(r->exchange, "Host");
    if (!is_host(host)) host = STR("localhost");
    bool tls = str_is(http_header(r->exchange, "X-Forwarded-Proto"), "https");
    char *base = arena_alloc(r->arena, host.n + 9);
    size_t n = tls ? 8 : 7;
    memcpy(base, tls ? "https://" : "http://", n);
    memcpy(base + n, host.p, host.n);
    return r->inner->base = (Str){base, n + host.n};
}

/* ---- PostgreSQL ---- */

static const PostgresStatement fence = {"desk_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};

typedef struct Run {
    Request *request;
    RequestRows done;
    void (*away)(Request *r); /* NULL: 503 */
    PostgresQuery queries[];
} Run;

Params *request_params(Request *r) {
    HeldParams *held = arena_zalloc(r->arena, sizeof(*held));
    held->next = r->inner->params;
    r->inner->params = held;
    return &held->params;
}

/* Buffers come from a small stock, so that a page's memory is not asked for and given back with
 * every page. */
enum { STOCK = 32, STOCK_BYTES = 256 * 1024 };
static Buf *stock[STOCK];
static size_t stock_n;

Buf *request_buf(Request *r) {
    assert(r->inner->bufs_n < REQUEST_BUFS);
    Buf *b = stock_n ? stock[--stock_n] : xcalloc(1, sizeof(*b));
    return r->inner->bufs[r->inner->bufs_n++] = b;
}

static void buf_return(Buf *b) {
    if (stock_n == STOCK || b->room > STOCK_BYTES) {
        buf_done(b);
        free(b);
        return;
    }
    buf_clear(b);
    stock[stock_n++] = b;
}

void request_end(Request *r, int status, const char *type, Str body) {
    Buf *bufs[REQUEST_BUFS];
    size_t n = r->inner->bufs_n;
    memcpy(bufs, r->inner->bufs, sizeof(bufs));
    for (HeldParams *p = r->inner->params; p; p = p->next)
        params_done(&p->params);
    (void)catalog_unref(r->catalog);
    if (r->inside)
        r->inner->heard(r->inner->heard_arg, status, body);
    else
        http_answer(r->exchange, status, type, body); /* and the arena is gone */
    for (size_t i = 0; i < n; i++)
        buf_return(bufs[i]);
}

void request_release(Request *r) {
    for (HeldParams *p = r->inner->params; p; p = p->next)
        params_done(&p->params);
    r->inner->params = NULL;
    r->catalog = catalog_unref(r->catalog);
    while (r->inner->bufs_n)
        buf_return(r->inner->bufs[--r->inner->bufs_n]);
}

static void on_rows(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Run *run = arg;
    Request *r = run->request;
    if (outcome == POSTGRES_COMMITTED) {
        run->done(r, results + 1, NULL);
        return;
    }
    if (outcome == POSTGRES_REFUSED) {
        PostgresProblem theirs = *problem;
        if (theirs.statement != SIZE_MAX && theirs.statement) theirs.statement--;
        run->done(r, NULL, &theirs);
        return;
    }
    log_warn(ABOUT(r->subject.tenant_id, 0), "%s %s: PostgreSQL: %s", r->route->method,
             r->route->path, problem->text);
    if (run->away)
        run->away(r);
    else
        answer_unavailable(r, "The database is away; ask again", -1);
}

void request_try_rows(Request *r, unsigned flags, const PostgresQuery *queries, size_t n,
                      RequestRows done, void (*away)(Request *r)) {
    Run *run = arena_alloc(r->arena, sizeof(*run) + (n + 1) * sizeof(PostgresQuery));
    char tenants[24];
    int length =
        snprintf(tenants, sizeof(tenants), "{%lld}", (long long)r->subject.tenant_id); /* fits */
    Params *p = request_params(r);
    params_text(p, (Str){tenants, (size_t)length});
    run->request = r;
    run->done = done;
    run->away = away;
    run->queries[0] = (PostgresQuery){&fence, p};
    memcpy(run->queries + 1, queries, n * sizeof(*queries));
    if (postgres_pool_run(r->desk->pool, flags, run->queries, n + 1, on_rows, run) == 0) return;
    if (away)
        away(r);
    else
        answer_unavailable(r, "Too many requests wait for the database; ask again", -1);
}

void request_query_rows(Request *r, unsigned flags, const PostgresQuery *queries, size_t n,
                        RequestRows done) {
    request_try_rows(r, flags, queries, n, done, NULL);
}
