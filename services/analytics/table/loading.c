/* One question to PostgreSQL at a time: where the changes stand, then pages until there are no
 * more, then the changes of each second. */
#include "analytics/table/loading.h"

#include "analytics/table/tables.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    PAGE = 10000, /* tickets */
    AT_ONCE = 8,  /* rows of changes of each partition: each is a batch, of one tenant */
    AT_ONCE_MOST = 1 << 16,
    LATE_MS = 10000 /* changes not asked for so long: not ready */
};

typedef enum LoadingStage { LOADING_BEGIN, LOADING_PAGES, LOADING_CHANGES } LoadingStage;

struct FactLoading {
    Analytics *analytics;
    FactTables *tables;
    LoadingStage stage;
    bool asking, stopped, ready;          /* ready: all pages were read once */
    int64_t known[SHARES_MAX_PARTITIONS]; /* change; -1: of no partition */
    int64_t tenant_id, ticket_id;         /* of the last page */
    size_t read, broken;
    int64_t begun_ms, looked_ms;
    int32_t at_once; /* more where one change has more rows */
    Params params;
    PostgresQuery queries[3]; /* of what is being asked */
    Metric *tickets, *bytes, *pages;
};

static const PostgresStatement stand = {
    "loading_stand", "SELECT partition, change FROM analytics.partitions ORDER BY partition"};
static const PostgresStatement page = {
    "loading_page", "SELECT tenant_id, ticket_id, due_ms, sheet"
                    " FROM analytics.load_tickets($1::bigint, $2::bigint, $3::integer)"
                    " ORDER BY tenant_id, ticket_id"};
static const PostgresStatement changes = {
    "loading_changes", "SELECT partition, change, tenant_id, ticket_ids IS NULL"
                       " FROM analytics.newer_changes($1::integer[], $2::bigint[], $3::integer)"
                       " ORDER BY partition, change"};
static const PostgresStatement changed = {
    "loading_changed",
    "SELECT l.tenant_id, l.ticket_id, l.due_ms, l.sheet"
    " FROM (SELECT DISTINCT c.tenant_id, u.ticket_id"
    "       FROM analytics.newer_changes($1::integer[], $2::bigint[], $3::integer) c,"
    "            unnest(c.ticket_ids) u (ticket_id)) w"
    " CROSS JOIN LATERAL analytics.load_tickets(w.tenant_id, w.ticket_id - 1, 1) l"
    " WHERE l.tenant_id = w.tenant_id AND l.ticket_id = w.ticket_id"};

static void go_on(FactLoading *l);

/* ---- Rows ---- */

static void put(FactLoading *l, const PostgresRows *rows, size_t row) {
    CLEANUP(fact_sheet_freep) FactSheet *sheet = NULL;
    int64_t tenant_id = rows_int(rows, row, 0), ticket_id = rows_int(rows, row, 1);
    if (fact_sheet_unpack(rows_str(rows, row, 3), &sheet) < 0) {
        if (!l->broken++)
            log_error(ABOUT(tenant_id, ticket_id),
                      "its figures cannot be read: docket analytics rebuild tells them anew");
        return;
    }
    (void)fact_table_put(fact_tables_of(l->tables, tenant_id), ticket_id, sheet,
                         rows_null(rows, row, 2) ? FACT_NEVER : rows_int(rows, row, 2));
}

static bool failed(FactLoading *l, PostgresOutcome outcome, const PostgresProblem *problem) {
    l->asking = false;
    if (l->stopped) return true;
    if (outcome == POSTGRES_COMMITTED) return false;
    if (problem->state[0]) log_warn(NULL, "figures are not loaded: %s", problem->text);
    return true; /* the next second tries again */
}

/* ---- Everything ---- */

static void on_page(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    FactLoading *l = arg;
    if (failed(l, outcome, problem)) return;
    size_t n = rows_count(results[0]);
    for (size_t row = 0; row < n; row++)
        put(l, results[0], row);
    l->read += n;
    if (n) {
        l->tenant_id = rows_int(results[0], n - 1, 0);
        l->ticket_id = rows_int(results[0], n - 1, 1);
    }
    metric_add(l->pages, 1);
    if (n < PAGE) {
        l->stage = LOADING_CHANGES;
        log_info(NULL, "%zu tickets loaded in %lld ms", l->read,
                 (long long)(clock_monotonic_ms() - l->begun_ms));
    }
    go_on(l);
}

