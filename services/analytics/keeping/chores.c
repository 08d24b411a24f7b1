/* What nobody waits for, a page at a time: since when documents hold, what was told while they
 * came, tickets that lack figures, and changes past their age. */
#include <stdlib.h>

#include "analytics/keeping/keeping_internal.h"
#include "base/clock.h"
#include "following/partition.h"
#include "log/log.h"
#include "store/promised_since.h"

enum {
    LOOK_PAGE = 2000,
    LOOK_PAUSE_MS = 5,
    LOOK_AGAIN_MS = 60 * 60 * 1000, /* events that nobody could read, and what else went wrong */
    SWEEP_MS = 60 * 1000,
    SWEEP_ROWS = 20000,
    RECHECK_MS = 10 * 60 * 1000, /* older changes are swept */
    RECHECK_PAGE = 2000          /* as the statement has it */
};

static void put_off(Keeper *k, int64_t ms) {
    k->chore_not_before_ms = clock_monotonic_ms() + ms;
}

static bool run(Keeper *k, unsigned flags, const PostgresQuery *queries, size_t n,
                PostgresDone done) {
    if (connection_run(k->postgres, flags, queries, n, done, k) < 0) return false;
    k->work = KEEP_CHORE;
    return true;
}

static bool failed(Keeper *k, PostgresOutcome outcome, const PostgresProblem *problem) {
    if (k->stopped) return true;
    if (outcome == POSTGRES_COMMITTED) {
        k->retry_ms = 0;
        return false;
    }
    keeping_try_later(k, problem->state[0] ? problem->text : NULL);
    keeping_turn_over(k);
    return true;
}

static void on_batch(void *arg) {
    keeping_turn_over(arg);
}

/* ---- Since when do a tenant's documents hold? ---- */

static void on_since(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Keeper *k = arg;
    if (failed(k, outcome, problem)) return;
    promised_since_answer(k->tenants, results[1]);
    keeping_turn_over(k);
}

