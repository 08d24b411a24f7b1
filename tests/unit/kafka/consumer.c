/* Group members. Without more: against librdkafka's mock cluster, what only it can show (injected
 * errors). With DOCKET_TEST_KAFKA=host:port, as tests/service/test_kafka.py runs it: everything
 * else, against that real broker. (The mock waits 3 s at each first join, and refuses commits
 * during a rebalance, which Kafka does not.) */
#include "kafka/consumer.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "kafka/admin.h"
#include "kafka/producer.h"
#include "log/log.h"

enum { PARTITIONS = 4, OFFSETS_MAX = 20000 };

typedef struct World World;

typedef struct Member {
    World *world;
    KafkaConsumer *consumer;
    int readable, assigned, revoked, alarms;
    size_t partitions; /* of the last assignment */
    char alarm[512];
    size_t taken;
    int64_t next[PARTITIONS]; /* after the last one taken; -1: none yet */
    bool store_on_revoke;
} Member;

struct World {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *cluster;
    const char *brokers;
    char topic[64], group[80];
    Loop *loop;
    Member a, b;
    size_t durable;
};

#define UNTIL(w, condition)                                                                        \
    do {                                                                                           \
        int64_t end_ = clock_monotonic_ms() + 90000;                                               \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > end_) fail_msg("waited for %s", #condition);                \
            loop_run_for((w)->loop, 5);                                                            \
        }                                                                                          \
    } while (0)

static void silent(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

/* A topic and a group of this test's own, on the real broker. */
static int set_up_real(void **state) {
    static int number;
    World *w = calloc(1, sizeof(*w));
    CLEANUP(buf_done) Buf problem = {0};
    w->brokers = getenv("DOCKET_TEST_KAFKA");
    (void)snprintf(w->topic, sizeof(w->topic), "test.%d.%d", (int)getpid(), ++number);
    (void)snprintf(w->group, sizeof(w->group), "g.%s", w->topic);
    CLEANUP(kafka_admin_freep)
    KafkaAdmin *a = kafka_admin_new(&(KafkaAdminSettings){.brokers = w->brokers}, &problem);
    KafkaTopic t = {.name = w->topic, .partitions = PARTITIONS};
    KafkaTopicOutcome outcome = KAFKA_TOPIC_EXISTED;
    if (!a || kafka_admin_create_topics(a, &t, 1, &outcome, &problem) < 0)
        fail_msg("%s", problem.p);
    assert_int_equal(outcome, KAFKA_TOPIC_CREATED);
    w->loop = loop_new();
    *state = w;
    return 0;
}

static int set_up(void **state) {
    World *w = calloc(1, sizeof(*w));
    char why[128];
    (void)snprintf(w->topic, sizeof(w->topic), "t");
    (void)snprintf(w->group, sizeof(w->group), "g");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, silent);
    w->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    w->cluster = rd_kafka_mock_cluster_new(w->owner, 1);
    w->brokers = rd_kafka_mock_cluster_bootstraps(w->cluster);
    (void)rd_kafka_mock_topic_create(w->cluster, "t", PARTITIONS, 1);
    w->loop = loop_new();
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    World *w = *state;
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    w->b.consumer = kafka_consumer_free(w->b.consumer);
    w->loop = loop_free(w->loop);
    if (w->cluster) rd_kafka_mock_cluster_destroy(w->cluster);
    if (w->owner) rd_kafka_destroy(w->owner);
    free(w);
    return 0;
}

static void on_readable(void *arg) {
    ((Member *)arg)->readable++;
}

static void on_assigned(void *arg, size_t n) {
    Member *m = arg;
    m->assigned++;
    m->partitions = n;
    for (int i = 0; i < PARTITIONS; i++)
        m->next[i] = -1;
}

static void store_taken(Member *m) {
    for (int i = 0; i < PARTITIONS; i++)
        if (m->next[i] >= 0)
            assert_int_equal(kafka_consumer_store(m->consumer, str(m->world->topic), i, m->next[i]),
                             0);
}

static void on_revoked(void *arg) {
    Member *m = arg;
    m->revoked++;
    assert_int_equal(kafka_consumer_ready(m->consumer), 0);
    if (!m->store_on_revoke) return;
    store_taken(m);
    kafka_consumer_release(m->consumer);
}

static void on_alarm(void *arg, const char *text) {
    Member *m = arg;
    m->alarms++;
    (void)snprintf(m->alarm, sizeof(m->alarm), "%s", text);
}

