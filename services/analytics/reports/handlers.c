/* From a request to its answer: read it, ask the tenant's table question by question, write it. */
#include "analytics/reports/handlers.h"

#include <errno.h>

#include "analytics/api/api.h"
#include "analytics/api/routes.h"
#include "analytics/keeping/keeping.h"
#include "analytics/reports/listing.h"
#include "analytics/reports/plan.h"
#include "analytics/reports/tables_internal.h"
#include "analytics/table/asking.h"
#include "analytics/table/tables.h"
#include "log/log.h"

enum { RUNNING_MAX = 64, COMMENTS_MAX = 100, PIECE_BYTES = 32 << 10 };

struct ReportRun {
    struct ReportRun *next, **link; /* among those that run */
    Ask *ask;
    ReportRequest request;
    ReportPlan plan;
    ReportAnswer answer;
    Asking *asking;
    const FactTicket *commented;
    size_t commented_n;
};

static void leave(ReportRun *run) {
    if (!run->link) return;
    *run->link = run->next;
    if (run->next) run->next->link = run->link;
    run->link = NULL;
    run->ask->analytics->api->running_n--;
}

void report_runs_stop(struct Api *api) {
    while (api->running) {
        ReportRun *run = api->running;
        run->asking = asking_free(run->asking);
        leave(run);
        ask_unavailable(run->ask, "The service is stopping; ask again");
    }
}

/* ---- writing ---- */

typedef struct Written { /* a CSV on its way */
    ReportTable table;
    const Zone *zone;
    size_t row;
    bool bom, headed;
} Written;

static void give_rows(HttpExchange *x, bool gone, void *arg) {
    Written *w = arg;
    if (gone) return; /* all of it is the exchange's */
    CLEANUP(buf_done) Buf piece = {0};
    if (!w->headed) report_csv_head(&w->table, w->bom, &piece);
    w->headed = true;
    while (w->row < w->table.rows_n && piece.n < PIECE_BYTES)
        report_csv_row(&w->table, w->zone, w->row++, &piece);
    if (piece.n)
        http_answer_piece(x, buf_str(&piece));
    else
        http_answer_end(x);
}

static void write_csv(ReportRun *run) {
    Ask *a = run->ask;
    const ReportTable *t = report_table(&run->answer, run->request.section);
    if (!t) {
        ask_refuse(a, 400, "section", "is not there in this report",
                   "leave it out, or see which sections the JSON has");
        return;
    }
    Written *w = arena_alloc(a->arena, sizeof(*w));
    *w = (Written){.table = *t, .zone = run->request.context.zone, .bom = run->request.bom};
    http_answer_header(
        a->exchange, "Content-Disposition",
        arena_printf(a->arena, "attachment; filename=\"%s.csv\"", run->request.report->name));
    ask_open(a, "text/csv; charset=utf-8", give_rows, w);
}

