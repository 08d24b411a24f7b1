/* The follower: takes batches of docket.events, has their deliveries written, moves offsets; in
 * between it looks for storms that are over. */
#include "notifier/telling/telling.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "following/follower.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "notifier/telling/plan.h"
#include "notifier/telling/round.h"
#include "notifier/telling/statements.h"

enum {
    GATHER_MS = 50, /* people do not notice it */
    STATEMENT_MS = 30000,
    STORMS_EVERY_MS = 1000,
    WAITING_EVERY_MS = 10000,
    SWEEP_EVERY_MS = 60000,
    SWEEP_AT_MOST = 5000
};

typedef enum Chore { CHORE_NONE, CHORE_WAITING, CHORE_SWEEP } Chore;

struct Teller {
    TellerParts parts;
    Connection *postgres;
    Follower *follower;
    Round *round;
    bool of_events; /* what runs */
    Chore chore;    /* or this, on the same connection */
    bool draining, freed;
    int64_t storms_ms, waiting_ms, sweep_ms; /* not before, by the monotonic clock */
    Params params;
    LoopTimer *pumping;
    Metric *old, *passed;
    Metric *waiting, *oldest_due;
};

static void pump(Teller *t);

/* ---- Events ---- */

static void on_done(void *arg) {
    Teller *t = arg;
    if (t->of_events) {
        CRASH_POINT("deliveries-before-offset");
        follower_kept(t->follower);
    } else if (round_found_storm(t->round)) {
        t->storms_ms = 0; /* there may be another one */
    }
    if (round_written(t->round) && t->parts.told) t->parts.told(t->parts.arg);
    t->of_events = false;
    loop_timer_arm(t->pumping, 0); /* reports and rebalances come in between */
}

static void take_in(void *arg, const Followed *followed) {
    Teller *t = arg;
    const EventHead *head = &followed->head;
    if (head->at_ms && head->at_ms < clock_wall_ms() - t->parts.settings->tell_within_ms) {
        metric_add(t->old, 1);
        return;
    }
    const Catalog *catalog = configuration_catalog(t->parts.configuration, head->tenant_id);
    if (!catalog) {
        metric_add(t->passed, 1);
        return;
    }
    Event *event = follower_decode(t->follower, followed, round_arena(t->round));
    if (!event) return;
    if (!plan_interested(catalog, event)) {
        metric_add(t->passed, 1);
        return;
    }
    round_add(t->round, event);
}

static bool begin_events(Teller *t) {
    round_clear(t->round);
    if (follower_take(t->follower, take_in, t) == 0) return false;
    t->of_events = true;
    round_run(t->round, on_done, t);
    return true;
}

/* ---- Chores ---- */

static void on_chore(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Teller *t = arg;
    if (t->freed) return;
    if (outcome != POSTGRES_COMMITTED && problem->state[0])
        log_warn(NULL, "will be tried again: %s", problem->text);
    if (outcome == POSTGRES_COMMITTED && t->chore == CHORE_WAITING) {
        int64_t oldest = rows_time_ms(results[0], 0, 1), now = clock_wall_ms();
        bool none = rows_null(results[0], 0, 1) || oldest > now;
        metric_set(t->waiting, (double)rows_int(results[0], 0, 0));
        metric_set(t->oldest_due, none ? 0 : (double)(now - oldest) / 1000);
    }
    if (outcome == POSTGRES_COMMITTED && t->chore == CHORE_SWEEP &&
        rows_int(results[0], 0, 0) >= SWEEP_AT_MOST)
        t->sweep_ms = 0; /* there is more */
    t->chore = CHORE_NONE;
    loop_timer_arm(t->pumping, 0);
}

static bool begin_chore(Teller *t, int64_t now_ms) {
    Chore chore = now_ms >= t->waiting_ms ? CHORE_WAITING
                  : now_ms >= t->sweep_ms ? CHORE_SWEEP
                                          : CHORE_NONE;
    PostgresQuery query = {&telling_sweep_statement, &t->params};
    if (chore == CHORE_NONE) return false;
    params_clear(&t->params);
    if (chore == CHORE_WAITING) {
        query.statement = &telling_waiting_statement;
        params_time_ms(&t->params, clock_wall_ms());
        t->waiting_ms = now_ms + WAITING_EVERY_MS;
    } else {
        params_i32(&t->params, SWEEP_AT_MOST);
        t->sweep_ms = now_ms + SWEEP_EVERY_MS;
    }
    if (connection_run(t->postgres, 0, &query, 1, on_chore, t) < 0) return false;
    t->chore = chore;
    return true;
}

