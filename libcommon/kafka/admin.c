/* Blocking calls for the operator's tool. One librdkafka producer instance serves them all: it is
 * a client like any other, and docket replay produces through it. */
#include "kafka/admin.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "kafka/kafka_internal.h"

struct KafkaAdmin {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    char *brokers, *options;
    int timeout_ms;
};

static void quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text; /* what matters comes back as an error */
}

static int fail(Buf *problem, rd_kafka_resp_err_t err, const char *what, const char *why) {
    int r = kafka_errno(err);
    buf_printf(problem, "%s: %s", what, why && *why ? why : rd_kafka_err2str(err));
    return r ? r : -EIO;
}

KafkaAdmin *kafka_admin_new(const KafkaAdminSettings *settings, Buf *ret_problem) {
    char why[256];
    CLEANUP(kafka_admin_freep) KafkaAdmin *a = xcalloc(1, sizeof(*a));
    rd_kafka_conf_t *conf = kafka_conf_new(settings->brokers, "docket", ret_problem);
    if (!conf) return NULL;
    if (kafka_conf_set(conf, "log.queue", "false", ret_problem) < 0 ||
        kafka_conf_options(conf, settings->options, ret_problem) < 0 ||
        kafka_conf_set(conf, "enable.idempotence", "true", ret_problem) < 0 ||
        kafka_conf_set(conf, "partitioner", "murmur2_random", ret_problem) < 0 ||
        /* An unknown topic is said to be unknown, not waited for. */
        kafka_conf_set(conf, "topic.metadata.propagation.max.ms", "1000", ret_problem) < 0 ||
        kafka_conf_set(conf, "linger.ms", "0", ret_problem) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, quiet);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    a->brokers = xstrdup(settings->brokers);
    a->options = settings->options ? xstrdup(settings->options) : NULL;
    a->timeout_ms = settings->timeout_ms ? settings->timeout_ms : 10000;
    a->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!a->rk) {
        rd_kafka_conf_destroy(conf);
        buf_printf(ret_problem, "Kafka: %s", why);
        return NULL;
    }
    a->queue = rd_kafka_queue_new(a->rk);
    return TAKE(a);
}

KafkaAdmin *kafka_admin_free(KafkaAdmin *a) {
    if (!a) return NULL;
    if (a->queue) rd_kafka_queue_destroy(a->queue);
    (void)kafka_destroy_within(a->rk, 2000);
    free(a->brokers);
    free(a->options);
    free(a);
    return NULL;
}

/* The cluster's metadata, of one topic or (NULL) of all; to be destroyed by the caller. */
static int metadata(KafkaAdmin *a, const char *topic, const struct rd_kafka_metadata **ret,
                    Buf *problem) {
    rd_kafka_topic_t *only = topic ? rd_kafka_topic_new(a->rk, topic, NULL) : NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(a->rk, topic == NULL, only, ret, a->timeout_ms);
    if (only) rd_kafka_topic_destroy(only);
    if (!err) return 0;
    if (err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        buf_printf(problem, "no Kafka broker of %s answers", a->brokers);
        return -EHOSTUNREACH;
    }
    return fail(problem, err, "Kafka", NULL);
}

int kafka_admin_brokers(KafkaAdmin *a, Buf *ret_problem) {
    const struct rd_kafka_metadata *m;
    int r = metadata(a, NULL, &m, ret_problem);
    if (r < 0) return r;
    r = m->broker_cnt;
    rd_kafka_metadata_destroy(m);
    return r;
}

int kafka_admin_partitions(KafkaAdmin *a, const char *topic, Buf *ret_problem) {
    const struct rd_kafka_metadata *m;
    int r = metadata(a, topic, &m, ret_problem);
    if (r < 0) return r;
    rd_kafka_resp_err_t err =
        m->topic_cnt == 1 ? m->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    r = err ? fail(ret_problem, err, topic, NULL) : m->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(m);
    return r;
}

/* ---- topics ---- */

static int set_config(rd_kafka_NewTopic_t *t, const char *key, int64_t value) {
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    return kafka_errno(rd_kafka_NewTopic_set_config(t, key, text));
}

