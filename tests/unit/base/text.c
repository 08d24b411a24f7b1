/* Slices, growing buffers, hex, base64url. */
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void slices_compare_by_content(void **state) {
    Str absent = {NULL, 0}, rest;
    (void)state;
    assert_true(str_eq(STR("a\0b"), (Str){"a\0b", 3}));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq(absent, STR("")));
    assert_int_equal(str(NULL).n, 0);
    assert_true(str_eq_nocase(STR("Content-Length"), STR("content-LENGTH")));
    assert_false(str_eq_nocase(STR("["), STR("{"))); /* 0x20 apart, but no letters */
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("c"), STR("bc")));
    assert_true(str_is(str_trim(STR(" \t a b \t")), "a b"));
    assert_int_equal(str_trim(STR(" \t ")).n, 0);
    assert_true(str_is(str_cut(STR("a=b=c"), '=', &rest), "a"));
    assert_true(str_is(rest, "b=c"));
    assert_true(str_is(str_cut(STR("a="), '=', &rest), "a"));
    assert_true(rest.p != NULL && rest.n == 0); /* empty, not absent */
    assert_true(str_is(str_cut(STR("a"), '=', &rest), "a"));
    assert_null(rest.p);
    assert_int_equal(str_cut(absent, '=', &rest).n, 0);
}

static void numbers_are_taken_whole_or_not_at_all(void **state) {
    int64_t v = 7;
    uint64_t u = 7;
    (void)state;
    assert_int_equal(str_to_i64(STR("-9223372036854775808"), &v), 0);
    assert_true(v == INT64_MIN);
    assert_int_equal(str_to_i64(STR("9223372036854775807"), &v), 0);
    assert_true(v == INT64_MAX);
    assert_int_equal(str_to_i64(STR("9223372036854775808"), &v), -ERANGE);
    assert_int_equal(str_to_i64(STR("-9223372036854775809"), &v), -ERANGE);
    assert_int_equal(str_to_u64(STR("18446744073709551615"), &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(str_to_u64(STR("18446744073709551616"), &u), -ERANGE);
    assert_true(v == INT64_MAX && u == UINT64_MAX); /* untouched by what failed */
    static const char *const wrong[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "--1", "1-"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(str_to_i64(str(wrong[i]), &v), -EINVAL);
    assert_int_equal(str_to_u64(STR("-1"), &u), -EINVAL);
}

static void buffers_grow_and_stay_terminated(void **state) {
    CLEANUP(buf_done) Buf b = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        buf_addc(&b, 'x');
        assert_int_equal(b.p[b.n], 0);
    }
    assert_int_equal(b.n, 1000);
    buf_clear(&b);
    buf_add(&b, NULL, 0);
    assert_string_equal(b.p, "");
    buf_add_i64(&b, INT64_MIN);
    buf_addc(&b, ' ');
    buf_add_i64(&b, -1);
    buf_addc(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_addc(&b, ' ');
    buf_add_u64(&b, 0);
    assert_string_equal(b.p, "-9223372036854775808 -1 18446744073709551615 0");
    buf_clear(&b);
    for (int i = 0; i < 50; i++)
        buf_printf(&b, "%s-%d;", "abc", i);
    assert_int_equal(b.n, strlen(b.p));
    assert_true(str_ends(buf_str(&b), STR("abc-49;")));
    buf_done(&b);
    assert_null(b.p);
    buf_clear(&b);
    buf_adds(&b, "again");
    assert_string_equal(b.p, "again");
}

static void every_byte_is_escaped_at_every_place(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char wanted[8];
        if (byte == '"' || byte == '\\')
            snprintf(wanted, sizeof(wanted), "\\%c", byte);
        else if (byte == '\n' || byte == '\r' || byte == '\t')
            snprintf(wanted, sizeof(wanted), "\\%c", byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't');
        else
            snprintf(wanted, sizeof(wanted), byte < 0x20 ? "\\u%04x" : "%c", byte);
        for (size_t n = 1; n < 20; n++) {
            for (size_t at = 0; at < n; at++) {
                char text[20], around[20];
                CLEANUP(buf_done) Buf got = {0};
                CLEANUP(buf_done) Buf full = {0};
                memset(text, 'x', n);
                memset(around, 'x', n);
                text[at] = (char)byte;
                buf_add_json(&got, (Str){text, n});
                buf_addc(&full, '"');
                buf_add(&full, around, at);
                buf_adds(&full, wanted);
                buf_add(&full, around, n - at - 1);
                buf_addc(&full, '"');
                assert_string_equal(got.p, full.p);
            }
        }
    }
}

static void json_strings_are_escaped(void **state) {
    CLEANUP(buf_done) Buf b = {0};
    (void)state;
    buf_add_json(&b, STR("a\"b\\c\n\r\t\x01\x1f\0\x7f工单"));
    assert_string_equal(b.p, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f\\u0000\x7f工单\"");
    buf_clear(&b);
    buf_add_json(&b, (Str){NULL, 0});
    assert_string_equal(b.p, "\"\"");
}

static void hex_and_base64url_follow_their_standards(void **state) {
    unsigned char bytes[8];
    char text[32];
    (void)state;
    text_hex("\x00\xff\x1a", 3, text);
    assert_string_equal(text, "00ff1a");
    assert_int_equal(text_unhex(STR("00fF1A"), bytes, sizeof(bytes)), 3);
    assert_memory_equal(bytes, "\x00\xff\x1a", 3);
    assert_int_equal(text_unhex(STR("0"), bytes, sizeof(bytes)), -EINVAL);
    assert_int_equal(text_unhex(STR("0g"), bytes, sizeof(bytes)), -EINVAL);
    assert_int_equal(text_unhex(STR("0011"), bytes, 1), -EINVAL);
    static const char *const vectors[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        size_t n = text_base64url(vectors[i][0], strlen(vectors[i][0]), text);
        assert_string_equal(text, vectors[i][1]);
        assert_int_equal(n, strlen(text));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(numbers_are_taken_whole_or_not_at_all),
        cmocka_unit_test(buffers_grow_and_stay_terminated),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(every_byte_is_escaped_at_every_place),
        cmocka_unit_test(hex_and_base64url_follow_their_standards),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
