/* GET /api/v1/findings: what the radar found, the newest first. */
#include "analytics/api/routes.h"
#include "base/clock.h"

enum { SHOWN = 25, SHOWN_MAX = 100 };

static const PostgresStatement list = {
    "findings_list",
    "SELECT finding_id, category, (extract(epoch FROM began_at) * 1000)::bigint,"
    "  (extract(epoch FROM found_at) * 1000)::bigint, (extract(epoch FROM over_at) * 1000)::bigint,"
    "  problem_id, observed, expected, said FROM analytics.findings WHERE tenant_id = $1::bigint"
    "  AND ($2::bigint = 0 OR finding_id < $2::bigint) AND ($3::text = '' OR category = $3::text)"
    " ORDER BY finding_id DESC LIMIT $4::bigint"};

static void add_time(Buf *b, const char *name, const PostgresRows *rows, size_t i, size_t column) {
    char text[21];
    buf_printf(b, ",\"%s\":", name);
    if (rows_null(rows, i, column)) {
        buf_adds(b, "null");
        return;
    }
    clock_format_s(rows_int(rows, i, column), text);
    buf_printf(b, "\"%s\"", text);
}

static void on_rows(Ask *a, const PostgresRows *rows) {
    CLEANUP(buf_done) Buf body = {0};
    size_t limit = *(const size_t *)a->context, n = rows_count(rows);
    bool more = n > limit;
    if (more) n = limit;
    buf_adds(&body, "{\"findings\":[");
    for (size_t i = 0; i < n; i++) {
        buf_printf(&body, "%s{\"id\":%lld,\"category\":", i ? "," : "",
                   (long long)rows_int(rows, i, 0));
        buf_add_json(&body, rows_str(rows, i, 1));
        add_time(&body, "began_at", rows, i, 2);
        add_time(&body, "found_at", rows, i, 3);
        add_time(&body, "over_at", rows, i, 4);
        buf_printf(&body, ",\"problem_id\":%lld,\"observed\":%lld,\"expected\":%.3f,\"said\":",
                   (long long)rows_int(rows, i, 5), (long long)rows_int(rows, i, 6),
                   rows_double(rows, i, 7));
        buf_add_str(&body, rows_str(rows, i, 8));
        buf_addc(&body, '}');
    }
    buf_adds(&body, "],\"before\":");
    if (more)
        buf_add_i64(&body, rows_int(rows, n - 1, 0));
    else
        buf_adds(&body, "null");
    buf_addc(&body, '}');
    ask_json(a, buf_str(&body));
}

static bool read_number(Ask *a, const char *name, int64_t fallback, int64_t most, int64_t *ret) {
    Str text = ask_value(a, name);
    *ret = fallback;
    if (!text.p || (str_to_i64(text, ret) == 0 && *ret >= 1 && *ret <= most)) return true;
    ask_refuse(a, 400, name, "is no number that can be used here", "send one from 1");
    return false;
}

static void get_findings(Ask *a) {
    int64_t limit, before;
    for (size_t i = 0; i < a->pairs_n; i++) {
        Str name = a->pairs[i].name;
        if (str_is(name, "limit") || str_is(name, "before") || str_is(name, "category")) continue;
        ask_refuse(a, 400, arena_strndup(a->arena, name.p, name.n), "is not known here",
                   "use limit, before and category");
        return;
    }
    if (!read_number(a, "limit", SHOWN, SHOWN_MAX, &limit) ||
        !read_number(a, "before", 0, INT64_MAX, &before))
        return;
    size_t *context = arena_alloc(a->arena, sizeof(*context));
    *context = (size_t)limit;
    a->context = context;
    Params *p = ask_params(a);
    params_i64(p, a->subject.tenant_id);
    params_i64(p, before);
    params_text(p, ask_value(a, "category"));
    params_i64(p, limit + 1);
    ask_rows(a, &list, p, on_rows);
}

/* They tell of every category, with words out of tickets: for whoever may see all figures. */
static const ApiRoute routes[] = {
    {"/api/v1/findings", RIGHT_REPORTS_READ, get_findings},
};
const ApiTable finding_routes = {"findings", routes, sizeof(routes) / sizeof(*routes)};
