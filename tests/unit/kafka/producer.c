/* The producer against librdkafka's mock cluster, which can fail requests on demand. */
#include "kafka/producer.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "kafka/kafka_internal.h"
#include "log/log.h"

enum { PRODUCE = 0 }; /* Kafka's number of that request */
enum { RECORDS_MAX = 20000 };

typedef struct World {
    rd_kafka_t *owner; /* of the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    Loop *loop;
    KafkaProducer *producer;
    int reports[RECORDS_MAX]; /* how often each record was reported */
    int64_t offsets[RECORDS_MAX];
    int durable, failed, last_error, drained, reported_at_drain;
    struct Slot {
        struct World *world;
        int number;
    } slots[RECORDS_MAX];
} World;

static void silent(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static int set_up(void **state) {
    World *w = calloc(1, sizeof(*w));
    char why[128];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, silent);
    w->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    w->cluster = rd_kafka_mock_cluster_new(w->owner, 1);
    (void)rd_kafka_mock_topic_create(w->cluster, "t", 4, 1);
    (void)rd_kafka_mock_topic_create(w->cluster, "one", 1, 1);
    w->loop = loop_new();
    for (int i = 0; i < RECORDS_MAX; i++)
        w->slots[i] = (struct Slot){w, i};
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    World *w = *state;
    w->producer = kafka_producer_free(w->producer);
    w->loop = loop_free(w->loop);
    rd_kafka_mock_cluster_destroy(w->cluster);
    rd_kafka_destroy(w->owner);
    free(w);
    return 0;
}

static void on_drained(void *arg) {
    World *w = arg;
    w->drained++;
    w->reported_at_drain = w->durable + w->failed;
}

static void on_report(void *arg, int error, int32_t partition, int64_t offset) {
    struct Slot *slot = arg;
    World *w = slot->world;
    w->reports[slot->number]++;
    w->offsets[slot->number] = offset;
    if (error) {
        w->failed++;
        w->last_error = error;
        assert_int_equal(offset, -1);
    } else {
        w->durable++;
        assert_true(offset >= 0 && partition >= 0);
    }
}

static void open_producer(World *w, KafkaProducerSettings s) {
    CLEANUP(buf_done) Buf problem = {0};
    s.brokers = rd_kafka_mock_cluster_bootstraps(w->cluster);
    w->producer = kafka_producer_new(w->loop, &s, &problem);
    if (!w->producer) fail_msg("%s", problem.p);
    kafka_producer_on_reports_drained(w->producer, on_drained, w);
}

static int produce(World *w, int number, const char *topic, const char *value) {
    KafkaRecord r = {.topic = topic, .partition = -1, .value = str(value)};
    return kafka_produce(w->producer, &r, on_report, &w->slots[number]);
}

#define UNTIL(w, condition)                                                                        \
    do {                                                                                           \
        int64_t end_ = clock_monotonic_ms() + 90000;                                               \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > end_) fail_msg("waited for %s", #condition);                \
            loop_run_for((w)->loop, 5);                                                            \
        }                                                                                          \
    } while (0)

static void each_once(World *w, int n) {
    for (int i = 0; i < n; i++)
        if (w->reports[i] != 1) fail_msg("record %d was reported %d times", i, w->reports[i]);
}

static void every_record_is_reported_durable_once(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    for (int i = 0; i < 5000; i++)
        assert_int_equal(produce(w, i, "t", "value"), 0);
    assert_int_equal(w->durable, 0);
    assert_int_equal(kafka_producer_in_flight(w->producer), 5000);
    UNTIL(w, w->durable == 5000);
    each_once(w, 5000);
    assert_int_equal(kafka_producer_in_flight(w->producer), 0);
    assert_int_equal(kafka_producer_bytes(w->producer), 0);
    assert_int_equal(w->reported_at_drain, 5000); /* drained comes after the last report */
    assert_in_range(w->drained, 1, 100);          /* not once per record */
}