static void write(ReportRun *run) {
    run->answer.tenant_id = run->ask->subject.tenant_id;
    if (run->ask->analytics->keeper)
        run->answer.filled = keeper_filled(run->ask->analytics->keeper);
    run->answer.complete = run->answer.filled >= 1;
    if (run->request.format == REPORT_CSV) {
        write_csv(run);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    report_write_json(&run->answer, &body);
    ask_json(run->ask, buf_str(&body));
}

/* ---- comments ---- */

static const PostgresStatement read_notes = {
    "report_notes",
    "SELECT DISTINCT ON (ticket_id) ticket_id, coalesce(payload->>'note', '')"
    " FROM ticket.ledger WHERE tenant_id = $1::bigint AND ticket_id = ANY($2::bigint[])"
    " AND (payload->'reason'->>'why') = 'rated' ORDER BY ticket_id, seq DESC"};

static const ReportColumn comment_columns[] = {
    {"time", "评价时间", "Rated at", UNIT_INSTANT, true},
    {"ticket_id", "工单", "Ticket", UNIT_ID, true},
    {"satisfaction", "评价", "Rating", UNIT_TEXT, false},
    {"comment", "评语", "Comment", UNIT_TEXT, false},
};
enum { COMMENT_COLUMNS = sizeof(comment_columns) / sizeof(*comment_columns) };

static void on_notes(Ask *a, const PostgresRows *rows) {
    ReportRun *run = a->context;
    Analytics *service = a->analytics;
    const FactTable *table = fact_tables_find(service->tables, a->subject.tenant_id);
    size_t n = table ? run->commented_n : 0;
    ReportCell *cells = arena_zalloc(a->arena, (n * COMMENT_COLUMNS + 1) * sizeof(*cells));
    for (size_t i = 0; i < n; i++) {
        const FactTicket *t = &run->commented[i];
        ReportCell *c = cells + i * COMMENT_COLUMNS;
        uint32_t code = t->codes[FACT_SATISFACTION];
        c[0] = cell_number((double)t->at_ms[FACT_AT_RATED]);
        c[1] = cell_number((double)t->ticket_id);
        if (code < fact_codes(table, FACT_SATISFACTION))
            c[2] = cell_text(
                arena_str(a->arena, fact_code_value(table, FACT_SATISFACTION, code).text));
        for (size_t j = 0; j < rows_count(rows); j++)
            if (rows_int(rows, j, 0) == t->ticket_id)
                c[3] = cell_text(arena_str(a->arena, rows_str(rows, j, 1)));
    }
    ReportTable *to = report_add_table(&run->answer, "comments", "评语", "Comments");
    to->columns = comment_columns;
    to->columns_n = COMMENT_COLUMNS;
    to->cells = cells;
    to->rows_n = n;
    write(run);
}

static void add_comments(ReportRun *run) {
    Ask *a = run->ask;
    FactTable *table = fact_tables_of(a->analytics->tables, a->subject.tenant_id);
    size_t limit = run->request.question.limit;
    CLEANUP(buf_done) Buf problem = {0};
    /* Single tickets are shown to those alone who reach them, whatever figures they may see. */
    FactQuestion q = report_comments_question(&run->request, &a->subject);
    if (fact_latest(table, &q, limit < COMMENTS_MAX ? limit : COMMENTS_MAX, a->arena,
                    &run->commented, &run->commented_n, &problem) < 0) {
        ask_refuse(a, 422, "question", arena_strndup(a->arena, problem.p, problem.n),
                   "ask for less");
        return;
    }
    Params *p = ask_params(a);
    params_i64(p, a->subject.tenant_id);
    params_array(p, PARAM_INT8, run->commented_n);
    for (size_t i = 0; i < run->commented_n; i++)
        params_element_i64(p, run->commented[i].ticket_id);
    a->context = run;
    ask_rows(a, &read_notes, p, on_notes);
}

/* ---- asking ---- */

static void ask_next(ReportRun *run);

static void on_answer(void *arg, int result, const FactAnswer *answer) {
    ReportRun *run = arg;
    run->asking = NULL;
    if (result < 0) {
        leave(run);
        ask_unavailable(run->ask, "The figures are being filled anew; ask again");
        return;
    }
    report_plan_heard(&run->plan, answer);
    ask_next(run);
}

static void ask_next(ReportRun *run) {
    Ask *a = run->ask;
    const FactQuestion *q = report_plan_next(&run->plan);
    if (q) {
        FactTable *table = fact_tables_of(a->analytics->tables, a->subject.tenant_id);
        CLEANUP(buf_done) Buf problem = {0};
        if (asking_new(a->analytics->loop, table, q, a->arena, on_answer, run, &run->asking,
                       &problem) == 0)
            return;
        leave(run);
        ask_refuse(a, 422, "question",
                   arena_strndup(a->arena, problem.p ? problem.p : "asks for too much",
                                 problem.p ? problem.n : 17),
                   "ask for fewer parts of time, a smaller limit or fewer percentiles");
        return;
    }
    leave(run);
    report_plan_finish(&run->plan, &run->answer);
    if (run->request.report->extra & EXTRA_COMMENTS)
        add_comments(run);
    else
        write(run);
}

/* ---- reading ---- */

static const Zone *find_zone(Ask *a, Str *ret_name) {
    ZoneShelf *shelf = a->analytics->api->zones;
    Str named = ask_value(a, "time_zone");
    *ret_name = named;
    if (!named.p && a->catalog) *ret_name = catalog_time_zone(a->catalog);
    if (!ret_name->p) *ret_name = str(a->analytics->settings->time_zone);
    const Zone *zone = zone_shelf_find(shelf, *ret_name);
    if (zone) return zone;
    const char *nearest = zone_shelf_nearest(shelf, *ret_name);
    ask_refuse(a, 400, "time_zone",
               arena_printf(a->arena, "names an unknown zone `%.*s`",
                            ret_name->n > 80 ? 80 : (int)ret_name->n, ret_name->p),
               nearest ? arena_printf(a->arena, "did you mean `%s`?", nearest)
                       : "names are like Asia/Shanghai");
    return NULL;
}

static void refuse_report(Ask *a) {
    const char *names[64];
    size_t n = 0;
    for (const Report *r = reports; r->name && n < 64; r++)
        names[n++] = r->name;
    const char *nearest = report_nearest(a->name, names, n);
    ask_refuse(a, 404, "name",
               arena_printf(a->arena, "names an unknown report `%.*s`",
                            a->name.n > 80 ? 80 : (int)a->name.n, a->name.p),
               nearest ? arena_printf(a->arena, "did you mean `%s`?", nearest)
                       : "GET /api/v1/reports lists them");
}

static void handle_report(Ask *a) {
    Api *api = a->analytics->api;
    const Report *report = report_find(a->name);
    if (!report) {
        refuse_report(a);
        return;
    }
    Str zone_name;
    const Zone *zone = find_zone(a, &zone_name);
    if (!zone) return;
    if (!a->analytics->tables || api->running_n == RUNNING_MAX) {
        ask_unavailable(a, "Too many reports are being made; ask again");
        return;
    }
    ReportContext context = {.catalog = a->catalog,
                             .zone = zone,
                             .zone_name = arena_str(a->arena, zone_name),
                             .now_ms = a->now_ms,
                             .agent_rate = a->catalog ? catalog_agent_rate(a->catalog) : 0};
    ReportPair *pairs = arena_alloc(a->arena, (a->pairs_n + 1) * sizeof(*pairs));
    for (size_t i = 0; i < a->pairs_n; i++)
        pairs[i] = (ReportPair){a->pairs[i].name, a->pairs[i].value};
    ReportRun *run = arena_zalloc(a->arena, sizeof(*run));
    ReportProblem problem;
    run->ask = a;
    if (report_request_read(report, pairs, a->pairs_n, &context, a->arena, &run->request,
                            &problem) < 0) {
        ask_refuse(a, problem.status, problem.field, problem.reason, problem.remedy);
        return;
    }
    run->next = api->running;
    if (run->next) run->next->link = &run->next;
    run->link = &api->running;
    api->running = run;
    api->running_n++;
    report_plan_begin(&run->plan, &run->request, ask_narrowed(a), a->arena);
    ask_next(run);
}

static void handle_list(Ask *a) {
    CLEANUP(buf_done) Buf body = {0};
    report_write_list(&body);
    ask_json(a, buf_str(&body));
}

static const ApiRoute routes[] = {
    {"/api/v1/reports", RIGHT_TICKETS_READ, handle_list},
    {"/api/v1/reports/{name}", RIGHT_TICKETS_READ, handle_report},
};
const ApiTable report_routes = {"reports", routes, sizeof(routes) / sizeof(*routes)};
