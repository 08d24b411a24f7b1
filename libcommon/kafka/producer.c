/* Records wait for the end of the turn, then for their report; they stay ours in between, so that
 * a new librdkafka instance can take over what a broken one leaves.
 *
 * Every record is in p->first..p->last in the order in which it was produced, from kafka_produce()
 * until its report. librdkafka points into it (no copy of the value). */
#include "kafka/producer.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "kafka/kafka_internal.h"
#include "kafka/record.h"
#include "log/log.h"

enum {
    TOPICS_MAX = 64,
    RECORD_MAX = (1 << 20) - 512, /* the broker counts its own book-keeping towards 1 MiB */
    REPORTS_PER_WAKE = 8192,
    GATHER_MS = 5,            /* behind what is in flight, at most */
    GATHER_BYTES = 256 << 10, /* then there is enough for a request of its own */
    ATTEMPTS_MAX = 5,
    TICK_MS = 1000,
    REPLACE_PAUSE_MS = 1000,       /* at most one new instance a second */
    STANDSTILL_MS = TICK_MS + 300, /* nobody came by for so long: it was us who stood still */
};

typedef struct Topic {
    char *name;
    rd_kafka_topic_t *rkt; /* of the present instance */
    Record **pending;      /* of this turn, in order */
    size_t n_pending, room;
} Topic;

struct KafkaProducer {
    Loop *loop;
    KafkaProducerSettings settings; /* brokers, client_id, options: own copies */
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    KafkaWake wake;
    LoopTimer *again;  /* more reports than one wake may give */
    LoopTimer *tick;   /* an edge that was missed; replacing */
    LoopTimer *gather; /* enough was gathered behind what is in flight */
    Topic topics[TOPICS_MAX];
    size_t n_topics;
    Record *first, *last;
    size_t n_records, bytes;
    size_t n_handed, pending_bytes; /* librdkafka has these; not handed over yet are these */
    rd_kafka_message_t *batch;
    size_t batch_room;
    LoopCallback drained;
    void *drained_arg;
    bool turn_deferred, freed;
    bool broken; /* a fatal error: to be replaced */
    bool stuck;  /* because nothing was answered */
    int64_t replaced_ms;
    uint64_t replacements;
    bool down; /* no broker is connected */
    int64_t down_since_ms, answered_ms;
    int64_t here_ms;   /* when our own thread last came by */
    char trouble[256]; /* the last error, for people */
};

/* ---- health ---- */

/* Since when nothing has answered although something should have; `now` when all is well. */
static int64_t silent_since(const KafkaProducer *p, int64_t now) {
    int64_t since = now;
    if (p->down) since = p->down_since_ms;
    if (p->first) {
        int64_t waiting = p->first->since_ms > p->answered_ms ? p->first->since_ms : p->answered_ms;
        if (waiting < since) since = waiting;
    }
    return since;
}

bool kafka_producer_healthy(const KafkaProducer *p, Buf *reason) {
    int64_t now = clock_monotonic_ms(), silent = now - silent_since(p, now);
    if (!p->rk) {
        if (reason) buf_adds(reason, "the Kafka producer could not be made again");
        return false;
    }
    if (silent < p->settings.quiet_ms) return true;
    if (reason)
        buf_printf(reason, "no Kafka broker has answered for %.1f s%s%s", (double)silent / 1000,
                   *p->trouble ? ": " : "", p->trouble);
    return false;
}

/* A process that was stopped, or a loop that was held up, has heard nothing because it did not
 * listen: what the broker said meanwhile is only now to be read. */
static void came_by(KafkaProducer *p) {
    int64_t now = clock_monotonic_ms();
    if (now - p->here_ms > STANDSTILL_MS) p->answered_ms = now;
    p->here_ms = now;
}

static void broker_answered(KafkaProducer *p) {
    p->down = false;
    p->answered_ms = clock_monotonic_ms();
}

/* ---- records ---- */

static void record_reported(KafkaProducer *p, Record *r, int error, int32_t partition,
                            int64_t offset) {
    if (r->prev)
        r->prev->next = r->next;
    else
        p->first = r->next;
    if (r->next)
        r->next->prev = r->prev;
    else
        p->last = r->prev;
    p->n_records--;
    p->bytes -= r->bytes;
    if (r->report) r->report(r->arg, error, error ? -1 : partition, error ? -1 : offset);
    free(r);
}

static void reports_done(KafkaProducer *p) {
    if (p->drained) p->drained(p->drained_arg);
}