static rd_kafka_NewTopic_t *new_topic(const KafkaTopic *t, int brokers, Buf *problem) {
    char why[256];
    int replicas = brokers < 3 ? 1 : 3;
    if (brokers == 2) replicas = 2;
    rd_kafka_NewTopic_t *n =
        rd_kafka_NewTopic_new(t->name, t->partitions, replicas, why, sizeof(why));
    if (!n) {
        buf_printf(problem, "topic %s: %s", t->name, why);
        return NULL;
    }
    if ((t->retention_ms && set_config(n, "retention.ms", t->retention_ms) < 0) ||
        (t->max_message_bytes && set_config(n, "max.message.bytes", t->max_message_bytes) < 0) ||
        (replicas == 3 && set_config(n, "min.insync.replicas", 2) < 0)) {
        buf_printf(problem, "topic %s: configuration refused", t->name);
        rd_kafka_NewTopic_destroy(n);
        return NULL;
    }
    return n;
}

static int create_one(KafkaAdmin *a, const KafkaTopic *t, int brokers, KafkaTopicOutcome *ret,
                      Buf *problem) {
    char why[256];
    size_t count = 0;
    rd_kafka_NewTopic_t *request = new_topic(t, brokers, problem);
    if (!request) return -EINVAL;
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(a->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, a->timeout_ms, why, sizeof(why));
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, a->timeout_ms, why, sizeof(why));
    rd_kafka_CreateTopics(a->rk, &request, 1, options, a->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(request);

    rd_kafka_event_t *event = rd_kafka_queue_poll(a->queue, a->timeout_ms + 1000);
    int r = 0;
    if (!event) {
        buf_printf(problem, "topic %s: no answer", t->name);
        return -ETIMEDOUT;
    }
    if (rd_kafka_event_error(event)) {
        r = fail(problem, rd_kafka_event_error(event), t->name, rd_kafka_event_error_string(event));
    } else {
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        rd_kafka_resp_err_t err =
            count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
        if (err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            *ret = KAFKA_TOPIC_EXISTED;
        else if (err)
            r = fail(problem, err, t->name,
                     count == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL);
        else
            *ret = KAFKA_TOPIC_CREATED;
    }
    rd_kafka_event_destroy(event);
    return r;
}

/* A new topic has no leaders for a moment. */
static int wait_for_leaders(KafkaAdmin *a, const KafkaTopic *t, Buf *problem) {
    int64_t end = clock_monotonic_ms() + a->timeout_ms;
    for (;;) {
        const struct rd_kafka_metadata *m;
        int r = metadata(a, t->name, &m, problem), led = 0;
        if (r < 0) return r;
        if (m->topic_cnt == 1 && !m->topics[0].err)
            for (int i = 0; i < m->topics[0].partition_cnt; i++)
                led += m->topics[0].partitions[i].leader >= 0 && !m->topics[0].partitions[i].err;
        bool ready = m->topic_cnt == 1 && led > 0 && led == m->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(m);
        if (ready) return 0;
        if (clock_monotonic_ms() > end) {
            buf_printf(problem, "topic %s: its partitions got no leader in time", t->name);
            return -ETIMEDOUT;
        }
        rd_kafka_event_t *event = rd_kafka_queue_poll(a->queue, 20); /* 20 ms between two looks */
        if (event) rd_kafka_event_destroy(event);
    }
}

int kafka_admin_create_topics(KafkaAdmin *a, const KafkaTopic *topics, size_t n,
                              KafkaTopicOutcome *ret_outcomes, Buf *ret_problem) {
    int brokers = kafka_admin_brokers(a, ret_problem);
    if (brokers < 0) return brokers;
    for (size_t i = 0; i < n; i++) {
        KafkaTopicOutcome outcome = KAFKA_TOPIC_EXISTED;
        int r = create_one(a, &topics[i], brokers, &outcome, ret_problem);
        if (r < 0) return r;
        if (ret_outcomes) ret_outcomes[i] = outcome;
    }
    for (size_t i = 0; i < n; i++) {
        int r = wait_for_leaders(a, &topics[i], ret_problem);
        if (r < 0) return r;
    }
    return 0;
}

/* ---- offsets ---- */

static void copy_offsets(rd_kafka_topic_partition_list_t *to,
                         const rd_kafka_topic_partition_list_t *from) {
    for (int i = 0; i < from->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &from->elems[i];
        rd_kafka_topic_partition_t *own =
            rd_kafka_topic_partition_list_find(to, p->topic, p->partition);
        if (own) own->offset = p->offset;
    }
}

static int committed_of(KafkaAdmin *a, const char *group, rd_kafka_topic_partition_list_t *list,
                        Buf *problem) {
    char why[256];
    size_t n = 0;
    int r = 0;
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(a->rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, a->timeout_ms, why, sizeof(why));
    rd_kafka_ListConsumerGroupOffsets(a->rk, &request, 1, options, a->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_event_t *event = rd_kafka_queue_poll(a->queue, a->timeout_ms + 1000);
    if (!event) {
        buf_printf(problem, "group %s: no answer", group);
        return -ETIMEDOUT;
    }
    if (rd_kafka_event_error(event)) {
        r = fail(problem, rd_kafka_event_error(event), group, rd_kafka_event_error_string(event));
    } else {
        const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &n);
        const rd_kafka_error_t *error = n == 1 ? rd_kafka_group_result_error(groups[0]) : NULL;
        if (n != 1 || error)
            r = fail(problem, error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR__BAD_MSG,
                     group, error ? rd_kafka_error_string(error) : NULL);
        else
            copy_offsets(list, rd_kafka_group_result_partitions(groups[0]));
    }
    rd_kafka_event_destroy(event);
    return r;
}

int kafka_admin_state(KafkaAdmin *a, const char *topic, const char *group, KafkaPartitionState *ret,
                      size_t max, Buf *ret_problem) {
    int n = kafka_admin_partitions(a, topic, ret_problem), r = n;
    if (n < 0) return n;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_INVALID;
    if (group) {
        int committed = committed_of(a, group, list, ret_problem);
        if (committed < 0) r = committed;
    }
    for (int i = 0; r >= 0 && i < n && (size_t)i < max; i++) {
        int64_t low, high;
        rd_kafka_resp_err_t err =
            rd_kafka_query_watermark_offsets(a->rk, topic, i, &low, &high, a->timeout_ms);
        if (err) r = fail(ret_problem, err, topic, NULL);
        int64_t committed = list->elems[i].offset;
        if (!err) ret[i] = (KafkaPartitionState){i, low, high, committed >= 0 ? committed : -1};
    }
    rd_kafka_topic_partition_list_destroy(list);
    return r;
}

int kafka_admin_lag(KafkaAdmin *a, const char *topic, const char *group, int64_t *ret_lag,
                    Buf *ret_problem) {
    int n = kafka_admin_partitions(a, topic, ret_problem);
    if (n < 0) return n;
    CLEANUP(mem_freep) KafkaPartitionState *states = xcalloc((size_t)n + 1, sizeof(*states));
    int r = kafka_admin_state(a, topic, group, states, (size_t)n, ret_problem);
    if (r < 0) return r;
    int64_t lag = 0;
    for (int i = 0; i < r && i < n; i++) {
        int64_t from =
            states[i].committed > states[i].begin ? states[i].committed : states[i].begin;
        if (states[i].end > from) lag += states[i].end - from;
    }
    *ret_lag = lag;
    return 0;
}

/* ---- producing ---- */

int kafka_admin_produce(KafkaAdmin *a, const char *topic, int32_t partition, Str key, Str value,
                        Buf *ret_problem) {
    rd_kafka_resp_err_t outcome = RD_KAFKA_RESP_ERR__TIMED_OUT;
    int64_t end = clock_monotonic_ms() + a->timeout_ms, left;
    rd_kafka_resp_err_t err =
        rd_kafka_producev(a->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.p, key.n),
                          RD_KAFKA_V_VALUE((void *)(uintptr_t)value.p, value.n), RD_KAFKA_V_END);
    if (err) return fail(ret_problem, err, topic, NULL);
    rd_kafka_queue_t *reports = rd_kafka_queue_get_main(a->rk);
    bool reported = false;
    while (!reported && (left = end - clock_monotonic_ms()) > 0) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(reports, (int)left);
        const rd_kafka_message_t *m;
        while (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR &&
               (m = rd_kafka_event_message_next(event))) {
            outcome = m->err;
            reported = true;
        }
        if (event) rd_kafka_event_destroy(event);
    }
    /* A report that is late must not be taken for the next record's. */
    if (!reported) {
        (void)rd_kafka_purge(a->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(a->rk, 1000);
        rd_kafka_event_t *event;
        while ((event = rd_kafka_queue_poll(reports, 0)))
            rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(reports);
    return outcome ? fail(ret_problem, outcome, topic, NULL) : 0;
}
