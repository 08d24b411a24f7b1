/* The consumer of docket.events, what of it is ours, and how far it was kept. */
#include "following/follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/consumer.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    RELEASE_MS = 4000,
    GATHER_MS = 20,
    GATHER_BYTES = 512 << 10,
    TAKE_AT_ONCE = 64,
    BATCH_BYTES = 16 << 20,
    TOPIC_MS = 500,
    REJOIN_MS = 10000 /* longer than a session: whoever slept has heard of it by then */
};

typedef struct Taken { /* of one partition */
    int64_t next;      /* offset; 0: nothing was taken */
    int64_t epoch;     /* by which it was */
} Taken;

struct Follower {
    Loop *loop;
    FollowerSettings settings;
    FollowerEvents events;
    void *arg;
    KafkaConsumer *consumer;
    Shares shares;
    bool revoking;
    Taken taken[SHARES_MAX_PARTITIONS];
    int64_t oldest_ms; /* of what was taken; 0: none */
    int64_t lost_since_ms;
    int topic_partitions; /* 0: not known yet */
    Metric *count, *poison, *alarms, *lag, *oldest, *owned;
};

/* ---- Batches ---- */

static void hand_out(Follower *f, const KafkaMessage *m, FollowerTake take, void *arg) {
    Followed event = {.partition = m->partition, .offset = m->offset, .message = m->value};
    if (event_head_read(m->value, &event.head) < 0) {
        metric_add(f->poison, 1);
        log_error(NULL, "what lies in %s [%d] at %lld is no event", f->settings.topic,
                  (int)m->partition, (long long)m->offset);
        return;
    }
    take(arg, &event);
}

size_t follower_take(Follower *f, FollowerTake take, void *arg) {
    KafkaMessage some[TAKE_AT_ONCE];
    size_t taken = 0, bytes = 0, k;
    while (taken < f->settings.batch_max && bytes < BATCH_BYTES &&
           (k = kafka_consumer_take(f->consumer, some, TAKE_AT_ONCE)) > 0) {
        for (size_t i = 0; i < k; i++) {
            KafkaMessage *m = &some[i];
            /* Of a partition that was lost nothing is believed, nor its offset moved. */
            if (shares_owns(&f->shares, m->partition)) {
                f->taken[m->partition] =
                    (Taken){m->offset + 1, shares_epoch(&f->shares, m->partition)};
                hand_out(f, m, take, arg);
            }
            bytes += m->value.n;
            kafka_message_done(m);
        }
        taken += k;
    }
    metric_add(f->count, (double)taken);
    return taken;
}

Event *follower_decode(Follower *f, const Followed *event, Arena *arena) {
    Event *ret = arena_alloc(arena, sizeof(*ret));
    const char *problem = NULL;
    if (event_decode(event->message, arena, ret, &problem) < 0) {
        metric_add(f->poison, 1);
        log_error(ABOUT(event->head.tenant_id, event->head.ticket_id),
                  "an event cannot be read: %s", problem);
        return NULL;
    }
    if (ret->at_ms && (!f->oldest_ms || ret->at_ms < f->oldest_ms)) f->oldest_ms = ret->at_ms;
    return ret;
}

int64_t follower_next_offset(const Follower *f, int32_t partition) {
    return partition >= 0 && partition < SHARES_MAX_PARTITIONS ? f->taken[partition].next : 0;
}

void follower_kept(Follower *f) {
    for (int32_t i = 0; i < SHARES_MAX_PARTITIONS; i++) {
        Taken *t = &f->taken[i];
        if (t->next && t->epoch == f->shares.epochs[i])
            (void)kafka_consumer_store(f->consumer, str(f->settings.topic), i, t->next);
        t->next = 0;
    }
    f->oldest_ms = 0;
}

/* ---- The group ---- */

static void on_readable(void *arg) {
    Follower *f = arg;
    if (f->events.wake) f->events.wake(f->arg);
}

static void on_assigned(void *arg, size_t n) {
    Follower *f = arg;
    int32_t partitions[SHARES_MAX_PARTITIONS];
    n = kafka_consumer_partitions(f->consumer, partitions, SHARES_MAX_PARTITIONS);
    if (n > SHARES_MAX_PARTITIONS) n = SHARES_MAX_PARTITIONS;
    shares_assign(&f->shares, partitions, n);
    f->revoking = false;
    f->lost_since_ms = 0;
    log_info(NULL, "following %zu partitions of %s", n, f->settings.topic);
    if (f->events.assigned) f->events.assigned(f->arg, n);
    on_readable(f);
}

static void on_revoked(void *arg) {
    Follower *f = arg;
    f->revoking = true;
    shares_revoke(&f->shares);
    on_readable(f);
}

static void on_alarm(void *arg, const char *text) {
    Follower *f = arg;
    metric_add(f->alarms, 1);
    log_error(NULL, "the follower of %s needs an operator: %s", f->settings.topic, text);
    if (f->events.alarm) f->events.alarm(f->arg);
}

