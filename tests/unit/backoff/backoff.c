/* Where the next try may fall, for the lowest and the highest throw of the dice. */
#include "backoff/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const BackoffPlan plan = {.first_ms = 1000, .most_ms = 60000, .age_ms = 3600000};
#define BEGAN INT64_C(1763796000000)

/* backoff_jitter(most, random) is random while that is at most `most`. */
static int64_t latest(uint32_t tries, int64_t most) {
    return backoff_next(&plan, tries, BEGAN, BEGAN, -1, (uint64_t)most) - BEGAN;
}

static void each_try_may_wait_twice_as_long_up_to_a_limit(void **state) {
    (void)state;
    static const int64_t most[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000};
    for (uint32_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
        assert_int_equal(latest(i + 1, most[i]), most[i]);
        assert_int_equal(latest(i + 1, most[i] + 1), 0); /* beyond it begins again */
        assert_int_equal(latest(i + 1, 0), 0);
    }
    assert_int_equal(latest(UINT32_MAX, 60000), 60000);
}

static void the_dice_reach_every_moment_evenly(void **state) {
    (void)state;
    int seen[11] = {0};
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 11000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int64_t at = backoff_jitter(10, random);
        assert_in_range(at, 0, 10);
        seen[at]++;
    }
    for (int i = 0; i < 11; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(backoff_jitter(0, UINT64_MAX), 0);
    assert_true(backoff_jitter(INT64_MAX, UINT64_MAX) >= 0);
}

static void what_the_other_side_asks_for_is_kept_and_jitter_comes_on_top(void **state) {
    (void)state;
    assert_int_equal(backoff_next(&plan, 1, BEGAN, BEGAN, 30000, 0), BEGAN + 30000);
    assert_int_equal(backoff_next(&plan, 1, BEGAN, BEGAN, 30000, 1000), BEGAN + 31000);
    assert_int_equal(backoff_next(&plan, 1, BEGAN, BEGAN, 0, 7), BEGAN + 7);
}

static void the_last_try_is_made_at_the_age_and_none_after_it(void **state) {
    (void)state;
    int64_t last = BEGAN + plan.age_ms;
    assert_int_equal(backoff_next(&plan, 9, BEGAN, last - 10, -1, 60000), last);
    assert_int_equal(backoff_next(&plan, 9, BEGAN, last - 10, 5, 60000), last);
    assert_int_equal(backoff_next(&plan, 9, BEGAN, last, -1, 0), BACKOFF_OVER);
    assert_int_equal(backoff_next(&plan, 9, BEGAN, last + 1, -1, 0), BACKOFF_OVER);
    assert_int_equal(backoff_next(&plan, 1, BEGAN, last - 10, 11, 0), BACKOFF_OVER);
    assert_int_equal(backoff_next(&plan, 1, BEGAN, last - 10, 10, 0), last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_try_may_wait_twice_as_long_up_to_a_limit),
        cmocka_unit_test(the_dice_reach_every_moment_evenly),
        cmocka_unit_test(what_the_other_side_asks_for_is_kept_and_jitter_comes_on_top),
        cmocka_unit_test(the_last_try_is_made_at_the_age_and_none_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