/* ---- topics ---- */

static Topic *topic_of(KafkaProducer *p, const char *name) {
    for (size_t i = 0; i < p->n_topics; i++)
        if (strcmp(p->topics[i].name, name) == 0) return &p->topics[i];
    if (p->n_topics == TOPICS_MAX) return NULL;
    Topic *t = &p->topics[p->n_topics];
    /* Having the handle makes librdkafka ask for the leaders at once. */
    rd_kafka_topic_t *rkt = p->rk ? rd_kafka_topic_new(p->rk, name, NULL) : NULL;
    if (p->rk && !rkt) return NULL;
    *t = (Topic){.name = xstrdup(name), .rkt = rkt};
    p->n_topics++;
    return t;
}

static void topic_add_pending(Topic *t, Record *r) {
    if (t->n_pending == t->room) {
        t->room = t->room ? t->room * 2 : 256;
        t->pending = xrealloc(t->pending, t->room * sizeof(Record *));
    }
    t->pending[t->n_pending++] = r;
}

/* ---- handing over at the end of the turn ---- */

/* What librdkafka said when given a record: true when something was reported. */
static bool record_handed(KafkaProducer *p, Record *r, rd_kafka_resp_err_t err) {
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        r->handed = true;
        p->n_handed++;
        return false;
    }
    if (err == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_fatal_error(p->rk, NULL, 0) ||
        err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        /* Stays in the list, for the next instance. (Our bound is below the library's, so a full
         * queue means that it has lost count.) */
        p->broken = true;
        return false;
    }
    record_reported(p, r, kafka_errno(err), -1, -1);
    return true;
}

static bool hand_over_batch(KafkaProducer *p, Topic *t, size_t from, size_t n) {
    bool reported = false;
    if (n > p->batch_room) {
        p->batch_room = n < 256 ? 256 : n;
        p->batch = xrealloc(p->batch, p->batch_room * sizeof(*p->batch));
    }
    for (size_t i = 0; i < n; i++) {
        Record *r = t->pending[from + i];
        p->batch[i] = (rd_kafka_message_t){.partition = r->partition,
                                           .key = r->has_key ? r->bytes_of : NULL,
                                           .key_len = r->key_n,
                                           .payload = r->bytes_of + r->key_n,
                                           .len = r->value_n,
                                           ._private = r};
    }
    (void)rd_kafka_produce_batch(t->rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION, p->batch,
                                 (int)n);
    for (size_t i = 0; i < n; i++)
        reported |= record_handed(p, p->batch[i]._private, p->batch[i].err);
    return reported;
}

static bool hand_over_one(KafkaProducer *p, Topic *t, Record *r) {
    rd_kafka_headers_t *headers = kafka_record_headers(r);
    char *value = r->bytes_of + r->key_n;
    rd_kafka_resp_err_t err = rd_kafka_producev(
        p->rk, RD_KAFKA_V_RKT(t->rkt), RD_KAFKA_V_PARTITION(r->partition), RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_KEY(r->has_key ? r->bytes_of : NULL, r->key_n),
        RD_KAFKA_V_VALUE(value, r->value_n), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(r),
        RD_KAFKA_V_END);
    if (err) rd_kafka_headers_destroy(headers); /* stays ours on error */
    return record_handed(p, r, err);
}

static bool hand_over_topic(KafkaProducer *p, Topic *t) {
    bool reported = false;
    size_t i = 0, n = t->n_pending;
    while (i < n) {
        size_t end = i;
        while (end < n && t->pending[end]->n_headers == 0)
            end++;
        if (end > i) {
            reported |= hand_over_batch(p, t, i, end - i);
            i = end;
        } else {
            reported |= hand_over_one(p, t, t->pending[i++]);
        }
    }
    /* A report given just now may have produced more. */
    t->n_pending -= n;
    memmove(t->pending, t->pending + n, t->n_pending * sizeof(Record *));
    return reported;
}

static void hand_over(KafkaProducer *p) {
    bool reported = false;
    /* Waits for the next instance, behind what the broken one did not deliver. */
    if (!p->rk || p->broken) return;
    p->pending_bytes = 0;
    loop_timer_disarm(p->gather);
    for (size_t i = 0; i < p->n_topics; i++)
        if (p->topics[i].n_pending) reported |= hand_over_topic(p, &p->topics[i]);
    if (reported) reports_done(p);
    if (p->broken) loop_timer_arm(p->tick, 0);
}

