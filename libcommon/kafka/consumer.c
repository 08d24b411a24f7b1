/* A group member: librdkafka's queue is emptied into a bounded ring, from which the caller takes.
 *
 * Rebalances are handled in three steps of ours, all without blocking the loop:
 *   assigned: ask the coordinator which offsets the group has committed (STARTING), then assign
 *             with an explicit start for every partition (OWNING). librdkafka alone could not tell
 *             "nothing committed yet" from "committed, but gone" when auto.offset.reset is error.
 *   revoked:  tell the caller, wait for its release or release_ms (RELEASING), then unassign; what
 *             is stored is committed by librdkafka on the way.
 * While the ring is full and nobody takes, everything is paused after STALL_MS: librdkafka then
 * drops what it had prefetched, and a rebalance is never stuck behind messages. */
#include "kafka/consumer.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "kafka/kafka_internal.h"
#include "log/log.h"

enum {
    OPS_PER_WAKE = 1024,
    BEYOND_FULL = 16, /* polled although the ring is full: to see what is not a message */
    TICK_MS = 1000,
    STALL_MS = 500,
    COMMITTED_TIMEOUT_MS = 3000,
    COMMITTED_RETRY_MS = 300,
    CLOSE_MS = 2500,
    DESTROY_MS = 1000,
    DOWN_MS = 2000, /* no broker connected for so long is not healthy */
};

typedef enum Phase { PHASE_JOINING, PHASE_STARTING, PHASE_OWNING, PHASE_RELEASING } Phase;

typedef struct Owned {
    char *topic;
    int32_t partition;
    int64_t next; /* stored or committed; negative: nothing yet, it began at the beginning or end */
    bool stopped; /* offset out of range */
    bool seen;    /* its first message came */
} Owned;

struct KafkaConsumer {
    Loop *loop;
    KafkaConsumerEvents events;
    void *arg;
    KafkaStart start;
    KafkaReset reset;
    int release_ms;
    char *group;

    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;   /* messages, rebalances, errors */
    rd_kafka_queue_t *answers; /* committed offsets */
    KafkaWake wake;
    LoopTimer *again, *tick, *stall, *release, *retry;

    KafkaMessage *ring;
    size_t ring_size, max_ready, head, ready;
    bool told; /* readable() was called and nothing has emptied the ring since */
    bool more; /* polling stopped at the ring's bound, not at the queue's end */

    Phase phase;
    rd_kafka_topic_partition_list_t *starting; /* assigned, offsets being asked for */
    rd_kafka_resp_err_t rebalance;             /* noted by the callback, handled after the poll */
    rd_kafka_topic_partition_list_t *rebalance_list;
    uintptr_t asked; /* which question about committed offsets counts */
    Owned *owned;
    size_t n_owned, n_seen;

    bool paused;  /* by the caller */
    bool stalled; /* by us: nobody takes */
    bool applied; /* what librdkafka has been told */

    bool down, fatal, freed;
    int64_t down_since_ms;
    char trouble[256];
};

static void serve(KafkaConsumer *c, size_t beyond);

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

static void ring_drop(KafkaConsumer *c) {
    for (size_t i = 0; i < c->ready; i++)
        rd_kafka_message_destroy(ring_at(c, i)->owner);
    c->ready = 0;
    c->told = false;
}

/* ---- owned partitions ---- */

static Owned *owned_find(const KafkaConsumer *c, Str topic, int32_t partition) {
    for (size_t i = 0; i < c->n_owned; i++)
        if (c->owned[i].partition == partition && str_is(topic, c->owned[i].topic))
            return &c->owned[i];
    return NULL;
}

static void owned_clear(KafkaConsumer *c) {
    for (size_t i = 0; i < c->n_owned; i++)
        free(c->owned[i].topic);
    free(c->owned);
    c->owned = NULL;
    c->n_owned = c->n_seen = 0;
}

/* Pauses or resumes what is owned. Only on change: in 2.0.2 resuming a partition that is not
 * paused may rewind it. */
static void apply_pause(KafkaConsumer *c, bool want) {
    if (want == c->applied || c->n_owned == 0) return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)c->n_owned);
    for (size_t i = 0; i < c->n_owned; i++)
        rd_kafka_topic_partition_list_add(list, c->owned[i].topic, c->owned[i].partition);
    if (want)
        (void)rd_kafka_pause_partitions(c->rk, list);
    else
        (void)rd_kafka_resume_partitions(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    c->applied = want;
}

