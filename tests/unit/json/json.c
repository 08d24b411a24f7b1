/* The strict door: what it takes, what it refuses and how it says so. */
#include "json/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int check(const char *text) {
    return json_check(str(text), NULL, NULL);
}

static void valid_texts_are_taken(void **state) {
    static const char *const texts[] = {"{}",
                                        "[]",
                                        "null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "1.5",
                                        "1e5",
                                        "1E+5",
                                        "-0.0e-3",
                                        "\"\"",
                                        " \t\r\n{ \"a\" : [ 1 , 2 ] } \n",
                                        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
                                        "\"\\ud83d\\ude00\"",
                                        "\"\xe5\xb7\xa5\xe5\x8d\x95\"",
                                        "\"\xf0\x9f\x98\x80\"",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "{\"a\":1,\"A\":2,\"b\":{\"a\":3}}",
                                        "[{\"a\":1},{\"a\":1}]",
                                        "\"\x7f\"",
                                        "1.7976931348623157e308",
                                        "1e-400",
                                        "{\"\":1}",
                                        "\"\xf4\x8f\xbf\xbf\"",
                                        "\"\xef\xbf\xbf\""};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cJSON *tree = NULL;
        if (json_parse(str(texts[i]), NULL, &tree, NULL) != 0) fail_msg("refused: %s", texts[i]);
        cJSON_Delete(tree);
    }
}

static void invalid_texts_are_refused(void **state) {
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[",
                                        "[1,]",
                                        "[,1]",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "[1 2]",
                                        "{\"a\" 1}",
                                        "nul",
                                        "True",
                                        "NaN",
                                        "Infinity",
                                        "-Infinity",
                                        "+1",
                                        "01",
                                        "-01",
                                        "00",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "-",
                                        "0x10",
                                        "1.5.5",
                                        "\"",
                                        "\"a",
                                        "\"\\\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"\\ud800x\"",
                                        "\"\\ud800\\ud800\"",
                                        "\"\n\"",
                                        "\"\t\"",
                                        "\"\x01\"",
                                        "\"\x1f\"",
                                        "1 1",
                                        "{}x",
                                        "[]]",
                                        "\xef\xbb\xbf{}",
                                        "\"\xff\"",
                                        "\"\xc0\x80\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xe5\xb7\"",
                                        "\"\xf4\x90\x80\x80\"",
                                        "\"\xf8\x88\x80\x80\x80\"",
                                        "\"\x80\"",
                                        "\"\xe0\x80\x80\"",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "123456789012345678901234567890",
                                        "1e309",
                                        "-1e309",
                                        "{\"a\":1,\"a\":1}",
                                        "{\"a\":1,\"\\u0061\":2}",
                                        "{\"\\n\":1,\"\\u000a\":2}",
                                        "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
                                        "// x\n1",
                                        "/**/1",
                                        "[1]\v",
                                        "\xc2\xa0[1]"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cJSON *tree = NULL;
        CLEANUP(buf_done) Buf problem = {0};
        if (json_parse(str(texts[i]), NULL, &tree, &problem) >= 0) fail_msg("taken: %s", texts[i]);
        if (check(texts[i]) >= 0) fail_msg("left to cJSON: %s", texts[i]);
        assert_null(tree);
        assert_true(problem.n > 0);
    }
    assert_int_equal(json_check((Str){NULL, 0}, NULL, NULL), -EINVAL);
    assert_int_equal(json_check((Str){"1\0", 2}, NULL, NULL), -EINVAL);
}

/* Every escape and special byte at every offset of the eight-byte steps. */
static void long_strings_are_checked_to_the_last_byte(void **state) {
    static const char *const bad[] = {"\xff", "\x01", "\"", "\\x", "\\ud800", "\xe5\xb7"};
    (void)state;
    for (size_t before = 0; before < 20; before++)
        for (size_t behind = 0; behind < 10; behind++) {
            char text[64];
            (void)snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", (int)before,
                           "aaaaaaaaaaaaaaaaaaaaa", "\xe5\xb7\xa5\\n", (int)behind, "bbbbbbbbbbb");
            assert_int_equal(check(text), 0);
            for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                (void)snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", (int)before,
                               "aaaaaaaaaaaaaaaaaaaaa", bad[i], (int)behind, "bbbbbbbbbbb");
                assert_int_equal(check(text), -EINVAL);
            }
        }
}

