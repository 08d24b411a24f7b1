/* A group member: librdkafka's queue is emptied into a bounded ring, from which the caller takes.
 *
 * While the ring is full and nobody takes, everything is paused after STALL_MS: librdkafka then
 * drops what it had prefetched, and a rebalance (rebalance.c) is never stuck behind messages. */

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "kafka/consumer_internal.h"
#include "log/log.h"

enum {
    OPS_PER_WAKE = 1024,
    BEYOND_FULL = 16, /* polled although the ring is full: to see what is not a message */
    TICK_MS = 1000,
    STALL_MS = 500,
    CLOSE_MS = 2500,
    DESTROY_MS = 1000,
    DOWN_MS = 2000, /* no broker connected for so long is not healthy */
};

static void alarm_text(KafkaConsumer *c, const char *text) {
    if (!c->freed && c->events.alarm) c->events.alarm(c->arg, text);
}

static void note_trouble(KafkaConsumer *c, const char *text) {
    size_t n = text ? strnlen(text, sizeof(c->trouble) - 1) : 0;
    if (n) memcpy(c->trouble, text, n);
    c->trouble[n] = '\0';
}

/* ---- callbacks of librdkafka: all from inside a poll on our thread ---- */

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *list, void *opaque) {
    KafkaConsumer *c = opaque;
    (void)rk;
    c->rebalance = err;
    if (c->rebalance_list) rd_kafka_topic_partition_list_destroy(c->rebalance_list);
    c->rebalance_list = rd_kafka_topic_partition_list_copy(list);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque) {
    KafkaConsumer *c = opaque;
    (void)rk;
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !c->down) {
        c->down = true;
        c->down_since_ms = clock_monotonic_ms();
    }
    if (err == RD_KAFKA_RESP_ERR__FATAL) c->fatal = true;
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*c->trouble) note_trouble(c, reason);
    log_debug(NULL, "kafka consumer: %s", reason);
}

static int on_stats(rd_kafka_t *rk, char *json, size_t n, void *opaque) {
    KafkaConsumer *c = opaque;
    (void)rk;
    if (c->down && kafka_stats_broker_up(json, n)) c->down = false;
    return 0; /* librdkafka frees it */
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    log_debug(NULL, "kafka consumer: %s: %s", facility, text);
}

/* ---- the ring ---- */

static KafkaMessage *ring_at(KafkaConsumer *c, size_t i) {
    return &c->ring[(c->head + i) % c->ring_size];
}

void consumer_drop_ready(KafkaConsumer *c) {
    for (size_t i = 0; i < c->ready; i++)
        rd_kafka_message_destroy(ring_at(c, i)->owner);
    c->ready = 0;
    c->told = false;
}

/* ---- polling ---- */

static void take_message_error(KafkaConsumer *c, const rd_kafka_message_t *m) {
    CLEANUP(buf_done) Buf text = {0};
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    const char *why = m->payload ? rd_kafka_message_errstr(m) : rd_kafka_err2str(m->err);
    Owned *o;
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        if ((o = consumer_owned_find(c, str(topic), m->partition))) o->stopped = true;
        buf_printf(&text,
                   "the offset that group %s committed in %s [%d] is not in the topic any more, "
                   "reading of this partition has stopped: %s",
                   c->group, topic, (int)m->partition, why);
        note_trouble(c, text.p);
        alarm_text(c, text.p);
    } else if (m->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
               m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
               m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
               m->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
               m->err == RD_KAFKA_RESP_ERR__FATAL ||
               m->err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        if (m->err == RD_KAFKA_RESP_ERR__FATAL) c->fatal = true;
        buf_printf(&text, "group %s cannot read: %s", c->group, why);
        note_trouble(c, text.p);
        alarm_text(c, text.p);
    } else {
        log_debug(NULL, "kafka consumer: %s", why);
        note_trouble(c, why);
    }
}

