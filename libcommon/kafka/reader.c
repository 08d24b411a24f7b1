/* A topic read from an offset to its end, without a group. */
#include <errno.h>

#include "base/clock.h"
#include "kafka/admin.h"
#include "kafka/kafka_internal.h"

struct KafkaReader {
    rd_kafka_t *rk;
    char *topic;
    int64_t *next, *end; /* per partition; next >= end: read to the end */
    int partitions;
    int timeout_ms;
};

static void quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

KafkaReader *kafka_reader_free(KafkaReader *r) {
    if (!r) return NULL;
    if (r->rk) (void)rd_kafka_assign(r->rk, NULL);
    (void)kafka_destroy_within(r->rk, 2000);
    free(r->topic);
    free(r->next);
    free(r->end);
    free(r);
    return NULL;
}

/* How far to read, by partition: its own ends, and the caller's bounds. */
static int find_bounds(KafkaReader *r, const KafkaReaderSettings *s, Buf *problem) {
    KafkaAdminSettings settings = {s->brokers, s->options, r->timeout_ms};
    CLEANUP(kafka_admin_freep) KafkaAdmin *a = kafka_admin_new(&settings, problem);
    if (!a) return -EINVAL;
    r->partitions = kafka_admin_partitions(a, s->topic, problem);
    if (r->partitions < 0) return r->partitions;
    size_t n = (size_t)r->partitions;
    if (s->partition >= r->partitions) {
        buf_printf(problem, "topic %s has no partition %d", s->topic, (int)s->partition);
        return -ENOENT;
    }
    CLEANUP(mem_freep) KafkaPartitionState *states = xcalloc(n + 1, sizeof(*states));
    int error = kafka_admin_state(a, s->topic, NULL, states, n, problem);
    if (error < 0) return error;
    r->next = xcalloc(n + 1, sizeof(int64_t));
    r->end = xcalloc(n + 1, sizeof(int64_t));
    for (size_t i = 0; i < n; i++) {
        if (s->partition >= 0 && (size_t)s->partition != i) continue; /* 0 to 0: nothing */
        r->next[i] = s->from > states[i].begin ? s->from : states[i].begin;
        r->end[i] = s->to >= 0 && s->to < states[i].end ? s->to : states[i].end;
    }
    return 0;
}

static int start(KafkaReader *r, const KafkaReaderSettings *s, Buf *problem) {
    char why[256];
    rd_kafka_conf_t *conf = kafka_conf_new(s->brokers, "docket", problem);
    if (!conf) return -EINVAL;
    if (kafka_conf_set(conf, "log.queue", "false", problem) < 0 ||
        kafka_conf_options(conf, s->options, problem) < 0 ||
        kafka_conf_set(conf, "group.id", "docket-reader", problem) < 0 || /* never joined */
        kafka_conf_set(conf, "enable.auto.commit", "false", problem) < 0 ||
        kafka_conf_set(conf, "enable.auto.offset.store", "false", problem) < 0 ||
        kafka_conf_set(conf, "enable.partition.eof", "true", problem) < 0 ||
        kafka_conf_set(conf, "auto.offset.reset", "error", problem) < 0 ||
        kafka_conf_set(conf, "fetch.wait.max.ms", "50", problem) < 0 ||
        kafka_conf_set(conf, "queued.max.messages.kbytes", "8192", problem) < 0) {
        rd_kafka_conf_destroy(conf);
        return -EINVAL;
    }
    rd_kafka_conf_set_log_cb(conf, quiet);
    r->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!r->rk) {
        rd_kafka_conf_destroy(conf);
        buf_printf(problem, "Kafka: %s", why);
        return -EINVAL;
    }
    (void)rd_kafka_poll_set_consumer(r->rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->partitions);
    for (int i = 0; i < r->partitions; i++)
        if (r->next[i] < r->end[i])
            rd_kafka_topic_partition_list_add(list, r->topic, i)->offset = r->next[i];
    (void)rd_kafka_assign(r->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return 0;
}

int kafka_reader_new(const KafkaReaderSettings *settings, KafkaReader **ret, Buf *ret_problem) {
    CLEANUP(kafka_reader_freep) KafkaReader *r = xcalloc(1, sizeof(*r));
    r->topic = xstrdup(settings->topic);
    r->timeout_ms = settings->timeout_ms ? settings->timeout_ms : 10000;
    int error = find_bounds(r, settings, ret_problem);
    if (error < 0) return error;
    error = start(r, settings, ret_problem);
    if (error < 0) return error;
    *ret = TAKE(r);
    return 0;
}

static bool at_end(const KafkaReader *r) {
    for (int i = 0; i < r->partitions; i++)
        if (r->next[i] < r->end[i]) return false;
    return true;
}

int kafka_reader_next(KafkaReader *r, KafkaMessage *ret, Buf *ret_problem) {
    int64_t give_up = clock_monotonic_ms() + r->timeout_ms, left;
    while (!at_end(r)) {
        if ((left = give_up - clock_monotonic_ms()) <= 0) {
            buf_printf(ret_problem, "no message of %s for %d ms", r->topic, r->timeout_ms);
            return -ETIMEDOUT;
        }
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, (int)left);
        if (!m) continue;
        int32_t p = m->partition;
        bool ours = m->rkt && p >= 0 && p < r->partitions;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && ours && m->offset < r->end[p]) {
            r->next[p] = m->offset + 1;
            kafka_message_fill(ret, m);
            return 1;
        }
        /* Past the bound, or at the end although the last offsets hold no message (transactions'
         * markers): this partition is done. */
        if (ours && (!m->err || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) &&
            m->offset >= r->end[p])
            r->next[p] = r->end[p];
        int error = 0;
        if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
            buf_printf(ret_problem, "%s [%d]: offset not there any more", r->topic, (int)p);
            error = -ERANGE;
        }
        rd_kafka_message_destroy(m);
        if (error) return error;
    }
    return 0;
}
