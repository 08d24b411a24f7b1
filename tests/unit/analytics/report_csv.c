/* CSV that every spreadsheet reads, and that makes none of them calculate. */
#include "analytics/reports/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void text_is(const char *text, const char *wanted) {
    CLEANUP(buf_done) Buf b = {0};
    report_csv_text(str(text), &b);
    assert_string_equal(b.p ? b.p : "", wanted);
}

static void what_needs_quotes_has_them_and_nothing_else(void **state) {
    (void)state;
    text_is("退款", "退款");
    text_is("", "");
    text_is("a,b", "\"a,b\"");
    text_is("a \"b\"", "\"a \"\"b\"\"\"");
    text_is("a\r\nb", "\"a\r\nb\"");
    text_is(" a", " a");
}

static void a_formula_becomes_a_text(void **state) {
    (void)state;
    text_is("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
    text_is("+1", "\"'+1\"");
    text_is("-1", "\"'-1\"");
    text_is("@a", "\"'@a\"");
    text_is("\tx", "\"'\tx\"");
    text_is("\rx", "\"'\rx\"");
    text_is("a=b", "a=b");
}

static void rows_are_as_wide_as_the_head_and_nothing_is_empty(void **state) {
    static const ReportColumn columns[] = {{"category", "类目", "Category", UNIT_TEXT, true},
                                           {"tickets", "工单数", "Tickets", UNIT_COUNT, false},
                                           {"share", "占比", "Share", UNIT_SHARE, false}};
    ReportCell cells[] = {{true, 0, STR("a,b")}, {true, 12, {NULL, 0}}, {false, 0, {NULL, 0}}};
    ReportTable t = {.columns = columns, .columns_n = 3, .cells = cells, .rows_n = 1};
    CLEANUP(buf_done) Buf b = {0};
    (void)state;
    report_csv_head(&t, true, &b);
    report_csv_row(&t, NULL, 0, &b);
    assert_string_equal(b.p, "\xef\xbb\xbf"
                             "category,tickets,share\r\n\"a,b\",12,\r\n");
}

static void number_is(ReportUnit unit, double v, const char *wanted) {
    CLEANUP(buf_done) Buf b = {0};
    report_write_number(unit, v, &b);
    assert_string_equal(b.p, wanted);
}

static void numbers_are_short_and_never_lose_a_count(void **state) {
    (void)state;
    number_is(UNIT_COUNT, 3000000, "3000000");
    number_is(UNIT_SHARE, 1.0 / 3, "0.333333");
    number_is(UNIT_SHARE, 0.5, "0.5");
    number_is(UNIT_SECONDS, 12.3456, "12.346");
    number_is(UNIT_SECONDS, -0.0001, "0");
    number_is(UNIT_ID, 9007199254740991.0, "9007199254740991");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_quotes_has_them_and_nothing_else),
        cmocka_unit_test(a_formula_becomes_a_text),
        cmocka_unit_test(rows_are_as_wide_as_the_head_and_nothing_is_empty),
        cmocka_unit_test(numbers_are_short_and_never_lose_a_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
