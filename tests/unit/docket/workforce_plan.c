/* What a played agent does, and how long it takes; and that she says what the shop allows. */
#include "docket/workforce_plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "docket/workforce_words.h"

static bool ends_visit(WorkStepKind kind) {
    return kind == WORK_ASK || kind == WORK_TRANSFER || kind == WORK_SOLVE;
}

static void a_plan_ends_with_one_step_that_ends_it(void **state) {
    WorkHabits habits = WORK_HABITS_DEFAULT;
    (void)state;
    for (int64_t ticket = 1; ticket <= 5000; ticket++) {
        WorkPlan p = work_plan(&habits, 1001, ticket, (int)(ticket % 4));
        assert_in_range(p.n, 1, WORK_STEPS_MAX);
        for (size_t i = 0; i < p.n; i++) {
            assert_int_equal(ends_visit(p.steps[i].kind), i == p.n - 1);
            assert_true(p.steps[i].after_ms >= 1);
        }
    }
}

static void the_same_dice_give_the_same_plan(void **state) {
    WorkHabits habits = WORK_HABITS_DEFAULT, other = habits;
    int differ = 0;
    (void)state;
    other.seed = 2;
    for (int64_t ticket = 1; ticket <= 100; ticket++) {
        WorkPlan a = work_plan(&habits, 7, ticket, 0), b = work_plan(&habits, 7, ticket, 0),
                 c = work_plan(&other, 7, ticket, 0);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.steps, b.steps, a.n * sizeof(*a.steps));
        differ += a.steps[0].after_ms != c.steps[0].after_ms;
    }
    assert_true(differ > 90);
}

static void nothing_is_asked_twice_or_handed_over_for_ever(void **state) {
    WorkHabits habits = {.seed = 3, .mean_ms = 1000, .ask = 1000};
    (void)state;
    assert_int_equal(work_plan(&habits, 1, 1, 0).steps[0].kind, WORK_ASK);
    for (int visit = 1; visit < 50; visit++)
        for (size_t i = 0; i < work_plan(&habits, 1, 1, visit).n; i++)
            assert_true(work_plan(&habits, 1, 1, visit).steps[i].kind != WORK_ASK);
    habits.transfer = 1000;
    for (int visit = 0; visit < 50; visit++) {
        WorkPlan p = work_plan(&habits, 1, 1, visit);
        assert_int_equal(p.steps[p.n - 1].kind == WORK_TRANSFER, visit < 2);
    }
}

static void handling_takes_the_mean_on_average_and_is_log_normal(void **state) {
    enum { N = 200000 };
    uint64_t dice = 1;
    double sum = 0;
    int below_median = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        int64_t ms = work_duration(10000, &dice);
        assert_in_range(ms, 1, 10000 * 20);
        sum += (double)ms;
        below_median += (double)ms < 10000 * exp(-0.18); /* the median of sigma 0.6 */
    }
    assert_in_range((int)(sum / N), 9800, 10200);
    assert_in_range(below_median, N * 49 / 100, N * 51 / 100);
}

static void every_habit_comes_as_often_as_asked(void **state) {
    WorkHabits habits = WORK_HABITS_DEFAULT;
    int ends[WORK_SOLVE + 1] = {0}, notes = 0;
    (void)state;
    for (int64_t ticket = 0; ticket < 20000; ticket++) {
        WorkPlan p = work_plan(&habits, 5, ticket, 0);
        ends[p.steps[p.n - 1].kind]++;
        for (size_t i = 0; i < p.n; i++)
            notes += p.steps[i].kind == WORK_NOTE;
    }
    assert_in_range(ends[WORK_TRANSFER], 1000, 1400); /* 6 % */
    assert_in_range(ends[WORK_ASK], 2500, 3100);      /* 15 % of the rest */
    assert_in_range(notes, 4600, 5400);
}

static void replies_keep_to_the_shops_standards(void **state) {
    static const WorkStepKind to_customers[] = {WORK_REPLY, WORK_ASK, WORK_SOLVE};
    static const char *const never[] = {"绝对", "保证赔", "百分之百", "国家级"};
    (void)state;
    for (uint64_t dice = 0; dice < 5000; dice++) {
        CLEANUP(buf_done) Buf text = {0};
        workforce_write(&text, to_customers[dice % 3], dice);
        assert_true(strstr(text.p, "抱歉") || strstr(text.p, "歉意"));
        for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
            assert_null(strstr(text.p, never[i]));
        assert_true(text.n <= 600);
        assert_null(strpbrk(text.p, "\"\\\n"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_ends_with_one_step_that_ends_it),
        cmocka_unit_test(the_same_dice_give_the_same_plan),
        cmocka_unit_test(nothing_is_asked_twice_or_handed_over_for_ever),
        cmocka_unit_test(handling_takes_the_mean_on_average_and_is_log_normal),
        cmocka_unit_test(every_habit_comes_as_often_as_asked),
        cmocka_unit_test(replies_keep_to_the_shops_standards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
