/* A few messages at a time, all of them through before the next. */
#include "router/signals.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "events/signal.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { BATCH = 64, RELEASE_MS = 4000 };

struct Signals {
    KafkaConsumer *consumer;
    Dispatch *dispatch;
    char *group;
    const char *topic;
    Publication *dead;
    Arena *arena;
    KafkaMessage messages[BATCH];
    size_t n, pending;
    bool stopped, revoking;
    Metric *received, *dead_letters, *lag;
};

static void pump(Signals *s);

static void finish(Signals *s) {
    CRASH_POINT("before-offset");
    for (size_t i = 0; i < s->n; i++) { /* ascending within a partition: the last one counts */
        (void)kafka_consumer_store(s->consumer, s->messages[i].topic, s->messages[i].partition,
                                   s->messages[i].offset + 1);
        kafka_message_done(&s->messages[i]);
    }
    s->n = 0;
    publication_clear(s->dead);
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

static void pump(Signals *s) {
    if (s->n || s->stopped || s->revoking) return;
    s->n = kafka_consumer_take(s->consumer, s->messages, BATCH);
    if (s->n == 0) return;
    metric_add(s->received, (double)s->n);
    s->pending = 1; /* the dead letters, if any */
    for (size_t i = 0; i < s->n; i++) {
        Signal signal;
        const char *problem = NULL;
        if (signal_decode(s->messages[i].value, s->arena, &signal, &problem) < 0) {
            log_error(NULL, "a signal cannot be processed and goes to docket.dead: %s", problem);
            metric_add(s->dead_letters, 1);
            publication_add_dead(s->dead, &s->messages[i], 0, 0, problem, clock_wall_ms());
            continue;
        }
        s->pending++;
        dispatch_signal(s->dispatch, &signal, on_done, s);
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
                     Dispatch *dispatch, const Publisher *publisher, Buf *ret_problem) {
    Signals *s = xcalloc(1, sizeof(*s));
    CLEANUP(buf_done) Buf group = {0};
    buf_printf(&group, "%s-signals", settings->group);
    s->group = xstrdup(group.p);
    s->topic = settings->topic_signals;
    s->dispatch = dispatch;
    s->dead = publication_new(publisher);
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
