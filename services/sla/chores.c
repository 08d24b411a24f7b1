/* What nobody waits for, a page at a time: lives that are to follow new documents, open tickets
 * that nobody knows here, and what is over for long. */
#include <stdlib.h>

#include "base/clock.h"
#include "following/partition.h"
#include "sla/sla_internal.h"
#include "sla/statements.h"
#include "store/promised_since.h"

enum {
    REVISE_PAGE = 500,
    FIND_PAGE = 2000,
    FIND_PAUSE_MS = 10,
    FIND_FIRST_MS = 1000, /* by then it is known whether there are events to follow */
    FIND_LAST_MS = 30000,
    SWEEP_MS = 60000,
    SWEEP_ROWS = 10000,
    NO_TOPIC_MS = 10000 /* nothing is known of it: asked again so much later */
};

static void put_off(Sla *s, int64_t ms) {
    s->chore_not_before_ms = clock_monotonic_ms() + ms;
}

static bool run(Sla *s, unsigned flags, const PostgresStatement *statement, PostgresDone done) {
    if (connection_run(s->postgres, flags, &(PostgresQuery){statement, &s->params[0]}, 1, done, s) <
        0)
        return false;
    s->work = WORK_CHORE;
    return true;
}

static bool failed(Sla *s, PostgresOutcome outcome, const PostgresProblem *problem) {
    if (outcome == POSTGRES_COMMITTED) {
        s->retry_ms = 0;
        return false;
    }
    sla_try_later(s, problem->state[0] ? problem->text : NULL);
    sla_turn_over(s);
    return true;
}

/* ---- Since when do a tenant's documents hold? ---- */

static void on_since(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Sla *s = arg;
    if (failed(s, outcome, problem)) return;
    promised_since_answer(s->tenants, results[1]);
    sla_turn_over(s);
}