static void join(World *w, Member *m, KafkaConsumerSettings s) {
    static const KafkaConsumerEvents events = {on_readable, on_assigned, on_revoked, on_alarm};
    const char *const topics[] = {w->topic};
    CLEANUP(buf_done) Buf problem = {0};
    *m = (Member){.world = w, .store_on_revoke = m->store_on_revoke};
    s.brokers = w->brokers;
    s.group = w->group;
    if (!s.topics) {
        s.topics = topics;
        s.n_topics = 1;
    }
    m->consumer = kafka_consumer_new(w->loop, &s, &events, m, &problem);
    if (!m->consumer) fail_msg("%s", problem.p);
}

static void on_report(void *arg, int error, int32_t partition, int64_t offset) {
    World *w = arg;
    (void)partition;
    (void)offset;
    assert_int_equal(error, 0);
    w->durable++;
}

/* n messages, spread evenly over the partitions; value: "<n>", with a header. */
static void fill(World *w, int n) {
    CLEANUP(buf_done) Buf problem = {0};
    KafkaProducerSettings s = {.brokers = w->brokers};
    KafkaProducer *p = kafka_producer_new(w->loop, &s, &problem);
    size_t want = w->durable + (size_t)n;
    for (int i = 0; i < n; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", i);
        KafkaRecord r = {w->topic, i % PARTITIONS, STR("key"), str(text)};
        KafkaHeader h = {"ce_type", STR("x")};
        assert_int_equal(kafka_produce_with_headers(p, &r, &h, 1, on_report, w), 0);
    }
    UNTIL(w, w->durable == want);
    p = kafka_producer_free(p);
}

/* Takes what is there; per partition in order and without a gap. */
static size_t take(Member *m, size_t max) {
    KafkaMessage got[64];
    size_t n = kafka_consumer_take(m->consumer, got, max < 64 ? max : 64);
    for (size_t i = 0; i < n; i++) {
        assert_true(str_is(got[i].topic, m->world->topic));
        assert_true(str_is(got[i].key, "key"));
        assert_true(str_is(kafka_message_header(&got[i], "ce_type"), "x"));
        assert_null(kafka_message_header(&got[i], "nope").p);
        if (m->next[got[i].partition] >= 0)
            assert_int_equal(got[i].offset, m->next[got[i].partition]);
        m->next[got[i].partition] = got[i].offset + 1;
        kafka_message_done(&got[i]);
    }
    m->taken += n;
    return n;
}

/* Takes until n have been taken in all. */
static void take_until(World *w, Member *m, size_t n) {
    UNTIL(w, (take(m, 64), m->taken >= n));
    assert_int_equal(m->taken, n);
}

static void a_new_group_begins_at_the_beginning_and_offsets_are_ours_to_store(void **state) {
    World *w = *state;
    fill(w, 100);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 100);
    assert_int_equal(w->a.assigned, 1);
    assert_int_equal(w->a.partitions, PARTITIONS);
    assert_int_equal(kafka_consumer_owned(w->a.consumer), PARTITIONS);
    w->a.consumer = kafka_consumer_free(w->a.consumer); /* nothing was stored */

    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 100); /* so all come again */
    store_taken(&w->a);
    assert_int_equal(kafka_consumer_lag(w->a.consumer, NULL), 0);
    w->a.consumer = kafka_consumer_free(w->a.consumer);

    fill(w, 8);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 8); /* the stored ones do not */
    loop_run_for(w->loop, 200);
    assert_int_equal(take(&w->a, 64), 0);
    assert_int_equal(kafka_consumer_lag(w->a.consumer, w->topic), 8);
    assert_int_equal(kafka_consumer_lag(w->a.consumer, "other"), 0);
    assert_int_equal(w->a.alarms, 0);
}

static void a_stored_prefix_is_where_the_next_one_begins(void **state) {
    World *w = *state;
    fill(w, 40);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 40);
    assert_int_equal(kafka_consumer_store(w->a.consumer, str(w->topic), 0, 7), 0);
    assert_int_equal(kafka_consumer_store(w->a.consumer, str(w->topic), 0, 5),
                     0); /* lower: ignored */
    assert_int_equal(kafka_consumer_store(w->a.consumer, str(w->topic), 99, 5), 0); /* not ours */
    assert_int_equal(kafka_consumer_store(w->a.consumer, STR("x"), 0, 5), 0);
    assert_int_equal(kafka_consumer_commit_now(w->a.consumer), 0);
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 33);
}

