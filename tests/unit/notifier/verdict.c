/* What a try means: when again, and when never. */
#include "notifier/delivering/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW INT64_C(1000000)

static const BackoffPlan plan = {.first_ms = 1000, .most_ms = 60000};

static Verdict judge(Delivered said, VerdictTry t) {
    return verdict_of(&plan, &t, &said, NOW, UINT64_MAX / 3);
}

static void delivered_is_over(void **state) {
    (void)state;
    Verdict v = judge((Delivered){.outcome = OUTGOING_DELIVERED, .retry_after_ms = -1},
                      (VerdictTry){1, NOW + 1, false});
    assert_int_equal(v.state, VERDICT_DELIVERED);
    assert_int_equal(v.saw, CIRCUIT_SAW_LIFE);
    assert_false(v.doubt);
}

static void what_failed_comes_again_within_its_age(void **state) {
    (void)state;
    for (uint32_t attempts = 1; attempts < 40; attempts++) {
        Verdict v = judge((Delivered){.outcome = OUTGOING_LATER, .retry_after_ms = -1},
                          (VerdictTry){attempts, NOW + 500, false});
        assert_int_equal(v.state, VERDICT_WAITING);
        assert_in_range(v.due_ms, NOW, NOW + 500);
        assert_int_equal(v.saw, CIRCUIT_SAW_FAILURE);
    }
}

static void what_is_too_old_is_dropped(void **state) {
    (void)state;
    Verdict v = judge((Delivered){.outcome = OUTGOING_LATER, .retry_after_ms = -1},
                      (VerdictTry){3, NOW, false});
    assert_int_equal(v.state, VERDICT_DROPPED);
    v = judge((Delivered){.outcome = OUTGOING_LATER, .retry_after_ms = 600000},
              (VerdictTry){1, NOW + 60000, false});
    assert_int_equal(v.state, VERDICT_DROPPED); /* asked to come when it is too late */
}

static void retry_after_is_kept(void **state) {
    (void)state;
    Verdict v = judge((Delivered){.outcome = OUTGOING_LATER, .retry_after_ms = 30000},
                      (VerdictTry){1, NOW + 3600000, false});
    assert_int_equal(v.state, VERDICT_WAITING);
    assert_in_range(v.due_ms, NOW + 30000, NOW + 31000);
}

static void a_doubt_is_counted_and_ends_what_nobody_may_repeat(void **state) {
    (void)state;
    Delivered lost = {.outcome = OUTGOING_LATER, .retry_after_ms = -1, .doubtful = true};
    Verdict v = judge(lost, (VerdictTry){1, NOW + 60000, false});
    assert_true(v.doubt);
    assert_int_equal(v.state, VERDICT_WAITING);
    v = judge(lost, (VerdictTry){1, NOW + 60000, true});
    assert_true(v.doubt);
    assert_int_equal(v.state, VERDICT_DROPPED);
}

static void a_refusal_is_a_sign_of_life_only_with_an_answer(void **state) {
    (void)state;
    Verdict v = judge((Delivered){.outcome = OUTGOING_REFUSED, .status = 404, .retry_after_ms = -1},
                      (VerdictTry){1, NOW + 60000, false});
    assert_int_equal(v.state, VERDICT_REFUSED);
    assert_int_equal(v.saw, CIRCUIT_SAW_LIFE);
    v = judge((Delivered){.outcome = OUTGOING_REFUSED, .retry_after_ms = -1},
              (VerdictTry){1, NOW + 60000, false});
    assert_int_equal(v.saw, CIRCUIT_SAW_NOTHING);
}

static void greylisting_is_no_mark_against_the_relay(void **state) {
    (void)state;
    Verdict v = judge((Delivered){.outcome = OUTGOING_LATER,
                                  .status = 451,
                                  .retry_after_ms = -1,
                                  .destination_fine = true},
                      (VerdictTry){1, NOW + 60000, false});
    assert_int_equal(v.state, VERDICT_WAITING);
    assert_int_equal(v.saw, CIRCUIT_SAW_LIFE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivered_is_over),
        cmocka_unit_test(what_failed_comes_again_within_its_age),
        cmocka_unit_test(what_is_too_old_is_dropped),
        cmocka_unit_test(retry_after_is_kept),
        cmocka_unit_test(a_doubt_is_counted_and_ends_what_nobody_may_repeat),
        cmocka_unit_test(a_refusal_is_a_sign_of_life_only_with_an_answer),
        cmocka_unit_test(greylisting_is_no_mark_against_the_relay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
