/* The wheel, against a plain array of due times. */
#include "sla/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { NODES = 200 };

static uint64_t dice = 88172645463325252;

static int64_t roll(int64_t below) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (int64_t)(dice % (uint64_t)below);
}

/* Takes all that is due: each must be so, and nothing that is due may stay. */
static void take_all(Wheel *w, int64_t now, int64_t due[NODES]) {
    uint32_t got[16];
    size_t n;
    while ((n = wheel_take(w, now, got, 1 + (size_t)roll(16))) > 0)
        for (size_t i = 0; i < n; i++) {
            assert_true(due[got[i]] >= 0 && due[got[i]] <= now);
            due[got[i]] = -1;
        }
    int64_t soonest = INT64_MAX;
    for (int i = 0; i < NODES; i++) {
        assert_false(due[i] >= 0 && due[i] <= now);
        if (due[i] >= 0 && due[i] < soonest) soonest = due[i];
    }
    assert_true(wheel_next_ms(w) <= soonest);
    assert_true((wheel_next_ms(w) == INT64_MAX) == (soonest == INT64_MAX));
}

static void nothing_is_early_late_or_forgotten_whatever_time_does(void **state) {
    (void)state;
    for (int round = 0; round < 400; round++) {
        int64_t now = roll((int64_t)1 << (8 + roll(35))), due[NODES];
        CLEANUP(wheel_freep) Wheel *w = wheel_new(NODES, now);
        memset(due, -1, sizeof(due));
        for (int step = 0; step < 300; step++) {
            uint32_t node = (uint32_t)roll(NODES);
            size_t set = 0;
            switch (roll(10)) {
            case 0:
                wheel_cancel(w, node);
                due[node] = -1;
                break;
            case 1: /* the clock is put back */
                now -= now > 100000 ? roll(100000) : 0;
                take_all(w, now, due);
                break;
            case 2:
            case 3:
                now += roll((int64_t)1 << roll(40));
                take_all(w, now, due);
                break;
            default: /* also in the past, and far beyond the coarsest wheel */
                due[node] = now + roll((int64_t)1 << roll(60)) - (roll(8) ? 0 : 5000);
                if (due[node] < 0) due[node] = 0;
                assert_int_equal(wheel_set(w, node, due[node]), 0);
                assert_int_equal(wheel_due_ms(w, node), due[node]);
            }
            for (uint32_t i = 0; i < NODES; i++) {
                assert_int_equal(wheel_is_set(w, i), due[i] >= 0);
                set += due[i] >= 0;
            }
            assert_int_equal(wheel_count(w), set);
        }
    }
}

static void earlier_milliseconds_come_first(void **state) {
    (void)state;
    CLEANUP(wheel_freep) Wheel *w = wheel_new(100000, 0);
    uint32_t got[7];
    int64_t last = -1;
    size_t n, all = 0;
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(wheel_set(w, i, 1 + roll(1000000)), 0);
    while ((n = wheel_take(w, 2000000, got, 7)) > 0)
        all += n;
    assert_int_equal(all, 100000);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(wheel_set(w, i, 3000000 + 100 - i), 0);
    while ((n = wheel_take(w, 4000000, got, 7)) > 0)
        for (size_t i = 0; i < n; i++) {
            int64_t was = 3000000 + 100 - got[i];
            assert_true(was > last);
            last = was;
        }
}

static void a_number_beyond_the_limit_is_refused(void **state) {
    (void)state;
    CLEANUP(wheel_freep) Wheel *w = wheel_new(10, 0);
    assert_int_equal(wheel_set(w, 9, 5), 0);
    assert_true(wheel_set(w, 10, 5) < 0);
    assert_int_equal(wheel_count(w), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_early_late_or_forgotten_whatever_time_does),
        cmocka_unit_test(earlier_milliseconds_come_first),
        cmocka_unit_test(a_number_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