/* With KAFKA_RESET_EARLIEST librdkafka moves on silently: whoever lost messages should know. */
static void check_first(KafkaConsumer *c, const KafkaMessage *m) {
    CLEANUP(buf_done) Buf text = {0};
    Owned *o = consumer_owned_find(c, m->topic, m->partition);
    if (!o || o->seen) return;
    o->seen = true;
    c->n_seen++;
    if (o->next < 0 || m->offset <= o->next) return;
    buf_printf(&text, "messages %lld to %lld of %s [%d] were deleted before group %s had read them",
               (long long)o->next, (long long)m->offset - 1, o->topic, (int)o->partition, c->group);
    alarm_text(c, text.p);
}

static void tell_readable(KafkaConsumer *c) {
    if (!c->ready || c->told) return;
    c->told = true;
    if (c->events.readable) c->events.readable(c->arg);
}

static void serve(KafkaConsumer *c, size_t beyond) {
    size_t bound = c->max_ready + (beyond < BEYOND_FULL ? beyond : BEYOND_FULL), ops = 0;
    consumer_serve_answers(c);
    c->more = true;
    while (ops++ < OPS_PER_WAKE && c->ready < bound) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, 0);
        if (c->rebalance) consumer_take_rebalance(c);
        if (!m) {
            c->more = false;
            break;
        }
        if (m->err) {
            take_message_error(c, m);
            rd_kafka_message_destroy(m);
        } else if (c->phase == PHASE_OWNING) {
            kafka_message_fill(ring_at(c, c->ready), m);
            if (c->n_seen < c->n_owned) check_first(c, ring_at(c, c->ready));
            c->ready++;
            c->down = false;
        } else {
            rd_kafka_message_destroy(m); /* overtaken by a rebalance */
        }
    }
    if (c->more && c->ready < c->max_ready) loop_timer_arm(c->again, 0); /* no edge will come */
    if (c->ready >= c->max_ready && !c->stalled && !loop_timer_armed(c->stall))
        loop_timer_arm(c->stall, STALL_MS);
    tell_readable(c);
}

static void on_wake(void *arg) {
    serve(arg, 1);
}

static void on_again(void *arg) {
    serve(arg, 0);
}

static void on_stall(void *arg) {
    KafkaConsumer *c = arg;
    if (c->ready < c->max_ready) return;
    c->stalled = true;
    consumer_refresh_pause(c);
    serve(c, 1);
}

static void on_tick(void *arg) {
    KafkaConsumer *c = arg;
    loop_timer_arm(c->tick, TICK_MS);
    /* While stalled nothing that is not outdated comes; poll on, for rebalances and so that
     * max.poll.interval.ms does not expire. */
    serve(c, c->stalled ? BEYOND_FULL : 0);
}

/* ---- what the caller does ---- */

size_t kafka_consumer_take(KafkaConsumer *c, KafkaMessage *ret, size_t max) {
    size_t n = max < c->ready ? max : c->ready;
    for (size_t i = 0; i < n; i++)
        ret[i] = *ring_at(c, i);
    c->head = (c->head + n) % c->ring_size;
    c->ready -= n;
    if (n) loop_timer_disarm(c->stall);
    if (c->ready == 0) c->told = false;
    if (c->stalled && c->ready <= c->max_ready / 2) {
        c->stalled = false;
        consumer_refresh_pause(c);
    }
    if (c->more || c->ready == 0) loop_timer_arm(c->again, 0);
    return n;
}

size_t kafka_consumer_ready(const KafkaConsumer *c) {
    return c->ready;
}

void kafka_message_done(KafkaMessage *m) {
    if (!m->owner) return;
    rd_kafka_message_destroy(m->owner);
    m->owner = NULL;
}

int kafka_consumer_store(KafkaConsumer *c, Str topic, int32_t partition, int64_t next_offset) {
    Owned *o = consumer_owned_find(c, topic, partition);
    if (!o || o->next >= next_offset) return 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, o->topic, partition)->offset = next_offset;
    rd_kafka_resp_err_t err = rd_kafka_offsets_store(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR__STATE) return 0; /* taken away this moment */
    if (err) return kafka_errno(err);
    o->next = next_offset;
    return 0;
}

