/* Values computed with Python's hmac from the two makers' pages. */
#include "signing/robots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void dingtalk_signs_with_the_secret_and_encodes_for_the_url(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf query = {0};
    dingtalk_sign(STR("SECtestsecret0001"), 1700000000000, &query);
    assert_string_equal(query.p, "timestamp=1700000000000"
                                 "&sign=VAolOw%2Fcfl1UkWd3YB7Jai3ENz1yksp%2FK2WvBpzZlGk%3D");
}

static void feishu_signs_nothing_with_the_secret_in_the_key(void **state) {
    (void)state;
    char when[FEISHU_SECONDS], sign[HMAC_BASE64];
    feishu_sign(STR("fs-secret-0001"), 1700000000999, when, sign);
    assert_string_equal(when, "1700000000");
    assert_string_equal(sign, "jF7r7bqEYfAmsIuLG1SwjLFDOico7bwxy8Dw9TFN4XY=");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dingtalk_signs_with_the_secret_and_encodes_for_the_url),
        cmocka_unit_test(feishu_signs_nothing_with_the_secret_in_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
