#include "redis/slots.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_key_lives_where_the_specification_says(void **state) {
    (void)state;
    assert_int_equal(redis_slot(STR("123456789")), 0x31C3);
    assert_int_equal(redis_slot(STR("")), 0);
    assert_int_equal(redis_slot(STR("{user1000}.following")), redis_slot(STR("user1000")));
    assert_int_equal(redis_slot(STR("foo{{bar}}zap")), redis_slot(STR("{bar")));
    assert_int_equal(redis_slot(STR("foo{bar}{zap}")), redis_slot(STR("bar")));
    assert_int_not_equal(redis_slot(STR("foo{}{bar}")), redis_slot(STR("bar")));
    assert_int_not_equal(redis_slot(STR("foo{bar")), redis_slot(STR("bar")));
    assert_int_equal(redis_slot(STR("foo")), 12182);
}

static void redirections_are_read(void **state) {
    (void)state;
    RedisHost host;
    int slot;
    assert_int_equal(redis_redirect_parse(STR("MOVED 3999 10.0.0.1:6381"), "x", &slot, &host),
                     REDIRECT_MOVED);
    assert_int_equal(slot, 3999);
    assert_string_equal(host.host, "10.0.0.1");
    assert_int_equal(host.port, 6381);
    assert_int_equal(redis_redirect_parse(STR("ASK 0 ::1:7000"), "x", &slot, &host), REDIRECT_ASK);
    assert_string_equal(host.host, "::1");
    assert_int_equal(redis_redirect_parse(STR("MOVED 1 :7000"), "asked", &slot, &host),
                     REDIRECT_MOVED);
    assert_string_equal(host.host, "asked");
    static const char *const others[] = {
        "",          "ERR no",          "MOVED",      "MOVED 1",   "MOVED x a:1",
        "MOVED 1 a", "MOVED 16384 a:1", "ASK -1 a:1", "ASK 1 a:0", "MOVEDX 1 a:1"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(redis_redirect_parse(str(others[i]), "x", &slot, &host), REDIRECT_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_lives_where_the_specification_says),
        cmocka_unit_test(redirections_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
