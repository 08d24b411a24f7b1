/* What a free Store does next, and what becomes of a batch. */
#include "desk/tickets/gathering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void people_go_before_housekeeping(void **state) {
    (void)state;
    GatheringLoad l = {.waiting = 1, .deletes = 10, .delete_due = true, .producer_healthy = true};
    assert_int_equal(gathering_next(&l), GATHERING_STORE);
    l.waiting = 0;
    assert_int_equal(gathering_next(&l), GATHERING_DELETE);
    l.delete_due = false; /* company may come */
    assert_int_equal(gathering_next(&l), GATHERING_NOTHING);
}

static void what_was_published_does_not_pile_up(void **state) {
    (void)state;
    GatheringLoad l = {.waiting = 1000, .deletes = GATHERING_DELETES, .producer_healthy = true};
    assert_int_equal(gathering_next(&l), GATHERING_DELETE);
    l.deletes--;
    assert_int_equal(gathering_next(&l), GATHERING_STORE);
}

static void the_sweep_waits_for_kafka_and_not_for_quiet(void **state) {
    (void)state;
    GatheringLoad l = {.waiting = 1000, .sweep_due = true, .producer_healthy = true};
    assert_int_equal(gathering_next(&l), GATHERING_SWEEP);
    l.producer_healthy = false;
    assert_int_equal(gathering_next(&l), GATHERING_STORE);
    l.waiting = 0;
    assert_int_equal(gathering_next(&l), GATHERING_NOTHING);
}

static void a_refused_batch_is_taken_apart_and_the_culprit_alone_refused(void **state) {
    (void)state;
    assert_int_equal(gathering_after(STORE_REFUSED, 64, 0), GATHERING_ONE_BY_ONE);
    assert_int_equal(gathering_after(STORE_REFUSED, 1, 0), GATHERING_REFUSE);
    assert_int_equal(gathering_after(STORE_DONE, 64, 100000), GATHERING_ANSWER);
}

static void nobody_waits_for_postgresql_for_ever(void **state) {
    (void)state;
    assert_int_equal(gathering_after(STORE_AGAIN, 3, 0), GATHERING_AGAIN);
    assert_int_equal(gathering_after(STORE_BUSY, 3, GATHERING_PATIENCE_MS - 1), GATHERING_AGAIN);
    assert_int_equal(gathering_after(STORE_AGAIN, 3, GATHERING_PATIENCE_MS), GATHERING_GIVE_UP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_go_before_housekeeping),
        cmocka_unit_test(what_was_published_does_not_pile_up),
        cmocka_unit_test(the_sweep_waits_for_kafka_and_not_for_quiet),
        cmocka_unit_test(a_refused_batch_is_taken_apart_and_the_culprit_alone_refused),
        cmocka_unit_test(nobody_waits_for_postgresql_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