static void on_gathered(void *arg) {
    hand_over(arg);
}

/* What nothing is ahead of goes at once. Behind something in flight it is gathered for a few
 * milliseconds: one request of many records instead of many of one or two, which is what the
 * processors of a busy gate and of its broker are spent on. A partition without leader holds up the
 * others no longer than that. */
static void on_turn_end(void *arg) {
    KafkaProducer *p = arg;
    p->turn_deferred = false;
    if (p->freed) return;
    if (p->n_handed == 0 || p->pending_bytes >= GATHER_BYTES)
        hand_over(p);
    else if (!loop_timer_armed(p->gather))
        loop_timer_arm(p->gather, GATHER_MS);
}

static int produce(KafkaProducer *p, const KafkaRecord *record, const KafkaHeader *headers,
                   size_t n, KafkaReport report, void *arg) {
    size_t size = record->key.n + record->value.n;
    for (size_t i = 0; i < n; i++)
        size += headers[i].value.n + strlen(headers[i].name) + 16;
    if (size > RECORD_MAX) return -EMSGSIZE;
    if (p->bytes + size + sizeof(Record) + RECORD_LIBRARY_BYTES > p->settings.max_bytes)
        return -ENOBUFS;
    came_by(p);
    if (p->freed || !kafka_producer_healthy(p, NULL)) return -EHOSTDOWN;
    Topic *t = topic_of(p, record->topic);
    if (!t) return -ENOENT;

    Record *r = kafka_record_new(record, headers, n);
    r->topic = t;
    r->report = report;
    r->arg = arg;
    r->since_ms = clock_monotonic_ms();
    r->prev = p->last;
    if (p->last)
        p->last->next = r;
    else
        p->first = r;
    p->last = r;
    p->n_records++;
    p->bytes += r->bytes;
    p->pending_bytes += r->bytes;
    topic_add_pending(t, r);
    if (!p->turn_deferred) {
        p->turn_deferred = true;
        loop_defer(p->loop, on_turn_end, p);
    }
    return 0;
}

int kafka_produce(KafkaProducer *p, const KafkaRecord *record, KafkaReport report, void *arg) {
    return produce(p, record, NULL, 0, report, arg);
}

int kafka_produce_with_headers(KafkaProducer *p, const KafkaRecord *record,
                               const KafkaHeader *headers, size_t n, KafkaReport report,
                               void *arg) {
    return produce(p, record, headers, n, report, arg);
}

size_t kafka_producer_in_flight(const KafkaProducer *p) {
    return p->n_records;
}

size_t kafka_producer_bytes(const KafkaProducer *p) {
    return p->bytes;
}

uint64_t kafka_producer_replacements(const KafkaProducer *p) {
    return p->replacements;
}

void kafka_producer_on_reports_drained(KafkaProducer *p, LoopCallback cb, void *arg) {
    p->drained = cb;
    p->drained_arg = arg;
}

/* ---- reports ---- */

/* Errors that say "this instance is out of step", not "this record is no good". */
static bool breaks_instance(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR__FATAL || err == RD_KAFKA_RESP_ERR__INCONSISTENT ||
           err == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER ||
           err == RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER ||
           err == RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID ||
           err == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
           err == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING ||
           err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
           err == RD_KAFKA_RESP_ERR__STATE || err == RD_KAFKA_RESP_ERR__DESTROY;
}

/* true when it was reported, false when it waits for the next instance. */
static bool take_report(KafkaProducer *p, const rd_kafka_message_t *m) {
    Record *r = m->_private;
    r->handed = false;
    p->n_handed--;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        broker_answered(p);
    } else if (breaks_instance(m->err)) {
        p->broken = true;
        bool blameless =
            m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
        if (!blameless) r->attempts++;
        if (r->attempts < ATTEMPTS_MAX && !p->freed &&
            clock_monotonic_ms() - r->since_ms < p->settings.delivery_timeout_ms)
            return false;
    }
    record_reported(p, r, p->freed && m->err ? -ECANCELED : kafka_errno(m->err), m->partition,
                    m->offset);
    return true;
}

static void take_error(KafkaProducer *p, rd_kafka_event_t *event) {
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    if (rd_kafka_event_error_is_fatal(event) || err == RD_KAFKA_RESP_ERR__FATAL) p->broken = true;
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !p->down) {
        p->down = true;
        p->down_since_ms = clock_monotonic_ms();
    }
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*p->trouble) {
        size_t n = text ? strnlen(text, sizeof(p->trouble) - 1) : 0;
        if (n) memcpy(p->trouble, text, n);
        p->trouble[n] = '\0';
    }
    log_debug(NULL, "kafka producer: %s: %s", rd_kafka_err2name(err), text ? text : "");
}