static void a_group_may_begin_at_the_end(void **state) {
    World *w = *state;
    fill(w, 20);
    join(w, &w->a, (KafkaConsumerSettings){.start = KAFKA_START_LATEST});
    for (int i = 0; i < 50 && w->a.taken == 0; i++) { /* where the end is takes a moment to learn */
        fill(w, 4);
        loop_run_for(w->loop, 100);
        (void)take(&w->a, 64);
    }
    assert_true(w->a.taken > 0);
    for (int i = 0; i < PARTITIONS; i++) /* none of the first twenty, five in each */
        assert_true(w->a.next[i] == -1 || w->a.next[i] > 5);
}

static void readable_comes_once_until_everything_is_taken(void **state) {
    World *w = *state;
    fill(w, 40);
    join(w, &w->a, (KafkaConsumerSettings){0});
    UNTIL(w, kafka_consumer_ready(w->a.consumer) == 40);
    assert_int_equal(w->a.readable, 1);
    assert_int_equal(take(&w->a, 30), 30);
    loop_run_for(w->loop, 100);
    assert_int_equal(w->a.readable, 1);
    assert_int_equal(take(&w->a, 30), 10);
    fill(w, 4);
    UNTIL(w, w->a.readable == 2);
}

static void two_members_share_and_the_one_that_leaves_is_replaced_at_once(void **state) {
    World *w = *state;
    w->a.store_on_revoke = true;
    join(w, &w->a, (KafkaConsumerSettings){.release_ms = 2000});
    UNTIL(w, w->a.partitions == PARTITIONS);
    fill(w, 40);
    take_until(w, &w->a, 40);
    join(w, &w->b, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.partitions == 2 && w->b.partitions == 2);
    assert_true(w->a.revoked);
    fill(w, 40);
    w->a.taken = 0;
    UNTIL(w, (take(&w->a, 64), take(&w->b, 64), w->a.taken + w->b.taken >= 40));
    loop_run_for(w->loop, 200);
    (void)take(&w->a, 64);
    (void)take(&w->b, 64);
    assert_int_equal(w->a.taken, 20); /* what was stored at the revocation does not come again */
    assert_int_equal(w->b.taken, 20);
    store_taken(&w->a);

    int64_t begin = clock_monotonic_ms();
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    UNTIL(w, w->b.partitions == PARTITIONS);
    assert_true(clock_monotonic_ms() - begin < 5500); /* not the session timeout */
}

static void what_is_not_stored_at_a_revocation_comes_again(void **state) {
    World *w = *state;
    join(w, &w->a, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.assigned);
    fill(w, 40);
    take_until(w, &w->a, 40);
    join(w, &w->b, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.partitions == 2 && w->b.partitions == 2);
    w->a.taken = 0;
    UNTIL(w, (take(&w->a, 64), take(&w->b, 64), w->a.taken + w->b.taken >= 40));
    assert_int_equal(w->a.taken + w->b.taken, 40);
}

static void release_waits_for_its_caller_but_not_for_ever(void **state) {
    World *w = *state;
    join(w, &w->a, (KafkaConsumerSettings){.release_ms = 700});
    UNTIL(w, w->a.assigned);
    join(w, &w->b, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.revoked);
    int64_t begin = clock_monotonic_ms();
    UNTIL(w, w->a.partitions == 2);
    assert_in_range(clock_monotonic_ms() - begin, 650, 5000);
}

static void pausing_outlives_a_rebalance_and_loses_nothing(void **state) {
    World *w = *state;
    join(w, &w->a, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.assigned);
    fill(w, 40);
    take_until(w, &w->a, 40);
    store_taken(&w->a);
    kafka_consumer_pause(w->a.consumer);
    kafka_consumer_pause(w->a.consumer);
    fill(w, 40);
    join(w, &w->b, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.partitions == 2 && w->b.partitions == 2);
    kafka_consumer_pause(w->b.consumer);
    w->b.consumer = kafka_consumer_free(w->b.consumer);
    UNTIL(w, w->a.partitions == PARTITIONS);
    loop_run_for(w->loop, 500);
    assert_int_equal(kafka_consumer_ready(w->a.consumer), 0); /* still paused */
    kafka_consumer_resume(w->a.consumer);
    kafka_consumer_resume(w->a.consumer);
    w->a.taken = 0;
    take_until(w, &w->a, 40);
    loop_run_for(w->loop, 300);
    assert_int_equal(take(&w->a, 64), 0);
}