static void cut_texts_are_refused_wherever_they_are_cut(void **state) {
    static const char text[] =
        "{\"a\\u00e9\":[1.5e3,-2,\"\xe5\xb7\xa5\",true,null,{\"b\":\"\\ud83d\\ude00\"}]}";
    (void)state;
    assert_int_equal(check(text), 0);
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *exact = malloc(n + 1); /* the sanitizer sees a byte read too many */
        memcpy(exact, text, n);
        if (n) exact = realloc(exact, n);
        assert_true(json_check((Str){exact, n}, NULL, NULL) < 0);
        free(exact);
    }
}

static void a_problem_names_place_and_reason(void **state) {
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(json_check(STR("{\"subject\":1,\n  \"subject\":2}"), NULL, &problem), -EINVAL);
    assert_string_equal(problem.p, "line 2, column 3 (byte 16): duplicate key `subject`");
    buf_clear(&problem);
    assert_int_equal(json_check(STR("[1, 007]"), NULL, &problem), -EINVAL);
    assert_string_equal(problem.p, "line 1, column 5 (byte 4): the number has a leading zero");
    buf_clear(&problem);
    assert_int_equal(json_check(STR("[\"ab\xff\"]"), NULL, &problem), -EINVAL);
    assert_string_equal(problem.p, "line 1, column 5 (byte 4): invalid UTF-8");
}

static void limits_are_kept(void **state) {
    JsonLimits limits = {.bytes = 100, .depth = 3, .members = 2};
    (void)state;
    assert_int_equal(json_check(STR("[[[1]]]"), &limits, NULL), 0);
    assert_int_equal(json_check(STR("[[[[1]]]]"), &limits, NULL), -E2BIG);
    assert_int_equal(json_check(STR("[[[1]],[[2]]]"), &limits, NULL), 0);
    assert_int_equal(json_check(STR("{\"a\":{\"c\":1,\"d\":1},\"b\":1}"), &limits, NULL), 0);
    assert_int_equal(json_check(STR("{\"a\":1,\"b\":1,\"c\":1}"), &limits, NULL), -E2BIG);
    limits.bytes = 4;
    assert_int_equal(json_check(STR("12345"), &limits, NULL), -E2BIG);

    CLEANUP(buf_done) Buf deep = {0}; /* a depth bomb of many megabytes must not reach the stack */
    for (int i = 0; i < 100000; i++)
        buf_addc(&deep, '[');
    assert_int_equal(json_check(buf_str(&deep), NULL, NULL), -E2BIG);
    limits = (JsonLimits){.bytes = 1 << 20, .depth = 1000, .members = 1};
    assert_int_equal(json_check(buf_str(&deep), &limits, NULL), -E2BIG);
}

static void many_keys_are_compared_too(void **state) {
    CLEANUP(buf_done) Buf text = {0};
    (void)state;
    buf_addc(&text, '{');
    for (int i = 0; i < 999; i++)
        buf_printf(&text, "\"key%d\":{\"x\":%d,\"y\":0},", i, i);
    size_t common = text.n;
    buf_adds(&text, "\"last\":0}");
    assert_int_equal(json_check(buf_str(&text), NULL, NULL), 0);
    text.n = common;
    buf_adds(&text, "\"key500\":0}");
    assert_int_equal(json_check(buf_str(&text), NULL, NULL), -EINVAL);
}

