/* What cutting a file promises: each section reads alone as it read in its file. */
#include "documents/sections.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "documents/catalog.h"

#define assert_str(a, literal) assert_string_equal(arena_strndup(arena, (a).p, (a).n), literal)

static void a_block_file_is_cut_line_by_line(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Buf problems = {0};
    DocumentSection *s;
    static const char text[] = "# the shop\n"
                               "groups:\n"
                               "  - name: 售后 # the first\n"
                               "\n"
                               "# who works here\n"
                               "agents:\n"
                               "- name: lin\n"
                               "  groups: [售后] # ours\n"
                               "# the end\n"
                               "rules:\n";
    assert_int_equal(sections_cut(str(text), STR("a.yaml"), arena, &s, &problems), 3);
    assert_str(s[0].kind, "groups");
    assert_str(s[0].body, "groups:\n  - name: 售后 # the first\n");
    assert_int_equal(s[0].first_line, 2);
    assert_str(s[1].body, "agents:\n- name: lin\n  groups: [售后] # ours\n");
    assert_int_equal(s[1].first_line, 6);
    assert_str(s[2].body, "rules: \n");
    assert_int_equal(s[2].first_line, 10);
    buf_done(&problems);
}

static void json_is_cut_by_its_brackets(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Buf problems = {0};
    DocumentSection *s;
    static const char text[] =
        "{\"skills\":[\"英语\",\n\"清关\"],\n \"groups\":[{\"name\":\"售后\"}]}";
    assert_int_equal(sections_cut(str(text), STR("a.json"), arena, &s, &problems), 2);
    assert_str(s[0].body, "skills: [\"英语\",\n\"清关\"]\n");
    assert_int_equal(s[0].first_line, 1);
    assert_str(s[1].body, "groups: [{\"name\":\"售后\"}]\n");
    assert_int_equal(s[1].first_line, 3);
    DocumentSource sources[] = {{s[0].body, STR("a.json"), 1}, {s[1].body, STR("a.json"), 3}};
    Catalog *c = catalog_compile(sources, 2, 1, NULL, NULL, &problems);
    assert_non_null(c);
    catalog_unref(c);
    buf_done(&problems);
}

static void a_text_block_at_the_end_keeps_its_lines(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Buf problems = {0};
    DocumentSection *s;
    static const char text[] = "a:\n  - |\n    one\n    # no comment\nb: 1";
    assert_int_equal(sections_cut(str(text), STR("a"), arena, &s, &problems), 2);
    assert_str(s[0].body, "a:\n  - |\n    one\n    # no comment\n");
    assert_str(s[1].body, "b: 1\n");
    buf_done(&problems);
}

static void a_file_without_sections_is_told_so(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Buf problems = {0};
    DocumentSection *s;
    assert_int_equal(sections_cut(STR("- a\n"), STR("a"), arena, &s, &problems), -EINVAL);
    assert_string_equal(problems.p, "a:1: here must be `key: value` lines, not a list\n");
    assert_int_equal(sections_cut(STR("# nothing\n"), STR("a"), arena, &s, &problems), 0);
    buf_done(&problems);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_file_is_cut_line_by_line),
        cmocka_unit_test(json_is_cut_by_its_brackets),
        cmocka_unit_test(a_text_block_at_the_end_keeps_its_lines),
        cmocka_unit_test(a_file_without_sections_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
