/* One librdkafka instance that produces nothing, and one thread that waits for its answers:
 * metadata of the topics, committed offsets of all groups side by side, then the ends of all
 * partitions in one request to each broker, and the beginnings where a group has no commit. */
#include "kafka/lag.h"

#include <assert.h>
#include <errno.h>

#include "kafka/kafka_internal.h"
#include "workers/workers.h"

typedef struct Pair {
    char *group, *topic;
    int partitions; /* 0: unknown */
    rd_kafka_topic_partition_list_t *committed;
} Pair;

struct KafkaLag {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    Workers *thread;
    KafkaLagTold told;
    void *arg;
    int timeout_ms;
    bool asking, freeing;
    size_t pairs_n;
    Pair pairs[KAFKA_LAG_MAX];
    rd_kafka_topic_t *topics[KAFKA_LAG_MAX]; /* so that the metadata is of these */
    int64_t messages[KAFKA_LAG_MAX];
};

static void quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text; /* whoever shows the figures shows that there is none */
}

KafkaLag *kafka_lag_new(Loop *loop, const KafkaLagSettings *settings, KafkaLagTold told, void *arg,
                        Buf *ret_problem) {
    char why[256];
    CLEANUP(kafka_lag_freep) KafkaLag *l = xcalloc(1, sizeof(*l));
    assert(settings->pairs_n <= KAFKA_LAG_MAX);
    l->told = told;
    l->arg = arg;
    l->timeout_ms = settings->timeout_ms ? settings->timeout_ms : 2000;
    rd_kafka_conf_t *conf = kafka_conf_new(settings->brokers, settings->client_id, ret_problem);
    if (!conf) return NULL;
    if (kafka_conf_set(conf, "log.queue", "false", ret_problem) < 0 ||
        kafka_conf_options(conf, settings->options, ret_problem) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, quiet);
    l->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!l->rk) {
        rd_kafka_conf_destroy(conf);
        buf_printf(ret_problem, "Kafka: %s", why);
        return NULL;
    }
    l->queue = rd_kafka_queue_new(l->rk);
    for (size_t i = 0; i < settings->pairs_n; i++) {
        l->pairs[i].group = xstrdup(settings->pairs[i].group);
        l->pairs[i].topic = xstrdup(settings->pairs[i].topic);
        l->topics[i] = rd_kafka_topic_new(l->rk, settings->pairs[i].topic, NULL);
        l->pairs_n++;
        if (!l->topics[i]) {
            buf_printf(ret_problem, "Kafka: no name of a topic: %s", settings->pairs[i].topic);
            return NULL;
        }
    }
    l->thread = workers_new(loop, 1, 1);
    if (!l->thread) {
        buf_adds(ret_problem, "Kafka: the system gives no thread");
        return NULL;
    }
    return TAKE(l);
}

KafkaLag *kafka_lag_free(KafkaLag *l) {
    if (!l) return NULL;
    l->freeing = true;
    l->thread = workers_free(l->thread);
    for (size_t i = 0; i < l->pairs_n; i++) {
        free(l->pairs[i].group);
        free(l->pairs[i].topic);
        if (l->topics[i]) rd_kafka_topic_destroy(l->topics[i]);
    }
    if (l->queue) rd_kafka_queue_destroy(l->queue);
    if (l->rk) (void)kafka_destroy_within(l->rk, 2000);
    free(l);
    return NULL;
}

/* ---- in the thread ---- */

static int partitions_of(const struct rd_kafka_metadata *m, const char *topic) {
    for (int i = 0; i < m->topic_cnt; i++)
        if (!strcmp(m->topics[i].topic, topic))
            return m->topics[i].err ? 0 : m->topics[i].partition_cnt;
    return 0;
}

static bool ask_topics(KafkaLag *l) {
    const struct rd_kafka_metadata *m;
    if (rd_kafka_metadata(l->rk, 0, NULL, &m, l->timeout_ms)) return false;
    for (size_t i = 0; i < l->pairs_n; i++)
        l->pairs[i].partitions = partitions_of(m, l->pairs[i].topic);
    rd_kafka_metadata_destroy(m);
    return true;
}