static void refresh_pause(KafkaConsumer *c) {
    if (c->phase == PHASE_OWNING) apply_pause(c, c->paused || c->stalled);
}

/* ---- rebalance ---- */

static void unassign(KafkaConsumer *c) {
    loop_timer_disarm(c->release);
    /* The flag would survive into the next assignment of this instance. */
    apply_pause(c, false);
    c->applied = false;
    c->stalled = false;
    c->phase = PHASE_JOINING;
    (void)rd_kafka_assign(c->rk, NULL);
    owned_clear(c);
}

static void begin_owning(KafkaConsumer *c, rd_kafka_topic_partition_list_t *list) {
    owned_clear(c);
    c->n_owned = (size_t)list->cnt;
    c->owned = xcalloc(c->n_owned ? c->n_owned : 1, sizeof(Owned));
    for (int i = 0; i < list->cnt; i++)
        c->owned[i] = (Owned){.topic = xstrdup(list->elems[i].topic),
                              .partition = list->elems[i].partition,
                              .next = list->elems[i].offset};
    rd_kafka_resp_err_t err = rd_kafka_assign(c->rk, list);
    if (err) log_debug(NULL, "kafka consumer: assign: %s", rd_kafka_err2str(err));
    c->phase = PHASE_OWNING;
    c->applied = false;
    refresh_pause(c);
    if (c->events.assigned) c->events.assigned(c->arg, c->n_owned);
}

static void ask_committed(KafkaConsumer *c) {
    char why[128];
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(c->group, c->starting);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(c->rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, COMMITTED_TIMEOUT_MS, why,
                                                    sizeof(why));
    rd_kafka_AdminOptions_set_opaque(options, (void *)++c->asked);
    rd_kafka_ListConsumerGroupOffsets(c->rk, &request, 1, options, c->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
}

/* Copies what the group has committed into c->starting; false when a partition's answer is
 * missing. */
static bool read_committed(KafkaConsumer *c, rd_kafka_event_t *event) {
    size_t n = 0;
    const rd_kafka_ListConsumerGroupOffsets_result_t *result =
        rd_kafka_event_ListConsumerGroupOffsets_result(event);
    if (!result || rd_kafka_event_error(event)) return false;
    const rd_kafka_group_result_t **groups =
        rd_kafka_ListConsumerGroupOffsets_result_groups(result, &n);
    if (n != 1 || rd_kafka_group_result_error(groups[0])) return false;
    const rd_kafka_topic_partition_list_t *committed = rd_kafka_group_result_partitions(groups[0]);
    int64_t none = c->start == KAFKA_START_LATEST ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    for (int i = 0; i < c->starting->cnt; i++) {
        rd_kafka_topic_partition_t *to = &c->starting->elems[i];
        const rd_kafka_topic_partition_t *from = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)committed, to->topic, to->partition);
        if (!from || from->err) return false;
        to->offset = from->offset >= 0 ? from->offset : none;
    }
    return true;
}

static void serve_answers(KafkaConsumer *c) {
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(c->answers, 0))) {
        if (c->phase == PHASE_STARTING && rd_kafka_event_opaque(event) == (void *)c->asked &&
            rd_kafka_event_type(event) == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT) {
            if (read_committed(c, event)) {
                rd_kafka_topic_partition_list_t *list = TAKE(c->starting);
                begin_owning(c, list);
                rd_kafka_topic_partition_list_destroy(list);
            } else {
                log_debug(NULL, "kafka consumer: committed offsets not known yet: %s",
                          rd_kafka_event_error_string(event));
                loop_timer_arm(c->retry, COMMITTED_RETRY_MS);
            }
        }
        rd_kafka_event_destroy(event);
    }
}

static void on_retry(void *arg) {
    KafkaConsumer *c = arg;
    if (c->phase == PHASE_STARTING) ask_committed(c);
}

static void on_release_due(void *arg) {
    KafkaConsumer *c = arg;
    if (c->phase == PHASE_RELEASING) unassign(c);
}

void kafka_consumer_release(KafkaConsumer *c) {
    /* By the timer: the caller may be inside revoked(). */
    if (c->phase == PHASE_RELEASING) loop_timer_arm(c->release, 0);
}

