/* Whose turn it is: what is assigned is claimed first; then events and chores take turns, one
 * transaction at a time.
 *
 *   follower ─▶ events ─┐
 *   documents ▶ chores ─┴▶ batch ─▶ PostgreSQL ─▶ tables in memory, offsets */
#include "analytics/keeping/keeping_internal.h"

#include <stdlib.h>
#include <string.h>

#include "analytics/table/loading.h"
#include "base/clock.h"
#include "base/crash.h"
#include "following/partition.h"
#include "log/log.h"

enum {
    RETRY_FIRST_MS = 50,
    RETRY_LAST_MS = 2000,
    GATHER_MS = 100 /* a board is read each second */
};

/* ---- Turns ---- */

static bool may_begin(const Keeper *k) {
    return k->follower && !k->analytics->draining && !loop_timer_armed(k->retry) &&
           configuration_ready(k->analytics->configuration) && connection_ready(k->postgres);
}

static void on_claimed(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Keeper *k = arg;
    if (k->stopped) return;
    if (outcome != POSTGRES_COMMITTED) {
        keeping_try_later(k, problem->state[0] ? problem->text : NULL);
        keeping_turn_over(k);
        return;
    }
    Shares *shares = follower_shares(k->follower);
    size_t fresh = 0;
    k->retry_ms = 0;
    for (size_t row = 0; row < rows_count(results[0]); row++)
        fresh += !shares_claimed(shares, (int32_t)rows_int(results[0], row, 0),
                                 rows_int(results[0], row, 1));
    if (shares_all_claimed(shares)) shares_loaded(shares);
    shares->lost = false;
    log_info(NULL, "claimed %zu partitions, %zu of them anew", rows_count(results[0]), fresh);
    JudgedTenant *all;
    size_t n = tenants_all(k->tenants, &all);
    for (size_t i = 0; i < n && fresh; i++) /* whoever had them may have died before */
        tenants_met(k->tenants, all[i].tenant_id, 0);
    k->partitions_due = true;
    keeping_turn_over(k);
}

static bool claim(Keeper *k) {
    Share all[SHARES_MAX_PARTITIONS];
    size_t n = shares_list(follower_shares(k->follower), false, all);
    keeping_shares_params(&k->params[0], all, n);
    params_text(&k->params[0], str(k->analytics->instance));
    if (connection_run(k->postgres, 0, &(PostgresQuery){&keeping_claim_statement, &k->params[0]}, 1,
                       on_claimed, k) < 0)
        return false;
    k->work = KEEP_CLAIM;
    return true;
}

static void take_in(void *arg, const Followed *event) {
    Keeper *k = arg;
    const EventHead *head = &event->head;
    Event *row = follower_decode(k->follower, event, keep_batch_arena(k->batch));
    if (!row && (head->tenant_id <= 0 || head->ticket_id <= 0 || head->seq > INT32_MAX)) return;
    Story *s = row ? keep_batch_story(k->batch, row->tenant_id, row->ticket_id, event->partition)
                   : keep_batch_story(k->batch, head->tenant_id, head->ticket_id, event->partition);
    if (row)
        followed_rows_add(&s->rows, row, keep_batch_arena(k->batch));
    else if ((int32_t)head->seq > s->wanted) /* its ledger row is as it should be */
        s->wanted = (int32_t)head->seq;
}

static void on_events_kept(void *arg) {
    Keeper *k = arg;
    follower_kept(k->follower);
    keeping_turn_over(k);
}

static bool events_begin(Keeper *k) {
    keep_batch_clear(k->batch);
    if (!follower_take(k->follower, take_in, k)) return false;
    k->work = KEEP_BATCH;
    keep_batch_run(k->batch, KEEP_EVENTS, on_events_kept, k);
    return true;
}

static void next_turn(Keeper *k) {
    if (k->work != KEEP_NONE) return;
    if (k->follower) follower_release(k->follower);
    if (!may_begin(k)) return;
    ShareState state = shares_state(follower_shares(k->follower));
    if (state == SHARES_AWAY || (state == SHARES_TO_CLAIM && claim(k)) || state == SHARES_TO_CLAIM)
        return;
    k->chores_first = !k->chores_first;
    if (k->chores_first)
        (void)(keeping_chores_begin(k) || events_begin(k));
    else
        (void)(events_begin(k) || keeping_chores_begin(k));
}

void keeping_pump(Keeper *k) {
    if (!k->stopped) next_turn(k);
}

static void pump(void *arg) {
    keeping_pump(arg);
}

void keeping_turn_over(Keeper *k) {
    k->work = KEEP_NONE;
    loop_defer(k->loop, pump, k); /* a rebalance comes in between */
}

void keeping_try_later(Keeper *k, const char *problem) {
    k->retry_ms = k->retry_ms ? k->retry_ms * 2 : RETRY_FIRST_MS;
    if (k->retry_ms > RETRY_LAST_MS) k->retry_ms = RETRY_LAST_MS;
    if (problem) log_warn(NULL, "will be tried again: %s", problem);
    if (!k->stopped) loop_timer_arm(k->retry, k->retry_ms);
}

static void on_postgres(void *arg) {
    Keeper *k = arg;
    if (!k->batch) return;
    loop_timer_disarm(k->retry);
    keep_batch_wake(k->batch);
    keeping_pump(k);
}

static void on_alarm(void *arg) {
    Keeper *k = arg;
    k->look.wanted = true; /* events may be lost: the ledger is not */
}

/* ---- For the batch ---- */

static int64_t next_offset(void *arg, int32_t partition) {
    return follower_next_offset(((Keeper *)arg)->follower, partition);
}