static bool ask_group(KafkaLag *l, Pair *p) {
    char why[256];
    if (!p->partitions) return false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(p->partitions);
    for (int i = 0; i < p->partitions; i++)
        rd_kafka_topic_partition_list_add(list, p->topic, i)->offset = RD_KAFKA_OFFSET_INVALID;
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(p->group, list);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(l->rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, l->timeout_ms, why, sizeof(why));
    rd_kafka_AdminOptions_set_opaque(options, p);
    rd_kafka_ListConsumerGroupOffsets(l->rk, &request, 1, options, l->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return true;
}

/* One answer, whose request carries the pair that it is of. */
static void take_group(rd_kafka_event_t *event) {
    size_t n = 0;
    Pair *p = rd_kafka_event_opaque(event);
    if (!p || rd_kafka_event_error(event)) return;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &n);
    if (n != 1 || rd_kafka_group_result_error(groups[0])) return;
    p->committed = rd_kafka_topic_partition_list_copy(rd_kafka_group_result_partitions(groups[0]));
}

static void ask_groups(KafkaLag *l) {
    size_t owed = 0;
    for (size_t i = 0; i < l->pairs_n; i++)
        owed += ask_group(l, &l->pairs[i]);
    while (owed) { /* each comes within its own timeout, as an answer or as an error */
        rd_kafka_event_t *event = rd_kafka_queue_poll(l->queue, l->timeout_ms + 1000);
        if (!event) return;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT) {
            take_group(event);
            owed--;
        }
        rd_kafka_event_destroy(event);
    }
}

/* ListOffsets takes the logical offsets for instants, and so does librdkafka 2.0.2. NULL: no
 * answer. */
static rd_kafka_topic_partition_list_t *ask_offsets(KafkaLag *l, int64_t logical) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);
    for (size_t i = 0; i < l->pairs_n; i++)
        for (int j = 0; j < l->pairs[i].partitions; j++)
            if (!rd_kafka_topic_partition_list_find(list, l->pairs[i].topic, j))
                rd_kafka_topic_partition_list_add(list, l->pairs[i].topic, j)->offset = logical;
    if (list->cnt && rd_kafka_offsets_for_times(l->rk, list, l->timeout_ms) == 0) return list;
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

/* KAFKA_LAG_UNKNOWN where one of its partitions is not told. */
static int64_t behind(const Pair *p, rd_kafka_topic_partition_list_t *begins,
                      rd_kafka_topic_partition_list_t *ends) {
    int64_t sum = 0;
    if (!p->committed || !p->partitions || !begins || !ends) return KAFKA_LAG_UNKNOWN;
    for (int i = 0; i < p->partitions; i++) {
        const rd_kafka_topic_partition_t *own =
            rd_kafka_topic_partition_list_find(p->committed, p->topic, i);
        const rd_kafka_topic_partition_t *begin =
            rd_kafka_topic_partition_list_find(begins, p->topic, i);
        const rd_kafka_topic_partition_t *end =
            rd_kafka_topic_partition_list_find(ends, p->topic, i);
        if (!own || own->err || !begin || begin->err || begin->offset < 0 || !end || end->err ||
            end->offset < 0)
            return KAFKA_LAG_UNKNOWN;
        int64_t from = own->offset > begin->offset ? own->offset : begin->offset;
        if (end->offset > from) sum += end->offset - from;
    }
    return sum;
}

static void work(void *arg) {
    KafkaLag *l = arg;
    rd_kafka_topic_partition_list_t *begins = NULL, *ends = NULL;
    for (size_t i = 0; i < l->pairs_n; i++)
        l->messages[i] = KAFKA_LAG_UNKNOWN;
    if (!ask_topics(l)) return;
    ask_groups(l); /* before the ends: what is committed lies never beyond them */
    ends = ask_offsets(l, RD_KAFKA_OFFSET_END);
    if (ends) begins = ask_offsets(l, RD_KAFKA_OFFSET_BEGINNING);
    for (size_t i = 0; i < l->pairs_n; i++) {
        l->messages[i] = behind(&l->pairs[i], begins, ends);
        if (l->pairs[i].committed) rd_kafka_topic_partition_list_destroy(l->pairs[i].committed);
        l->pairs[i].committed = NULL;
    }
    if (begins) rd_kafka_topic_partition_list_destroy(begins);
    if (ends) rd_kafka_topic_partition_list_destroy(ends);
}

/* ---- on the loop ---- */

static void done(void *arg, bool ran) {
    KafkaLag *l = arg;
    l->asking = false;
    if (ran && !l->freeing) l->told(l->arg, l->messages, l->pairs_n);
}

int kafka_lag_ask(KafkaLag *l) {
    if (l->asking) return -EBUSY;
    int r = workers_run(l->thread, work, done, l);
    if (r < 0) return -EBUSY;
    l->asking = true;
    return 0;
}
