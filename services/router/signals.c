/* A few messages at a time, all of them through before the next. */
#include "router/signals.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "events/signal.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/escalation.h"

enum { BATCH = ACTS_MAX, RELEASE_MS = 4000 };

struct Signals {
    KafkaConsumer *consumer;
    Dispatch *dispatch;
    Acts *acts;
    Problems *problems;
    char *group;
    const char *topic;
    Publication *dead, *dead_acts, *dead_problems;
    Arena *arena;
    KafkaMessage messages[BATCH];
    size_t n, pending;
    ActsAsk asks[BATCH]; /* the promises' */
    size_t asked[BATCH]; /* their messages */
    size_t asks_n;
    ProblemsAsk surges[BATCH];
    size_t surged[BATCH]; /* likewise */
    size_t surges_n;
    bool stopped, revoking;
    Metric *received, *dead_letters, *lag;
};

static void pump(Signals *s);

static void finish(Signals *s) {
    if (s->asks_n) CRASH_POINT("promise-before-offset");
    CRASH_POINT("before-offset");
    for (size_t i = 0; i < s->n; i++) { /* ascending within a partition: the last one counts */
        (void)kafka_consumer_store(s->consumer, s->messages[i].topic, s->messages[i].partition,
                                   s->messages[i].offset + 1);
        kafka_message_done(&s->messages[i]);
    }
    s->n = s->asks_n = s->surges_n = 0;
    publication_clear(s->dead);
    publication_clear(s->dead_acts);
    publication_clear(s->dead_problems);
    arena_reset(s->arena);
    if (s->revoking) {
        s->revoking = false;
        kafka_consumer_release(s->consumer);
    }
    pump(s);
}

static void on_done(void *arg) {
    Signals *s = arg;
    if (--s->pending == 0) finish(s);
}

static void bury(Signals *s, Publication *to, size_t message, const Signal *about,
                 const char *reason) {
    log_error(ABOUT(about ? about->tenant_id : 0, about ? about->ticket_id : 0),
              "a signal cannot be processed and goes to docket.dead: %s", reason);
    metric_add(s->dead_letters, 1);
    publication_add_dead(to, &s->messages[message], about ? about->tenant_id : 0,
                         about ? about->ticket_id : 0, reason, clock_wall_ms());
}

static void on_acted(void *arg) {
    Signals *s = arg;
    for (size_t i = 0; i < s->asks_n; i++)
        if (s->asks[i].dead) bury(s, s->dead_acts, s->asked[i], s->asks[i].signal, s->asks[i].dead);
    publication_start(s->dead_acts, on_done, s);
}

static void on_opened(void *arg) {
    Signals *s = arg;
    for (size_t i = 0; i < s->surges_n; i++)
        if (s->surges[i].dead)
            bury(s, s->dead_problems, s->surged[i], s->surges[i].signal, s->surges[i].dead);
    publication_start(s->dead_problems, on_done, s);
}

static void pump(Signals *s) {
    if (s->n || s->stopped || s->revoking) return;
    s->n = kafka_consumer_take(s->consumer, s->messages, BATCH);
    if (s->n == 0) return;
    metric_add(s->received, (double)s->n);
    s->pending = 1; /* the dead letters, if any */
    for (size_t i = 0; i < s->n; i++) {
        Signal *signal = arena_alloc(s->arena, sizeof(*signal));
        const char *problem = NULL;
        if (signal_decode(s->messages[i].value, s->arena, signal, &problem) < 0) {
            bury(s, s->dead, i, NULL, problem);
            continue;
        }
        if (signal_is_promise(signal)) {
            s->asks[s->asks_n] = (ActsAsk){.signal = signal};
            s->asked[s->asks_n++] = i;
            continue;
        }
        if (signal->kind == SIGNAL_SURGE_FOUND) {
            s->surges[s->surges_n] = (ProblemsAsk){.signal = signal};
            s->surged[s->surges_n++] = i;
            continue;
        }
        s->pending++;
        dispatch_signal(s->dispatch, signal, on_done, s);
    }
    if (s->asks_n) {
        s->pending++;
        acts_run(s->acts, s->asks, s->asks_n, on_acted, s);
    }
    if (s->surges_n) {
        s->pending++;
        problems_run(s->problems, s->surges, s->surges_n, on_opened, s);
    }
    publication_start(s->dead, on_done, s);
}

