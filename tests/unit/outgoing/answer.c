/* What answers mean, and which header lines a caller may set. */
#include "outgoing/answer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW  784111777000 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define WEEK (7 * 24 * INT64_C(3600000))

static void http_statuses_are_three_outcomes(void **state) {
    (void)state;
    static const int later[] = {408, 425, 429, 500, 502, 503, 504, 599};
    static const int refused[] = {300, 301, 302, 307, 308, 400, 401, 403, 404, 410, 413, 422};
    for (int s = 200; s < 300; s++)
        assert_int_equal(answer_of_http(s), OUTGOING_DELIVERED);
    for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
        assert_int_equal(answer_of_http(later[i]), OUTGOING_LATER);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_int_equal(answer_of_http(refused[i]), OUTGOING_REFUSED);
}

static void smtp_codes_are_three_outcomes(void **state) {
    (void)state;
    assert_int_equal(answer_of_smtp(250), OUTGOING_DELIVERED);
    assert_int_equal(answer_of_smtp(421), OUTGOING_LATER);
    assert_int_equal(answer_of_smtp(450), OUTGOING_LATER);
    assert_int_equal(answer_of_smtp(550), OUTGOING_REFUSED);
    assert_int_equal(answer_of_smtp(354), OUTGOING_LATER); /* out of place */
    assert_int_equal(answer_of_smtp(0), OUTGOING_LATER);
}

static void retry_after_is_seconds_or_a_date(void **state) {
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {" 120 ", 120000},
        {"99999999999999999999999", -1},
        {"18446744073709551616", WEEK},
        {"604801", WEEK},
        {"Sun, 06 Nov 1994 08:51:37 GMT", 120000},
        {"Sunday, 06-Nov-94 08:51:37 GMT", 120000},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"Sun, 06 Nov 2034 08:00:00 GMT", WEEK},
        {"-5", -1},
        {"soon", -1},
        {"", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (answer_retry_after(str(cases[i].value), NOW) != cases[i].ms)
            fail_msg("%s: %lld", cases[i].value,
                     (long long)answer_retry_after(str(cases[i].value), NOW));
}

static void one_line_is_one_header_and_none_of_the_clients_own(void **state) {
    (void)state;
    static const char *const good[] = {
        "webhook-id: msg_1", "Content-Type: application/json",
        "X-Empty:",          "Authorization: TC3-HMAC-SHA256 Credential=a/b",
        "X-Tab: a\tb",       "X-Name: 张"};
    static const char *const bad[] = {
        "",
        "no colon",
        ": value",
        "X Y: z",
        "X-A: b\r\nX-C: d",
        "X-A: b\nX-C: d",
        "X-A: \x01",
        "X-A: \x7f",
        "X(): y",
        "Host: other.example",
        "HOST: a",
        "content-length: 5",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "Connection: close",
        "Proxy-Authorization: a",
        "Upgrade: h2c",
        "X-A\r: b",
    };
    CLEANUP(buf_done) Buf problem = {0}, longest = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (answer_check_line(str(good[i]), &problem) != 0) fail_msg("%s", good[i]);
    assert_int_equal(problem.n, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (answer_check_line(str(bad[i]), &problem) != -EINVAL) fail_msg("%s is taken", bad[i]);
    assert_int_equal(answer_check_line((Str){"X-A: \0b", 7}, &problem), -EINVAL);
    buf_adds(&longest, "X: ");
    while (longest.n < 8193)
        buf_addc(&longest, 'a');
    assert_int_equal(answer_check_line(buf_str(&longest), &problem), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_statuses_are_three_outcomes),
        cmocka_unit_test(smtp_codes_are_three_outcomes),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(one_line_is_one_header_and_none_of_the_clients_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
