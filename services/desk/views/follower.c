/* Take, follow, store the offsets; between two batches a page of what is still to be filled. One
 * transaction at a time; whatever fails is tried again, for nothing here depends on what a message
 * says beyond which ticket it is about. */
#include "desk/views/follower.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "events/event_head.h"
#include "kafka/consumer.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "postgres/client.h"

enum {
    BATCH_MAX = 1000, /* events, and tickets of a page */
    TAKE_AT_ONCE = 64,
    PARTITIONS_MAX = 256, /* of one batch */
    TENANTS_MAX = 1000,   /* to be filled, looked at in one go */
    RELEASE_MS = 4000,
    GATHER_MS = 20,
    GATHER_BYTES = 512 << 10,
    RETRY_FIRST_MS = 50,
    RETRY_LAST_MS = 2000,
    TICK_MS = 5000, /* how soon a new tenant's fill begins */
    SWEEP_MS = 60000,
    REFILL_MS = 3600000, /* at most one fill again of everything in so long */
    SWEEP_ROWS = 10000
};

static const PostgresStatement tenants_statement = {
    "desk_follower_tenants", "SELECT set_config('docket.tenants', ($1::bigint[])::text, true)"};
static const PostgresStatement follow_statement = {
    "desk_follower_follow", "SELECT desk.follow($1::bigint[], $2::bigint[])"};
static const PostgresStatement fill_statement = {"desk_follower_fill",
                                                 "SELECT desk.fill($1::bigint, $2::integer)"};
static const PostgresStatement to_fill_statement = {
    "desk_follower_to_fill", "SELECT tenant_id FROM desk.tenants_to_fill() LIMIT 1000"};
static const PostgresStatement again_statement = {"desk_follower_again",
                                                  "SELECT desk.fill_again($1::boolean)"};
static const PostgresStatement sweep_statement = {"desk_follower_sweep",
                                                  "SELECT desk.sweep_counters($1::integer)"};

typedef enum Work { /* of the transaction that runs */
                    WORK_NONE,
                    WORK_FOLLOW,
                    WORK_FILL,
                    WORK_TO_FILL,
                    WORK_AGAIN,
                    WORK_SWEEP
} Work;

typedef struct Batch {
    int64_t tenant[BATCH_MAX], ticket[BATCH_MAX];
    size_t n;
    struct {
        int32_t partition;
        int64_t next;
    } at[PARTITIONS_MAX];
    size_t partitions;
    int64_t oldest_ms; /* wall clock; INT64_MAX: none */
} Batch;

struct Follower {
    Loop *loop;
    char *topic;
    KafkaConsumer *consumer;
    PostgresClient *postgres;
    LoopTimer *retry, *tick;
    Work work;
    bool draining, revoking;
    int64_t retry_ms;
    Batch batch; /* n 0 and partitions 0: none pending */
    int64_t to_fill[TENANTS_MAX];
    size_t to_fill_n;
    bool fill_turn;
    bool ask, sweep; /* due */
    enum { AGAIN_NO, AGAIN_LEFT_ALONE, AGAIN_ALL } again;
    int64_t refilled_ms, swept_ms; /* monotonic */
    Params params[2];
    Metric *events, *tickets, *poison, *retries, *alarms, *lag, *oldest, *fills;
};

static void pump(Follower *f);

static void try_later(Follower *f) {
    f->retry_ms = f->retry_ms ? f->retry_ms * 2 : RETRY_FIRST_MS;
    if (f->retry_ms > RETRY_LAST_MS) f->retry_ms = RETRY_LAST_MS;
    metric_add(f->retries, 1);
    loop_timer_arm(f->retry, f->retry_ms);
}

static void batch_clear(Batch *b) {
    b->n = b->partitions = 0;
    b->oldest_ms = INT64_MAX;
}

static void batch_done(Follower *f, int64_t tickets) {
    CRASH_POINT("after-follow");
    for (size_t i = 0; i < f->batch.partitions; i++)
        (void)kafka_consumer_store(f->consumer, str(f->topic), f->batch.at[i].partition,
                                   f->batch.at[i].next);
    metric_add(f->events, (double)f->batch.n);
    metric_add(f->tickets, (double)tickets);
    batch_clear(&f->batch);
}

static void fill_done(Follower *f, bool all) {
    f->fill_turn = false;
    if (!all) return;
    log_info(ABOUT(f->to_fill[0], 0), "every ticket of this tenant is in the index");
    f->to_fill_n--;
    memmove(f->to_fill, f->to_fill + 1, f->to_fill_n * sizeof(*f->to_fill));
}

