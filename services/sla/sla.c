/* Whose turn it is: what is assigned is claimed and loaded first; then events, what is due, and
 * chores take turns, one transaction at a time, so that none of them waits for the others' crowds.
 *
 *   consumer ─▶ events ─┐
 *   clocks ───▶ due ────┼─▶ batch ─▶ PostgreSQL, Kafka ─▶ clocks
 *   documents ▶ chores ─┘ */
#include "sla/sla.h"

#include <stdlib.h>

#include "base/clock.h"
#include "sla/sla_internal.h"

enum {
    TICK_MS = 1000,
    WAKE_MAX_MS = 100,     /* the wall clock is looked at so often, as it may be set */
    WAKE_MAX_TEST_MS = 15, /* a test moves it whenever it likes */
    RETRY_FIRST_MS = 50,
    RETRY_LAST_MS = 2000,
    FLUSH_MS = 2000,
    LEDGER_CONNECTIONS = 2,
    STATEMENT_MS = 30000
};

/* ---- Turns ---- */

static void look_at_clocks(Sla *s) {
    int64_t before = clock_monotonic_ms(), wall = clock_wall_ms(), after = clock_monotonic_ms();
    int64_t step = drift_look(&s->drift, before, wall, after);
    if (!step) return;
    metric_add(s->steps, 1);
    metric_set(s->step_seconds, (double)step / 1000);
    log_warn(NULL, "the wall clock was put %s by %lld ms", step > 0 ? "forward" : "back",
             (long long)(step > 0 ? step : -step));
}

/* Partitions, documents and PostgreSQL are there, and nothing has just gone wrong. */
static bool may_begin(const Sla *s) {
    return shares_state(s->shares) != SHARES_AWAY && !s->draining && !loop_timer_armed(s->retry) &&
           configuration_ready(s->configuration) && connection_ready(s->postgres);
}

static void arm_wake(Sla *s) {
    int64_t next = clocks_next_ms(s->clocks), now = clock_wall_ms(),
            most = s->test_clock ? WAKE_MAX_TEST_MS : WAKE_MAX_MS;
    int64_t ms = next <= now ? 0 : next - now < most ? next - now : most;
    /* What is due already waits for what has the turn, or for what is away: both pump. */
    bool waits = s->work != WORK_NONE || !may_begin(s) || shares_state(s->shares) != SHARES_READY;
    loop_timer_arm(s->wake, ms == 0 && waits ? most : ms);
}

static bool begin(Sla *s, int turn) {
    switch (turn) {
    case TURN_EVENTS:
        return events_begin(s);
    case TURN_DUE:
        if (due_begin(s)) return true;
        s->settled_ms = clock_wall_ms();
        return false;
    default:
        return chores_begin(s);
    }
}

static void next_turn(Sla *s) {
    if (s->work != WORK_NONE) return;
    follower_release(s->follower);
    if (!may_begin(s)) return;
    if (shares_state(s->shares) != SHARES_READY) {
        loading_begin(s);
        return;
    }
    if (s->since_new &&
        since_begin(s)) { /* until it is known only the ledger tells how lives begin */
        s->since_new = false;
        return;
    }
    for (int i = 0; i < TURNS; i++) {
        int turn = s->turn;
        s->turn = (s->turn + 1) % TURNS;
        if (begin(s, turn)) return;
    }
}

void sla_pump(Sla *s) {
    if (s->stopped) return;
    next_turn(s);
    arm_wake(s);
}

static void on_turn_over(void *arg) {
    sla_pump(arg);
}

static void free_memory(void *p) {
    free(p);
}

void sla_turn_over(Sla *s) {
    s->work = WORK_NONE;
    if (s->shares->lost) {
        s->shares->lost = false;
        (void)clocks_keep_partitions(s->clocks, s->shares->loaded, SHARES_MAX_PARTITIONS / 64);
    }
    loop_defer(s->loop, on_turn_over, s); /* reports and rebalances come in between */
}

void sla_try_later(Sla *s, const char *problem) {
    s->retry_ms = s->retry_ms ? s->retry_ms * 2 : RETRY_FIRST_MS;
    if (s->retry_ms > RETRY_LAST_MS) s->retry_ms = RETRY_LAST_MS;
    if (problem) log_warn(NULL, "will be tried again: %s", problem);
    if (!s->stopped) loop_timer_arm(s->retry, s->retry_ms);
}