static void who_does_not_take_stays_a_bounded_member(void **state) {
    World *w = *state;
    fill(w, 4000);
    join(w, &w->a, (KafkaConsumerSettings){.max_ready = 100});
    UNTIL(w, kafka_consumer_ready(w->a.consumer) >= 100);
    loop_run_for(w->loop, 1500);
    assert_in_range(kafka_consumer_ready(w->a.consumer), 100, 116);
    /* A rebalance is served although nobody takes. */
    join(w, &w->b, (KafkaConsumerSettings){.max_ready = 100});
    UNTIL(w, w->a.partitions == 2 && w->b.partitions == 2);
    loop_run_for(w->loop, 1500); /* stalled again */
    w->b.consumer = kafka_consumer_free(w->b.consumer);
    UNTIL(w, w->a.partitions == PARTITIONS);
    loop_run_for(w->loop, 1500);
    w->a.taken = 0;
    take_until(w, &w->a, 4000); /* each once, in order: take() looks */
    loop_run_for(w->loop, 200);
    assert_int_equal(take(&w->a, 64), 0);
}

static void an_offset_out_of_range_stops_with_an_alarm(void **state) {
    World *w = *state;
    CLEANUP(buf_done) Buf reason = {0};
    fill(w, 40);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 40);
    assert_int_equal(kafka_consumer_store(w->a.consumer, str(w->topic), 1, 1000000), 0);
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    join(w, &w->a, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.alarms);
    assert_non_null(strstr(w->a.alarm, w->topic));
    assert_non_null(strstr(w->a.alarm, " [1]"));
    assert_false(kafka_consumer_healthy(w->a.consumer, &reason));
    take_until(w, &w->a, 30); /* the other partitions go on */
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    join(w, &w->a, (KafkaConsumerSettings){.reset = KAFKA_RESET_EARLIEST});
    take_until(w, &w->a, 40);
}

