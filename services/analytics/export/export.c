/* Export -- hourly files of the figures, for ClickHouse, Spark and whatever else reads CSV.
 *
 *   every minute   cut: which tickets changed in each hour that is over, in parts (PostgreSQL)
 *   file by file   claim ─▶ page by page: sheets ─▶ CSV ─▶ zstd ─▶ place ─▶ done
 *
 * Any number of instances take turns: a file is claimed for ten minutes, and one whose writer died
 * is written again, under the same name. What is in it is read when it is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <zstd.h>

#include "analytics/export/columns.h"
#include "analytics/export/place.h"
#include "analytics/parts.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    PAGE_TICKETS = 2000,
    SETTLE_MS = 5000, /* after the hour: what was on its way has been committed */
    RETRY_S = 60,
    LEVEL = 6
};

static const PostgresStatement cut = {"analytics_cut_exports",
                                      "SELECT analytics.cut_exports($1::timestamptz, $2::integer)"};
static const PostgresStatement claim = {
    "analytics_claim_export", "SELECT c.tenant_id, c.hour, c.part, c.tickets, c.tries"
                              " FROM analytics.claim_export($1::text, interval '10 minutes') c"};
static const PostgresStatement fence = {"analytics_export_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
/* Places $4 to $5 of its tickets; and nobody else takes it for the next ten minutes. */
static const PostgresStatement page = {
    "analytics_export_page",
    "WITH mine AS (UPDATE analytics.exports SET next_at = now() + interval '10 minutes'"
    " WHERE tenant_id = $1::bigint AND hour = $2::timestamptz AND part = $3::integer"
    " AND owner = $6::text AND done_at IS NULL RETURNING ticket_ids)"
    " SELECT t.ticket_id, t.due_ms, t.sheet FROM mine, analytics.tickets t"
    " WHERE t.tenant_id = $1::bigint AND t.ticket_id = ANY "
    "(mine.ticket_ids[$4::integer:$5::integer])"
    " ORDER BY t.ticket_id"};
static const PostgresStatement finished = {
    "analytics_export_done",
    "UPDATE analytics.exports SET done_at = now(), ticket_ids = NULL, file = $4::text,"
    " rows = $5::bigint, bytes = $6::bigint WHERE tenant_id = $1::bigint AND"
    " hour = $2::timestamptz AND part = $3::integer AND done_at IS NULL"};
static const PostgresStatement put_back = {
    "analytics_export_put_back",
    "UPDATE analytics.exports SET next_at = now() + make_interval(secs => $4::integer)"
    " WHERE tenant_id = $1::bigint AND hour = $2::timestamptz AND part = $3::integer"
    " AND done_at IS NULL"};

typedef struct Exporter {
    Analytics *analytics;
    ExportPlace *place;
    bool working;    /* something is under way; `fail` ends it */
    bool described;  /* the schema lies beside the files */
    int64_t next_ms; /* monotonic: to look whether there is something to do */
    Params params, fenced;
    PostgresQuery queries[2];
    /* The file at hand. */
    int64_t tenant_id, hour_ms, rows, begun_ms;
    int32_t part, tickets, at;
    size_t size;
    ZSTD_CCtx *zstd;
    Buf csv, packed, name;
    struct {
        Metric *files, *rows, *bytes, *failed, *written_s;
    } metrics;
} Exporter;

static void go_on(Exporter *e);

/* ---- asking PostgreSQL ---- */

static void rest(Exporter *e, int64_t ms) {
    e->working = false;
    e->next_ms = clock_monotonic_ms() + ms;
}

static void ask(Exporter *e, const PostgresStatement *statement, PostgresDone done) {
    char tenant[32];
    size_t n = 0;
    if (e->tenant_id) {
        (void)snprintf(tenant, sizeof(tenant), "{%lld}", (long long)e->tenant_id);
        params_clear(&e->fenced);
        params_text(&e->fenced, str(tenant));
        e->queries[n++] = (PostgresQuery){&fence, &e->fenced};
    }
    e->queries[n++] = (PostgresQuery){statement, &e->params};
    if (postgres_pool_run(e->analytics->pool, 0, e->queries, n, done, e) < 0) rest(e, 1000);
}

/* NULL: it failed, and the turn is over. */
static const PostgresRows *taken(Exporter *e, PostgresOutcome outcome,
                                 const PostgresRows *const *results,
                                 const PostgresProblem *trouble) {
    if (outcome == POSTGRES_COMMITTED) return results[e->tenant_id ? 1 : 0];
    if (!e->analytics->draining)
        log_warn(NULL, "An hourly file waits, PostgreSQL: %s", trouble->text);
    metric_add(e->metrics.failed, 1);
    rest(e, 5000);
    return NULL;
}

static void of_file(Exporter *e) {
    params_clear(&e->params);
    params_i64(&e->params, e->tenant_id);
    params_time_ms(&e->params, e->hour_ms);
    params_i32(&e->params, e->part);
}

/* ---- one file ---- */

static void drop_file(Exporter *e) {
    buf_done(&e->csv);
    buf_done(&e->packed);
    e->tenant_id = 0;
}

static void on_put_back(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                        const PostgresProblem *trouble) {
    Exporter *e = arg;
    (void)taken(e, outcome, results, trouble);
    drop_file(e);
    rest(e, 1000);
}

static void fail(Exporter *e, const char *why) {
    log_warn(ABOUT(e->tenant_id, 0), "The file %s waits: %s", e->name.p ? e->name.p : "schema.json",
             why);
    metric_add(e->metrics.failed, 1);
    if (!e->tenant_id) {
        rest(e, (int64_t)RETRY_S * 1000);
        return;
    }
    of_file(e);
    params_i32(&e->params, RETRY_S);
    ask(e, &put_back, on_put_back);
}

static void on_finished(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                        const PostgresProblem *trouble) {
    Exporter *e = arg;
    if (!taken(e, outcome, results, trouble)) {
        drop_file(e); /* written again, under the same name */
        return;
    }
    metric_add(e->metrics.files, 1);
    metric_add(e->metrics.rows, (double)e->rows);
    metric_add(e->metrics.bytes, (double)e->size);
    metric_set(e->metrics.written_s, (double)clock_wall_ms() / 1000);
    log_info(ABOUT(e->tenant_id, 0), "%s: %lld tickets, %zu bytes, %lld ms", e->name.p,
             (long long)e->rows, e->size, (long long)(clock_monotonic_ms() - e->begun_ms));
    drop_file(e);
    go_on(e);
}

static void on_placed(void *arg, const char *why) {
    Exporter *e = arg;
    if (why) {
        fail(e, why);
        return;
    }
    of_file(e);
    params_text(&e->params, buf_str(&e->name));
    params_i64(&e->params, e->rows);
    params_i64(&e->params, (int64_t)e->size);
    ask(e, &finished, on_finished);
}

static bool pack(Exporter *e, ZSTD_EndDirective how) {
    ZSTD_inBuffer in = {e->csv.p, e->csv.n, 0};
    for (;;) {
        buf_reserve(&e->packed, ZSTD_CStreamOutSize() + 1);
        ZSTD_outBuffer out = {e->packed.p + e->packed.n, ZSTD_CStreamOutSize(), 0};
        size_t left = ZSTD_compressStream2(e->zstd, &out, &in, how);
        if (ZSTD_isError(left)) return false;
        e->packed.n += out.pos;
        if (how == ZSTD_e_continue ? in.pos == in.size : left == 0) break;
    }
    buf_clear(&e->csv);
    return true;
}

static void read_page(Exporter *e);

static void on_page(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *trouble) {
    Exporter *e = arg;
    const PostgresRows *r = taken(e, outcome, results, trouble);
    if (!r) {
        drop_file(e);
        return;
    }
    for (size_t i = 0; i < rows_count(r); i++) {
        CLEANUP(fact_sheet_freep) FactSheet *sheet = NULL;
        if (fact_sheet_unpack(rows_str(r, i, 2), &sheet) < 0) {
            log_error(ABOUT(e->tenant_id, rows_int(r, i, 0)), "Its figures cannot be read");
            continue; /* docket verify names it */
        }
        ExportRow row = {e->tenant_id, rows_int(r, i, 0), sheet,
                         rows_null(r, i, 1) ? SHEET_NEVER : rows_int(r, i, 1)};
        export_write_row(&row, &e->csv);
        e->rows++;
    }
    e->at += PAGE_TICKETS;
    bool last = e->at >= e->tickets;
    if (!pack(e, last ? ZSTD_e_end : ZSTD_e_continue)) {
        fail(e, "zstd has no memory");
    } else if (!last) {
        read_page(e);
    } else {
        e->size = e->packed.n;
        export_place_put(e->place, e->name.p, "application/zstd", &e->packed, on_placed, e);
    }
}

static void read_page(Exporter *e) {
    of_file(e);
    params_i32(&e->params, e->at + 1);
    params_i32(&e->params, e->at + PAGE_TICKETS);
    params_text(&e->params, str(e->analytics->instance));
    ask(e, &page, on_page);
}

/* "tickets/v1/tenant=7/date=2026-11-22/hour=05/part-00000.csv.zst" */
static void name_file(Exporter *e) {
    char hour[25];
    clock_format_ms(e->hour_ms, hour);
    buf_clear(&e->name);
    buf_printf(&e->name, "tickets/v%d/tenant=%lld/date=%.10s/hour=%.2s/part-%05d.csv.zst",
               EXPORT_VERSION, (long long)e->tenant_id, hour, hour + 11, (int)e->part);
}

static void on_claim(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *trouble) {
    Exporter *e = arg;
    const PostgresRows *r = taken(e, outcome, results, trouble);
    if (!r) return;
    if (!rows_count(r)) {
        rest(e, e->analytics->settings->export_look_ms);
        return;
    }
    e->tenant_id = rows_int(r, 0, 0);
    e->hour_ms = rows_time_ms(r, 0, 1);
    e->part = (int32_t)rows_int(r, 0, 2);
    e->tickets = (int32_t)rows_int(r, 0, 3);
    e->at = 0;
    e->rows = 0;
    e->begun_ms = clock_monotonic_ms();
    name_file(e);
    buf_clear(&e->csv);
    buf_clear(&e->packed);
    ZSTD_CCtx_reset(e->zstd, ZSTD_reset_session_only);
    export_write_head(&e->csv);
    read_page(e);
}

/* ---- what is to be done ---- */

static void go_on(Exporter *e) {
    if (e->analytics->draining) {
        rest(e, 1000);
        return;
    }
    params_clear(&e->params);
    params_text(&e->params, str(e->analytics->instance));
    ask(e, &claim, on_claim);
}

static void on_cut(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                   const PostgresProblem *trouble) {
    Exporter *e = arg;
    if (taken(e, outcome, results, trouble)) go_on(e);
}

static void cut_hours(Exporter *e) {
    params_clear(&e->params);
    params_time_ms(&e->params, clock_wall_ms() - SETTLE_MS);
    params_i32(&e->params, (int32_t)e->analytics->settings->export_part_tickets);
    ask(e, &cut, on_cut);
}

static void on_described(void *arg, const char *why) {
    Exporter *e = arg;
    if (why) {
        fail(e, why);
        return;
    }
    e->described = true;
    cut_hours(e);
}

static void tick(Analytics *a) {
    Exporter *e = a->exporter;
    if (!e || e->working || clock_monotonic_ms() < e->next_ms) return;
    e->working = true;
    if (e->described) {
        cut_hours(e);
        return;
    }
    char name[64];
    CLEANUP(buf_done) Buf schema = {0};
    (void)snprintf(name, sizeof(name), "tickets/v%d/schema.json", EXPORT_VERSION);
    export_write_schema(&schema);
    export_place_put(e->place, name, "application/schema+json", &schema, on_described, e);
}

/* ---- life ---- */

static void measure(Exporter *e) {
    e->metrics.files =
        metric_counter("docket_analytics_export_files_total", "Hourly files written.", NULL);
    e->metrics.rows = metric_counter("docket_analytics_export_rows_total", "Lines in them.", NULL);
    e->metrics.bytes =
        metric_counter("docket_analytics_export_bytes_total", "Bytes of them, packed.", NULL);
    e->metrics.failed = metric_counter("docket_analytics_export_failed_total",
                                       "Times a file could not be written and waits.", NULL);
    e->metrics.written_s = metric_gauge("docket_analytics_export_written_seconds",
                                        "Unix time at which the last one was written.", NULL);
}

static int start(Analytics *a, Buf *ret_problem) {
    const AnalyticsSettings *s = a->settings;
    if (!s->export_to[0]) return 0;
    Exporter *e = a->exporter = xcalloc(1, sizeof(*e));
    e->analytics = a;
    measure(e);
    ExportPlaceSettings place = {.to = s->export_to,
                                 .endpoint = s->export_s3_endpoint,
                                 .region = s->export_s3_region,
                                 .key = s->export_s3_key,
                                 .secret = s->export_s3_secret,
                                 .allow_networks = s->export_allow_networks,
                                 .timeout_ms = s->export_timeout_ms};
    e->place = export_place_new(a->loop, &place, ret_problem);
    e->zstd = ZSTD_createCCtx();
    if (!e->place) return -EINVAL;
    if (!e->zstd) return -ENOMEM;
    (void)ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_checksumFlag, 1);
    return 0;
}

/* A file at hand is finished: its writer would be waited for, for ten minutes. */
static bool drained(Analytics *a) {
    return !a->exporter || !a->exporter->working;
}

static void stop(Analytics *a) {
    Exporter *e = a->exporter;
    if (!e) return;
    e->place = export_place_free(e->place);
    if (e->zstd) (void)ZSTD_freeCCtx(e->zstd);
    drop_file(e);
    buf_done(&e->name);
    params_done(&e->params);
    params_done(&e->fenced);
    a->exporter = NULL;
    loop_free_later(a->loop, e, free);
}

const AnalyticsPart export_part = {
    .name = "export", .start = start, .tick = tick, .drained = drained, .stop = stop};