/* The records it reported. */
static size_t take_event(KafkaProducer *p, rd_kafka_event_t *event) {
    const rd_kafka_message_t *m;
    size_t reported = 0;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        while ((m = rd_kafka_event_message_next(event)))
            if (take_report(p, m)) reported++;
        break;
    case RD_KAFKA_EVENT_ERROR:
        take_error(p, event);
        break;
    case RD_KAFKA_EVENT_STATS: {
        const char *json = rd_kafka_event_stats(event);
        if (p->down && kafka_stats_broker_up(json, strlen(json))) p->down = false;
        break;
    }
    case RD_KAFKA_EVENT_LOG: {
        const char *facility, *text;
        int level;
        if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
            log_debug(NULL, "kafka producer: %s: %s", facility, text);
        break;
    }
    default:
        break;
    }
    rd_kafka_event_destroy(event);
    return reported;
}

static void drain(KafkaProducer *p) {
    rd_kafka_event_t *event;
    size_t reported = 0;
    if (!p->queue) return;
    while (reported < REPORTS_PER_WAKE && (event = rd_kafka_queue_poll(p->queue, 0)))
        reported += take_event(p, event);
    if (reported >= REPORTS_PER_WAKE) loop_timer_arm(p->again, 0); /* no new edge will come */
    if (reported) reports_done(p);
    if (p->broken) loop_timer_arm(p->tick, 0);
}

static void on_wake(void *arg) {
    drain(arg);
}

/* ---- the instance ---- */

static int start_instance(KafkaProducer *p, Buf *problem) {
    char why[256];
    rd_kafka_conf_t *conf = kafka_producer_conf(&p->settings, problem);
    if (!conf) return -EINVAL;
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!p->rk) {
        rd_kafka_conf_destroy(conf); /* taken over only on success */
        buf_printf(problem, "Kafka producer: %s", why);
        return -EINVAL;
    }
    p->queue = rd_kafka_queue_get_main(p->rk);
    (void)rd_kafka_set_log_queue(p->rk, NULL);
    kafka_wake_on(&p->wake, p->queue);
    for (size_t i = 0; i < p->n_topics; i++)
        p->topics[i].rkt = rd_kafka_topic_new(p->rk, p->topics[i].name, NULL);
    return 0;
}

/* Everything the instance had is reported, or marked as not handed over, when this returns. */
static void stop_instance(KafkaProducer *p) {
    int64_t end = clock_monotonic_ms() + 1000;
    size_t reported = 0;
    rd_kafka_event_t *event;
    if (!p->rk) return;
    rd_kafka_queue_io_event_enable(p->queue, -1, NULL, 0);
    (void)rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(p->rk) > 0 && clock_monotonic_ms() < end)
        if ((event = rd_kafka_queue_poll(p->queue, 20))) reported += take_event(p, event);
    for (size_t i = 0; i < p->n_topics; i++) {
        if (p->topics[i].rkt) rd_kafka_topic_destroy(p->topics[i].rkt);
        p->topics[i].rkt = NULL;
    }
    rd_kafka_queue_destroy(p->queue);
    p->queue = NULL;
    /* Not in the background: its threads may still read our records. */
    rd_kafka_destroy(p->rk);
    p->rk = NULL;
    for (Record *r = p->first; r; r = r->next)
        r->handed = false;
    p->n_handed = 0;
    if (reported) reports_done(p);
}

static void replace_instance(KafkaProducer *p) {
    CLEANUP(buf_done) Buf problem = {0};
    int64_t now = clock_monotonic_ms();
    if (p->replaced_ms && now - p->replaced_ms < REPLACE_PAUSE_MS) {
        loop_timer_arm(p->tick, REPLACE_PAUSE_MS - (now - p->replaced_ms));
        return;
    }
    p->replaced_ms = now;
    stop_instance(p);
    p->broken = start_instance(p, &problem) < 0;
    if (p->broken) return; /* the next tick tries again */
    p->replacements++;
    if (!p->stuck) p->answered_ms = clock_monotonic_ms(); /* what broke it was an answer */
    p->stuck = false;
    /* In their old order, those waiting for the end of this turn included. */
    for (size_t i = 0; i < p->n_topics; i++)
        p->topics[i].n_pending = 0;
    for (Record *r = p->first; r; r = r->next)
        topic_add_pending(r->topic, r);
    hand_over(p);
}

