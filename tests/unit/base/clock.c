/* The one reader of time, and the file with which tests move it. */
#include "base/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char file[] = "/tmp/docket-unit-clock-XXXXXX";

static void set_clock(const char *text) {
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Until the clock has read its file again, which it does every 10 ms at most. */
static int64_t settled(int64_t expected) {
    int64_t deadline = clock_monotonic_ms() + 2000;
    while (clock_wall_ms() != expected && clock_monotonic_ms() < deadline)
        (void)poll(NULL, 0, 1);
    return clock_wall_ms();
}

static void wall_time_is_what_the_file_says(void **state) {
    (void)state;
    set_clock("1795326180123\n");
    assert_int_equal(clock_wall_ms(), 1795326180123);
    set_clock("1795326999000");
    assert_int_equal(settled(1795326999000), 1795326999000);
}

static void a_file_being_rewritten_keeps_the_last_reading(void **state) {
    (void)state;
    set_clock("1795326999000");
    assert_int_equal(settled(1795326999000), 1795326999000);
    set_clock("");
    int64_t until = clock_monotonic_ms() + 30; /* three readings */
    while (clock_monotonic_ms() < until)
        assert_int_equal(clock_wall_ms(), 1795326999000);
}

static void monotonic_time_runs_by_itself(void **state) {
    int64_t ms = clock_monotonic_ms(), us = clock_monotonic_us();
    (void)state;
    set_clock("1");
    (void)poll(NULL, 0, 5);
    assert_in_range(clock_monotonic_ms() - ms, 4, 5000);
    assert_in_range(clock_monotonic_us() - us, 4000, 5000000);
}

static void times_are_written_as_rfc_3339(void **state) {
    char text[25], short_text[21];
    (void)state;
    clock_format_ms(1795326180123, text);
    assert_string_equal(text, "2026-11-22T05:43:00.123Z");
    clock_format_s(1795326180999, short_text);
    assert_string_equal(short_text, "2026-11-22T05:43:00Z");
    clock_format_ms(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    clock_format_ms(951782400000, text);
    assert_string_equal(text, "2000-02-29T00:00:00.000Z");
}

static void every_day_of_centuries_is_written_as_the_c_library_writes_it(void **state) {
    (void)state;
    for (int64_t day = -200000; day < 400000; day += 7) { /* the years 1422 to 3065 */
        char text[21], wanted[21];
        time_t seconds = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        assert_true(strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        clock_format_s((int64_t)seconds * 1000, text);
        assert_string_equal(text, wanted);
    }
}

static int make_clock(void **state) {
    (void)state;
    int fd = mkstemp(file);
    if (fd < 0) return -1;
    (void)close(fd);
    return setenv("DOCKET_CLOCK", file, 1);
}

static int remove_clock(void **state) {
    (void)state;
    return unlink(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_time_is_what_the_file_says),
        cmocka_unit_test(a_file_being_rewritten_keeps_the_last_reading),
        cmocka_unit_test(monotonic_time_runs_by_itself),
        cmocka_unit_test(times_are_written_as_rfc_3339),
        cmocka_unit_test(every_day_of_centuries_is_written_as_the_c_library_writes_it),
    };
    return cmocka_run_group_tests_name("clock", tests, make_clock, remove_clock);
}
