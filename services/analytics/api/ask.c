/* Every answer passes end(): it is counted, and what the arena does not free is freed. */
#include "analytics/api/ask_internal.h"

#include "analytics/api/routes.h"

#include "base/clock.h"
#include "log/log.h"

Str ask_value(const Ask *a, const char *name) {
    for (size_t i = 0; i < a->pairs_n; i++)
        if (str_is(a->pairs[i].name, name)) return a->pairs[i].value;
    return (Str){NULL, 0};
}

bool subject_is_narrowed(const Subject *who) {
    return !rights_has(who, RIGHT_REPORTS_READ) && !rights_reach_all(&who->reach);
}

const Subject *ask_narrowed(const Ask *a) {
    return subject_is_narrowed(&a->subject) ? &a->subject : NULL;
}

static void release(Ask *a, int status) {
    ApiFamily *f = a->inner->family;
    metric_add(f->answers[status / 100 - 2], 1);
    metric_observe(f->latency, (double)(clock_monotonic_us() - http_started_us(a->exchange)) / 1e6);
    for (AskHeld *h = a->inner->held; h; h = h->next)
        params_done(&h->params);
    a->inner->held = NULL;
    a->catalog = catalog_unref(a->catalog);
    http_answer_header(a->exchange, "Cache-Control", "private, no-store");
}

static void end(Ask *a, int status, const char *type, Str body) {
    release(a, status);
    http_answer(a->exchange, status, type, body);
}

void ask_json(Ask *a, Str body) {
    end(a, 200, "application/json; charset=utf-8", body);
}

void ask_bytes(Ask *a, int status, const char *type, Str body) {
    end(a, status, type, body);
}

void ask_open(Ask *a, const char *type, HttpMore more, void *arg) {
    HttpExchange *x = a->exchange;
    release(a, 200);
    http_answer_open(x, 200, type, more, arg);
}

/* ---- refusals ---- */

static const char *title_of(int status) {
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    default:
        return "Service Unavailable";
    }
}

static void member(Buf *b, const char *name, const char *value) {
    buf_addc(b, ',');
    buf_add_json(b, str(name));
    buf_addc(b, ':');
    buf_add_json(b, str(value));
}

static void problem(Ask *a, int status, const char *field, const char *reason, const char *remedy) {
    CLEANUP(buf_done) Buf body = {0};
    CLEANUP(buf_done) Buf detail = {0};
    if (field) buf_printf(&detail, "%s ", field);
    buf_adds(&detail, reason);
    if (remedy) buf_printf(&detail, "; %s", remedy);
    buf_printf(&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", title_of(status),
               status);
    if (field) member(&body, "field", field);
    member(&body, "reason", reason);
    if (remedy) member(&body, "remedy", remedy);
    member(&body, "detail", detail.p);
    buf_addc(&body, '}');
    end(a, status, "application/problem+json", buf_str(&body));
}

static void retry_after(Ask *a, int seconds) {
    char text[12];
    (void)snprintf(text, sizeof(text), "%d", seconds);
    http_answer_header(a->exchange, "Retry-After", text);
}

void ask_refuse(Ask *a, int status, const char *field, const char *reason, const char *remedy) {
    problem(a, status, field, reason, remedy);
}

void ask_forbidden(Ask *a, const char *reason) {
    problem(a, 403, NULL, reason, NULL);
}

void ask_not_found(Ask *a) {
    problem(a, 404, "path", "leads nowhere", "see GET /api/v1/reports");
}

void ask_unavailable(Ask *a, const char *reason) {
    uint8_t dice; /* those who were refused together do not return together */
    random_bytes(&dice, 1);
    retry_after(a, 1 + dice % 3);
    problem(a, 503, NULL, reason, NULL);
}

void ask_unauthenticated(Ask *a) {
    http_answer_header(a->exchange, "WWW-Authenticate", "Bearer, Basic realm=\"docket\"");
    problem(a, 401, "Authorization", "is missing, or not that of anybody",
            "send Authorization: Bearer TOKEN");
}

void ask_too_many(Ask *a, int retry_after_s) {
    retry_after(a, retry_after_s < 1 ? 1 : retry_after_s);
    problem(a, 429, NULL, "Too many requests in this minute", NULL);
}

/* ---- PostgreSQL ---- */

static const PostgresStatement fence = {"analytics_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};

typedef struct Run {
    Ask *ask;
    AskRows done;
    PostgresQuery queries[2];
} Run;

Params *ask_params(Ask *a) {
    AskHeld *h = arena_zalloc(a->arena, sizeof(*h));
    h->next = a->inner->held;
    a->inner->held = h;
    return &h->params;
}

static void on_rows(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *trouble) {
    Run *run = arg;
    if (outcome == POSTGRES_COMMITTED) {
        run->done(run->ask, results[1]);
        return;
    }
    log_warn(ABOUT(run->ask->subject.tenant_id, 0), "GET %s: PostgreSQL: %s", run->ask->route->path,
             trouble->text);
    ask_unavailable(run->ask, "The database is away; ask again");
}

void ask_rows(Ask *a, const PostgresStatement *statement, const Params *params, AskRows done) {
    Run *run = arena_alloc(a->arena, sizeof(*run));
    Params *fenced = ask_params(a);
    const char *tenants = arena_printf(a->arena, "{%lld}", (long long)a->subject.tenant_id);
    params_text(fenced, str(tenants));
    *run = (Run){a, done, {{&fence, fenced}, {statement, params}}};
    if (postgres_pool_run(a->analytics->pool, POSTGRES_READ_ONLY, run->queries, 2, on_rows, run) <
        0)
        ask_unavailable(a, "Too many requests wait for the database; ask again");
}