int kafka_consumer_commit_now(KafkaConsumer *c) {
    rd_kafka_resp_err_t err = rd_kafka_commit(c->rk, NULL, 1);
    return err == RD_KAFKA_RESP_ERR__NO_OFFSET ? 0 : kafka_errno(err);
}

void kafka_consumer_pause(KafkaConsumer *c) {
    c->paused = true;
    consumer_refresh_pause(c);
}

void kafka_consumer_resume(KafkaConsumer *c) {
    c->paused = false;
    consumer_refresh_pause(c);
    if (c->ready) {
        c->told = false;
        loop_timer_arm(c->again, 0);
    }
}

size_t kafka_consumer_owned(const KafkaConsumer *c) {
    return c->n_owned;
}

size_t kafka_consumer_partitions(const KafkaConsumer *c, int32_t *ret, size_t max) {
    for (size_t i = 0; i < c->n_owned && i < max; i++)
        ret[i] = c->owned[i].partition;
    return c->n_owned;
}

int kafka_consumer_topic_partitions(KafkaConsumer *c, const char *topic, int timeout_ms) {
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(c->rk, topic, NULL);
    if (!handle) return -EINVAL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(c->rk, 0, handle, &found, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (err) return kafka_errno(err);
    int n = found->topic_cnt == 1 && !found->topics[0].err ? found->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(found);
    return n > 0 ? n : -ENOENT;
}

int64_t kafka_consumer_lag(const KafkaConsumer *c, const char *topic) {
    int64_t lag = 0;
    for (size_t i = 0; i < c->n_owned; i++) {
        const Owned *o = &c->owned[i];
        int64_t low, high;
        if (topic && strcmp(topic, o->topic) != 0) continue;
        if (rd_kafka_get_watermark_offsets(c->rk, o->topic, o->partition, &low, &high) || high < 0)
            continue; /* nothing heard yet */
        int64_t next = o->next >= 0 ? o->next : o->next == RD_KAFKA_OFFSET_END ? high : low;
        if (next < 0) next = 0;
        if (high > next) lag += high - next;
    }
    return lag;
}

bool kafka_consumer_healthy(const KafkaConsumer *c, Buf *reason) {
    int64_t down_ms = c->down ? clock_monotonic_ms() - c->down_since_ms : 0;
    const char *why = NULL;
    if (c->fatal) why = "the Kafka consumer has failed for good";
    if (down_ms >= DOWN_MS) why = "no Kafka broker has answered for a while";
    for (size_t i = 0; !why && i < c->n_owned; i++)
        if (c->owned[i].stopped) why = "a partition has stopped";
    if (!why) return true;
    if (reason) buf_printf(reason, "%s%s%s", why, *c->trouble ? ": " : "", c->trouble);
    return false;
}

/* ---- life ---- */

static int subscribe(KafkaConsumer *c, const KafkaConsumerSettings *s, Buf *problem) {
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new((int)s->n_topics);
    for (size_t i = 0; i < s->n_topics; i++)
        rd_kafka_topic_partition_list_add(topics, s->topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(c->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (!err) return 0;
    buf_printf(problem, "Kafka group %s: %s", s->group, rd_kafka_err2str(err));
    return -EINVAL;
}

static int start(KafkaConsumer *c, const KafkaConsumerSettings *s, Buf *problem) {
    char why[256];
    rd_kafka_conf_t *conf = kafka_consumer_conf(s, problem);
    if (!conf) return -EINVAL;
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, on_stats);
    rd_kafka_conf_set_log_cb(conf, on_log);
    c->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        buf_printf(problem, "Kafka consumer: %s", why);
        return -EINVAL;
    }
    (void)rd_kafka_poll_set_consumer(c->rk); /* errors, statistics and logs come with the rest */
    c->queue = rd_kafka_queue_get_consumer(c->rk);
    c->answers = rd_kafka_queue_new(c->rk);
    (void)rd_kafka_set_log_queue(c->rk, NULL);
    kafka_wake_on(&c->wake, c->queue);
    kafka_wake_on(&c->wake, c->answers);
    return subscribe(c, s, problem);
}

KafkaConsumer *kafka_consumer_new(Loop *loop, const KafkaConsumerSettings *settings,
                                  const KafkaConsumerEvents *events, void *arg, Buf *ret_problem) {
    CLEANUP(kafka_consumer_freep) KafkaConsumer *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    if (events) c->events = *events;
    c->arg = arg;
    c->start = settings->start == KAFKA_START_EARLIEST ? RD_KAFKA_OFFSET_BEGINNING
               : settings->start == KAFKA_START_LATEST ? RD_KAFKA_OFFSET_END
                                                       : RD_KAFKA_OFFSET_TAIL(settings->recent);
    c->reset = settings->reset;
    c->release_ms = settings->release_ms;
    c->group = xstrdup(settings->group);
    c->max_ready = settings->max_ready ? settings->max_ready : 2000;
    c->ring_size = c->max_ready + BEYOND_FULL;
    c->ring = xcalloc(c->ring_size, sizeof(*c->ring));
    c->down = true; /* until the first sign of life */
    c->down_since_ms = clock_monotonic_ms();
    c->again = loop_timer_new(loop, on_again, c);
    c->tick = loop_timer_new(loop, on_tick, c);
    c->stall = loop_timer_new(loop, on_stall, c);
    c->release = loop_timer_new(loop, consumer_release_due, c);
    c->retry = loop_timer_new(loop, consumer_ask_again, c);
    if (kafka_wake_init(&c->wake, loop, on_wake, c) < 0) {
        buf_adds(ret_problem, "Kafka consumer: no file descriptor left");
        return NULL;
    }
    if (start(c, settings, ret_problem) < 0) return NULL;
    loop_timer_arm(c->tick, TICK_MS);
    return TAKE(c);
}

/* Leaves the group, answering the last revocation; false when the coordinator did not let us go in
 * time. */
static bool leave(KafkaConsumer *c) {
    int64_t end = clock_monotonic_ms() + CLOSE_MS;
    bool closed = false;
    if (c->phase == PHASE_STARTING || c->phase == PHASE_RELEASING) consumer_unassign(c);
    rd_kafka_queue_t *last = rd_kafka_queue_new(c->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(c->rk, last);
    if (error) {
        rd_kafka_error_destroy(error);
        closed = true; /* fatal: there is nothing to leave */
    }
    while (!closed && clock_monotonic_ms() < end) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(last, 20);
        if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            (void)rd_kafka_assign(c->rk, NULL);
        if (event) rd_kafka_event_destroy(event);
        closed = rd_kafka_consumer_closed(c->rk);
    }
    rd_kafka_queue_destroy(last);
    return closed;
}

static void release(void *arg) {
    KafkaConsumer *c = arg;
    consumer_owned_clear(c);
    free(c->ring);
    free(c->group);
    free(c);
}

KafkaConsumer *kafka_consumer_free(KafkaConsumer *c) {
    if (!c) return NULL;
    c->freed = true;
    c->events = (KafkaConsumerEvents){0};
    if (c->rk) {
        rd_kafka_queue_io_event_enable(c->queue, -1, NULL, 0);
        rd_kafka_queue_io_event_enable(c->answers, -1, NULL, 0);
        consumer_drop_ready(c);
        (void)leave(c);
        if (c->starting) rd_kafka_topic_partition_list_destroy(c->starting);
        if (c->rebalance_list) rd_kafka_topic_partition_list_destroy(c->rebalance_list);
        rd_kafka_queue_destroy(c->answers);
        rd_kafka_queue_destroy(c->queue);
        (void)kafka_destroy_within(c->rk, DESTROY_MS);
    }
    kafka_wake_done(&c->wake);
    c->again = loop_timer_free(c->again);
    c->tick = loop_timer_free(c->tick);
    c->stall = loop_timer_free(c->stall);
    c->release = loop_timer_free(c->release);
    c->retry = loop_timer_free(c->retry);
    loop_free_later(c->loop, c, release);
    return NULL;
}
