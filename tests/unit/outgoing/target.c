/* URLs that people save: which ones may be posted to. */
#include "outgoing/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const AddressList none = {.n = 0};

static void a_destination_is_scheme_host_and_port(void **state) {
    (void)state;
    static const char *const good[][2] = {
        {"https://Hooks.Example.com/a?b=c", "https://hooks.example.com:443"},
        {"http://hooks.example.com", "http://hooks.example.com:80"},
        {"HTTP://hooks.example.com:8080/", "http://hooks.example.com:8080"},
        {"https://[2400:3200::1]:8443/x", "https://[2400:3200::1]:8443"},
        {"https://xn--fiqs8s.example/", "https://xn--fiqs8s.example:443"},
        {"http://0x01010101/", "http://1.1.1.1:80"}, /* as it would be connected to */
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        CLEANUP(buf_done) Buf destination = {0}, problem = {0};
        CURLU *url = NULL;
        if (target_parse(str(good[i][0]), &none, &url, &destination, &problem) != 0)
            fail_msg("%s: %s", good[i][0], problem.p);
        assert_string_equal(destination.p, good[i][1]);
        curl_url_cleanup(url);
    }
}

static void what_may_not_be_posted_to_is_refused_with_a_reason(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "hooks.example.com/a",
        "/a",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "smtp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http:///a",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://:secret@example.com/",
        "http://@example.com/",
        "http://example.com@10.0.0.1/",
        "http://example.com/#part",
        "http://example.com:0x50/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com/\t",
        "http://例子.测试/",
        "http://example.com\\@10.0.0.1/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[2400:3200::1%251]/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::ffff:a00:1]/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://0/",
        "http://169.254.169.254/latest/meta-data/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CLEANUP(buf_done) Buf destination = {0}, problem = {0};
        CURLU *url = NULL;
        if (target_parse(str(bad[i]), &none, &url, &destination, &problem) != -EINVAL)
            fail_msg("%s is taken", bad[i]);
        assert_null(url);
        assert_true(problem.n > 0);
        assert_null(strstr(problem.p, "secret"));
    }
}

static void the_length_of_a_url_has_an_end(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0}, destination = {0}, problem = {0};
    CURLU *url = NULL;
    buf_adds(&text, "http://example.com/");
    while (text.n < TARGET_BYTES)
        buf_addc(&text, 'a');
    assert_int_equal(target_parse(buf_str(&text), &none, &url, &destination, &problem), 0);
    curl_url_cleanup(url);
    buf_addc(&text, 'a');
    assert_int_equal(target_parse(buf_str(&text), &none, &url, &destination, &problem), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_destination_is_scheme_host_and_port),
        cmocka_unit_test(what_may_not_be_posted_to_is_refused_with_a_reason),
        cmocka_unit_test(the_length_of_a_url_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