/* The changes as they stand before the pages: what comes meanwhile is asked for after them. */
static void on_stand(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    FactLoading *l = arg;
    if (failed(l, outcome, problem)) return;
    memset(l->known, 0xff, sizeof(l->known));
    for (size_t row = 0; row < rows_count(results[0]); row++) {
        int64_t partition = rows_int(results[0], row, 0);
        if (partition < SHARES_MAX_PARTITIONS) l->known[partition] = rows_int(results[0], row, 1);
    }
    l->stage = LOADING_PAGES;
    l->tenant_id = l->ticket_id = 0;
    l->read = 0;
    l->begun_ms = clock_monotonic_ms();
    go_on(l);
}

/* ---- Changes ---- */

typedef struct Newer { /* what was said of one partition */
    int64_t first, last;
    size_t rows;
} Newer;

/* Those of partitions that are new start at 0, the first change of each is 1. */
static void meet(FactLoading *l, const PostgresRows *partitions) {
    for (size_t row = 0; row < rows_count(partitions); row++) {
        int64_t p = rows_int(partitions, row, 0);
        if (p < SHARES_MAX_PARTITIONS && l->known[p] < 0) l->known[p] = 0;
    }
}

/* Through which change all rows were seen: of the last one there may be more than were asked for.
 */
static int64_t through(const FactLoading *l, const Newer *newer, bool *ret_more, bool *ret_stuck) {
    if (newer->rows < (size_t)l->at_once) return newer->last;
    *ret_more = true;
    *ret_stuck |= newer->first == newer->last;
    return newer->last - 1;
}

static bool take_changes(FactLoading *l, const PostgresRows *partitions, const PostgresRows *rows,
                         bool *ret_more) {
    Newer newer[SHARES_MAX_PARTITIONS] = {{0}};
    for (size_t row = 0; row < rows_count(rows); row++) {
        int64_t p = rows_int(rows, row, 0), change = rows_int(rows, row, 1);
        if (p >= SHARES_MAX_PARTITIONS) continue;
        if (!newer[p].rows++) newer[p].first = change;
        newer[p].last = change;
        if (rows_bool(rows, row, 3))
            fact_table_empty(fact_tables_of(l->tables, rows_int(rows, row, 2)));
    }
    for (size_t row = 0; row < rows_count(partitions); row++) {
        int64_t p = rows_int(partitions, row, 0), stands = rows_int(partitions, row, 1);
        if (p >= SHARES_MAX_PARTITIONS || stands <= l->known[p]) continue;
        if (!newer[p].rows || newer[p].first > l->known[p] + 1) return false; /* a gap */
    }
    bool stuck = false;
    for (int p = 0; p < SHARES_MAX_PARTITIONS; p++) {
        int64_t to = newer[p].rows ? through(l, &newer[p], ret_more, &stuck) : 0;
        if (to > l->known[p]) l->known[p] = to;
    }
    l->at_once = !stuck ? AT_ONCE : l->at_once < AT_ONCE_MOST ? l->at_once * 2 : AT_ONCE_MOST;
    return true;
}

static void on_changes(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    FactLoading *l = arg;
    bool more = false;
    if (failed(l, outcome, problem)) return;
    meet(l, results[0]);
    if (!take_changes(l, results[0], results[1], &more)) {
        log_warn(NULL, "changes of figures are no longer kept that were not seen: all is loaded");
        l->stage = LOADING_BEGIN;
        go_on(l);
        return;
    }
    for (size_t row = 0; row < rows_count(results[2]); row++)
        put(l, results[2], row);
    if (more) {
        go_on(l);
        return;
    }
    if (!l->ready) log_info(NULL, "tables hold %zu tickets", fact_tables_count(l->tables));
    l->ready = true;
    l->looked_ms = clock_monotonic_ms();
}

/* ---- Asking ---- */

static void page_params(FactLoading *l) {
    params_clear(&l->params);
    params_i64(&l->params, l->tenant_id);
    params_i64(&l->params, l->ticket_id);
    params_i32(&l->params, PAGE);
}

static void changes_params(FactLoading *l) {
    size_t n = 0;
    for (int p = 0; p < SHARES_MAX_PARTITIONS; p++)
        n += l->known[p] >= 0;
    params_clear(&l->params);
    params_array(&l->params, PARAM_INT4, n);
    for (int p = 0; p < SHARES_MAX_PARTITIONS; p++)
        if (l->known[p] >= 0) params_element_i32(&l->params, p);
    params_array(&l->params, PARAM_INT8, n);
    for (int p = 0; p < SHARES_MAX_PARTITIONS; p++)
        if (l->known[p] >= 0) params_element_i64(&l->params, l->known[p]);
    params_i32(&l->params, l->at_once);
}