/* A broker is connected, and yet the oldest record waits and waits: librdkafka has lost track of a
 * partition, or the partition has no leader. The first needs a new instance, the second bears it.
 */
static bool is_stuck(const KafkaProducer *p, int64_t now) {
    return p->first && !p->down && now - p->first->since_ms >= p->settings.stuck_ms &&
           now - p->replaced_ms >= p->settings.stuck_ms;
}

static void on_tick(void *arg) {
    KafkaProducer *p = arg;
    loop_timer_arm(p->tick, TICK_MS);
    came_by(p);
    drain(p);
    if (is_stuck(p, clock_monotonic_ms())) p->broken = p->stuck = true;
    if (p->broken) replace_instance(p);
}

static void free_settings(KafkaProducerSettings *s) {
    free((char *)s->brokers);
    free((char *)s->client_id);
    free((char *)s->options);
}

static void keep_settings(KafkaProducer *p, const KafkaProducerSettings *s) {
    p->settings = *s;
    p->settings.brokers = s->brokers ? xstrdup(s->brokers) : NULL;
    p->settings.client_id = s->client_id ? xstrdup(s->client_id) : NULL;
    p->settings.options = s->options ? xstrdup(s->options) : NULL;
    p->settings.topics = NULL;
    if (!s->max_bytes) p->settings.max_bytes = (size_t)64 << 20;
    if (!s->max_in_flight) p->settings.max_in_flight = 1;
    if (!s->delivery_timeout_ms) p->settings.delivery_timeout_ms = 300000;
    if (!s->quiet_ms) p->settings.quiet_ms = 1500;
    if (!s->stuck_ms) p->settings.stuck_ms = 30000;
}

KafkaProducer *kafka_producer_new(Loop *loop, const KafkaProducerSettings *settings,
                                  Buf *ret_problem) {
    CLEANUP(kafka_producer_freep) KafkaProducer *p = xcalloc(1, sizeof(*p));
    p->loop = loop;
    keep_settings(p, settings);
    p->again = loop_timer_new(loop, on_wake, p);
    p->tick = loop_timer_new(loop, on_tick, p);
    p->gather = loop_timer_new(loop, on_gathered, p);
    p->down = true; /* until the first sign of life */
    p->down_since_ms = p->here_ms = clock_monotonic_ms();
    if (kafka_wake_init(&p->wake, loop, on_wake, p) < 0) {
        buf_adds(ret_problem, "Kafka producer: no file descriptor left");
        return NULL;
    }
    if (start_instance(p, ret_problem) < 0) return NULL;
    for (size_t i = 0; i < settings->n_topics; i++)
        (void)topic_of(p, settings->topics[i]);
    loop_timer_arm(p->tick, TICK_MS);
    return TAKE(p);
}

static void release(void *arg) {
    KafkaProducer *p = arg;
    for (size_t i = 0; i < p->n_topics; i++) {
        free(p->topics[i].name);
        free(p->topics[i].pending);
    }
    free(p->batch);
    free_settings(&p->settings);
    free(p);
}

KafkaProducer *kafka_producer_free(KafkaProducer *p) {
    if (!p) return NULL;
    p->freed = true;
    stop_instance(p);
    if (p->first) {
        while (p->first)
            record_reported(p, p->first, -ECANCELED, -1, -1);
        reports_done(p);
    }
    kafka_wake_done(&p->wake);
    p->again = loop_timer_free(p->again);
    p->tick = loop_timer_free(p->tick);
    p->gather = loop_timer_free(p->gather);
    loop_free_later(p->loop, p, release); /* the end of this turn may still know us */
    return NULL;
}

size_t kafka_producer_flush_for(KafkaProducer *p, int64_t ms) {
    int64_t end = clock_monotonic_ms() + ms, left;
    hand_over(p);
    while (p->n_records && (left = end - clock_monotonic_ms()) > 0) {
        rd_kafka_event_t *event = NULL;
        if (p->queue) event = rd_kafka_queue_poll(p->queue, left < 50 ? (int)left : 50);
        if (event && take_event(p, event)) reports_done(p);
        if (p->broken) replace_instance(p);
        if (p->pending_bytes) hand_over(p); /* what a report has produced */
    }
    return p->n_records;
}