static int join(Follower *f, Buf *ret_problem) {
    const FollowerSettings *s = &f->settings;
    f->consumer = kafka_consumer_new(
        f->loop,
        &(KafkaConsumerSettings){.brokers = s->brokers,
                                 .group = s->group,
                                 .topics = &s->topic,
                                 .n_topics = 1,
                                 .client_id = s->client_id,
                                 .options = s->options && s->options[0] ? s->options : NULL,
                                 .start = KAFKA_START_EARLIEST,
                                 .reset = KAFKA_RESET_EARLIEST,
                                 .gather_ms = s->gather_ms ? s->gather_ms : GATHER_MS,
                                 .gather_bytes = GATHER_BYTES,
                                 .max_ready = 2 * s->batch_max + TAKE_AT_ONCE,
                                 .release_ms = RELEASE_MS},
        &(KafkaConsumerEvents){on_readable, on_assigned, on_revoked, on_alarm}, f, ret_problem);
    return f->consumer ? 0 : -EINVAL;
}

/* What was lost comes again from the last offsets stored. */
static int rejoin(Follower *f, Buf *ret_problem) {
    log_warn(NULL, "joining the group anew");
    f->consumer = kafka_consumer_free(f->consumer);
    f->revoking = false;
    f->lost_since_ms = 0;
    shares_revoke(&f->shares);
    memset(f->taken, 0, sizeof(f->taken));
    return join(f, ret_problem);
}

Shares *follower_shares(Follower *f) {
    return &f->shares;
}

void follower_release(Follower *f) {
    if (!f->revoking) return;
    f->revoking = false;
    kafka_consumer_release(f->consumer);
}

void follower_pause(Follower *f) {
    kafka_consumer_pause(f->consumer);
}

/* Ours by the group, somebody else's by PostgreSQL, and it stays so: its events were passed over.
 */
static bool something_is_lost(const Follower *f, bool brokers) {
    int32_t partitions[SHARES_MAX_PARTITIONS];
    if (brokers && !kafka_consumer_healthy(f->consumer, NULL)) return true;
    if (!f->shares.assigned) return false;
    size_t n = kafka_consumer_partitions(f->consumer, partitions, SHARES_MAX_PARTITIONS);
    for (size_t i = 0; i < n && i < SHARES_MAX_PARTITIONS; i++)
        if (!shares_owns(&f->shares, partitions[i])) return true;
    return false;
}

int follower_tick(Follower *f, bool idle, bool brokers, Buf *ret_problem) {
    int64_t now = clock_monotonic_ms();
    if (!something_is_lost(f, brokers)) {
        f->lost_since_ms = 0;
        return 0;
    }
    if (!f->lost_since_ms) f->lost_since_ms = now;
    return idle && now - f->lost_since_ms >= REJOIN_MS ? rejoin(f, ret_problem) : 0;
}

int64_t follower_followed_ms(const Follower *f, int64_t now_ms) {
    if (f->oldest_ms) return f->oldest_ms;
    return f->consumer && kafka_consumer_lag(f->consumer, NULL) == 0 ? now_ms : 0;
}

bool follower_healthy(const Follower *f, Buf *reason) {
    return kafka_consumer_healthy(f->consumer, reason);
}

int64_t follower_lag(const Follower *f) {
    return kafka_consumer_lag(f->consumer, NULL);
}

int follower_topic_partitions(Follower *f) {
    if (f->topic_partitions) return f->topic_partitions;
    int n = kafka_consumer_topic_partitions(f->consumer, f->settings.topic, TOPIC_MS);
    if (n == 0) return -EAGAIN;
    if (n > 0) f->topic_partitions = n;
    return n;
}

/* ---- Metrics ---- */

static void on_scrape(void *arg) {
    const Follower *f = arg;
    if (!f->consumer) return;
    metric_set(f->lag, (double)kafka_consumer_lag(f->consumer, NULL));
    metric_set(f->oldest, f->oldest_ms ? (double)(clock_wall_ms() - f->oldest_ms) / 1000 : 0);
    metric_set(f->owned, (double)kafka_consumer_owned(f->consumer));
}

typedef Metric *(*MetricKind)(const char *name, const char *help, const char *labels);

static Metric *metric(const Follower *f, MetricKind kind, const char *name, const char *help) {
    CLEANUP(buf_done) Buf whole = {0};
    buf_printf(&whole, "%s_%s", f->settings.metrics, name);
    return kind(whole.p, help, NULL);
}

static void make_metrics(Follower *f) {
    f->count = metric(f, metric_counter, "events_total", "Events taken");
    f->poison = metric(f, metric_counter, "poison_total", "Messages that are no events");
    f->alarms = metric(f, metric_counter, "consumer_alarms_total",
                       "Troubles of the follower that need an operator");
    f->lag =
        metric(f, metric_gauge, "lag_messages", "Events not yet followed in the partitions owned");
    f->oldest = metric(f, metric_gauge, "oldest_seconds",
                       "Age of the oldest event taken and not yet followed");
    f->owned = metric(f, metric_gauge, "partitions", "Partitions of the events owned");
}

/* ---- Life ---- */

Follower *follower_new(Loop *loop, const FollowerSettings *settings, const FollowerEvents *events,
                       void *arg, Buf *ret_problem) {
    Follower *f = xcalloc(1, sizeof(*f));
    f->loop = loop;
    f->settings = *settings;
    f->events = *events;
    f->arg = arg;
    make_metrics(f);
    metrics_on_scrape(on_scrape, f);
    if (join(f, ret_problem) < 0) return follower_free(f);
    return f;
}

Follower *follower_free(Follower *f) {
    if (!f) return NULL;
    metrics_off_scrape(on_scrape, f);
    f->consumer = kafka_consumer_free(f->consumer);
    free(f);
    return NULL;
}
