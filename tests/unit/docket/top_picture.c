/* The live board as lines of text. */
#include "docket/top_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/columns.h"

static const char whole[] =
    "{\"at\":\"2026-11-22T12:40:01.000Z\",\"complete\":true,\"filled\":1,"
    "\"arrived\":{\"last_minute\":1234,\"last_hour\":56789,\"minutes_from\":\"x\","
    "\"minutes\":[0,1,8]},"
    "\"waiting\":{\"tickets\":12,\"oldest_s\":3723},\"at_risk\":{\"tickets\":5,\"within_s\":3600},"
    "\"agents\":{\"on_duty\":24,\"free\":10,\"busy\":14,\"in_hand\":120,\"capacity\":200},"
    "\"groups\":[{\"id\":1,\"name\":\"a\",\"title\":\"售后服务\",\"waiting\":10,\"oldest_s\":3723,"
    "\"at_risk\":3,\"agents\":{\"on_duty\":4,\"free\":0,\"busy\":4}},"
    "{\"id\":2,\"name\":\"b\",\"title\":\"a title that is wider than its column\",\"waiting\":5,"
    "\"oldest_s\":45,\"at_risk\":0,\"agents\":{\"on_duty\":2,\"free\":2,\"busy\":0}},"
    "{\"id\":null,\"name\":null,\"title\":null,\"waiting\":0,\"oldest_s\":0,\"at_risk\":0,"
    "\"agents\":{\"on_duty\":0,\"free\":0,\"busy\":0}}],"
    "\"services\":[{\"name\":\"router\",\"behind\":0},{\"name\":\"sla\",\"behind\":null}]}";

static Buf draw(const char *json, TopLook look) {
    Buf text = {0};
    cJSON *board = cJSON_Parse(json);
    assert_non_null(board);
    top_picture_write(board, &look, &text);
    cJSON_Delete(board);
    return text;
}

static Str line_with(const Buf *text, const char *word) {
    for (Str rest = buf_str(text), line; rest.p;) {
        line = str_cut(rest, '\n', &rest);
        if (line.n && memmem(line.p, line.n, word, strlen(word))) return line;
    }
    fail_msg("no line has %s:\n%s", word, text->p);
    return (Str){NULL, 0};
}

static void every_figure_is_shown(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = draw(whole, (TopLook){.columns = 100});
    static const char *const said[] = {"2026-11-22 12:40:01 UTC",
                                       "1,234",
                                       "56,789",
                                       "1h02m",
                                       "120/200",
                                       "售后服务",
                                       "45s",
                                       "router 0",
                                       "sla –",
                                       "（无组 none）"};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        if (!strstr(text.p, said[i])) fail_msg("%s is not in\n%s", said[i], text.p);
    assert_null(strchr(text.p, '\033'));
}

static void groups_stand_under_each_other_whatever_they_are_called(void **state) {
    (void)state;
    for (size_t columns = 60; columns <= 140; columns += 20) {
        CLEANUP(buf_done) Buf text = draw(whole, (TopLook){.columns = columns});
        assert_int_equal(columns_of(line_with(&text, "售后服务")), columns);
        assert_int_equal(columns_of(line_with(&text, "a title")), columns);
        assert_int_equal(columns_of(line_with(&text, "组 group")), columns);
    }
}

static void a_bar_is_as_long_as_what_waits(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = draw(whole, (TopLook){.columns = 77}); /* 20 for bars */
    Str most = line_with(&text, "售后服务"), half = line_with(&text, "a title");
    assert_non_null(memmem(most.p, most.n, "████████████████████", 60));
    assert_non_null(memmem(half.p, half.n, "██████████ ", 31));
    assert_null(memmem(half.p, half.n, "███████████", 33));
}

static void what_does_not_fit_the_terminal_is_counted(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = draw(whole, (TopLook){.columns = 100, .lines = 12});
    size_t lines = 0;
    for (const char *p = text.p; *p; p++)
        lines += *p == '\n';
    assert_true(lines <= 12);
    assert_non_null(strstr(text.p, "另有 1 组"));
}

static void colours_come_only_where_they_are_wanted_and_all_are_ended(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = draw(whole, (TopLook){.columns = 100, .colour = true});
    assert_non_null(strstr(text.p, "\033[31m█")); /* ten wait, and nobody is free */
    const char *last = NULL;
    for (const char *p = text.p; (p = strstr(p, "\033[")); p++)
        last = p;
    assert_memory_equal(last, "\033[0m", 4);
}

static void an_empty_board_and_trouble_are_shown_too(void **state) {
    (void)state;
    CLEANUP(buf_done)
    Buf text = draw("{\"complete\":false,\"filled\":0.25,\"groups\":[]}",
                    (TopLook){.columns = 80, .trouble = "127.0.0.1:1: 没有回答"});
    assert_non_null(strstr(text.p, "–"));
    assert_non_null(strstr(text.p, "25 %"));
    assert_non_null(strstr(text.p, "没有回答"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_shown),
        cmocka_unit_test(groups_stand_under_each_other_whatever_they_are_called),
        cmocka_unit_test(a_bar_is_as_long_as_what_waits),
        cmocka_unit_test(what_does_not_fit_the_terminal_is_counted),
        cmocka_unit_test(colours_come_only_where_they_are_wanted_and_all_are_ended),
        cmocka_unit_test(an_empty_board_and_trouble_are_shown_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
