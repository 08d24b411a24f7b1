/* A token's share of a minute. */
#include "access/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MINUTE = 60000 };

static void a_share_is_used_up_and_comes_back_with_the_next_minute(void **state) {
    (void)state;
    CLEANUP(limits_freep) Limits *l = limits_new(3);
    LimitState s;
    for (int64_t left = 2; left >= 0; left--) {
        assert_true(limits_take(l, 7, 10 * MINUTE + 1000, &s));
        assert_int_equal(s.limit, 3);
        assert_int_equal(s.remaining, left);
        assert_int_equal(s.reset_s, 59);
    }
    assert_false(limits_take(l, 7, 11 * MINUTE - 1, &s));
    assert_int_equal(s.remaining, 0);
    assert_int_equal(s.reset_s, 1); /* never 0: clients would not wait */
    assert_true(limits_take(l, 7, 11 * MINUTE, &s));
    assert_int_equal(s.reset_s, 60);
}

static void everybody_has_a_share_of_his_own_however_many_they_are(void **state) {
    (void)state;
    CLEANUP(limits_freep) Limits *l = limits_new(2);
    LimitState s;
    for (int round = 0; round < 3; round++)
        for (int64_t who = 1; who <= 5000; who++)
            assert_int_equal(limits_take(l, who, 5 * MINUTE, &s), round < 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_used_up_and_comes_back_with_the_next_minute),
        cmocka_unit_test(everybody_has_a_share_of_his_own_however_many_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
