#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kafka/kafka_internal.h"
#include "kafka/producer.h"

static void brokers_are_host_and_port(void **state) {
    (void)state;
    static const char *const good[] = {"a:1", "127.0.0.1:9092, b:65535", "[::1]:9092"};
    static const char *const bad[] = {"",      "a",    "a:",    "a:0",      "a:65536", "a:b",
                                      ":9092", "a:1,", "a:1,b", "a:1,,b:2", "a:-1",    "a:1x"};
    CLEANUP(buf_done) Buf problem = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(kafka_check_brokers(good[i], &problem), 0);
    assert_int_equal(problem.n, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        buf_clear(&problem);
        if (kafka_check_brokers(bad[i], &problem) != -EINVAL) fail_msg("accepted %s", bad[i]);
        assert_true(problem.n > 0);
    }
    assert_int_equal(kafka_check_brokers(NULL, &problem), -EINVAL);
}

static void options_are_split_at_commas_or_lines(void **state) {
    (void)state;
    char value[64];
    size_t n;
    CLEANUP(buf_done) Buf problem = {0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(kafka_conf_options(conf, "linger.ms=7, client.rack = r", &problem), 0);
    n = sizeof(value);
    (void)rd_kafka_conf_get(conf, "client.rack", value, &n);
    assert_string_equal(value, "r");
    assert_int_equal(kafka_conf_options(conf, "client.rack=a,b\nlinger.ms=8\n", &problem), 0);
    n = sizeof(value);
    (void)rd_kafka_conf_get(conf, "client.rack", value, &n);
    assert_string_equal(value, "a,b");
    assert_int_equal(kafka_conf_options(conf, "linger.ms", &problem), -EINVAL);
    assert_int_equal(kafka_conf_options(conf, "no.such.thing=1", &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "no.such.thing"));
    assert_int_equal(kafka_conf_options(conf, NULL, &problem), 0);
    rd_kafka_conf_destroy(conf);
}

static void an_operator_cannot_weaken_the_producer(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(buf_done) Buf problem = {0};
    KafkaProducerSettings s = {.brokers = "127.0.0.1:1", .options = "acks=1"};
    /* Ours is set after it, and wins. */
    CLEANUP(kafka_producer_freep) KafkaProducer *p = kafka_producer_new(loop, &s, &problem);
    assert_non_null(p);
}

static void bad_settings_are_refused_with_a_sentence(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(buf_done) Buf problem = {0};
    KafkaProducerSettings s = {.brokers = "nowhere"};
    assert_null(kafka_producer_new(loop, &s, &problem));
    assert_non_null(strstr(problem.p, "nowhere"));
    KafkaConsumerSettings c = {.brokers = "a:1", .group = "g", .options = "fetch.wait.max.ms=x"};
    buf_clear(&problem);
    assert_null(kafka_consumer_new(loop, &c, NULL, NULL, &problem));
    assert_non_null(strstr(problem.p, "fetch.wait.max.ms"));
}

static void statistics_tell_whether_a_broker_is_up(void **state) {
    (void)state;
    Str up = STR("{\"brokers\":{\"a\":{\"state\":\"UP\", \"stateage\":1}},\"cgrp\":{\"state\": "
                 "\"init\"}}");
    Str down = STR("{\"brokers\":{\"a\":{\"state\":\"DOWN\"}},\"cgrp\":{\"state\": \"up\"}}");
    assert_true(kafka_stats_broker_up(up.p, up.n));
    assert_false(kafka_stats_broker_up(down.p, down.n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brokers_are_host_and_port),
        cmocka_unit_test(options_are_split_at_commas_or_lines),
        cmocka_unit_test(an_operator_cannot_weaken_the_producer),
        cmocka_unit_test(bad_settings_are_refused_with_a_sentence),
        cmocka_unit_test(statistics_tell_whether_a_broker_is_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
