/* Who takes the express lane, who the bulk lane, who waits. */
#include "intake/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static int express(Lanes *l, int64_t tenant, int64_t source, int64_t rate, int64_t now, int n) {
    int taken = 0, retry;
    for (int i = 0; i < n; i++)
        taken += lanes_choose(l, tenant, source, rate, now, &retry) == LANE_EXPRESS;
    return taken;
}

static void a_source_within_its_rate_takes_the_express_lane(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 0);
    (void)state;
    for (int64_t ms = 0; ms < 10000; ms += 10)
        assert_int_equal(express(l, 1, 5, 100, ms, 1), 1);
}

static void above_its_rate_the_rest_is_bulk(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 0);
    int total = 0;
    (void)state;
    for (int64_t ms = 0; ms < 10000; ms++)
        total += express(l, 1, 5, 100, ms, 1); /* ten times its rate, for ten seconds */
    assert_in_range(total, 1090, 1110);        /* a full bucket, and what ran in */
}

static void one_sources_storm_is_not_anothers(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 0);
    (void)state;
    assert_int_equal(express(l, 1, 5, 10, 0, 1000), 10);
    assert_int_equal(express(l, 1, 6, 10, 0, 5), 5);
    assert_int_equal(express(l, 2, 5, 10, 0, 5), 5);
}

static void rate_zero_and_senders_that_are_no_source_have_no_limit(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 0);
    (void)state;
    assert_int_equal(express(l, 1, 5, 0, 0, 100000), 100000);
    assert_int_equal(express(l, 1, 0, 10, 0, 1000), 1000);
    assert_int_equal(lanes_count(l), 0);
}

static void above_the_tenants_limit_nothing_is_taken_until_a_second_has_passed(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 50);
    int retry = 0;
    (void)state;
    assert_int_equal(express(l, 1, 5, 0, 1000, 50), 50);
    assert_int_equal(lanes_choose(l, 1, 6, 0, 1000, &retry), LANE_REFUSED);
    assert_int_equal(retry, 1);
    assert_int_equal(express(l, 2, 5, 0, 1000, 50), 50);
    assert_int_equal(express(l, 1, 5, 0, 2000, 60), 50);
}

static void a_changed_rate_counts_at_once(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 0);
    (void)state;
    assert_int_equal(express(l, 1, 5, 1000, 0, 10), 10);
    assert_int_equal(express(l, 1, 5, 5, 0, 100), 5);
}

static void time_that_stands_or_runs_back_fills_nothing(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(100, 0);
    (void)state;
    assert_int_equal(express(l, 1, 5, 10, 5000, 100), 10);
    assert_int_equal(express(l, 1, 5, 10, 4000, 100), 0);
    assert_int_equal(express(l, 1, 5, 10, 5000, 100), 0);
}

static void the_table_is_bounded_and_forgets_only_the_idle(void **state) {
    CLEANUP(lanes_freep) Lanes *l = lanes_new(64, 0);
    (void)state;
    for (int64_t source = 1; source <= 64; source++)
        assert_int_equal(express(l, 1, source, 10, 0, 100), 10);
    assert_int_equal(express(l, 1, 1000, 10, 0, 100), 100); /* no bucket is free: not limited */
    assert_int_equal(lanes_count(l), 64);
    assert_int_equal(express(l, 1, 1, 10, 1500, 100), 10); /* full again, and used */
    assert_int_equal(express(l, 1, 1000, 10, 1500, 100), 10);
    assert_in_range(lanes_count(l), 2, 2);
    assert_int_equal(express(l, 1, 1, 10, 1500, 100), 0); /* the busy one was kept */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_within_its_rate_takes_the_express_lane),
        cmocka_unit_test(above_its_rate_the_rest_is_bulk),
        cmocka_unit_test(one_sources_storm_is_not_anothers),
        cmocka_unit_test(rate_zero_and_senders_that_are_no_source_have_no_limit),
        cmocka_unit_test(above_the_tenants_limit_nothing_is_taken_until_a_second_has_passed),
        cmocka_unit_test(a_changed_rate_counts_at_once),
        cmocka_unit_test(time_that_stands_or_runs_back_fills_nothing),
        cmocka_unit_test(the_table_is_bounded_and_forgets_only_the_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
