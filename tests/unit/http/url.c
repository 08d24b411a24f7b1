#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "http/url.h"

static void escapes_are_decoded(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    assert_int_equal(url_decode(STR("a%20b+c%2B%e5%B7%a5"), true, &b), 0);
    assert_string_equal(b.p, "a b c+\xe5\xb7\xa5");
    buf_clear(&b);
    assert_int_equal(url_decode(STR("a+b"), false, &b), 0);
    assert_string_equal(b.p, "a+b");
}

static void malformed_escapes_leave_the_result_alone(void **state) {
    (void)state;
    static const char *bad[] = {"x%", "x%2", "%zz", "%2g", "%%20", "%00", "% 1", "%+1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(buf_done) Buf b = {0};
        buf_adds(&b, "kept");
        assert_int_equal(url_decode(str(bad[i]), true, &b), -EINVAL);
        assert_string_equal(b.p, "kept");
    }
}

static void pairs_come_in_order_and_empty_ones_are_skipped(void **state) {
    (void)state;
    Str query = STR("a=1&&b=&c&d=x=y&"), name, value;
    assert_true(url_next_pair(&query, &name, &value));
    assert_true(str_is(name, "a") && str_is(value, "1"));
    assert_true(url_next_pair(&query, &name, &value));
    assert_true(str_is(name, "b") && value.p && value.n == 0);
    assert_true(url_next_pair(&query, &name, &value));
    assert_true(str_is(name, "c") && !value.p);
    assert_true(url_next_pair(&query, &name, &value));
    assert_true(str_is(name, "d") && str_is(value, "x=y"));
    assert_false(url_next_pair(&query, &name, &value));
}

static void what_was_encoded_is_decoded_again(void **state) {
    (void)state;
    char all[255];
    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    CLEANUP(buf_done) Buf encoded = {0}, back = {0};
    url_encode((Str){all, sizeof(all)}, &encoded);
    assert_int_equal(url_decode(buf_str(&encoded), true, &back), 0);
    assert_true(str_eq(buf_str(&back), (Str){all, sizeof(all)}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(malformed_escapes_leave_the_result_alone),
        cmocka_unit_test(pairs_come_in_order_and_empty_ones_are_skipped),
        cmocka_unit_test(what_was_encoded_is_decoded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
