/* Settings in, librdkafka's configuration out; its errors as errno; its queues on our loop. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kafka/kafka_internal.h"

enum { GATHER_BYTES = 64 << 10 };

int kafka_check_brokers(const char *brokers, Buf *problem) {
    Str rest = str(brokers);
    if (rest.n == 0) {
        buf_adds(problem, "no Kafka broker is named; expected host:port,host:port");
        return -EINVAL;
    }
    while (rest.p) {
        Str port, broker = str_trim(str_cut(rest, ',', &rest));
        int64_t number = 0;
        Str host = broker;
        size_t colon = broker.n;
        while (colon > 0 && broker.p[colon - 1] != ':')
            colon--;
        port = colon ? (Str){broker.p + colon, broker.n - colon} : (Str){NULL, 0};
        if (colon) host.n = colon - 1;
        if (host.n == 0 || str_to_i64(port, &number) < 0 || number < 1 || number > 65535) {
            buf_printf(problem, "Kafka broker \"%.*s\" is not host:port with a port of 1 to 65535",
                       STR_ARG(broker));
            return -EINVAL;
        }
    }
    return 0;
}

int kafka_conf_set(rd_kafka_conf_t *conf, const char *key, const char *value, Buf *problem) {
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) == RD_KAFKA_CONF_OK) return 0;
    buf_printf(problem, "Kafka option %s: %s", key, why);
    return -EINVAL;
}

int kafka_conf_set_int(rd_kafka_conf_t *conf, const char *key, int64_t value, Buf *problem) {
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    return kafka_conf_set(conf, key, text, problem);
}

int kafka_conf_options(rd_kafka_conf_t *conf, const char *options, Buf *problem) {
    Str rest = str(options);
    char cut = rest.n && memchr(rest.p, '\n', rest.n) ? '\n' : ',';
    while (rest.p) {
        Str value, option = str_trim(str_cut(rest, cut, &rest));
        if (option.n == 0) continue;
        Str key = str_trim(str_cut(option, '=', &value));
        if (!value.p || key.n == 0) {
            buf_printf(problem, "Kafka option \"%.*s\" is not key=value", STR_ARG(key));
            return -EINVAL;
        }
        CLEANUP(mem_freep) char *k = xstrndup(key.p, key.n);
        value = str_trim(value);
        CLEANUP(mem_freep) char *v = xstrndup(value.p, value.n);
        int r = kafka_conf_set(conf, k, v, problem);
        if (r < 0) return r;
    }
    return 0;
}

rd_kafka_conf_t *kafka_conf_new(const char *brokers, const char *client_id, Buf *problem) {
    static const char *const common[][2] = {
        {"log.queue", "true"}, /* log lines come on our thread */
        {"socket.keepalive.enable", "true"},
        {"socket.nagle.disable", "true"}, /* on by default in 2.0.2: 40 ms now and then */
        {"socket.timeout.ms", "10000"},
        {"reconnect.backoff.ms", "50"},
        {"reconnect.backoff.max.ms", "500"}, /* the default of 10 s is how long we would be blind */
        /* Connect without being asked: so an idle client, too, notices that a broker is back. */
        {"enable.sparse.connections", "false"},
        {"broker.address.ttl", "5000"},
        {"allow.auto.create.topics", "false"}, /* `docket` makes them, with their settings */
    };
    if (kafka_check_brokers(brokers, problem) < 0) return NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = kafka_conf_set(conf, "bootstrap.servers", brokers, problem) == 0;
    if (ok && client_id) ok = kafka_conf_set(conf, "client.id", client_id, problem) == 0;
    for (size_t i = 0; ok && i < sizeof(common) / sizeof(*common); i++)
        ok = kafka_conf_set(conf, common[i][0], common[i][1], problem) == 0;
    if (ok) return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

int kafka_errno(rd_kafka_resp_err_t err) {
    /* Few of some 150 codes matter to a caller; the rest is "did not work". */
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    if (err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || err == RD_KAFKA_RESP_ERR__TIMED_OUT ||
        err == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || err == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT)
        return -ETIMEDOUT;
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
        err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
        return -EMSGSIZE;
    if (err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
        err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return -ENOENT;
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
        err == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
        err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
        return -EACCES;
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || err == RD_KAFKA_RESP_ERR__TRANSPORT ||
        err == RD_KAFKA_RESP_ERR__RESOLVE)
        return -EHOSTUNREACH;
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return -ENOBUFS;
    if (err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
        err == RD_KAFKA_RESP_ERR__DESTROY)
        return -ECANCELED;
    return -EIO;
}