static bool since_begin(Keeper *k) {
    int64_t tenants[PROMISED_SINCE_MAX];
    params_clear(&k->params[1]);
    size_t n = promised_since_params(k->tenants, &k->params[1], tenants);
    if (n == 0) {
        k->since_due = false;
        return false;
    }
    params_clear(&k->params[0]);
    params_array(&k->params[0], PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(&k->params[0], tenants[i]);
    return run(k, POSTGRES_READ_ONLY,
               (PostgresQuery[]){{&keeping_tenants_statement, &k->params[0]},
                                 {&promised_since_statement, &k->params[1]}},
               2, on_since);
}

/* ---- Told while the documents came ---- */

/* A row may have been kept between the instant from which new documents hold and the one at which
 * they could be seen: it was told by the old ones. */
static void on_recheck(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Keeper *k = arg;
    if (failed(k, outcome, problem)) return;
    const PostgresRows *rows = results[1];
    int64_t tenant = rows_int(results[2], 0, 0);
    JudgedTenant *t = tenants_find(k->tenants, tenant);
    keep_batch_clear(k->batch);
    for (size_t row = 0; row < rows_count(rows); row++) {
        int32_t partition = (int32_t)rows_int(rows, row, 1);
        if (shares_owns(follower_shares(k->follower), partition))
            (void)keep_batch_story(k->batch, tenant, rows_int(rows, row, 0), partition);
    }
    if (t && rows_count(rows) < RECHECK_PAGE) tenant_revised(t);
    metric_add(k->rechecked, (double)keep_batch_size(k->batch));
    if (!keep_batch_size(k->batch)) {
        keeping_turn_over(k);
        return;
    }
    k->work = KEEP_BATCH;
    keep_batch_run(k->batch, KEEP_REVISED, on_batch, k);
}

static bool recheck_begin(Keeper *k) {
    static const PostgresStatement which = {"keeping_which", "SELECT $1::bigint"};
    JudgedTenant *all, *t = NULL;
    Share ours[SHARES_MAX_PARTITIONS];
    size_t n = tenants_all(k->tenants, &all);
    for (size_t i = 0; i < n && !t; i++) {
        if (!tenant_revises(&all[i])) continue;
        if (all[i].since_ms < clock_wall_ms() - RECHECK_MS)
            tenant_revised(&all[i]);
        else
            t = &all[i];
    }
    if (!t) return false;
    size_t ours_n = shares_list(follower_shares(k->follower), false, ours);
    params_clear(&k->params[0]);
    params_array(&k->params[0], PARAM_INT8, 1);
    params_element_i64(&k->params[0], t->tenant_id);
    params_clear(&k->params[1]);
    params_i64(&k->params[1], t->tenant_id);
    params_time_ms(&k->params[1], t->since_ms);
    params_i64(&k->params[1], t->since_revision);
    params_array(&k->params[1], PARAM_INT4, ours_n);
    for (size_t i = 0; i < ours_n; i++)
        params_element_i32(&k->params[1], ours[i].partition);
    CLEANUP(params_done) Params tenant = {0};
    params_i64(&tenant, t->tenant_id);
    return run(k, POSTGRES_READ_ONLY,
               (PostgresQuery[]){{&keeping_tenants_statement, &k->params[0]},
                                 {&keeping_recheck_statement, &k->params[1]},
                                 {&which, &tenant}},
               3, on_recheck);
}

/* ---- Whose are the partitions, and how full? ---- */

static void on_partitions(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                          const PostgresProblem *problem) {
    Keeper *k = arg;
    if (failed(k, outcome, problem)) return;
    const PostgresRows *rows = results[0];
    Shares *shares = follower_shares(k->follower);
    int64_t filled = 0;
    for (size_t row = 0; row < rows_count(rows); row++) {
        int32_t partition = (int32_t)rows_int(rows, row, 0);
        filled += rows_int(rows, row, 3);
        if (shares_owns(shares, partition) && rows_int(rows, row, 3) < 1000) k->look.wanted = true;
    }
    k->filled = rows_count(rows) ? (double)filled / 1000 / (double)rows_count(rows) : 1;
    keeping_turn_over(k);
}

static bool partitions_begin(Keeper *k) {
    if (!run(k, POSTGRES_READ_ONLY, &(PostgresQuery){&keeping_partitions_statement, NULL}, 1,
             on_partitions))
        return false;
    k->partitions_due = false;
    return true;
}

/* ---- Tickets that lack figures ---- */

static void look_ends(Keeper *k) {
    if (k->look.found)
        log_info(NULL, "%lld tickets lacked figures: told from the ledger",
                 (long long)k->look.found);
    metric_add(k->found, (double)k->look.found);
    k->look = (KeepLook){0};
    k->looked_ms = clock_monotonic_ms();
    k->partitions_due = true;
}

/* That so much has been looked through. Where somebody has emptied the figures meanwhile it is
 * looked through again, because its partitions do not say what we said last. */
static void on_said(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Keeper *k = arg;
    (void)results;
    if (failed(k, outcome, problem)) return;
    if (k->look.told == 1000) look_ends(k);
    keeping_turn_over(k);
}

static bool say_filled(Keeper *k, int64_t now) {
    Share ours[SHARES_MAX_PARTITIONS];
    size_t n = shares_list(follower_shares(k->follower), false, ours);
    keeping_shares_params(&k->params[0], ours, n);
    params_i64(&k->params[0], k->look.told);
    params_i64(&k->params[0], now);
    if (!run(k, 0, &(PostgresQuery){&keeping_filled_statement, &k->params[0]}, 1, on_said))
        return false;
    k->look.told = now;
    return true;
}

static void on_look(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Keeper *k = arg;
    if (failed(k, outcome, problem)) return;
    const PostgresRows *rows = results[0];
    size_t n = rows_count(rows);
    int partitions = follower_topic_partitions(k->follower);
    keep_batch_clear(k->batch);
    for (size_t row = 0; row < n; row++) {
        k->look.tenant_id = rows_int(rows, row, 0);
        k->look.ticket_id = rows_int(rows, row, 1);
        int32_t partition = partition_of_ticket(k->look.ticket_id, partitions);
        if (rows_bool(rows, row, 2) && shares_owns(follower_shares(k->follower), partition))
            (void)keep_batch_story(k->batch, k->look.tenant_id, k->look.ticket_id, partition);
    }
    k->look.passed += (int64_t)n;
    k->look.found += (int64_t)keep_batch_size(k->batch);
    if (n < LOOK_PAGE) k->look.passed = INT64_MAX;
    put_off(k, LOOK_PAUSE_MS);
    if (!keep_batch_size(k->batch)) {
        keeping_turn_over(k);
        return;
    }
    k->work = KEEP_BATCH;
    keep_batch_run(k->batch, KEEP_FOUND, on_batch, k);
}

static void on_estimate(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                        const PostgresProblem *problem) {
    Keeper *k = arg;
    if (failed(k, outcome, problem)) return;
    k->look = (KeepLook){.running = true, .estimated = rows_int(results[0], 0, 0)};
    for (size_t row = 0; row < rows_count(results[1]); row++)
        if (shares_owns(follower_shares(k->follower), (int32_t)rows_int(results[1], row, 0)) &&
            rows_int(results[1], row, 3) < 1000)
            k->look.told = rows_int(results[1], row, 3);
    keeping_turn_over(k);
}

static bool look_begin(Keeper *k) {
    KeepLook *l = &k->look;
    if (follower_topic_partitions(k->follower) <= 0) {
        put_off(k, 1000);
        return false;
    }
    if (!l->running)
        return run(k, POSTGRES_READ_ONLY,
                   (PostgresQuery[]){{&keeping_estimate_statement, NULL},
                                     {&keeping_partitions_statement, NULL}},
                   2, on_estimate);
    int64_t share = l->passed == INT64_MAX     ? 1000
                    : l->estimated > l->passed ? 1 + l->passed * 990 / l->estimated
                                               : 991;
    if (share != l->told) return say_filled(k, share);
    params_clear(&k->params[0]);
    params_i64(&k->params[0], l->tenant_id);
    params_i64(&k->params[0], l->ticket_id);
    params_i32(&k->params[0], LOOK_PAGE);
    return run(k, POSTGRES_READ_ONLY, &(PostgresQuery){&keeping_look_statement, &k->params[0]}, 1,
               on_look);
}

/* ---- Changes past their age ---- */

static void on_swept(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Keeper *k = arg;
    if (failed(k, outcome, problem)) return;
    if (rows_int(results[0], 0, 0) == SWEEP_ROWS) k->sweep_due = true;
    keeping_turn_over(k);
}

static bool sweep_begin(Keeper *k) {
    params_clear(&k->params[0]);
    params_i32(&k->params[0], SWEEP_ROWS);
    if (!run(k, 0, &(PostgresQuery){&keeping_sweep_statement, &k->params[0]}, 1, on_swept))
        return false;
    k->sweep_due = false;
    return true;
}

/* ---- Whose turn ---- */

bool keeping_chores_begin(Keeper *k) {
    if (k->since_due && since_begin(k)) return true;
    if (k->partitions_due && partitions_begin(k)) return true;
    if (clock_monotonic_ms() < k->chore_not_before_ms) return false;
    if (recheck_begin(k)) return true;
    if ((k->look.wanted || k->look.running) && look_begin(k)) return true;
    return k->sweep_due && sweep_begin(k);
}

void keeping_chores_tick(Keeper *k) {
    int64_t now = clock_monotonic_ms();
    k->partitions_due = true;
    if (now - k->swept_ms >= SWEEP_MS) {
        k->swept_ms = now;
        k->sweep_due = true;
    }
    if (!k->looked_ms) k->looked_ms = now;
    if (now - k->looked_ms >= LOOK_AGAIN_MS) k->look.wanted = true;
}
