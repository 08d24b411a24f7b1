/* Random ids and W3C trace context. */
#include "base/cause.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void causes_differ_and_read_as_uuids(void **state) {
    Cause a = cause_new(), b = cause_new();
    char text[37];
    (void)state;
    assert_false(cause_eq(a, b));
    cause_format(a, text);
    assert_int_equal(strlen(text), 36);
    assert_true(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
    assert_int_equal(text[14], '4');
    assert_non_null(strchr("89ab", text[19]));
    cause_format((Cause){{0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66,
                          0x55, 0x44, 0x00, 0x00}},
                 text);
    assert_string_equal(text, "550e8400-e29b-41d4-a716-446655440000");
}

static void random_bytes_fill_everything(void **state) {
    static unsigned char bytes[10000];
    size_t counts[256] = {0};
    (void)state;
    random_bytes(bytes, sizeof(bytes)); /* more than one pool */
    for (size_t i = 0; i < sizeof(bytes); i++)
        counts[bytes[i]]++;
    for (size_t i = 0; i < 256; i++)
        assert_in_range(counts[i], 1, 120); /* 39 on average */
}

static void a_trace_survives_text(void **state) {
    Trace t = trace_new(), again;
    char text[56], id[33];
    (void)state;
    trace_format(&t, text);
    assert_int_equal(strlen(text), 55);
    assert_int_equal(trace_parse(text, 55, &again), 0);
    assert_memory_equal(&t, &again, sizeof(t));
    trace_id_hex(&t, id);
    assert_memory_equal(id, text + 3, 32);
}

static int parse(const char *text) {
    Trace t;
    return trace_parse(text, strlen(text), &t);
}

static void invalid_trace_contexts_are_refused(void **state) {
    (void)state;
    assert_int_equal(parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), 0);
    assert_int_equal(parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff"), 0);
    assert_int_equal(parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later"), 0);
    static const char *const wrong[] = {"",
                                        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                                        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
                                        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
                                        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
                                        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                        "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
                                        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (parse(wrong[i]) != -EINVAL) fail_msg("taken: %s", wrong[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(causes_differ_and_read_as_uuids),
        cmocka_unit_test(random_bytes_fill_everything),
        cmocka_unit_test(a_trace_survives_text),
        cmocka_unit_test(invalid_trace_contexts_are_refused),
    };
    return cmocka_run_group_tests_name("cause", tests, NULL, NULL);
}