static void on_wake(void *arg) {
    Sla *s = arg;
    metric_add(s->wakes, 1);
    look_at_clocks(s);
    sla_pump(arg);
}

static void on_retry(void *arg) {
    sla_pump(arg);
}

static void on_tick(void *arg) {
    Sla *s = arg;
    loop_timer_arm(s->tick, TICK_MS);
    chores_tick(s);
    sla_pump(s);
}

static void on_postgres(void *arg) {
    Sla *s = arg;
    if (!s->batch) return;
    loop_timer_disarm(s->retry);
    batch_wake(s->batch);
    sla_pump(s);
}

static void on_documents(void *arg, int64_t tenant_id, const Catalog *catalog) {
    chores_documents(arg, tenant_id, catalog);
}

/* ---- Ready? ---- */

static bool postgres_ok(void *arg, Buf *ret_reason) {
    const Sla *s = arg;
    if (!connection_ready(s->postgres)) {
        buf_adds(ret_reason, connection_trouble(s->postgres));
        return false;
    }
    if (configuration_ready(s->configuration)) return true;
    buf_adds(ret_reason, "the tenants' documents are not read yet");
    return false;
}

static bool kafka_ok(void *arg, Buf *ret_reason) {
    const Sla *s = arg;
    return kafka_producer_healthy(s->producer, ret_reason) &&
           follower_healthy(s->follower, ret_reason);
}

static bool clocks_ok(void *arg, Buf *ret_reason) {
    const Sla *s = arg;
    ShareState state = shares_state(s->shares);
    if (state == SHARES_AWAY || state == SHARES_READY) return true;
    buf_printf(ret_reason, "loading, %zu tickets so far", s->load_n);
    return false;
}

/* ---- Metrics ---- */

static void on_scrape(void *arg) {
    const Sla *s = arg;
    metric_set(s->tickets, (double)clocks_count(s->clocks));
    metric_set(s->armed, (double)clocks_armed(s->clocks));
    metric_set(s->ready, (double)clocks_ready(s->clocks));
    metric_set(s->bytes, (double)clocks_bytes(s->clocks));
    metric_set(s->settled, (double)s->settled_ms / 1000);
}

static void make_metrics(Sla *s) {
    s->old = metric_counter("docket_sla_events_old_total",
                            "Of them those that were known already, passed over", NULL);
    s->tickets = metric_gauge("docket_sla_tickets", "Tickets that are not over, in memory", NULL);
    s->armed = metric_gauge("docket_sla_clocks",
                            "Of them those that have something to say at some instant", NULL);
    s->ready = metric_gauge("docket_sla_due", "Of them those that wait for their turn", NULL);
    s->bytes = metric_gauge("docket_sla_clocks_bytes", "Memory of all that", NULL);
    s->settled = metric_gauge("docket_sla_settled_seconds",
                              "Unix time at which everything due, of what was known, had been told "
                              "and kept",
                              NULL);
    s->wakes = metric_counter("docket_sla_wakes_total",
                              "Times it woke to see whether something is due", NULL);
    s->steps =
        metric_counter("docket_sla_clock_steps_total",
                       "Times the wall clock was put forward or back by a second or more", NULL);
    s->step_seconds =
        metric_gauge("docket_sla_clock_step_seconds", "By how much the last time", NULL);
    s->loads = metric_counter("docket_sla_loads_total",
                              "Times that clocks were loaded from PostgreSQL", NULL);
    s->revised = metric_counter("docket_sla_revised_total",
                                "Lives looked at because documents changed", NULL);
    s->found =
        metric_counter("docket_sla_found_total",
                       "Open tickets that had no life here and were told from the ledger", NULL);
}

/* ---- Life ---- */

static int failed(const char *what, const Buf *problem) {
    log_error(NULL, "%s: %s", what, problem->p ? problem->p : "cannot be made");
    return -1;
}

