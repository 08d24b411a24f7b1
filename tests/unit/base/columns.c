/* How wide texts stand on a terminal. */
#include "base/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void says(Buf *b, const char *expected) {
    assert_string_equal(b->p ? b->p : "", expected);
    buf_done(b);
}

static void chinese_takes_two_columns_a_character_and_marks_take_none(void **state) {
    (void)state;
    assert_int_equal(columns_of(STR("")), 0);
    assert_int_equal(columns_of(STR("abc")), 3);
    assert_int_equal(columns_of(STR("等待 waiting")), 12);
    assert_int_equal(columns_of(STR("，。「」")), 8);
    assert_int_equal(columns_of(STR("ﾊﾛｰ")), 3); /* halfwidth */
    assert_int_equal(columns_of(STR("한국")), 4);
    assert_int_equal(columns_of(STR("e\xcc\x81")), 1); /* e and a combining acute */
    assert_int_equal(columns_of(STR("😀")), 2);
    assert_int_equal(columns_of(STR("█▌…·─✓")), 6);
    assert_int_equal(columns_of(STR("\xff\xe4\xb8")), 3); /* broken */
}

static void a_text_fills_its_columns_exactly_whatever_it_is(void **state) {
    static const char *const texts[] = {"",  "a",      "售后服务",      "a售后b", "\x1b[31mred",
                                        "é", "\xff售", "售后e\xcc\x81", "😀😀"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        for (size_t columns = 0; columns < 12; columns++)
            for (int right = 0; right < 2; right++) {
                CLEANUP(buf_done) Buf b = {0};
                columns_add(&b, str(texts[i]), columns, right != 0);
                assert_int_equal(columns_of(buf_str(&b)), columns);
            }
}

static void what_is_too_wide_is_cut_between_characters_and_says_so(void **state) {
    (void)state;
    Buf b = {0};
    columns_add(&b, STR("售后服务"), 8, false), says(&b, "售后服务");
    columns_add(&b, STR("售后服务"), 7, false), says(&b, "售后服…");
    columns_add(&b, STR("售后服务"), 6, false), says(&b, "售后… ");
    columns_add(&b, STR("abc"), 5, true), says(&b, "  abc");
    columns_add(&b, STR("a\x1b[2Jb"), 8, false), says(&b, "a?[2Jb  ");
}

static void a_bar_is_as_long_as_its_share_and_the_least_is_seen(void **state) {
    (void)state;
    Buf b = {0};
    columns_add_bar(&b, 5, 10, 4), says(&b, "██  ");
    columns_add_bar(&b, 10, 10, 4), says(&b, "████");
    columns_add_bar(&b, 20, 10, 4), says(&b, "████");
    columns_add_bar(&b, 1, 1000, 4), says(&b, "▏   ");
    columns_add_bar(&b, 0, 10, 4), says(&b, "    ");
    columns_add_bar(&b, 0, 0, 2), says(&b, "  ");
    columns_add_bar(&b, 9, 32, 4), says(&b, "█▏  ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinese_takes_two_columns_a_character_and_marks_take_none),
        cmocka_unit_test(a_text_fills_its_columns_exactly_whatever_it_is),
        cmocka_unit_test(what_is_too_wide_is_cut_between_characters_and_says_so),
        cmocka_unit_test(a_bar_is_as_long_as_its_share_and_the_least_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