static void on_done(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Follower *f = arg;
    Work work = f->work;
    f->work = WORK_NONE;
    if (outcome != POSTGRES_COMMITTED) {
        if (outcome == POSTGRES_REFUSED || problem->state[0])
            log_warn(NULL, "the index cannot be brought up to date, will be tried again: %s",
                     problem->text);
        try_later(f);
        return;
    }
    f->retry_ms = 0;
    switch (work) {
    case WORK_FOLLOW:
        batch_done(f, rows_int(results[1], 0, 0));
        f->fill_turn = f->to_fill_n > 0;
        break;
    case WORK_FILL:
        fill_done(f, rows_bool(results[1], 0, 0));
        break;
    case WORK_TO_FILL:
        f->ask = false;
        f->to_fill_n = rows_count(results[0]);
        for (size_t i = 0; i < f->to_fill_n; i++)
            f->to_fill[i] = rows_int(results[0], i, 0);
        break;
    case WORK_AGAIN:
        f->again = AGAIN_NO;
        f->ask = true;
        if (rows_int(results[0], 0, 0))
            log_warn(NULL,
                     "events were lost or left alone: the tickets of %lld tenants are read again",
                     (long long)rows_int(results[0], 0, 0));
        break;
    case WORK_SWEEP:
        f->sweep = false;
        break;
    case WORK_NONE:
        break;
    }
    pump(f);
}