bool since_begin(Sla *s) {
    if (!s->since_due) return false;
    int64_t tenants[PROMISED_SINCE_MAX];
    size_t n = promised_since_params(s->tenants, &s->params[1], tenants);
    if (n == 0) {
        s->since_due = false;
        return false;
    }
    params_clear(&s->params[0]);
    params_array(&s->params[0], PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(&s->params[0], tenants[i]);
    if (connection_run(s->postgres, POSTGRES_READ_ONLY,
                       (PostgresQuery[]){{&sla_tenants_statement, &s->params[0]},
                                         {&promised_since_statement, &s->params[1]}},
                       2, on_since, s) < 0)
        return false;
    s->work = WORK_CHORE;
    return true;
}

/* ---- New documents ---- */

static void on_batch(void *arg) {
    sla_turn_over(arg);
}

static bool revise_begin(Sla *s) {
    TicketClock page[REVISE_PAGE];
    JudgedTenant *all;
    size_t tenants_n = tenants_all(s->tenants, &all), n = 0;
    for (size_t i = 0; i < tenants_n; i++) {
        JudgedTenant *t = &all[i];
        if (!tenant_revises(t)) continue;
        n = clocks_page(s->clocks, t->tenant_id, &t->cursor, page, REVISE_PAGE);
        if (t->cursor == UINT32_MAX) tenant_revised(t);
        if (n) break;
    }
    if (n == 0) return false;
    batch_clear(s->batch);
    for (size_t i = 0; i < n; i++)
        (void)batch_story(s->batch, page[i].tenant_id, page[i].ticket_id, page[i].partition);
    metric_add(s->revised, (double)n);
    put_off(s, s->settings->revise_pause_ms);
    s->work = WORK_CHORE;
    batch_run(s->batch, BATCH_REVISED, on_batch, s);
    return true;
}

void chores_documents(Sla *s, int64_t tenant_id, const Catalog *catalog) {
    if (!tenants_put(s->tenants, tenant_id, catalog)) return;
    log_info(ABOUT(tenant_id, 0), "promises of revision %lld",
             (long long)catalog_revision(catalog));
    s->since_new = s->since_due = true;
}

/* ---- Open tickets that nobody knows ---- */

static void on_found(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Sla *s = arg;
    if (failed(s, outcome, problem)) return;
    const PostgresRows *page = results[0];
    size_t n = rows_count(page);
    batch_clear(s->batch);
    for (size_t row = 0; row < n; row++) {
        s->find_tenant = rows_int(page, row, 0);
        s->find_ticket = rows_int(page, row, 1);
        int32_t partition =
            partition_of_ticket(s->find_ticket, follower_topic_partitions(s->follower));
        TicketClock known;
        if (!rows_bool(page, row, 2) && shares_owns(s->shares, partition) &&
            !clocks_get(s->clocks, s->find_tenant, s->find_ticket, &known))
            (void)batch_story(s->batch, s->find_tenant, s->find_ticket, partition);
    }
    s->found_n += (int64_t)batch_size(s->batch);
    if (n < FIND_PAGE) {
        s->find_due = s->find_anew;
        if (s->found_n) {
            log_warn(NULL, "%lld open tickets had no life here: told from the ledger",
                     (long long)s->found_n);
            metric_add(s->found, (double)s->found_n);
        }
        s->find_tenant = s->find_ticket = s->found_n = 0;
    }
    put_off(s, FIND_PAUSE_MS);
    if (batch_size(s->batch) && shares_state(s->shares) == SHARES_READY)
        batch_run(s->batch, BATCH_FOUND, on_batch, s);
    else
        sla_turn_over(s);
}

/* Most of what nobody knows has its events waiting: they are followed first, which costs a tenth of
 * asking the ledger; but not for ever, as others have no events any more. */
static bool find_waits(const Sla *s) {
    int64_t since = clock_monotonic_ms() - s->find_since_ms;
    return since < FIND_FIRST_MS || (since < FIND_LAST_MS && follower_lag(s->follower) > 0);
}

static bool find_begin(Sla *s) {
    if (find_waits(s)) return false;
    if (s->find_anew) s->find_tenant = s->find_ticket = 0;
    s->find_anew = false;
    if (follower_topic_partitions(s->follower) < 0) {
        put_off(s, NO_TOPIC_MS);
        return false;
    }
    params_clear(&s->params[0]);
    params_i64(&s->params[0], s->find_tenant);
    params_i64(&s->params[0], s->find_ticket);
    params_i32(&s->params[0], FIND_PAGE);
    return run(s, POSTGRES_READ_ONLY, &sla_open_statement, on_found);
}

/* ---- What is over for long ---- */

static void on_swept(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Sla *s = arg;
    (void)results;
    if (failed(s, outcome, problem)) return;
    sla_turn_over(s);
}

static bool sweep_begin(Sla *s) {
    params_clear(&s->params[0]);
    params_i32(&s->params[0], SWEEP_ROWS);
    if (!run(s, 0, &sla_sweep_statement, on_swept)) return false;
    s->sweep_due = false;
    return true;
}

/* ---- Whose turn ---- */

bool chores_begin(Sla *s) {
    if (s->draining) return false;
    if (since_begin(s)) return true;
    if (clock_monotonic_ms() < s->chore_not_before_ms) return false;
    if (revise_begin(s)) return true;
    if (s->find_due && find_begin(s)) return true;
    return s->sweep_due && sweep_begin(s);
}

void chores_find(Sla *s) {
    if (!s->find_due) s->find_since_ms = clock_monotonic_ms();
    s->find_due = s->find_anew = true; /* also what it has come past was somebody else's then */
}

void chores_tick(Sla *s) {
    int64_t now = clock_monotonic_ms();
    CLEANUP(buf_done) Buf problem = {0};
    if (follower_tick(s->follower, s->work == WORK_NONE, kafka_producer_healthy(s->producer, NULL),
                      &problem) < 0)
        runtime_fail(s->runtime, "%s", problem.p);
    if (now - s->sweep_ms >= SWEEP_MS) {
        s->sweep_ms = now;
        s->sweep_due = true;
    }
}