static void records_of_one_partition_keep_their_order(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    for (int i = 0; i < 3000; i++) {
        KafkaRecord r = {"t", -1, STR("ticket 7"), STR("x")};
        KafkaHeader h = {"ce_type", STR("ticket_created")};
        assert_int_equal(
            i % 3 ? kafka_produce(w->producer, &r, on_report, &w->slots[i])
                  : kafka_produce_with_headers(w->producer, &r, &h, 1, on_report, &w->slots[i]),
            0);
        if (i % 500 == 0) loop_run_for(w->loop, 1);
    }
    UNTIL(w, w->durable == 3000);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(w->offsets[i], i);
}

static void at_the_bound_nothing_is_taken(void **state) {
    World *w = *state;
    static char big[100000];
    memset(big, 'x', sizeof(big) - 1);
    open_producer(w, (KafkaProducerSettings){.max_bytes = 350000});
    assert_int_equal(produce(w, 0, "t", big), 0);
    assert_int_equal(produce(w, 1, "t", big), 0);
    assert_int_equal(produce(w, 2, "t", big), 0);
    assert_in_range(kafka_producer_bytes(w->producer), 300000, 350000);
    assert_int_equal(produce(w, 3, "t", big), -ENOBUFS);
    UNTIL(w, w->durable == 3);
    assert_int_equal(produce(w, 3, "t", big), 0);
    UNTIL(w, w->durable == 4);
    KafkaRecord r = {"t", -1, {NULL, 0}, {big, sizeof(big)}};
    r.value.n = 1 << 20;
    assert_int_equal(kafka_produce(w->producer, &r, on_report, NULL), -EMSGSIZE);
}

static void no_report_before_the_broker_answered(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    (void)rd_kafka_mock_broker_set_rtt(w->cluster, 1, 300);
    int64_t begin = clock_monotonic_ms();
    assert_int_equal(produce(w, 1, "one", "slow"), 0);
    UNTIL(w, w->durable == 2);
    assert_true(clock_monotonic_ms() - begin >= 290);
}

static void a_retriable_error_is_retried_unseen(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    rd_kafka_mock_push_request_errors(w->cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    for (int i = 0; i < 100; i++)
        assert_int_equal(produce(w, i, "one", "v"), 0);
    UNTIL(w, w->durable + w->failed == 100);
    assert_int_equal(w->durable, 100);
    each_once(w, 100);
}

static void a_record_that_the_broker_refuses_is_reported_and_later_ones_go_through(void **state) {
    World *w = *state;
    int n = 2;
    open_producer(w, (KafkaProducerSettings){0});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    rd_kafka_mock_push_request_errors(w->cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(produce(w, 1, "one", "v"), 0);
    UNTIL(w, w->failed == 1);
    assert_int_equal(w->last_error, -EACCES);
    while (w->durable == 1) { /* librdkafka holds the topic to be bad until it asks again */
        assert_true(n < 1000);
        assert_int_equal(produce(w, n++, "one", "v"), 0);
        UNTIL(w, w->durable + w->failed == n);
        loop_run_for(w->loop, 20);
    }
    each_once(w, n);
}

static void a_stuck_instance_is_replaced_and_no_report_is_missing(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){.stuck_ms = 1000});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    (void)rd_kafka_mock_broker_set_rtt(w->cluster, 1, 60000); /* connected, but silent */
    for (int i = 1; i < 100; i++)
        assert_int_equal(produce(w, i, "one", "v"), 0);
    UNTIL(w, kafka_producer_replacements(w->producer) == 1);
    assert_int_equal(w->durable + w->failed, 1);
    (void)rd_kafka_mock_broker_set_rtt(w->cluster, 1, 0);
    UNTIL(w, w->durable == 100);
    each_once(w, 100);
}

