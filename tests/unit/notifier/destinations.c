/* How much each destination gets: what hangs gets little, and never the last. */
#include "notifier/delivering/destinations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const DestinationLimits limits = {.window_max = 64,
                                         .concurrency = 4,
                                         .running_max = 40,
                                         .held_max = 200,
                                         .held_bytes_max = 1 << 20,
                                         .circuit = {3, 1000, 60000, 5000}};

static int set_up(void **state) {
    *state = destinations_new(&limits);
    return 0;
}

static int tear_down(void **state) {
    destinations_free(*state);
    return 0;
}

static void end(Destinations *t, Destination *d, CircuitSaw saw, int64_t now) {
    destination_hold(t, d, -1, -100);
    (void)destination_ended(t, d, saw, -1, now, 7);
}

/* Claims, sends and ends as much as it may: how much that was. */
static size_t round_of(Destinations *t, Destination *d, CircuitSaw saw, int64_t now) {
    size_t n = destination_room(t, d, now);
    if (n) destination_hold(t, d, (long)n, 100 * (long)n);
    for (size_t i = 0; i < n; i++) {
        assert_true(destination_begin(t, d, now));
        end(t, d, saw, now);
    }
    return n;
}

static void what_delivers_gets_more_and_more_up_to_its_window(void **state) {
    Destination *d = destinations_get(*state, 1, STR("https://a"), 0);
    size_t last = round_of(*state, d, CIRCUIT_SAW_LIFE, 0);
    assert_int_equal(last, DESTINATION_WINDOW_FIRST);
    for (int i = 0; i < 10; i++) {
        size_t n = round_of(*state, d, CIRCUIT_SAW_LIFE, 0);
        assert_true(n >= last);
        last = n;
    }
    assert_int_equal(last, 64);
    destination_hold(*state, d, 1, 100);
    assert_true(destination_begin(*state, d, 0));
    end(*state, d, CIRCUIT_SAW_FAILURE, 0);
    assert_true(d->window <= DESTINATION_WINDOW_FIRST);
}

static void behind_an_open_circuit_nothing_is_claimed_and_then_one(void **state) {
    Destination *d = destinations_get(*state, 1, STR("https://a"), 0);
    destination_hold(*state, d, 3, 300);
    for (int i = 0; i < 3; i++)
        assert_true(destination_begin(*state, d, 0));
    for (int i = 0; i < 3; i++)
        end(*state, d, CIRCUIT_SAW_FAILURE, 0);
    assert_int_equal(d->circuit.state, CIRCUIT_OPEN);
    assert_int_equal(destination_room(*state, d, 100), 0);
    assert_int_equal(destination_room(*state, d, 1000), 1);
    destination_hold(*state, d, 1, 100);
    assert_int_equal(destination_room(*state, d, 1000), 0);
    assert_true(destination_begin(*state, d, 1000));
    end(*state, d, CIRCUIT_SAW_LIFE, 1000);
    assert_int_equal(d->circuit.state, CIRCUIT_CLOSED);
    assert_true(destination_room(*state, d, 1000) > 0);
}

static void those_that_hang_never_take_the_last_request(void **state) {
    Destination *fast = destinations_get(*state, 1, STR("https://fast"), 0);
    (void)round_of(*state, fast, CIRCUIT_SAW_LIFE, 0);
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "https://slow%d", i);
        Destination *d = destinations_get(*state, 1, str(name), 0);
        size_t n = destination_room(*state, d, 0);
        if (n) destination_hold(*state, d, (long)n, 100 * (long)n);
        while (destination_begin(*state, d, 0))
            ;
    }
    assert_int_equal(destinations_running(*state), 30);
    assert_true(destinations_held(*state) <= 150);
    assert_true(destination_room(*state, fast, 0) > 0);
    assert_true(destination_begin(*state, fast, 0));
}

static void one_destination_has_its_own_concurrency(void **state) {
    Destination *d = destinations_get(*state, 1, STR("https://a"), 0);
    for (int i = 0; i < 4; i++)
        assert_true(destination_begin(*state, d, 0));
    assert_false(destination_begin(*state, d, 0));
    assert_true(destination_begin(*state, destinations_get(*state, 2, STR("https://a"), 0), 0));
}

static void large_rows_are_claimed_few_at_a_time_but_one_always(void **state) {
    Destination *d = destinations_get(*state, 1, STR("https://a"), 0);
    for (int i = 0; i < 5; i++)
        (void)round_of(*state, d, CIRCUIT_SAW_LIFE, 0);
    destination_hold(*state, d, 1, 900000);
    assert_true(destination_room(*state, d, 0) <= 1);
    destination_hold(*state, d, -1, -900000);
    d->bytes_each = 5 << 20;
    assert_int_equal(destination_room(*state, d, 0), 1);
}

static void who_is_paced_gets_one_at_a_time(void **state) {
    Destination *d = destinations_get(*state, 1, STR("robot:群"), 0);
    d->pace_ms = 3000;
    assert_int_equal(destination_room(*state, d, 0), 1);
    destination_hold(*state, d, 1, 100);
    assert_int_equal(destination_room(*state, d, 0), 0);
    destination_hold(*state, d, -1, -100);
    d->not_before_ms = 3000;
    assert_int_equal(destination_room(*state, d, 2999), 0);
    assert_int_equal(destination_room(*state, d, 3000), 1);
    d->paused = true;
    assert_int_equal(destination_room(*state, d, 3000), 0);
}

static void the_line_of_the_due_is_fair_and_holds_each_once(void **state) {
    Destination *a = destinations_get(*state, 1, STR("a"), 0);
    Destination *b = destinations_get(*state, 1, STR("b"), 0);
    destinations_due(*state, a);
    destinations_due(*state, b);
    destinations_due(*state, a);
    assert_ptr_equal(destinations_next(*state), a);
    destinations_due(*state, a);
    assert_ptr_equal(destinations_next(*state), b);
    assert_ptr_equal(destinations_next(*state), a);
    assert_null(destinations_next(*state));
}

static void thousands_are_found_again_and_the_quiet_ones_forgotten(void **state) {
    char name[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)destinations_get(*state, i % 7, str(name), i);
    }
    assert_int_equal(destinations_count(*state), 5000);
    assert_non_null(destinations_find(*state, 4321 % 7, STR("d4321")));
    assert_null(destinations_find(*state, 4322 % 7, STR("d4321")));
    destination_hold(*state, destinations_find(*state, 0, STR("d0")), 1, 1);
    assert_int_equal(destinations_forget(*state, 4000), 3999);
    assert_non_null(destinations_find(*state, 0, STR("d0")));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_delivers_gets_more_and_more_up_to_its_window),
        TEST(behind_an_open_circuit_nothing_is_claimed_and_then_one),
        TEST(those_that_hang_never_take_the_last_request),
        TEST(one_destination_has_its_own_concurrency),
        TEST(large_rows_are_claimed_few_at_a_time_but_one_always),
        TEST(who_is_paced_gets_one_at_a_time),
        TEST(the_line_of_the_due_is_fair_and_holds_each_once),
        TEST(thousands_are_found_again_and_the_quiet_ones_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