static void on_readable(void *arg) {
    pump(arg);
}

static void on_revoked(void *arg) {
    Signals *s = arg;
    if (s->n)
        s->revoking = true;
    else
        kafka_consumer_release(s->consumer);
}

static void on_assigned(void *arg, size_t n) {
    (void)n;
    Signals *s = arg;
    s->revoking = false;
    pump(s);
}

static void on_alarm(void *arg, const char *text) {
    (void)arg;
    log_error(NULL, "the signals need an operator: %s", text);
}

static void on_scrape(void *arg) {
    const Signals *s = arg;
    metric_set(s->lag, (double)kafka_consumer_lag(s->consumer, NULL));
}

Signals *signals_new(Loop *loop, const RouterSettings *settings, const char *instance,
                     Dispatch *dispatch, Acts *acts, Problems *problems, const Publisher *publisher,
                     Buf *ret_problem) {
    Signals *s = xcalloc(1, sizeof(*s));
    CLEANUP(buf_done) Buf group = {0};
    buf_printf(&group, "%s-signals", settings->group);
    s->group = xstrdup(group.p);
    s->topic = settings->topic_signals;
    s->dispatch = dispatch;
    s->acts = acts;
    s->problems = problems;
    s->dead = publication_new(publisher);
    s->dead_acts = publication_new(publisher);
    s->dead_problems = publication_new(publisher);
    s->arena = arena_new(16 * 1024);
    s->received = metric_counter("docket_router_signals_total", "Signals taken", NULL);
    s->dead_letters = metric_counter("docket_router_dead_letters_total",
                                     "Messages given to docket.dead", "topic=\"signals\"");
    s->lag = metric_gauge("docket_router_lag_messages",
                          "Messages not yet processed in the partitions owned", "lane=\"signals\"");
    metrics_on_scrape(on_scrape, s);
    s->consumer = kafka_consumer_new(
        loop,
        &(KafkaConsumerSettings){
            .brokers = settings->kafka_brokers,
            .group = s->group,
            .topics = &s->topic,
            .n_topics = 1,
            .client_id = instance,
            .instance_id = settings->kafka_instance_id[0] ? settings->kafka_instance_id : NULL,
            .options = settings->kafka_options[0] ? settings->kafka_options : NULL,
            .start = KAFKA_START_EARLIEST,
            .reset = KAFKA_RESET_ALARM,
            .release_ms = RELEASE_MS},
        &(KafkaConsumerEvents){on_readable, on_assigned, on_revoked, on_alarm}, s, ret_problem);
    if (!s->consumer) return signals_free(s);
    return s;
}

Signals *signals_free(Signals *s) {
    if (!s) return NULL;
    metrics_off_scrape(on_scrape, s);
    for (size_t i = 0; i < s->n; i++)
        kafka_message_done(&s->messages[i]);
    kafka_consumer_free(s->consumer);
    publication_free(s->dead);
    publication_free(s->dead_acts);
    publication_free(s->dead_problems);
    arena_free(s->arena);
    free(s->group);
    free(s);
    return NULL;
}

void signals_stop(Signals *s) {
    s->stopped = true;
    kafka_consumer_pause(s->consumer);
}

bool signals_idle(const Signals *s) {
    return s->n == 0;
}

bool signals_healthy(const Signals *s, Buf *ret_reason) {
    return kafka_consumer_healthy(s->consumer, ret_reason);
}