static int open_postgres(Sla *s, Buf *problem) {
    PostgresSettings settings = {.url = s->settings->postgres_url,
                                 .application_name = s->instance,
                                 .statement_timeout_ms = STATEMENT_MS,
                                 .transaction_timeout_ms = STATEMENT_MS + 5000};
    s->postgres =
        connection_new(s->loop, &settings, &(ConnectionEvents){.ready = on_postgres}, s, problem);
    if (!s->postgres) return -1;
    s->pool = postgres_pool_new(
        s->loop, &(PostgresPoolSettings){.postgres = settings, .connections = LEDGER_CONNECTIONS},
        problem);
    if (!s->pool) return -1;
    s->histories = histories_new(s->loop, s->pool);
    s->configuration =
        configuration_new(s->loop, s->settings->postgres_url, s->instance,
                          &(ConfigurationEvents){.changed = on_documents}, s, problem);
    return s->configuration ? 0 : -1;
}

static int open_producer(Sla *s, Buf *problem) {
    const char *topics[] = {s->settings->topic_signals};
    s->producer = kafka_producer_new(
        s->loop,
        &(KafkaProducerSettings){
            .brokers = s->settings->kafka_brokers,
            .client_id = s->instance,
            .options = s->settings->kafka_options[0] ? s->settings->kafka_options : NULL,
            .max_bytes = 16 << 20,
            .topics = topics,
            .n_topics = 1},
        problem);
    s->publisher = (Publisher){.loop = s->loop, .producer = s->producer, .instance = s->instance};
    return s->producer ? 0 : -1;
}

int sla_start(Runtime *runtime, const void *config, void **ret_self) {
    Sla *s = xcalloc(1, sizeof(*s));
    *ret_self = s;
    s->runtime = runtime;
    s->loop = runtime_loop(runtime);
    s->settings = config;
    s->instance = runtime_instance(runtime);
    s->test_clock = clock_is_injected();
    s->tenants = tenants_new();
    s->clocks = clocks_new(clock_wall_ms());
    s->wake = loop_timer_new(s->loop, on_wake, s);
    s->tick = loop_timer_new(s->loop, on_tick, s);
    s->retry = loop_timer_new(s->loop, on_retry, s);
    make_metrics(s);
    CLEANUP(buf_done) Buf problem = {0};
    if (open_producer(s, &problem) < 0) return failed("kafka_brokers", &problem);
    if (open_postgres(s, &problem) < 0) return failed("postgres_url", &problem);
    if (events_open(s, &problem) < 0) return failed("kafka_brokers", &problem);
    s->batch = batch_new(&(BatchParts){.loop = s->loop,
                                       .postgres = s->postgres,
                                       .histories = s->histories,
                                       .publisher = &s->publisher,
                                       .tenants = s->tenants,
                                       .shares = s->shares,
                                       .clocks = s->clocks,
                                       .topic_signals = s->settings->topic_signals,
                                       .late_ms = s->settings->late_ms,
                                       .test_clock = s->test_clock});
    metrics_on_scrape(on_scrape, s);
    runtime_ready_check(runtime, "postgres", postgres_ok, s);
    runtime_ready_check(runtime, "kafka", kafka_ok, s);
    runtime_ready_check(runtime, "clocks", clocks_ok, s);
    loop_timer_arm(s->tick, TICK_MS);
    loop_timer_arm(s->wake, 0);
    return 0;
}

bool sla_drain(void *self) {
    Sla *s = self;
    if (!s->draining) {
        s->draining = true;
        follower_pause(s->follower);
    }
    return s->work == WORK_NONE || batch_waiting(s->batch);
}

void sla_stop(void *self) {
    Sla *s = self;
    if (!s) return;
    s->draining = s->stopped = true;
    if (s->producer) (void)kafka_producer_flush_for(s->producer, FLUSH_MS);
    s->producer = s->publisher.producer = kafka_producer_free(s->producer);
    if (s->batch) metrics_off_scrape(on_scrape, s);
    s->batch = batch_free(s->batch);
    s->postgres = connection_free(s->postgres);
    s->follower = follower_free(s->follower); /* its shares are asked until here */
    s->histories = histories_free(s->histories);
    s->pool = postgres_pool_free(s->pool);
    s->configuration = configuration_free(s->configuration);
    s->wake = loop_timer_free(s->wake);
    s->tick = loop_timer_free(s->tick);
    s->retry = loop_timer_free(s->retry);
    s->tenants = tenants_free(s->tenants);
    s->clocks = clocks_free(s->clocks);
    for (size_t i = 0; i < sizeof(s->params) / sizeof(*s->params); i++)
        params_done(&s->params[i]);
    loop_free_later(s->loop, s, free_memory); /* its turn may just have been over */
}
