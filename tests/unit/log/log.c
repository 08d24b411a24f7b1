/* One line per event, whatever is in it. */
#include "log/log.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

static int real_stderr, captured;

static int capture(void **state) {
    (void)state;
    char file[] = "/tmp/docket-unit-log-XXXXXX";
    captured = mkstemp(file);
    (void)unlink(file);
    real_stderr = dup(STDERR_FILENO);
    return captured < 0 || real_stderr < 0 || dup2(captured, STDERR_FILENO) < 0 ? -1 : 0;
}

static int release(void **state) {
    (void)state;
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    return close(captured);
}

/* What was logged since the last call, terminated. */
static char *lines(void) {
    static char text[1 << 20];
    ssize_t n = pread(captured, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = 0;
    assert_int_equal(ftruncate(captured, 0), 0);
    assert_true(lseek(captured, 0, SEEK_SET) == 0);
    return text;
}

static void logfmt_lines_carry_what_they_are_about(void **state) {
    (void)state;
    log_setup("router", false, LOG_INFO);
    log_warn(ABOUT(7, 42), "Redis is away, \"assignment\" pauses: %s", "timeout");
    char *line = lines();
    assert_int_equal(strncmp(line, "time=20", 7), 0);
    assert_non_null(strstr(line,
                           "Z level=warn service=router msg=\"Redis is away, \\\"assignment\\\" "
                           "pauses: timeout\" tenant=7 ticket=42\n"));
    log_info(&(LogAbout){.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"}, "x");
    assert_non_null(strstr(lines(), " msg=\"x\" trace=4bf92f3577b34da6a3ce929d0e0e4736\n"));
    log_error(NULL, "x");
    assert_non_null(strstr(lines(), "level=error service=router msg=\"x\"\n"));
}

static void json_lines_are_json(void **state) {
    (void)state;
    log_setup("intake", true, LOG_INFO);
    log_info(ABOUT(7, 0), "a\nb");
    char *line = lines();
    assert_int_equal(strncmp(line, "{\"time\":\"20", 11), 0);
    assert_non_null(strstr(
        line, "\"level\":\"info\",\"service\":\"intake\",\"msg\":\"a\\nb\",\"tenant\":7}\n"));
}

static void levels_below_are_not_shown(void **state) {
    (void)state;
    log_setup("x", false, LOG_WARN);
    log_debug(NULL, "d");
    log_info(NULL, "i");
    assert_string_equal(lines(), "");
    assert_false(log_shows(LOG_INFO));
    assert_true(log_shows(LOG_ERROR));
}

/* However long and however full of control characters: one line, at most 4 KiB, still whole JSON.
 */
static void a_line_stays_one_bounded_line(void **state) {
    static char text[6000];
    (void)state;
    for (int json = 0; json < 2; json++)
        for (int control = 0; control < 2; control++) {
            log_setup("x", json, LOG_INFO);
            memset(text, control ? '\x01' : 'y', sizeof(text) - 1);
            log_info(ABOUT(7, 42), "%s", text);
            const char *line = lines();
            size_t n = strlen(line);
            assert_in_range(n, 1000, 4096);
            assert_ptr_equal(strchr(line, '\n'), line + n - 1);
            const char *end = json ? "\",\"tenant\":7,\"ticket\":42}\n" : "\" tenant=7 ticket=42\n";
            assert_string_equal(line + n - strlen(end), end);
        }
}

static void again(void) {
    log_info(NULL, "again");
}

static void what_was_left_out_is_counted_and_said(void **state) {
    char wanted[64];
    size_t shown = 0;
    int64_t second;
    (void)state;
    log_setup("x", false, LOG_INFO);
    do { /* until all of a flood falls into one second */
        second = clock_monotonic_ms() / 1000;
        while (clock_monotonic_ms() / 1000 == second)
            (void)poll(NULL, 0, 1);
        again(); /* says what an earlier attempt left out */
        (void)lines();
        shown = 1;
        second = clock_monotonic_ms() / 1000;
        for (int i = 0; i < 499; i++)
            again();
    } while (clock_monotonic_ms() / 1000 != second);
    for (const char *p = lines(); (p = strchr(p, '\n')); p++)
        shown++;
    assert_int_equal(shown, 200);
    while (clock_monotonic_ms() / 1000 == second)
        (void)poll(NULL, 0, 1);
    again();
    (void)snprintf(wanted, sizeof(wanted), "msg=\"again\" left_out=%d\n", 300);
    assert_non_null(strstr(lines(), wanted));
    again();
    assert_null(strstr(lines(), "left_out")); /* once */
}

static void one_call_site_cannot_flood(void **state) {
    size_t count = 0;
    (void)state;
    log_setup("x", false, LOG_INFO);
    for (int i = 0; i < 10000; i++)
        log_info(NULL, "again");
    log_info(NULL, "another site");
    const char *text = lines();
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        count++;
    assert_in_range(count, 200, 4001); /* 200 for every second that this took */
    assert_non_null(strstr(text, "another site"));
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void) {
    const struct CMUnitTest tests[] = {
        CAPTURED(logfmt_lines_carry_what_they_are_about),
        CAPTURED(json_lines_are_json),
        CAPTURED(levels_below_are_not_shown),
        CAPTURED(a_line_stays_one_bounded_line),
        CAPTURED(what_was_left_out_is_counted_and_said),
        CAPTURED(one_call_site_cannot_flood),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
