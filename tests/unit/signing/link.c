/* Where a link leads, byte for byte: notifier and desk must mean the same place. */
#include "signing/link.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void it_says_what_it_is_about_percent_encoded(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf url = {0};
    link_write(STR("https://help.example.com"), "abc234", (Str){NULL, 0}, &url);
    assert_true(str_is(buf_str(&url), "https://help.example.com/api/v2/links/abc234"));
    buf_clear(&url);
    link_write(STR("http://a"), "x", STR("mail:收 &A-._~9"), &url);
    assert_true(
        str_is(buf_str(&url), "http://a/api/v2/links/x?about=mail%3A%E6%94%B6%20%26A-._~9"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_it_is_about_percent_encoded),
    };
    return cmocka_run_group_tests_name("signing/link", tests, NULL, NULL);
}
