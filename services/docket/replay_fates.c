/* Lives are read as the services read them (store/histories.h), judged at the end, and held
 * against the rows promise_breached. */
#include "docket/replay_fates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "docket/lookup.h"
#include "store/histories.h"

enum { PATIENCE_MS = 60000 };

typedef enum Fate { KEPT, BROKEN, OPEN, CANCELLED, UNPROMISED, FATES } Fate;

typedef struct Tally {
    const ReplayFates *f;
    int64_t by_metric[METRICS][FATES];
    int64_t wrong;
    PostgresSession *session;
} Tally;

static Fate fate_of(const Clock *c) {
    if (c->breached_ms != NEVER) return BROKEN;
    if (c->status == CLOCK_CANCELLED) return CANCELLED;
    if (c->target_ms == 0) return UNPROMISED;
    return c->status == CLOCK_FULFILLED ? KEPT : OPEN;
}

static void print_clock(const Tally *t, size_t ticket, const Clock *c, Fate fate) {
    static const char *const names[FATES] = {"kept", "broken", "open", "cancelled", "unpromised"};
    CLEANUP(buf_done) Buf line = {0};
    lookup_json_text(&line, "ticket", t->f->names[ticket]);
    lookup_json_number(&line, "id", t->f->tickets[ticket]);
    lookup_json_text(&line, "metric", str(metric_name(c->metric)));
    lookup_json_number(&line, "instance", c->instance);
    lookup_json_text(&line, "fate", str(names[fate]));
    lookup_json_number(&line, "elapsed_ms", clock_elapsed(c));
    lookup_json_number(&line, "target_ms", c->target_ms);
    if (c->breached_ms != NEVER) lookup_json_number(&line, "breached_ms", c->breached_ms);
    if (c->ended_ms != NEVER) lookup_json_number(&line, "ended_ms", c->ended_ms);
    (void)printf("{%s}\n", line.p);
}

static void wrong(Tally *t, size_t ticket, const char *what, const char *metric, int64_t instance) {
    t->wrong++;
    (void)fprintf(stderr, "docket replay: ticket %lld (%.*s): %s %s %lld\n",
                  (long long)t->f->tickets[ticket], STR_ARG(t->f->names[ticket]), what, metric,
                  (long long)instance);
}

/* Every broken promise has exactly one row, of that instant; no row breaks another. */
static int compare(Tally *t, size_t ticket, const Clock *clocks, size_t n, Buf *problem) {
    static const char sql[] =
        "SELECT payload->'promise'->>'metric', (payload->'promise'->>'instance')::bigint,"
        " (payload->'promise'->>'at_ms')::bigint FROM ticket.ledger"
        " WHERE tenant_id = $1::bigint AND ticket_id = $2::bigint AND kind = 'promise_breached'";
    CLEANUP(params_done) Params params = {0};
    const PostgresRows *rows;
    params_i64(&params, t->f->tenant_id);
    params_i64(&params, t->f->tickets[ticket]);
    int r = postgres_session_run(t->session, sql, &params, &rows, problem);
    if (r < 0) return r;
    for (size_t i = 0; i < rows_count(rows); i++) {
        bool borne_out = false;
        CLEANUP(buf_done) Buf metric = {0};
        buf_add_str(&metric, rows_str(rows, i, 0));
        buf_addc(&metric, 0);
        for (size_t k = 0; k < n; k++)
            borne_out |= str_eq(rows_str(rows, i, 0), str(metric_name(clocks[k].metric))) &&
                         rows_int(rows, i, 1) == clocks[k].instance &&
                         rows_int(rows, i, 2) == clocks[k].breached_ms;
        if (!borne_out) wrong(t, ticket, "its ledger breaks", metric.p, rows_int(rows, i, 1));
    }
    for (size_t k = 0; k < n; k++) {
        size_t found = 0;
        for (size_t i = 0; i < rows_count(rows); i++)
            found += str_eq(rows_str(rows, i, 0), str(metric_name(clocks[k].metric))) &&
                     rows_int(rows, i, 1) == clocks[k].instance;
        if (found != (clocks[k].breached_ms != NEVER))
            wrong(t, ticket, found ? "told more than once:" : "its ledger does not break",
                  metric_name(clocks[k].metric), clocks[k].instance);
    }
    return 0;
}

