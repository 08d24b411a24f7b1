/* When each request of a surge is due, and which ticket it carries. */
#include "docket/surge_plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_plan_counts_its_slots_and_tickets(void **state) {
    SurgePlan p = {.duplicates = 50};
    (void)state;
    assert_int_equal(surge_plan_parse(&p, STR("10s@500,20s@4000")), 0);
    assert_int_equal(p.phases_n, 2);
    assert_int_equal(p.length_us, 30000000);
    assert_int_equal(p.slots, 10 * 510 + 20 * 4080); /* one in fifty twice, on top of the rate */
    assert_int_equal(p.tickets, 10 * 500 + 20 * 4000);
}

static void every_slot_is_due_at_its_time_and_not_before(void **state) {
    SurgePlan p = {.duplicates = 7};
    int64_t before = 0;
    (void)state;
    assert_int_equal(surge_plan_parse(&p, STR("1s@100,0.5s@3000,1s@0.5,1s@20")), 0);
    for (int64_t slot = 0; slot < p.slots; slot++) {
        int64_t at = surge_plan_time(&p, slot);
        assert_true(at >= before && at <= p.length_us);
        assert_true(surge_plan_due(&p, at + 1) > slot);
        if (at > 1) assert_true(surge_plan_due(&p, at - 2) <= slot);
        before = at;
    }
    assert_int_equal(surge_plan_due(&p, p.length_us), p.slots);
    assert_int_equal(surge_plan_due(&p, INT64_MAX / 2), p.slots);
}

static void each_ticket_is_sent_once_and_one_in_so_many_twice(void **state) {
    SurgePlan p = {.duplicates = 5};
    int sent[100] = {0};
    (void)state;
    assert_int_equal(surge_plan_add(&p, 100, 1), 0);
    assert_int_equal(p.tickets, 100);
    for (int64_t slot = 0; slot < p.slots; slot++) {
        SurgeSlot s = surge_plan_slot(&p, slot);
        assert_int_equal(s.again, sent[s.ticket] > 0);
        sent[s.ticket]++;
    }
    int twice = 0;
    for (int i = 0; i < 100; i++) {
        assert_in_range(sent[i], 1, 2);
        twice += sent[i] == 2;
    }
    assert_int_equal(twice, 20);
}

static void without_duplicates_slot_and_ticket_are_one(void **state) {
    SurgePlan p = {0};
    (void)state;
    assert_int_equal(surge_plan_add(&p, 10, 2), 0);
    assert_int_equal(p.slots, 20);
    assert_int_equal(p.tickets, 20);
    assert_int_equal(surge_plan_slot(&p, 13).ticket, 13);
}

static void nonsense_is_refused(void **state) {
    static const char *const texts[] = {"",      "10s",     "10@5",     "s@5",    "10s@",   "10s@x",
                                        "-1s@5", "0s@5",    "10s@5,",   "1e3s@5", "10s@5;", "10s@0",
                                        "10m@5", "10s@5@5", "99999s@1", "1s@1,,"};
    int64_t n;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        SurgePlan p = {0};
        if (surge_plan_parse(&p, str(texts[i])) >= 0) fail_msg("taken: %s", texts[i]);
    }
    assert_int_equal(surge_duplicates_parse(STR("1/50"), &n), 0);
    assert_int_equal(n, 50);
    assert_int_equal(surge_duplicates_parse(STR("0"), &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(surge_duplicates_parse(STR("2/50"), &n), -EINVAL);
    assert_int_equal(surge_duplicates_parse(STR("1/0"), &n), -EINVAL);
    assert_int_equal(surge_duplicates_parse(STR("50"), &n), -EINVAL);
    assert_int_equal(surge_duplicates_parse(STR("1/x"), &n), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_counts_its_slots_and_tickets),
        cmocka_unit_test(every_slot_is_due_at_its_time_and_not_before),
        cmocka_unit_test(each_ticket_is_sent_once_and_one_in_so_many_twice),
        cmocka_unit_test(without_duplicates_slot_and_ticket_are_one),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