static void on_kept(void *arg, const KeptPartition *partitions, size_t partitions_n,
                    const Story *const *stories, size_t n) {
    loading_kept(((Keeper *)arg)->analytics->loading, partitions, partitions_n, stories, n);
}

/* ---- For others ---- */

double keeper_filled(const Keeper *k) {
    return k->filled;
}

bool keeper_has_tenant(Keeper *k, int64_t tenant_id) {
    int partitions = k->follower ? follower_topic_partitions(k->follower) : 0;
    return partitions > 0 &&
           shares_owns(follower_shares(k->follower), (int32_t)(tenant_id % partitions));
}

int64_t keeper_kept_ms(const Keeper *k, int64_t now_ms) {
    return k->follower ? follower_followed_ms(k->follower, now_ms) : 0;
}

bool keeper_ready(const Keeper *k) {
    ShareState state = shares_state(follower_shares(k->follower));
    return state == SHARES_READY || state == SHARES_AWAY;
}

/* ---- The part ---- */

static bool is_ready(void *arg, Buf *ret_reason) {
    const Keeper *k = ((Analytics *)arg)->keeper;
    if (!k) return true;
    if (!connection_ready(k->postgres)) {
        buf_adds(ret_reason, connection_trouble(k->postgres));
        return false;
    }
    if (!follower_healthy(k->follower, ret_reason)) return false;
    if (keeper_ready(k)) return true;
    buf_adds(ret_reason, "partitions are being claimed");
    return false;
}

static void on_scrape(void *arg) {
    const Keeper *k = arg;
    metric_set(k->filled_share, k->filled);
}

static void make_metrics(Keeper *k) {
    k->filled_share = metric_gauge("docket_analytics_filled_share",
                                   "Share of the tickets that have figures", NULL);
    k->found = metric_counter("docket_analytics_found_total",
                              "Tickets that lacked figures and were told from the ledger", NULL);
    k->rechecked =
        metric_counter("docket_analytics_rechecked_total",
                       "Tickets told anew because documents came while they were kept", NULL);
    metrics_on_scrape(on_scrape, k);
}

static int keeping_start(Analytics *a, Buf *ret_problem) {
    const AnalyticsSettings *s = a->settings;
    Keeper *k = xcalloc(1, sizeof(*k));
    a->keeper = k;
    k->analytics = a;
    k->loop = a->loop;
    k->tenants = tenants_new();
    k->retry = loop_timer_new(k->loop, pump, k);
    k->histories = histories_new(k->loop, a->pool);
    k->look.wanted = false;
    make_metrics(k);
    PostgresSettings postgres = {.url = s->postgres_url,
                                 .application_name = a->instance,
                                 .statement_timeout_ms = (int)s->statement_ms,
                                 .transaction_timeout_ms = (int)s->statement_ms + 5000};
    k->postgres = connection_new(k->loop, &postgres, &(ConnectionEvents){.ready = on_postgres}, k,
                                 ret_problem);
    if (!k->postgres) return -1;
    k->follower = follower_new(k->loop,
                               &(FollowerSettings){.brokers = s->kafka_brokers,
                                                   .options = s->kafka_options,
                                                   .topic = s->topic_events,
                                                   .group = s->group,
                                                   .client_id = a->instance,
                                                   .batch_max = (size_t)s->batch_max,
                                                   .gather_ms = GATHER_MS,
                                                   .metrics = "docket_analytics"},
                               &(FollowerEvents){.wake = pump, .alarm = on_alarm}, k, ret_problem);
    if (!k->follower) return -1;
    k->batch = keep_batch_new(&(KeepBatchParts){.loop = k->loop,
                                                .postgres = k->postgres,
                                                .histories = k->histories,
                                                .tenants = k->tenants,
                                                .shares = follower_shares(k->follower),
                                                .next_offset = next_offset,
                                                .kept = on_kept,
                                                .arg = k});
    runtime_ready_check(a->runtime, "keeping", is_ready, a);
    return 0;
}

static void keeping_documents(Analytics *a, int64_t tenant_id, const Catalog *catalog) {
    Keeper *k = a->keeper;
    if (!k || !tenants_put(k->tenants, tenant_id, catalog)) return;
    k->since_due = true;
    keeping_pump(k);
}

static void keeping_tick(Analytics *a) {
    Keeper *k = a->keeper;
    CLEANUP(buf_done) Buf problem = {0};
    keeping_chores_tick(k);
    if (follower_tick(k->follower, k->work == KEEP_NONE, false, &problem) < 0)
        runtime_fail(a->runtime, "%s", problem.p);
    keeping_pump(k);
}

static bool keeping_drained(Analytics *a) {
    Keeper *k = a->keeper;
    if (!k || !k->follower) return true;
    follower_pause(k->follower);
    return k->work == KEEP_NONE || (k->batch && keep_batch_waiting(k->batch));
}

static void free_memory(void *p) {
    Keeper *k = p;
    params_done(&k->params[0]);
    params_done(&k->params[1]);
    tenants_free(k->tenants);
    free(k);
}

static void keeping_stop(Analytics *a) {
    Keeper *k = a->keeper;
    if (!k) return;
    k->stopped = true;
    a->keeper = NULL;
    metrics_off_scrape(on_scrape, k);
    k->retry = loop_timer_free(k->retry);
    k->follower = follower_free(k->follower);
    k->batch = keep_batch_free(k->batch);
    k->histories = histories_free(k->histories);
    k->postgres = connection_free(k->postgres);
    loop_free_later(k->loop, k, free_memory);
}

const AnalyticsPart keeping_part = {
    .name = "keeping",
    .start = keeping_start,
    .documents = keeping_documents,
    .tick = keeping_tick,
    .drained = keeping_drained,
    .stop = keeping_stop,
};