static void on_told(void *arg, HistoriesOutcome outcome, const char *problem) {
    void **told = arg;
    *(HistoriesOutcome *)told[1] = outcome;
    if (outcome != HISTORIES_DONE && problem) buf_adds(told[2], problem);
    loop_stop(told[0]);
}

static int page(Tally *t, Loop *loop, Histories *h, size_t first, size_t n, Buf *problem) {
    CLEANUP(mem_freep) History *asked = xcalloc(n, sizeof(*asked));
    HistoriesOutcome outcome = HISTORIES_AGAIN;
    void *told[] = {loop, &outcome, problem};
    size_t k = 0;
    int r = 0;
    for (size_t i = first; i < first + n; i++)
        if (t->f->tickets[i])
            asked[k++] = (History){.tenant_id = t->f->tenant_id,
                                   .ticket_id = t->f->tickets[i],
                                   .upto_ms = NEVER,
                                   .judge_ms = t->f->now_ms,
                                   .history = true};
    if (k == 0) return 0;
    histories_lives(h, asked, k, on_told, told);
    loop_run(loop);
    if (outcome != HISTORIES_DONE) r = -EIO;
    k = 0;
    for (size_t i = first; i < first + n; i++) {
        if (!t->f->tickets[i]) continue;
        History *told_life = &asked[k++];
        const Clock *clocks;
        if (r == 0 && told_life->fate != HISTORY_TOLD) {
            wrong(t, i, "its ledger cannot be told:", told_life->problem ? told_life->problem : "",
                  0);
        } else if (r == 0) {
            size_t clocks_n = ticket_life_clocks(told_life->life, &clocks);
            for (size_t c = 0; c < clocks_n; c++) {
                Fate fate = fate_of(&clocks[c]);
                t->by_metric[clocks[c].metric][fate]++;
                if (t->f->json) print_clock(t, i, &clocks[c], fate);
            }
            r = compare(t, i, clocks, clocks_n, problem);
        }
        (void)ticket_life_free(told_life->life);
    }
    return r;
}

static void print_table(const Tally *t) {
    CLEANUP(table_done) Table table = {0};
    static const char *const heads[] = {"承诺 promise", "兑现 kept",      "违约 broken",
                                        "进行 open",    "取消 cancelled", "无目标 none"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
        table_add(&table, str(heads[i]));
    for (int m = 0; m < METRICS; m++) {
        int64_t all = 0;
        for (int f = 0; f < FATES; f++)
            all += t->by_metric[m][f];
        if (!all) continue;
        table_add(&table, str(metric_name((ClockMetric)m)));
        for (int f = 0; f < FATES; f++)
            table_addf(&table, "%lld", (long long)t->by_metric[m][f]);
    }
    table_print(&table, FATES + 1);
}

int64_t replay_fates(const ReplayFates *f, Buf *ret_problem) {
    CLEANUP(postgres_session_freep) PostgresSession *session = NULL;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    PostgresPoolSettings settings = {
        .postgres = {.url = f->postgres, .application_name = "docket-replay"},
        .connections = 2,
        .patience_ms = PATIENCE_MS};
    Tally t = {.f = f};
    int r = postgres_session_open(f->postgres, "docket-replay", 0, &session, ret_problem);
    if (r < 0) return r;
    t.session = session;
    PostgresPool *pool = postgres_pool_new(loop, &settings, ret_problem);
    if (!pool) return -EINVAL;
    Histories *h = histories_new(loop, pool);
    for (size_t at = 0; r == 0 && at < f->n; at += HISTORIES_TICKETS_MAX) {
        size_t n = f->n - at < HISTORIES_TICKETS_MAX ? f->n - at : HISTORIES_TICKETS_MAX;
        r = page(&t, loop, h, at, n, ret_problem);
    }
    (void)histories_free(h);
    (void)postgres_pool_free(pool);
    loop_run_for(loop, 1); /* what libevent has seen goes at the end of a turn */
    if (r < 0) return r;
    if (!f->json) print_table(&t);
    return t.wrong;
}