static void run(Follower *f, Work work, const PostgresQuery *queries, size_t n) {
    if (postgres_client_run(f->postgres, 0, queries, n, on_done, f) < 0)
        return; /* on_connected comes */
    f->work = work;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void tenants_param(Params *p, const int64_t *tenants, size_t n) {
    int64_t sorted[BATCH_MAX];
    size_t unique = 0;
    memcpy(sorted, tenants, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_number);
    for (size_t i = 0; i < n; i++)
        if (!unique || sorted[unique - 1] != sorted[i]) sorted[unique++] = sorted[i];
    params_clear(p);
    params_array(p, PARAM_INT8, unique);
    for (size_t i = 0; i < unique; i++)
        params_element_i64(p, sorted[i]);
}

static void run_batch(Follower *f) {
    Params *p = &f->params[1];
    if (f->batch.n == 0) { /* nothing but poison */
        batch_done(f, 0);
        return;
    }
    tenants_param(&f->params[0], f->batch.tenant, f->batch.n);
    params_clear(p);
    params_array(p, PARAM_INT8, f->batch.n);
    for (size_t i = 0; i < f->batch.n; i++)
        params_element_i64(p, f->batch.tenant[i]);
    params_array(p, PARAM_INT8, f->batch.n);
    for (size_t i = 0; i < f->batch.n; i++)
        params_element_i64(p, f->batch.ticket[i]);
    run(f, WORK_FOLLOW,
        (PostgresQuery[]){{&tenants_statement, &f->params[0]}, {&follow_statement, p}}, 2);
}

static void run_fill(Follower *f) {
    tenants_param(&f->params[0], f->to_fill, 1);
    params_clear(&f->params[1]);
    params_i64(&f->params[1], f->to_fill[0]);
    params_i32(&f->params[1], BATCH_MAX);
    run(f, WORK_FILL,
        (PostgresQuery[]){{&tenants_statement, &f->params[0]}, {&fill_statement, &f->params[1]}},
        2);
}

static void run_again(Follower *f) {
    params_clear(&f->params[0]);
    params_bool(&f->params[0], f->again == AGAIN_LEFT_ALONE);
    run(f, WORK_AGAIN, &(PostgresQuery){&again_statement, &f->params[0]}, 1);
}

static void run_sweep(Follower *f) {
    params_clear(&f->params[0]);
    params_i32(&f->params[0], SWEEP_ROWS);
    run(f, WORK_SWEEP, &(PostgresQuery){&sweep_statement, &f->params[0]}, 1);
}

/* False when the batch has no room for one more partition. */
static bool batch_note(Batch *b, int32_t partition, int64_t next) {
    size_t i = 0;
    while (i < b->partitions && b->at[i].partition != partition)
        i++;
    if (i == PARTITIONS_MAX) return false;
    if (i == b->partitions) b->at[b->partitions++].partition = partition;
    b->at[i].next = next;
    return true;
}

static void batch_add(Follower *f, const KafkaMessage *m) {
    Batch *b = &f->batch;
    EventHead head;
    bool noted = batch_note(b, m->partition, m->offset + 1);
    assert(noted); /* batch_take() leaves room */
    (void)noted;
    if (event_head_read(m->value, &head) < 0) {
        /* No ticket is hurt: whatever the next event or fill reads is the ticket itself. */
        metric_add(f->poison, 1);
        log_error(NULL, "what lies in %s [%d] at %lld is no event", f->topic, (int)m->partition,
                  (long long)m->offset);
        return;
    }
    if (head.at_ms && head.at_ms < b->oldest_ms) b->oldest_ms = head.at_ms;
    for (size_t i = b->n; i-- > 0 && i + 32 > b->n;) /* created, assigned: as a rule close by */
        if (b->ticket[i] == head.ticket_id && b->tenant[i] == head.tenant_id) return;
    b->tenant[b->n] = head.tenant_id;
    b->ticket[b->n++] = head.ticket_id;
}

static bool batch_take(Follower *f) {
    KafkaMessage some[TAKE_AT_ONCE];
    size_t k, taken = 0;
    while (taken + TAKE_AT_ONCE <= BATCH_MAX &&
           f->batch.partitions + TAKE_AT_ONCE <= PARTITIONS_MAX &&
           (k = kafka_consumer_take(f->consumer, some, TAKE_AT_ONCE)) > 0) {
        for (size_t i = 0; i < k; i++) {
            batch_add(f, &some[i]);
            kafka_message_done(&some[i]);
        }
        taken += k;
    }
    return taken > 0;
}

static void release(Follower *f) {
    if (!f->revoking) return;
    f->revoking = false;
    batch_clear(&f->batch); /* it comes again, here or elsewhere */
    kafka_consumer_release(f->consumer);
}

static void pump(Follower *f) {
    if (f->work != WORK_NONE || loop_timer_armed(f->retry)) return;
    if (f->revoking) {
        release(f);
        return;
    }
    if (!postgres_client_connected(f->postgres) || postgres_client_busy(f->postgres)) return;
    while (f->work == WORK_NONE) {
        if (f->batch.partitions) {
            run_batch(f);
            if (f->batch.partitions && f->work == WORK_NONE) return; /* not connected after all */
            continue;
        }
        if (f->draining) return;
        if (f->again != AGAIN_NO) {
            run_again(f);
        } else if (f->ask) {
            run(f, WORK_TO_FILL, &(PostgresQuery){&to_fill_statement, NULL}, 1);
        } else if (f->sweep) {
            run_sweep(f);
        } else if (!f->fill_turn && batch_take(f)) {
            continue;
        } else if (f->to_fill_n) {
            run_fill(f);
        } else {
            f->fill_turn = false;
            return;
        }
        if (f->work == WORK_NONE) return;
    }
}

static void on_readable(void *arg) {
    pump(arg);
}

static void on_retry(void *arg) {
    pump(arg);
}

static int64_t oldest_ms(const Follower *f) {
    return f->batch.oldest_ms == INT64_MAX ? 0 : clock_wall_ms() - f->batch.oldest_ms;
}

static void on_tick(void *arg) {
    Follower *f = arg;
    int64_t now = clock_monotonic_ms();
    f->ask = true;
    if (now - f->swept_ms >= SWEEP_MS && kafka_consumer_healthy(f->consumer, NULL) &&
        oldest_ms(f) < REFILL_MS) {
        f->swept_ms = now;
        f->sweep = true;
    }
    loop_timer_arm(f->tick, TICK_MS);
    pump(f);
}

static void on_connected(void *arg) {
    Follower *f = arg;
    loop_timer_disarm(f->retry);
    pump(f);
}

static void on_assigned(void *arg, size_t n) {
    Follower *f = arg;
    f->revoking = false;
    log_info(NULL, "following %zu partitions of %s", n, f->topic);
    pump(f);
}

static void on_revoked(void *arg) {
    Follower *f = arg;
    f->revoking = true;
    if (f->work != WORK_FOLLOW) release(f);
}

static void on_alarm(void *arg, const char *text) {
    Follower *f = arg;
    int64_t now = clock_monotonic_ms();
    metric_add(f->alarms, 1);
    log_error(NULL, "the follower of %s needs an operator: %s", f->topic, text);
    if (f->refilled_ms && now - f->refilled_ms < REFILL_MS) return;
    f->refilled_ms = now;
    f->again = AGAIN_ALL; /* events may be lost: the tickets themselves are not */
    pump(f);
}

static void on_scrape(void *arg) {
    Follower *f = arg;
    metric_set(f->lag, (double)kafka_consumer_lag(f->consumer, NULL));
    metric_set(f->oldest, (double)oldest_ms(f) / 1000);
    metric_set(f->fills, (double)f->to_fill_n);
}

static void make_metrics(Follower *f) {
    f->events = metric_counter("docket_desk_follower_events_total",
                               "Events that the index and counters have seen", NULL);
    f->tickets = metric_counter("docket_desk_follower_tickets_total",
                                "Index rows written because of an event", NULL);
    f->poison =
        metric_counter("docket_desk_follower_poison_total", "Messages that are no events", NULL);
    f->retries = metric_counter("docket_desk_follower_retries_total",
                                "Transactions of the follower tried again", NULL);
    f->alarms = metric_counter("docket_desk_follower_alarms_total",
                               "Troubles of the follower that need an operator", NULL);
    f->lag = metric_gauge("docket_desk_follower_lag_messages",
                          "Events not yet seen in the partitions owned", NULL);
    f->oldest = metric_gauge("docket_desk_follower_oldest_seconds",
                             "Age of the oldest event taken and not yet applied", NULL);
    f->fills = metric_gauge("docket_desk_follower_fills",
                            "Tenants whose tickets are not all read yet", NULL);
}

Follower *follower_new(Loop *loop, const FollowerSettings *s, Buf *ret_problem) {
    Follower *f = xcalloc(1, sizeof(*f));
    f->loop = loop;
    f->topic = xstrdup(s->topic);
    f->again = AGAIN_LEFT_ALONE;
    f->swept_ms = clock_monotonic_ms();
    batch_clear(&f->batch);
    make_metrics(f);
    f->retry = loop_timer_new(loop, on_retry, f);
    f->tick = loop_timer_new(loop, on_tick, f);
    f->postgres = postgres_client_new(
        loop, &(PostgresSettings){.url = s->postgres_url, .application_name = "desk-follower"},
        &(PostgresEvents){.connected = on_connected}, f, ret_problem);
    if (f->postgres)
        f->consumer = kafka_consumer_new(
            loop,
            &(KafkaConsumerSettings){
                .brokers = s->kafka_brokers,
                .group = s->group,
                .topics = &s->topic,
                .n_topics = 1,
                .client_id = s->instance,
                .options = s->kafka_options && *s->kafka_options ? s->kafka_options : NULL,
                .start = KAFKA_START_EARLIEST,
                .reset = KAFKA_RESET_EARLIEST,
                .gather_ms = GATHER_MS,
                .gather_bytes = GATHER_BYTES,
                .max_ready = 2 * BATCH_MAX,
                .release_ms = RELEASE_MS},
            &(KafkaConsumerEvents){on_readable, on_assigned, on_revoked, on_alarm}, f, ret_problem);
    if (!f->consumer) return follower_free(f);
    metrics_on_scrape(on_scrape, f);
    f->ask = true;
    loop_timer_arm(f->tick, TICK_MS);
    return f;
}

static void free_memory(void *p) {
    Follower *f = p;
    params_done(&f->params[0]);
    params_done(&f->params[1]);
    free(f->topic);
    free(f);
}

Follower *follower_free(Follower *f) {
    if (!f) return NULL;
    if (f->consumer) metrics_off_scrape(on_scrape, f);
    kafka_consumer_free(f->consumer);
    f->consumer = NULL;
    f->draining = true;
    f->work = WORK_NONE;
    loop_timer_free(f->retry);
    loop_timer_free(f->tick);
    postgres_client_free(f->postgres);
    loop_free_later(f->loop, f, free_memory);
    return NULL;
}

bool follower_drain(Follower *f) {
    if (!f->draining) kafka_consumer_pause(f->consumer);
    f->draining = true;
    return f->work != WORK_FOLLOW;
}

bool follower_healthy(const Follower *f, Buf *ret_reason) {
    if (!postgres_client_connected(f->postgres)) {
        if (ret_reason)
            buf_printf(ret_reason, "PostgreSQL: %s", postgres_client_trouble(f->postgres));
        return false;
    }
    return kafka_consumer_healthy(f->consumer, ret_reason);
}
