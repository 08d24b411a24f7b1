/* One destination, from its first failure to its first sign of life. */
#include "backoff/circuit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const CircuitPlan plan = {.failures = 3, .first_ms = 1000, .most_ms = 8000, .probe_ms = 500};

static bool fails(Circuit *c, int64_t now) {
    return circuit_saw(c, &plan, CIRCUIT_SAW_FAILURE, -1, now, 0);
}

static void some_failures_in_a_row_open_it(void **state) {
    (void)state;
    Circuit c = {0};
    assert_true(circuit_is_quiet(&c));
    assert_false(fails(&c, 10));
    assert_false(fails(&c, 20));
    assert_false(circuit_saw(&c, &plan, CIRCUIT_SAW_LIFE, -1, 30, 0)); /* the row ends */
    assert_true(circuit_is_quiet(&c));
    assert_false(fails(&c, 40));
    assert_false(fails(&c, 50));
    assert_true(circuit_take(&c, &plan, 55));
    assert_true(fails(&c, 60));
    assert_int_equal(c.state, CIRCUIT_OPEN);
    assert_int_equal(c.failing_since_ms, 40);
    assert_false(circuit_take(&c, &plan, 559));
    assert_int_equal(circuit_wait_ms(&c, 100), 460); /* half of its time, with the lowest throw */
}

static void one_probe_passes_and_decides(void **state) {
    (void)state;
    Circuit c = {0};
    for (int i = 0; i < 3; i++)
        (void)fails(&c, 0);
    assert_true(circuit_take(&c, &plan, 500));
    assert_int_equal(c.state, CIRCUIT_PROBING);
    assert_false(circuit_take(&c, &plan, 501));
    assert_true(circuit_saw(&c, &plan, CIRCUIT_SAW_LIFE, -1, 600, 0));
    assert_true(circuit_is_quiet(&c));
    assert_int_equal(c.failing_since_ms, 0);
    assert_true(circuit_take(&c, &plan, 600) && circuit_take(&c, &plan, 600));
}

static void each_failed_probe_doubles_the_time_up_to_a_limit(void **state) {
    (void)state;
    static const int64_t half[] = {500, 1000, 2000, 4000, 4000, 4000};
    Circuit c = {0};
    int64_t now = 0;
    (void)fails(&c, now);
    (void)fails(&c, now);
    for (size_t i = 0; i < sizeof(half) / sizeof(*half); i++) {
        Circuit luckless = c;
        (void)circuit_saw(&luckless, &plan, CIRCUIT_SAW_FAILURE, -1, now, (uint64_t)half[i]);
        assert_int_equal(circuit_wait_ms(&luckless, now), 2 * half[i]);
        assert_true(fails(&c, now));
        assert_int_equal(circuit_wait_ms(&c, now), half[i]);
        now += half[i];
        assert_true(circuit_take(&c, &plan, now));
    }
}

static void late_failures_are_no_news_and_late_life_is(void **state) {
    (void)state;
    Circuit c = {0};
    for (int i = 0; i < 3; i++)
        (void)fails(&c, 0);
    int64_t until = c.until_ms;
    for (int i = 0; i < 50; i++)
        assert_false(fails(&c, 400));
    assert_int_equal(c.until_ms, until);
    assert_int_equal(c.opened, 1);
    assert_true(circuit_saw(&c, &plan, CIRCUIT_SAW_LIFE, -1, 450, 0));
    assert_int_equal(c.state, CIRCUIT_CLOSED);
}

static void what_the_other_side_asks_for_opens_it_at_once(void **state) {
    (void)state;
    Circuit c = {0};
    assert_true(circuit_saw(&c, &plan, CIRCUIT_SAW_FAILURE, 30000, 100, 0));
    assert_int_equal(circuit_wait_ms(&c, 100), 30000); /* beyond its own limit */
    assert_false(circuit_saw(&c, &plan, CIRCUIT_SAW_FAILURE, 20000, 200, 0));
    assert_int_equal(c.until_ms, 30100);
    assert_false(circuit_saw(&c, &plan, CIRCUIT_SAW_FAILURE, 60000, 200, 0));
    assert_int_equal(c.until_ms, 60200);
}

static void a_probe_that_was_never_sent_or_is_lost_makes_room_for_another(void **state) {
    (void)state;
    Circuit c = {0};
    for (int i = 0; i < 3; i++)
        (void)fails(&c, 0);
    assert_true(circuit_take(&c, &plan, 500));
    assert_true(circuit_saw(&c, &plan, CIRCUIT_SAW_NOTHING, -1, 510, 0));
    assert_true(circuit_take(&c, &plan, 510));
    assert_false(circuit_take(&c, &plan, 1009));
    assert_true(circuit_take(&c, &plan, 1010));
    Circuit closed = {0};
    assert_false(circuit_saw(&closed, &plan, CIRCUIT_SAW_NOTHING, -1, 0, 0));
    assert_true(circuit_is_quiet(&closed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_failures_in_a_row_open_it),
        cmocka_unit_test(one_probe_passes_and_decides),
        cmocka_unit_test(each_failed_probe_doubles_the_time_up_to_a_limit),
        cmocka_unit_test(late_failures_are_no_news_and_late_life_is),
        cmocka_unit_test(what_the_other_side_asks_for_opens_it_at_once),
        cmocka_unit_test(a_probe_that_was_never_sent_or_is_lost_makes_room_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