static void go_on(FactLoading *l) {
    PostgresDone done = NULL;
    size_t n = 1;
    if (l->asking || l->analytics->draining) return;
    switch (l->stage) {
    case LOADING_BEGIN:
        l->queries[0] = (PostgresQuery){&stand, NULL};
        done = on_stand;
        break;
    case LOADING_PAGES:
        page_params(l);
        l->queries[0] = (PostgresQuery){&page, &l->params};
        done = on_page;
        break;
    case LOADING_CHANGES:
        changes_params(l);
        l->queries[0] = (PostgresQuery){&stand, NULL};
        l->queries[1] = (PostgresQuery){&changes, &l->params};
        l->queries[2] = (PostgresQuery){&changed, &l->params};
        done = on_changes;
        n = 3;
        break;
    }
    l->asking =
        postgres_pool_run(l->analytics->pool, POSTGRES_READ_ONLY, l->queries, n, done, l) == 0;
}

/* ---- For others ---- */

bool loading_ready(const FactLoading *l) {
    return l->ready && clock_monotonic_ms() - l->looked_ms < LATE_MS;
}

size_t loading_tickets(const FactLoading *l) {
    return fact_tables_count(l->tables);
}

void loading_kept(FactLoading *l, const KeptPartition *partitions, size_t partitions_n,
                  const Story *const *stories, size_t n) {
    if (!l) return;
    for (size_t i = 0; i < n; i++) {
        const Story *s = stories[i];
        int64_t due = ticket_life_promised_ms(s->record.life);
        (void)fact_table_put(fact_tables_of(l->tables, s->tenant_id), s->ticket_id, s->record.sheet,
                             due == NEVER ? FACT_NEVER : due);
    }
    for (size_t i = 0; i < partitions_n; i++) {
        int64_t *known = &l->known[partitions[i].partition];
        if (*known >= 0 && *known + 1 == partitions[i].change) (*known)++;
    }
}

/* ---- The part ---- */

static bool is_ready(void *arg, Buf *ret_reason) {
    const Analytics *a = arg;
    if (loading_ready(a->loading)) return true;
    if (a->loading->ready)
        buf_adds(ret_reason, "what others keep has not been seen for some seconds");
    else
        buf_printf(ret_reason, "loading, %zu tickets so far", loading_tickets(a->loading));
    return false;
}

static void on_scrape(void *arg) {
    FactLoading *l = arg;
    metric_set(l->tickets, (double)fact_tables_count(l->tables));
    metric_set(l->bytes, (double)fact_tables_bytes(l->tables));
}

static int table_start(Analytics *a, Buf *ret_problem) {
    FactLoading *l = xcalloc(1, sizeof(*l));
    (void)ret_problem;
    l->analytics = a;
    l->tables = fact_tables_new();
    l->at_once = AT_ONCE;
    memset(l->known, 0xff, sizeof(l->known));
    l->tickets =
        metric_gauge("docket_analytics_table_tickets", "Tickets whose figures are in memory", NULL);
    l->bytes = metric_gauge("docket_analytics_table_bytes", "Memory of the figures", NULL);
    l->pages = metric_counter("docket_analytics_table_pages_total", "Pages loaded", NULL);
    a->loading = l;
    a->tables = l->tables;
    metrics_on_scrape(on_scrape, l);
    runtime_ready_check(a->runtime, "tables", is_ready, a);
    go_on(l);
    return 0;
}

static void table_tick(Analytics *a) {
    go_on(a->loading);
}

static bool table_drained(Analytics *a) {
    return !a->loading || !a->loading->asking;
}

static void free_memory(void *p) {
    FactLoading *l = p;
    params_done(&l->params);
    free(l);
}

static void table_stop(Analytics *a) {
    FactLoading *l = a->loading;
    if (!l) return;
    metrics_off_scrape(on_scrape, l);
    l->stopped = true;
    a->loading = NULL;
    a->tables = NULL;
    l->tables = fact_tables_free(l->tables);
    loop_free_later(a->loop, l, free_memory);
}

const AnalyticsPart table_part = {
    .name = "table",
    .start = table_start,
    .tick = table_tick,
    .drained = table_drained,
    .stop = table_stop,
};
