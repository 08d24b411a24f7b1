/* Lags of consumer groups, against librdkafka's mock cluster. */
#include "kafka/lag.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"

typedef struct World {
    rd_kafka_t *owner; /* of the mock cluster; produces, too */
    rd_kafka_mock_cluster_t *cluster;
    Loop *loop;
    KafkaLag *lag;
    int told;
    int64_t messages[KAFKA_LAG_MAX];
} World;

static void silent(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static rd_kafka_t *instance(rd_kafka_type_t type, const char *brokers, const char *group) {
    char why[128];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, silent);
    if (brokers) (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
    if (group) (void)rd_kafka_conf_set(conf, "group.id", group, why, sizeof(why));
    return rd_kafka_new(type, conf, why, sizeof(why));
}

static int set_up(void **state) {
    World *w = calloc(1, sizeof(*w));
    w->owner = instance(RD_KAFKA_PRODUCER, NULL, NULL);
    w->cluster = rd_kafka_mock_cluster_new(w->owner, 1);
    (void)rd_kafka_mock_topic_create(w->cluster, "t", 2, 1);
    (void)rd_kafka_mock_topic_create(w->cluster, "empty", 3, 1);
    w->loop = loop_new();
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    World *w = *state;
    w->lag = kafka_lag_free(w->lag);
    w->loop = loop_free(w->loop);
    rd_kafka_mock_cluster_destroy(w->cluster);
    rd_kafka_destroy(w->owner);
    free(w);
    return 0;
}

static void on_told(void *arg, const int64_t *messages, size_t n) {
    World *w = arg;
    w->told++;
    memcpy(w->messages, messages, n * sizeof(*messages));
}

static void open_lag(World *w, const KafkaLagPair *pairs, size_t n, const char *brokers, int ms) {
    CLEANUP(buf_done) Buf problem = {0};
    KafkaLagSettings s = {
        .brokers = brokers, .client_id = "test", .pairs = pairs, .pairs_n = n, .timeout_ms = ms};
    w->lag = kafka_lag_new(w->loop, &s, on_told, w, &problem);
    if (!w->lag) fail_msg("%s", problem.p);
}

static void ask(World *w) {
    int before = w->told;
    int64_t end = clock_monotonic_ms() + 90000;
    assert_int_equal(kafka_lag_ask(w->lag), 0);
    assert_int_equal(kafka_lag_ask(w->lag), -EBUSY);
    while (w->told == before) {
        if (clock_monotonic_ms() > end) fail_msg("nothing was told");
        loop_run_for(w->loop, 5);
    }
    assert_int_equal(w->told, before + 1);
}

static void produce(rd_kafka_t *rk, int32_t partition, int n) {
    char value[] = {'x'};
    for (int i = 0; i < n; i++)
        assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("t"),
                                           RD_KAFKA_V_PARTITION(partition),
                                           RD_KAFKA_V_VALUE(value, sizeof(value)), RD_KAFKA_V_END),
                         0);
    assert_int_equal(rd_kafka_flush(rk, 60000), 0);
}

static void commit(rd_kafka_t *rk, int32_t partition, int64_t next) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "t", partition)->offset = next;
    assert_int_equal(rd_kafka_commit(rk, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
}

static void a_lag_is_what_a_group_has_not_committed_of_every_partition(void **state) {
    static const KafkaLagPair pairs[] = {{"one", "t"}, {"other", "t"}, {"one", "empty"}};
    World *w = *state;
    const char *brokers = rd_kafka_mock_cluster_bootstraps(w->cluster);
    rd_kafka_t *producer = instance(RD_KAFKA_PRODUCER, brokers, NULL);
    rd_kafka_t *member = instance(RD_KAFKA_CONSUMER, brokers, "one");
    produce(producer, 0, 10);
    produce(producer, 1, 4);
    commit(member, 0, 7);
    open_lag(w, pairs, 3, brokers, 60000);
    ask(w);
    assert_int_equal(w->messages[0], 3 + 4);
    assert_int_equal(w->messages[1], 14); /* it has committed nothing at all */
    assert_int_equal(w->messages[2], 0);
    commit(member, 0, 10);
    commit(member, 1, 4);
    produce(producer, 1, 2);
    ask(w);
    assert_int_equal(w->messages[0], 2);
    rd_kafka_destroy(member);
    rd_kafka_destroy(producer);
}

static void with_kafka_away_every_lag_is_unknown(void **state) {
    static const KafkaLagPair pairs[] = {{"one", "t"}};
    World *w = *state;
    open_lag(w, pairs, 1, "127.0.0.1:9", 200);
    w->messages[0] = 7;
    ask(w);
    assert_int_equal(w->messages[0], KAFKA_LAG_UNKNOWN);
}

static void what_is_being_asked_at_the_end_tells_nobody(void **state) {
    static const KafkaLagPair pairs[] = {{"one", "t"}};
    World *w = *state;
    open_lag(w, pairs, 1, rd_kafka_mock_cluster_bootstraps(w->cluster), 1000);
    assert_int_equal(kafka_lag_ask(w->lag), 0);
    w->lag = kafka_lag_free(w->lag);
    assert_int_equal(w->told, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lag_is_what_a_group_has_not_committed_of_every_partition,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_kafka_away_every_lag_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_being_asked_at_the_end_tells_nobody, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