bool kafka_stats_broker_up(const char *json, size_t n) {
    static const char up[] = "\"state\":\"UP\"";
    return memmem(json, n, up, sizeof(up) - 1) != NULL;
}

static void on_wake(int fd, unsigned what, void *arg) {
    KafkaWake *w = arg;
    uint64_t count;
    (void)what;
    (void)!read(fd, &count, sizeof(count)); /* drained before the queue is looked at */
    w->cb(w->arg);
}

int kafka_wake_init(KafkaWake *w, Loop *loop, LoopCallback cb, void *arg) {
    /* Non-blocking: librdkafka's own threads write to it. */
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) return -errno;
    *w = (KafkaWake){.fd = fd, .cb = cb, .arg = arg};
    w->watch = loop_fd_new(loop, fd, on_wake, w);
    loop_fd_want(w->watch, LOOP_READ);
    return 0;
}

void kafka_wake_on(KafkaWake *w, rd_kafka_queue_t *queue) {
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, w->fd, &one, sizeof(one));
}

void kafka_wake_done(KafkaWake *w) {
    if (!w->watch) return;
    w->watch = loop_fd_free(w->watch);
    (void)close(w->fd);
    w->fd = -1;
}

static void *destroy(void *arg) {
    rd_kafka_destroy_flags(arg, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

bool kafka_destroy_within(rd_kafka_t *rk, int64_t ms) {
    pthread_t thread;
    struct timespec end;
    if (!rk) return true;
    if (pthread_create(&thread, NULL, destroy, rk) != 0) return false; /* left behind */
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += ms % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    if (pthread_timedjoin_np(thread, NULL, &end) == 0) return true;
    (void)pthread_detach(thread);
    return false;
}

void kafka_message_fill(KafkaMessage *ret, rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t type;
    *ret = (KafkaMessage){.topic = str(rd_kafka_topic_name(m->rkt)),
                          .key = {m->key, m->key ? m->key_len : 0},
                          .value = {m->payload, m->payload ? m->len : 0},
                          .partition = m->partition,
                          .offset = m->offset,
                          .timestamp_ms = rd_kafka_message_timestamp(m, &type),
                          .owner = m};
}

Str kafka_message_header(const KafkaMessage *m, const char *name) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t n;
    if (!m->owner || rd_kafka_message_headers(m->owner, &headers) != 0) return (Str){NULL, 0};
    if (rd_kafka_header_get_last(headers, name, &value, &n) != 0) return (Str){NULL, 0};
    return (Str){value, n};
}

rd_kafka_conf_t *kafka_producer_conf(const KafkaProducerSettings *s, Buf *problem) {
    rd_kafka_conf_t *conf = kafka_conf_new(s->brokers, s->client_id, problem);
    if (!conf) return NULL;
    bool ok =
        kafka_conf_set(conf, "statistics.interval.ms", "500", problem) == 0 &&
        kafka_conf_set(conf, "partitioner", "murmur2_random", problem) == 0 &&
        /* Without a linger the library would have none and scatter one turn's records. */
        kafka_conf_set(conf, "sticky.partitioning.linger.ms", "10", problem) == 0 &&
        kafka_conf_set_int(conf, "linger.ms", s->linger_ms, problem) == 0 &&
        kafka_conf_set(conf, "request.timeout.ms", "8000", problem) == 0 &&
        kafka_conf_options(conf, s->options, problem) == 0 &&
        /* Not for an operator to change: the promise stands on these. */
        kafka_conf_set(conf, "enable.idempotence", "true", problem) == 0 &&
        kafka_conf_set(conf, "acks", "all", problem) == 0 &&
        kafka_conf_set_int(conf, "max.in.flight", s->max_in_flight, problem) == 0 &&
        kafka_conf_set_int(conf, "delivery.timeout.ms", s->delivery_timeout_ms, problem) == 0 &&
        kafka_conf_set(conf, "message.max.bytes", "1048576", problem) == 0 &&
        kafka_conf_set(conf, "queue.buffering.max.messages", "10000000", problem) == 0 &&
        kafka_conf_set(conf, "queue.buffering.max.kbytes", "2147483647", problem) == 0;
    if (!ok) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS |
                                       RD_KAFKA_EVENT_LOG);
    return conf;
}

rd_kafka_conf_t *kafka_consumer_conf(const KafkaConsumerSettings *s, Buf *problem) {
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
    if (ok && s->gather_ms)
        ok = kafka_conf_set_int(conf, "fetch.min.bytes",
                                s->gather_bytes ? s->gather_bytes : GATHER_BYTES, problem) == 0 &&
             kafka_conf_set_int(conf, "fetch.wait.max.ms", s->gather_ms, problem) == 0;
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