static void a_broken_instance_is_replaced_and_no_report_is_missing(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    /* The broker says that we are out of step: fatal for an idempotent producer. */
    rd_kafka_mock_push_request_errors(w->cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    for (int i = 1; i < 3000; i++) {
        assert_int_equal(produce(w, i, i % 2 ? "one" : "t", "v"), 0);
        if (i % 100 == 0) loop_run_for(w->loop, 1);
    }
    UNTIL(w, w->durable + w->failed == 3000);
    assert_int_equal(w->failed, 0);
    assert_true(kafka_producer_replacements(w->producer) >= 1);
    each_once(w, 3000);
    int64_t last = -1; /* and still in order */
    for (int i = 1; i < 3000; i += 2) {
        assert_true(w->offsets[i] > last);
        last = w->offsets[i];
    }
    assert_int_equal(kafka_producer_bytes(w->producer), 0);
}

static void without_a_broker_we_refuse_within_two_seconds_and_recover_alone(void **state) {
    World *w = *state;
    CLEANUP(buf_done) Buf reason = {0};
    open_producer(w, (KafkaProducerSettings){0});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    int64_t begin = clock_monotonic_ms(), held_up = 0; /* by a machine that had others to serve */
    int n = 1, r;
    while ((r = produce(w, n, "one", "v")) == 0) {
        int64_t turn = clock_monotonic_ms(), now;
        n++;
        loop_run_for(w->loop, 20);
        now = clock_monotonic_ms();
        if (now - turn > 25) held_up += now - turn - 25;
        assert_true(now - begin - held_up < 2000);
    }
    assert_int_equal(r, -EHOSTDOWN);
    assert_false(kafka_producer_healthy(w->producer, &reason));
    assert_non_null(strstr(reason.p, "no Kafka broker has answered"));
    assert_int_equal(w->failed, 0);
    (void)rd_kafka_mock_broker_set_up(w->cluster, 1);
    UNTIL(w, w->durable == n); /* what was taken arrives */
    assert_true(kafka_producer_healthy(w->producer, NULL));
    assert_int_equal(produce(w, n, "one", "v"), 0);
    UNTIL(w, w->durable == n + 1);
    each_once(w, n + 1);
}

static void a_loop_that_stood_still_does_not_blame_the_broker(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    assert_int_equal(produce(w, 1, "one", "v"), 0);
    loop_run_for(w->loop, 1); /* handed over; its report is not read yet, or only just */
    assert_int_equal(produce(w, 2, "one", "v"), 0);
    (void)nanosleep(&(struct timespec){.tv_sec = 2}, NULL); /* as when the process is stopped */
    assert_int_equal(produce(w, 3, "one", "v"), 0);
    UNTIL(w, w->durable == 4);
    each_once(w, 4);
}

static void an_idle_producer_notices_a_broker_going_and_coming(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    UNTIL(w, kafka_producer_healthy(w->producer, NULL));
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    UNTIL(w, !kafka_producer_healthy(w->producer, NULL));
    (void)rd_kafka_mock_broker_set_up(w->cluster, 1);
    UNTIL(w, kafka_producer_healthy(w->producer, NULL));
}

static void a_start_without_brokers_refuses_soon(void **state) {
    World *w = *state;
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    int64_t begin = clock_monotonic_ms();
    open_producer(w, (KafkaProducerSettings){0});
    UNTIL(w, produce(w, 0, "one", "v") == -EHOSTDOWN || clock_monotonic_ms() - begin > 5000);
    assert_true(clock_monotonic_ms() - begin < 5000);
}

static void waiting_longer_than_its_time_is_reported(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){.delivery_timeout_ms = 1000});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    assert_int_equal(produce(w, 1, "one", "v"), 0);
    UNTIL(w, w->failed == 1);
    assert_int_equal(w->last_error, -ETIMEDOUT);
}

static void an_unknown_topic_is_reported(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){.options = "topic.metadata.propagation.max.ms=500"});
    rd_kafka_mock_topic_set_error(w->cluster, "nosuch", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(produce(w, 0, "nosuch", "v"), 0);
    UNTIL(w, w->failed == 1);
    assert_int_equal(w->last_error, -ENOENT);
}

