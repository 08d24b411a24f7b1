/* A host whose clock is ahead of the others': still one that runs by itself. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static int64_t system_ms(void) {
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wall_time_is_the_systems_and_so_much_more(void **state) {
    (void)state;
    int64_t before = system_ms(), ours = clock_wall_ms(), after = system_ms();
    assert_true(before + 1500 <= ours && ours <= after + 1500);
    assert_false(clock_is_injected());
}

static int set_ahead(void **state) {
    (void)state;
    return setenv("DOCKET_CLOCK", "+1500", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wall_time_is_the_systems_and_so_much_more)};
    return cmocka_run_group_tests_name("clock_ahead", tests, set_ahead, NULL);
}