static void a_topic_that_is_not_there_is_an_alarm(void **state) {
    World *w = *state;
    static const char *const topics[] = {"t", "nosuch"};
    rd_kafka_mock_topic_set_error(w->cluster, "nosuch", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    join(w, &w->a, (KafkaConsumerSettings){.topics = topics, .n_topics = 2});
    UNTIL(w, w->a.alarms && w->a.assigned);
    assert_non_null(strstr(w->a.alarm, "nosuch"));
}

static void a_lost_coordinator_is_found_again(void **state) {
    World *w = *state;
    CLEANUP(buf_done) Buf reason = {0};
    join(w, &w->a, (KafkaConsumerSettings){0});
    UNTIL(w, w->a.assigned);
    UNTIL(w, kafka_consumer_healthy(w->a.consumer, NULL));
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    UNTIL(w, !kafka_consumer_healthy(w->a.consumer, &reason));
    assert_non_null(strstr(reason.p, "no Kafka broker"));
    (void)rd_kafka_mock_broker_set_up(w->cluster, 1);
    fill(w, 40);
    take_until(w, &w->a, 40);
    UNTIL(w, kafka_consumer_healthy(w->a.consumer, NULL));
}

static void committed_offsets_are_asked_for_until_they_are_known(void **state) {
    World *w = *state;
    enum { OFFSET_FETCH = 9 };
    rd_kafka_mock_push_request_errors(w->cluster, OFFSET_FETCH, 2,
                                      RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    fill(w, 40);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 40);
}

static void freeing_is_bounded_without_a_broker_and_with_messages_left(void **state) {
    World *w = *state;
    KafkaMessage kept;
    fill(w, 40);
    join(w, &w->a, (KafkaConsumerSettings){0});
    UNTIL(w, kafka_consumer_take(w->a.consumer, &kept, 1) == 1);
    (void)rd_kafka_mock_broker_set_down(w->cluster, 1);
    loop_run_for(w->loop, 100);
    int64_t begin = clock_monotonic_ms();
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    assert_true(clock_monotonic_ms() - begin < 4500);
    kafka_message_done(&kept); /* lets the instance end in the background */
}

static void the_operators_calls_see_topics_lag_and_messages(void **state) {
    World *w = *state;
    CLEANUP(buf_done) Buf problem = {0};
    KafkaAdminSettings settings = {.brokers = w->brokers};
    CLEANUP(kafka_admin_freep) KafkaAdmin *a = kafka_admin_new(&settings, &problem);
    KafkaTopic t = {
        .name = w->topic, .partitions = 9, .retention_ms = 3600000, .max_message_bytes = 1 << 20};
    KafkaTopicOutcome outcome;
    KafkaPartitionState states[PARTITIONS];
    KafkaMessage m;
    int64_t lag = -1;
    assert_true(kafka_admin_brokers(a, &problem) >= 1);
    assert_int_equal(kafka_admin_create_topics(a, &t, 1, &outcome, &problem), 0);
    assert_int_equal(outcome, KAFKA_TOPIC_EXISTED); /* and stays as it is */
    assert_int_equal(kafka_admin_partitions(a, w->topic, &problem), PARTITIONS);
    assert_int_equal(kafka_admin_partitions(a, "no.such.topic", &problem), -ENOENT);
    assert_int_equal(kafka_admin_produce(a, "no.such.topic", -1, STR(""), STR("x"), &problem),
                     -ENOENT);

    fill(w, 40);
    assert_int_equal(kafka_admin_lag(a, w->topic, w->group, &lag, &problem), 0);
    assert_int_equal(lag, 40);
    join(w, &w->a, (KafkaConsumerSettings){0});
    take_until(w, &w->a, 40);
    store_taken(&w->a);
    w->a.consumer = kafka_consumer_free(w->a.consumer);
    assert_int_equal(kafka_admin_lag(a, w->topic, w->group, &lag, &problem), 0);
    assert_int_equal(lag, 0);
    assert_int_equal(
        kafka_admin_produce(a, w->topic, 2, STR("key"), STR("from the tool"), &problem), 0);
    assert_int_equal(kafka_admin_state(a, w->topic, w->group, states, PARTITIONS, &problem),
                     PARTITIONS);
    assert_int_equal(states[2].end, 11);
    assert_int_equal(states[2].committed, 10);

    CLEANUP(kafka_reader_freep) KafkaReader *r = NULL;
    KafkaReaderSettings all = {
        .brokers = w->brokers, .topic = w->topic, .partition = -1, .from = -1, .to = -1};
    assert_int_equal(kafka_reader_new(&all, &r, &problem), 0);
    int n = 0;
    while (kafka_reader_next(r, &m, &problem) == 1) {
        n++;
        kafka_message_done(&m);
    }
    assert_int_equal(n, 41);
    r = kafka_reader_free(r);
    KafkaReaderSettings some = all;
    some.partition = 2;
    some.from = 8;
    some.to = 10;
    assert_int_equal(kafka_reader_new(&some, &r, &problem), 0);
    for (int64_t offset = 8; offset < 10; offset++) {
        assert_int_equal(kafka_reader_next(r, &m, &problem), 1);
        assert_int_equal(m.offset, offset);
        assert_true(m.timestamp_ms > 1600000000000);
        kafka_message_done(&m);
    }
    assert_int_equal(kafka_reader_next(r, &m, &problem), 0);
    some.partition = PARTITIONS;
    KafkaReader *none = NULL;
    assert_int_equal(kafka_reader_new(&some, &none, &problem), -ENOENT);
    settings = (KafkaAdminSettings){.brokers = "127.0.0.1:1", .timeout_ms = 500};
    CLEANUP(kafka_admin_freep) KafkaAdmin *nobody = kafka_admin_new(&settings, &problem);
    assert_int_equal(kafka_admin_brokers(nobody, &problem), -EHOSTUNREACH);
}

#define MOCK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define REAL(test) cmocka_unit_test_setup_teardown(test, set_up_real, tear_down)

int main(int argc, char **argv) {
    const struct CMUnitTest mocked[] = {
        MOCK(a_new_group_begins_at_the_beginning_and_offsets_are_ours_to_store),
        MOCK(an_offset_out_of_range_stops_with_an_alarm),
        MOCK(a_topic_that_is_not_there_is_an_alarm),
        MOCK(a_lost_coordinator_is_found_again),
        MOCK(committed_offsets_are_asked_for_until_they_are_known),
        MOCK(freeing_is_bounded_without_a_broker_and_with_messages_left),
    };
    const struct CMUnitTest real[] = {
        REAL(a_new_group_begins_at_the_beginning_and_offsets_are_ours_to_store),
        REAL(a_stored_prefix_is_where_the_next_one_begins),
        REAL(a_group_may_begin_at_the_end),
        REAL(readable_comes_once_until_everything_is_taken),
        REAL(two_members_share_and_the_one_that_leaves_is_replaced_at_once),
        REAL(what_is_not_stored_at_a_revocation_comes_again),
        REAL(release_waits_for_its_caller_but_not_for_ever),
        REAL(pausing_outlives_a_rebalance_and_loses_nothing),
        REAL(who_does_not_take_stays_a_bounded_member),
        REAL(an_offset_out_of_range_stops_with_an_alarm),
        REAL(the_operators_calls_see_topics_lag_and_messages),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one of them, by hand */
    if (argc > 2) log_setup("consumer", false, LOG_DEBUG);
    if (getenv("DOCKET_TEST_KAFKA")) return cmocka_run_group_tests(real, NULL, NULL);
    return cmocka_run_group_tests(mocked, NULL, NULL);
}
