#include "redis/url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void one_server_with_everything(void **state) {
    (void)state;
    RedisUrl u;
    CLEANUP(buf_done) Buf problem = {0};
    assert_int_equal(redis_url_parse("redis://us%40er:p%3Aw@redis.example:6380/3", &u, &problem),
                     0);
    assert_int_equal(u.kind, REDIS_URL_TCP);
    assert_string_equal(u.hosts[0].host, "redis.example");
    assert_int_equal(u.hosts[0].port, 6380);
    assert_string_equal(u.user, "us@er");
    assert_string_equal(u.password, "p:w");
    assert_int_equal(u.db, 3);
}

static void what_is_left_out_has_its_default(void **state) {
    (void)state;
    RedisUrl u;
    CLEANUP(buf_done) Buf problem = {0};
    assert_int_equal(redis_url_parse("redis://[::1]", &u, &problem), 0);
    assert_string_equal(u.hosts[0].host, "::1");
    assert_int_equal(u.hosts[0].port, 6379);
    assert_string_equal(u.password, "");
    assert_int_equal(redis_url_parse("redis://:a@b@h/", &u, &problem), 0);
    assert_string_equal(u.password, "a@b");
    assert_int_equal(redis_url_parse("unix:///run/redis.sock?db=2", &u, &problem), 0);
    assert_string_equal(u.hosts[0].host, "/run/redis.sock");
    assert_int_equal(u.db, 2);
}

static void a_cluster_has_many_servers(void **state) {
    (void)state;
    RedisUrl u;
    CLEANUP(buf_done) Buf problem = {0};
    assert_int_equal(redis_url_parse("redis-cluster://:pw@a:1,b:2,[::1]:3", &u, &problem), 0);
    assert_int_equal(u.n_hosts, 3);
    assert_string_equal(u.hosts[2].host, "::1");
    assert_int_equal(u.hosts[1].port, 2);
}

static void a_bad_url_is_refused_with_a_sentence_and_without_the_password(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "localhost:6379",
                                      "rediss://h",
                                      "redis://",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:6379x",
                                      "redis://h/x",
                                      "redis://h/-1",
                                      "redis://a,b",
                                      "redis://geheim@h",
                                      "redis://:%zzgeheim@h",
                                      "redis://:@h",
                                      "redis://[::1",
                                      "redis-cluster://a:1/1",
                                      "redis-cluster://a:1,,b:2",
                                      "unix://run/x",
                                      "unix:///x?y=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        RedisUrl u;
        CLEANUP(buf_done) Buf problem = {0};
        if (redis_url_parse(bad[i], &u, &problem) != -EINVAL) fail_msg("accepted %s", bad[i]);
        assert_true(problem.n > 10);
        assert_null(strstr(problem.p, "geheim"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_with_everything),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(a_cluster_has_many_servers),
        cmocka_unit_test(a_bad_url_is_refused_with_a_sentence_and_without_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