static void freeing_reports_what_is_left(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    assert_int_equal(produce(w, 0, "one", "warm"), 0);
    UNTIL(w, w->durable == 1);
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    for (int i = 1; i < 100; i++)
        assert_int_equal(produce(w, i, "one", "v"), 0);
    loop_run_for(w->loop, 20);
    for (int i = 100; i < 200; i++) /* not even handed over */
        assert_int_equal(produce(w, i, "one", "v"), 0);
    int64_t begin = clock_monotonic_ms();
    w->producer = kafka_producer_free(w->producer);
    assert_true(clock_monotonic_ms() - begin < 2000);
    assert_int_equal(w->failed, 199);
    assert_int_equal(w->last_error, -ECANCELED);
    each_once(w, 200);
}

static void flushing_gives_all_reports(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){.linger_ms = 5});
    for (int i = 0; i < 1000; i++)
        assert_int_equal(produce(w, i, "t", "v"), 0);
    assert_int_equal(kafka_producer_flush_for(w->producer, 5000), 0);
    assert_int_equal(w->durable, 1000);
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    assert_int_equal(produce(w, 1000, "t", "v"), 0);
    int64_t begin = clock_monotonic_ms();
    assert_int_equal(kafka_producer_flush_for(w->producer, 200), 1);
    assert_in_range(clock_monotonic_ms() - begin, 190, 4500); /* 200, not the 5000 of before */
}

static void produce_again(void *arg, int error, int32_t partition, int64_t offset) {
    struct Slot *slot = arg;
    on_report(arg, error, partition, offset);
    if (slot->number + 1 < 50)
        assert_int_equal(kafka_produce(slot->world->producer,
                                       &(KafkaRecord){"one", -1, {NULL, 0}, STR("v")},
                                       produce_again, slot + 1),
                         0);
}

static void a_report_may_produce(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    KafkaRecord first = {"one", -1, {NULL, 0}, STR("v")};
    assert_int_equal(kafka_produce(w->producer, &first, produce_again, &w->slots[0]), 0);
    UNTIL(w, w->durable == 50);
    each_once(w, 50);
}

static void what_a_report_produces_is_flushed_too(void **state) {
    World *w = *state;
    open_producer(w, (KafkaProducerSettings){0});
    KafkaRecord first = {"one", -1, {NULL, 0}, STR("v")};
    assert_int_equal(kafka_produce(w->producer, &first, produce_again, &w->slots[0]), 0);
    assert_int_equal(kafka_producer_flush_for(w->producer, 5000), 0);
    each_once(w, 50);
}

#define MOCK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one of them, by hand */
    if (argc > 2) log_setup("producer", false, LOG_DEBUG);
    const struct CMUnitTest tests[] = {
        MOCK(every_record_is_reported_durable_once),
        MOCK(records_of_one_partition_keep_their_order),
        MOCK(at_the_bound_nothing_is_taken),
        MOCK(no_report_before_the_broker_answered),
        MOCK(a_retriable_error_is_retried_unseen),
        MOCK(a_record_that_the_broker_refuses_is_reported_and_later_ones_go_through),
        MOCK(a_stuck_instance_is_replaced_and_no_report_is_missing),
        MOCK(a_broken_instance_is_replaced_and_no_report_is_missing),
        MOCK(without_a_broker_we_refuse_within_two_seconds_and_recover_alone),
        MOCK(a_loop_that_stood_still_does_not_blame_the_broker),
        MOCK(an_idle_producer_notices_a_broker_going_and_coming),
        MOCK(a_start_without_brokers_refuses_soon),
        MOCK(waiting_longer_than_its_time_is_reported),
        MOCK(an_unknown_topic_is_reported),
        MOCK(freeing_reports_what_is_left),
        MOCK(flushing_gives_all_reports),
        MOCK(a_report_may_produce),
        MOCK(what_a_report_produces_is_flushed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