/* ---- Whose turn it is ---- */

static bool busy(const Teller *t) {
    return round_running(t->round) || t->chore != CHORE_NONE;
}

static void pump(Teller *t) {
    if (t->freed || !t->follower || busy(t)) return;
    follower_release(t->follower);
    if (t->draining || !connection_ready(t->postgres) ||
        !configuration_ready(t->parts.configuration))
        return;
    int64_t now = clock_monotonic_ms();
    if (now >= t->storms_ms) {
        t->storms_ms = now + STORMS_EVERY_MS;
        round_run_storm(t->round, on_done, t);
        return;
    }
    if (begin_chore(t, now)) return;
    (void)begin_events(t);
}

static void on_pump(void *arg) {
    pump(arg);
}

/* ---- The group ---- */

static int join(Teller *t, Buf *ret_problem) {
    const NotifierSettings *s = t->parts.settings;
    t->follower = follower_new(t->parts.loop,
                               &(FollowerSettings){.brokers = s->kafka_brokers,
                                                   .options = s->kafka_options,
                                                   .topic = s->topic_events,
                                                   .group = s->group,
                                                   .client_id = t->parts.instance,
                                                   .batch_max = (size_t)s->batch_max,
                                                   .gather_ms = GATHER_MS,
                                                   .metrics = "docket_notifier"},
                               &(FollowerEvents){.wake = on_pump}, t, ret_problem);
    return t->follower ? 0 : -1;
}

/* ---- Ready, and how far ---- */

static bool postgres_ok(void *arg, Buf *ret_reason) {
    const Teller *t = arg;
    if (t->postgres && connection_ready(t->postgres)) return true;
    buf_adds(ret_reason, t->postgres ? connection_trouble(t->postgres) : "stopped");
    return false;
}

static bool kafka_ok(void *arg, Buf *ret_reason) {
    const Teller *t = arg;
    return t->follower && follower_healthy(t->follower, ret_reason);
}

static void make_metrics(Teller *t) {
    t->old = metric_counter("docket_notifier_events_old_total",
                            "Of them those that happened too long ago to tell anybody", NULL);
    t->passed = metric_counter("docket_notifier_events_passed_total",
                               "Of them those of which no document tells anybody", NULL);
    t->waiting = metric_gauge("docket_notifier_waiting",
                              "Deliveries that wait, of everybody's; 100,000: that or more", NULL);
    t->oldest_due = metric_gauge("docket_notifier_waiting_oldest_seconds",
                                 "For how long the oldest of them could have been sent", NULL);
}

/* ---- Life ---- */

static void on_postgres(void *arg) {
    Teller *t = arg;
    if (t->round) round_wake(t->round);
    pump(t);
}

Teller *teller_new(const TellerParts *parts, Buf *ret_problem) {
    Teller *t = xcalloc(1, sizeof(*t));
    t->parts = *parts;
    t->pumping = loop_timer_new(parts->loop, on_pump, t);
    make_metrics(t);
    t->postgres = connection_new(parts->loop,
                                 &(PostgresSettings){.url = parts->settings->postgres_url,
                                                     .application_name = parts->instance,
                                                     .statement_timeout_ms = STATEMENT_MS,
                                                     .transaction_timeout_ms = STATEMENT_MS + 5000},
                                 &(ConnectionEvents){.ready = on_postgres}, t, ret_problem);
    if (!t->postgres) return teller_free(t);
    t->round = round_new(&(RoundParts){.loop = parts->loop,
                                       .postgres = t->postgres,
                                       .configuration = parts->configuration,
                                       .settings = parts->settings});
    if (join(t, ret_problem) < 0) return teller_free(t);
    runtime_ready_check(parts->runtime, "postgres", postgres_ok, t);
    runtime_ready_check(parts->runtime, "kafka", kafka_ok, t);
    return t;
}

static void free_memory(void *p) {
    Teller *t = p;
    params_done(&t->params);
    free(t);
}

Teller *teller_free(Teller *t) {
    if (!t) return NULL;
    t->freed = true;
    t->follower = follower_free(t->follower);
    t->round = round_free(t->round);
    t->postgres = connection_free(t->postgres);
    t->pumping = loop_timer_free(t->pumping);
    loop_free_later(t->parts.loop, t, free_memory);
    return NULL;
}

void teller_documents(Teller *t) {
    pump(t);
}

void teller_tick(Teller *t) {
    pump(t);
}

bool teller_drain(Teller *t) {
    if (!t->draining) {
        t->draining = true;
        follower_pause(t->follower);
    }
    return !busy(t) || round_waiting(t->round);
}