static void integers_are_exact_to_64_bits(void **state) {
    static const char text[] =
        "{\"small\":42,\"a\":[1,2.5,9007199254740993],\"max\":9223372036854775807,"
        "\"min\":-9223372036854775808,\"edge\":9007199254740991,\"float\":5.0,\"half\":0.5,"
        "\"huge\":1e300,\"o\":{\"n\":9007199254740992}}";
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    CLEANUP(buf_done) Buf again = {0};
    const cJSON *list = NULL, *inner = NULL;
    int64_t v = 0;
    double d = 0;
    (void)state;
    assert_int_equal(json_parse(str(text), NULL, &tree, NULL), 0);
    assert_int_equal(json_get_int(tree, "small", &v), 1);
    assert_int_equal(v, 42);
    assert_int_equal(json_get_int(tree, "max", &v), 1);
    assert_true(v == INT64_MAX);
    assert_int_equal(json_get_int(tree, "min", &v), 1);
    assert_true(v == INT64_MIN);
    assert_int_equal(json_get_int(tree, "edge", &v), 1);
    assert_true(v == 9007199254740991);
    assert_int_equal(json_get_array(tree, "a", &list), 1);
    assert_int_equal(json_as_int(cJSON_GetArrayItem(list, 2), &v), 1);
    assert_true(v == 9007199254740993);
    assert_int_equal(json_get_object(tree, "o", &inner), 1);
    assert_int_equal(json_get_int(inner, "n", &v), 1);
    assert_true(v == 9007199254740992);
    assert_int_equal(json_get_int(tree, "float", &v), 1);
    assert_int_equal(v, 5);
    assert_int_equal(json_get_int(tree, "half", &v), -ERANGE);
    assert_int_equal(json_get_int(tree, "huge", &v), -ERANGE);
    assert_int_equal(json_get_number(tree, "max", &d), 1);
    assert_true(d == 0x1p63);
    json_write(&again, list);
    assert_string_equal(again.p, "[1,2.5,9007199254740993]");
}

static void members_have_types(void **state) {
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    Str s = {0};
    int64_t v = 7;
    bool yes = false;
    const cJSON *o = NULL;
    (void)state;
    assert_int_equal(json_parse(STR("{\"s\":\"\\u5de5\",\"b\":true,\"n\":null,\"o\":{},\"i\":1}"),
                                NULL, &tree, NULL),
                     0);
    assert_int_equal(json_get_string(tree, "s", &s), 1);
    assert_true(str_is(s, "\xe5\xb7\xa5"));
    assert_int_equal(json_get_string(tree, "S", &s), 0);
    assert_int_equal(json_get_string(tree, "i", &s), -EINVAL);
    assert_int_equal(json_get_int(tree, "n", &v), 0);
    assert_int_equal(json_get_int(tree, "s", &v), -EINVAL);
    assert_int_equal(json_get_int(tree, "missing", &v), 0);
    assert_int_equal(v, 7);
    assert_int_equal(json_get_bool(tree, "b", &yes), 1);
    assert_true(yes);
    assert_int_equal(json_get_bool(tree, "i", &yes), -EINVAL);
    assert_int_equal(json_get_object(tree, "o", &o), 1);
    assert_int_equal(json_get_array(tree, "o", &o), -EINVAL);
    assert_int_equal(json_get_int(NULL, "o", &v), -EINVAL);
    assert_string_equal(json_type_name(o), "an object");
}

static void a_tree_in_an_arena_is_the_same_tree(void **state) {
    static const char text[] = "{\"a\":[1,\"x\",null,9223372036854775807,1.5],\"b\":{\"c\":true}}";
    CLEANUP(cjson_freep) cJSON *heap = NULL;
    CLEANUP(buf_done) Buf one = {0};
    CLEANUP(buf_done) Buf two = {0};
    CLEANUP(buf_done) Buf problem = {0};
    Arena *arena = arena_new(0);
    cJSON *in_arena = NULL;
    (void)state;
    assert_int_equal(json_parse_in(arena, str(text), NULL, &in_arena, NULL), 0);
    assert_int_equal(json_parse(str(text), NULL, &heap, NULL), 0); /* and freed as ever */
    json_write(&one, in_arena);
    json_write(&two, heap);
    assert_string_equal(one.p, text);
    assert_string_equal(two.p, text);
    assert_int_equal(json_parse_in(arena, STR("{\"a\":[1,"), NULL, &in_arena, &problem), -EINVAL);
    assert_non_null(problem.p);
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_taken),
        cmocka_unit_test(invalid_texts_are_refused),
        cmocka_unit_test(long_strings_are_checked_to_the_last_byte),
        cmocka_unit_test(cut_texts_are_refused_wherever_they_are_cut),
        cmocka_unit_test(a_problem_names_place_and_reason),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(many_keys_are_compared_too),
        cmocka_unit_test(integers_are_exact_to_64_bits),
        cmocka_unit_test(members_have_types),
        cmocka_unit_test(a_tree_in_an_arena_is_the_same_tree),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
