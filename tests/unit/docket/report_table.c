/* A report on a terminal: whatever is written there stands where it should. */
#include "docket/report_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/columns.h"
#include "json/json.h"

static const char volume[] =
    "{\"title\":\"工单量\",\"title_en\":\"Volume\",\"from\":\"2026-11-01T00:00:00+08:00\","
    "\"to\":\"2026-11-08T00:00:00+08:00\",\"time_zone\":\"Asia/Shanghai\",\"complete\":true,"
    "\"columns\":["
    "{\"name\":\"last_group\",\"title\":\"组\",\"title_en\":\"Group\",\"unit\":\"text\",\"key\":"
    "true},"
    "{\"name\":\"last_group_id\",\"title\":\"组编号\",\"title_en\":\"Group "
    "id\",\"unit\":\"id\",\"key\":"
    "true},"
    "{\"name\":\"tickets\",\"title\":\"工单数\",\"title_en\":\"Tickets\",\"unit\":\"count\","
    "\"key\":false},"
    "{\"name\":\"p\",\"title\":\"首复\",\"title_en\":\"Reply\",\"unit\":\"seconds\",\"key\":false}]"
    ","
    "\"rows\":[{\"last_group\":\"售后服务组\",\"last_group_id\":1,\"tickets\":120,\"p\":7260},"
    "{\"last_group\":\"VIP\",\"last_group_id\":2,\"tickets\":30,\"p\":null}],"
    "\"total\":{\"tickets\":150,\"p\":90}}";

static char *show(const char *json, size_t columns, bool colour) {
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    Buf b = {0};
    ReportLook look = {columns, colour};
    assert_int_equal(json_parse(str(json), NULL, &tree, NULL), 0);
    assert_int_equal(report_table_write(tree, &look, &b), 0);
    return b.p;
}

/* Where a word stands on the screen, in columns. */
static size_t column_of(const char *text, const char *word) {
    const char *at = strstr(text, word);
    assert_non_null(at);
    const char *line = at;
    while (line > text && line[-1] != '\n')
        line--;
    return columns_of((Str){line, (size_t)(at - line)});
}

static void figures_stand_below_each_other_however_wide_the_names_are(void **state) {
    (void)state;
    CLEANUP(mem_freep) char *text = show(volume, 80, false);
    assert_int_equal(column_of(text, "120") + 3, column_of(text, " 30") + 3);
    assert_int_equal(column_of(text, "150"), column_of(text, "120"));
    assert_non_null(strstr(text, "2h01m"));
    assert_null(strstr(text, "编号")); /* ids are for programs */
    assert_null(strstr(text, "\033"));
}

static void bars_are_as_long_as_their_figures(void **state) {
    (void)state;
    CLEANUP(mem_freep) char *text = show(volume, 80, false);
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "█")); at += 3)
        n++;
    assert_int_equal(n, 24 + 6); /* 120 and 30 */
}

static void what_is_too_narrow_has_no_bars_and_colour_is_for_terminals(void **state) {
    (void)state;
    CLEANUP(mem_freep) char *narrow = show(volume, 30, false);
    CLEANUP(mem_freep) char *colour = show(volume, 80, true);
    assert_null(strstr(narrow, "█"));
    assert_non_null(strstr(colour, "\033[36m"));
}

static void transfers_are_a_matrix(void **state) {
    static const char transfers[] =
        "{\"matrix\":true,\"columns\":["
        "{\"name\":\"from\",\"title\":\"从\",\"title_en\":\"From\",\"unit\":\"text\",\"key\":true},"
        "{\"name\":\"to\",\"title\":\"到\",\"title_en\":\"To\",\"unit\":\"text\",\"key\":true},"
        "{\"name\":\"n\",\"title\":\"次\",\"title_en\":\"Times\",\"unit\":\"count\",\"key\":false}]"
        ","
        "\"rows\":[{\"from\":\"售后\",\"to\":\"物流\",\"n\":7},{\"from\":\"物流\",\"to\":\"投诉\","
        "\"n\":3}]}";
    (void)state;
    CLEANUP(mem_freep) char *text = show(transfers, 80, false);
    assert_non_null(strstr(text, "从＼到"));
    assert_int_equal(column_of(text, "7"), 8 + 2 + 8 + 2 + 7); /* the second of three columns */
}

static void what_is_no_report_is_refused(void **state) {
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    CLEANUP(buf_done) Buf b = {0};
    ReportLook look = {80, false};
    (void)state;
    assert_int_equal(
        json_parse(STR("{\"columns\":[{\"title\":1}],\"rows\":[]}"), NULL, &tree, NULL), 0);
    assert_true(report_table_write(tree, &look, &b) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_stand_below_each_other_however_wide_the_names_are),
        cmocka_unit_test(bars_are_as_long_as_their_figures),
        cmocka_unit_test(what_is_too_narrow_has_no_bars_and_colour_is_for_terminals),
        cmocka_unit_test(transfers_are_a_matrix),
        cmocka_unit_test(what_is_no_report_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
