/* Which partitions are ours, in three steps that never block the loop:
 *   assigned: ask the coordinator which offsets the group has committed (STARTING), then assign
 *             with an explicit start for every partition (OWNING). librdkafka alone could not tell
 *             "nothing committed yet" from "committed, but gone" when auto.offset.reset is error.
 *   revoked:  tell the caller, wait for its release or release_ms (RELEASING), then unassign; what
 *             is stored is committed by librdkafka on the way. */
#include "kafka/consumer_internal.h"
#include "log/log.h"

enum { COMMITTED_TIMEOUT_MS = 3000, COMMITTED_RETRY_MS = 300 };

/* ---- owned partitions ---- */

Owned *consumer_owned_find(const KafkaConsumer *c, Str topic, int32_t partition) {
    for (size_t i = 0; i < c->n_owned; i++)
        if (c->owned[i].partition == partition && str_is(topic, c->owned[i].topic))
            return &c->owned[i];
    return NULL;
}

void consumer_owned_clear(KafkaConsumer *c) {
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

void consumer_refresh_pause(KafkaConsumer *c) {
    if (c->phase == PHASE_OWNING) apply_pause(c, c->paused || c->stalled);
}

/* ---- rebalance ---- */

void consumer_unassign(KafkaConsumer *c) {
    loop_timer_disarm(c->release);
    /* The flag would survive into the next assignment of this instance. */
    apply_pause(c, false);
    c->applied = false;
    c->stalled = false;
    c->phase = PHASE_JOINING;
    (void)rd_kafka_assign(c->rk, NULL);
    consumer_owned_clear(c);
}

static void begin_owning(KafkaConsumer *c, rd_kafka_topic_partition_list_t *list) {
    consumer_owned_clear(c);
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
    consumer_refresh_pause(c);
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
    for (int i = 0; i < c->starting->cnt; i++) {
        rd_kafka_topic_partition_t *to = &c->starting->elems[i];
        const rd_kafka_topic_partition_t *from = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)committed, to->topic, to->partition);
        if (!from || from->err) return false;
        to->offset = from->offset >= 0 ? from->offset : c->start;
    }
    return true;
}

void consumer_serve_answers(KafkaConsumer *c) {
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

void consumer_ask_again(void *arg) {
    KafkaConsumer *c = arg;
    if (c->phase == PHASE_STARTING) ask_committed(c);
}

void consumer_release_due(void *arg) {
    KafkaConsumer *c = arg;
    if (c->phase == PHASE_RELEASING) consumer_unassign(c);
}

void kafka_consumer_release(KafkaConsumer *c) {
    /* By the timer: the caller may be inside revoked(). */
    if (c->phase == PHASE_RELEASING) loop_timer_arm(c->release, 0);
}

void consumer_take_rebalance(KafkaConsumer *c) {
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
        consumer_drop_ready(c);
        c->phase = PHASE_RELEASING;
        loop_timer_arm(c->release, lost || !had || !c->n_owned ? 0 : c->release_ms);
        if (had && c->events.revoked) c->events.revoked(c->arg);
        /* Lost: somebody else may have them already, nothing can be committed. */
    }
    if (list) rd_kafka_topic_partition_list_destroy(list);
}
