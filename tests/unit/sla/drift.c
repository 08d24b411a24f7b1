/* Whether the clock was set. */
#include "sla/drift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_clock_that_was_set_is_noticed_and_one_that_drifts_is_not(void **state) {
    (void)state;
    Drift d = {0};
    assert_int_equal(drift_look(&d, 1000, 1700000000000, 1000), 0);
    assert_int_equal(drift_look(&d, 2000, 1700000001001, 2000), 0);
    assert_int_equal(drift_look(&d, 3000, 1700003602001, 3001), 3600000);
    assert_int_equal(drift_look(&d, 4000, 1700003603001, 4000), 0);
    assert_int_equal(drift_look(&d, 5000, 1700000004001, 5000), -3600000);
    /* frozen between the readings: says nothing, and the next one does not either */
    assert_int_equal(drift_look(&d, 6000, 1700000095001, 96000), 0);
    assert_int_equal(drift_look(&d, 97000, 1700000096001, 97000), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_was_set_is_noticed_and_one_that_drifts_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