static void take_rebalance(KafkaConsumer *c) {
    rd_kafka_resp_err_t what = c->rebalance;
    rd_kafka_topic_partition_list_t *list = TAKE(c->rebalance_list);
    c->rebalance = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && list->cnt == 0) {
        begin_owning(c, list);
    } else if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        if (c->starting) rd_kafka_topic_partition_list_destroy(c->starting);
        c->starting = TAKE(list);
        c->phase = PHASE_STARTING;
        ask_committed(c);
    } else { /* revoked, or an error that librdkafka wants answered by an unassign */
        bool had = c->phase == PHASE_OWNING, lost = rd_kafka_assignment_lost(c->rk);
        if (c->starting) rd_kafka_topic_partition_list_destroy(c->starting);
        c->starting = NULL;
        ring_drop(c);
        c->phase = PHASE_RELEASING;
        loop_timer_arm(c->release, lost || !had || !c->n_owned ? 0 : c->release_ms);
        if (had && c->events.revoked) c->events.revoked(c->arg);
        /* Lost: somebody else may have them already, nothing can be committed. */
    }
    if (list) rd_kafka_topic_partition_list_destroy(list);
}

/* ---- polling ---- */

static void take_message_error(KafkaConsumer *c, const rd_kafka_message_t *m) {
    CLEANUP(buf_done) Buf text = {0};
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    const char *why = m->payload ? rd_kafka_message_errstr(m) : rd_kafka_err2str(m->err);
    Owned *o;
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        if ((o = owned_find(c, str(topic), m->partition))) o->stopped = true;
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
    Owned *o = owned_find(c, m->topic, m->partition);
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
    serve_answers(c);
    c->more = true;
    while (ops++ < OPS_PER_WAKE && c->ready < bound) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, 0);
        if (c->rebalance) take_rebalance(c);
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
    refresh_pause(c);
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
        refresh_pause(c);
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
    Owned *o = owned_find(c, topic, partition);
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
    refresh_pause(c);
}

void kafka_consumer_resume(KafkaConsumer *c) {
    c->paused = false;
    refresh_pause(c);
    if (c->ready) {
        c->told = false;
        loop_timer_arm(c->again, 0);
    }
}

size_t kafka_consumer_owned(const KafkaConsumer *c) {
    return c->n_owned;
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

static rd_kafka_conf_t *make_conf(const KafkaConsumerSettings *s, Buf *problem) {
    static const char *const ours[][2] = {
        {"partition.assignment.strategy", "roundrobin"},
        {"session.timeout.ms", "6000"},
        {"heartbeat.interval.ms", "1500"},
        {"statistics.interval.ms", "1000"},
        {"queued.max.messages.kbytes", "8192"},
        {"queued.min.messages", "20000"},
        {"fetch.wait.max.ms", "50"},
        {"fetch.error.backoff.ms", "100"},
        {"fetch.message.max.bytes", "1048576"},
        {"isolation.level", "read_committed"},
        {"topic.metadata.refresh.interval.ms", "30000"}, /* a topic made later is seen soon */
    };
    static const char *const fixed[][2] = {
        {"enable.auto.commit", "true"},
        {"enable.auto.offset.store", "false"}, /* offsets follow effects */
        {"auto.commit.interval.ms", "1000"},
        {"enable.partition.eof", "false"},
    };
    rd_kafka_conf_t *conf = kafka_conf_new(s->brokers, s->client_id, problem);
    if (!conf) return NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(ours) / sizeof(*ours); i++)
        ok = kafka_conf_set(conf, ours[i][0], ours[i][1], problem) == 0;
    if (ok) ok = kafka_conf_options(conf, s->options, problem) == 0;
    for (size_t i = 0; ok && i < sizeof(fixed) / sizeof(*fixed); i++)
        ok = kafka_conf_set(conf, fixed[i][0], fixed[i][1], problem) == 0;
    if (ok) ok = kafka_conf_set(conf, "group.id", s->group, problem) == 0;
    if (ok && s->instance_id && *s->instance_id)
        ok = kafka_conf_set(conf, "group.instance.id", s->instance_id, problem) == 0;
    if (ok)
        ok = kafka_conf_set(conf, "auto.offset.reset",
                            s->reset == KAFKA_RESET_ALARM ? "error" : "earliest", problem) == 0;
    if (ok) return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

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
    rd_kafka_conf_t *conf = make_conf(s, problem);
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
    c->start = settings->start;
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
    c->release = loop_timer_new(loop, on_release_due, c);
    c->retry = loop_timer_new(loop, on_retry, c);
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
    if (c->phase == PHASE_STARTING || c->phase == PHASE_RELEASING) unassign(c);
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
    owned_clear(c);
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
        ring_drop(c);
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
