/* Names that try to be something else. */
#include "filetype/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void cleans(const char *raw, const char *expected) {
    CLEANUP(buf_done) Buf got = {0};
    file_name_clean(str(raw), &got);
    assert_string_equal(got.p, expected);
}

static void a_name_is_a_label_and_never_a_path(void **state) {
    (void)state;
    cleans("../../etc/passwd", "passwd");
    cleans("/etc/cron.d/x", "x");
    cleans("C:\\Windows\\system32\\evil.txt", "evil.txt");
    cleans("..\\..\\web.config", "web.config");
    cleans("..", "file");
    cleans(".", "file");
    cleans("", "file");
    cleans("a/", "file");
    cleans("....//", "file");
    cleans(".htaccess", "htaccess");
    cleans("a.txt:stream", "a.txt_stream");
    cleans("x\r\nSet-Cookie: a=b", "xSet-Cookie_ a=b");
    cleans("\"quoted\"<b>.png", "_quoted__b_.png");
    cleans("NUL.txt", "_NUL.txt");
    cleans("com1", "_com1");
    cleans("conference.txt", "conference.txt");
}

static void nothing_hides_in_a_name(void **state) {
    (void)state;
    cleans("invoice\u202egpj.exe", "invoicegpj.exe");
    cleans("a\u200b\u2066b\ufeff.pdf", "ab.pdf");
    cleans("evil.exe. . ", "evil.exe");
    cleans("evil\uff0eexe", "evil.exe");
    cleans("a\u3000b.png", "a b.png");
    cleans("\xff\xfe.png", "__.png");
    cleans("退款截图 (1).png", "退款截图 (1).png");
    cleans("\U0001f600.jpg", "\U0001f600.jpg");
}

static void a_long_name_keeps_its_ending(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf raw = {0}, got = {0};
    for (int i = 0; i < 200; i++)
        buf_adds(&raw, "图");
    buf_adds(&raw, ".png");
    file_name_clean(buf_str(&raw), &got);
    assert_true(got.n <= FILE_NAME_BYTES_MAX && got.n > FILE_NAME_BYTES_MAX - 4);
    assert_true(str_ends(buf_str(&got), STR(".png")));
    assert_true(str_is_text(buf_str(&got)));
}

static void an_ending_is_what_stands_behind_the_last_dot(void **state) {
    (void)state;
    char ending[FILE_ENDING_BYTES_MAX + 1];
    file_name_ending(STR("a.tar.GZ"), ending);
    assert_string_equal(ending, "gz");
    file_name_ending(STR("a"), ending);
    assert_string_equal(ending, "");
    file_name_ending(STR("a."), ending);
    assert_string_equal(ending, "");
    file_name_ending(STR("a.thisisnotanendinganymore"), ending);
    assert_string_equal(ending, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_label_and_never_a_path),
        cmocka_unit_test(nothing_hides_in_a_name),
        cmocka_unit_test(a_long_name_keeps_its_ending),
        cmocka_unit_test(an_ending_is_what_stands_behind_the_last_dot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
