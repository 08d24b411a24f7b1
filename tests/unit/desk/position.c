/* How far somebody has heard: written, read back, and nothing else taken for one. */
#include "desk/live/position.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_was_written_is_read_back(void **state) {
    (void)state;
    static const int64_t offsets[] = {
        0, 1, 127, 128, 16383, 16384, INT64_C(1) << 40, POSITION_OFFSET_MAX};
    enum { N = sizeof(offsets) / sizeof(*offsets) };
    CLEANUP(buf_done) Buf text = {0}, again = {0};
    Position p = {.n = 0}, back;
    for (int32_t i = 0; i < N; i++)
        position_raise(&p, i, offsets[i]);
    position_raise(&p, POSITION_PARTITIONS - 1, 5);
    position_raise(&p, POSITION_PARTITIONS, 5); /* there is none such */
    position_raise(&p, -1, 5);
    position_raise(&p, 3, 5); /* it never goes back */
    position_write(&p, &text);
    assert_int_equal(position_read(buf_str(&text), &back), 0);
    for (int32_t i = 0; i < POSITION_PARTITIONS + 2; i++)
        assert_int_equal(position_next(&back, i), i < N                          ? offsets[i]
                                                  : i == POSITION_PARTITIONS - 1 ? 5
                                                                                 : 0);
    position_write(&back, &again);
    assert_true(str_eq(buf_str(&text), buf_str(&again)));
}

static void partitions_without_events_take_no_room(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0};
    Position p = {.n = 0};
    position_write(&p, &text);
    assert_true(str_is(buf_str(&text), "01"));
    position_raise(&p, 1, 3);
    position_raise(&p, 2, 0);
    buf_clear(&text);
    position_write(&p, &text);
    assert_true(str_is(buf_str(&text), "010003"));
}

static void what_is_no_position_is_refused(void **state) {
    (void)state;
    static const char *const none[] = {"",
                                       "0",
                                       "00",
                                       "02",
                                       "0100",
                                       "010080",
                                       "01ff",
                                       "zz",
                                       "01 05",
                                       "0180",
                                       "018000" /* not the shortest */,
                                       "01ffffffffffffffffff7f" /* too large */,
                                       "01ffffffffffffffff7f" /* the largest int64 is not one */};
    Position p;
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        assert_int_equal(position_read(str(none[i]), &p), -EINVAL);
    CLEANUP(buf_done) Buf many = {0};
    buf_adds(&many, "01");
    for (int i = 0; i <= POSITION_PARTITIONS; i++)
        buf_adds(&many, "05");
    assert_int_equal(position_read(buf_str(&many), &p), -EINVAL);
    assert_int_equal(position_read((Str){many.p, many.n - 2}, &p), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(partitions_without_events_take_no_room),
        cmocka_unit_test(what_is_no_position_is_refused),
    };
    return cmocka_run_group_tests_name("desk/position", tests, NULL, NULL);
}
