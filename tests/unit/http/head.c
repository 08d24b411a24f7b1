#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "http/head.h"

static HttpHead h;

static HttpHeadResult parse(const char *text) {
    HttpRefusal why;
    http_head_init(&h);
    return http_head_parse(&h, text, strlen(text), 16384, &why);
}

static void assert_span(const char *text, HttpSpan s, const char *expected) {
    assert_true(str_is(http_span(text, s), expected));
}

static void target_is_split_into_path_and_query(void **state) {
    (void)state;
    const char *text = "GET /a/b?c=d?e HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(parse(text), HTTP_HEAD_COMPLETE);
    assert_span(text, h.method, "GET");
    assert_span(text, h.target, "/a/b?c=d?e");
    assert_span(text, h.path, "/a/b");
    assert_true(h.has_query);
    assert_span(text, h.query, "c=d?e");
    assert_int_equal(h.bytes, strlen(text));
}

static void absolute_form_gives_the_same_path(void **state) {
    (void)state;
    const char *text = "GET https://shop.example:8443/a?b HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(parse(text), HTTP_HEAD_COMPLETE);
    assert_span(text, h.path, "/a");
    assert_span(text, h.query, "b");
}

static void empty_query_differs_from_none(void **state) {
    (void)state;
    assert_int_equal(parse("GET /? HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_HEAD_COMPLETE);
    assert_true(h.has_query);
    assert_int_equal(h.query.n, 0);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_HEAD_COMPLETE);
    assert_false(h.has_query);
}

static void header_is_found_in_any_case_and_trimmed(void **state) {
    (void)state;
    const char *text = "GET / HTTP/1.1\r\nHost: x\r\nIDEMPOTENCY-key: \t k 1 \t\r\nE:\r\n\r\n";
    assert_int_equal(parse(text), HTTP_HEAD_COMPLETE);
    assert_true(str_is(http_head_header(&h, text, STR("Idempotency-Key")), "k 1"));
    Str empty = http_head_header(&h, text, STR("e"));
    assert_non_null(empty.p);
    assert_int_equal(empty.n, 0);
    assert_null(http_head_header(&h, text, STR("Absent")).p);
}

static void keep_alive_is_the_default_of_1_1_alone(void **state) {
    (void)state;
    (void)parse("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(h.keep_alive);
    (void)parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: te , CLOSE\r\n\r\n");
    assert_false(h.keep_alive);
    (void)parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: te\r\nConnection: close\r\n\r\n");
    assert_false(h.keep_alive);
    (void)parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n");
    assert_true(h.keep_alive);
    (void)parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_false(h.keep_alive);
}

static void only_a_1_1_client_waits_for_100(void **state) {
    (void)state;
    (void)parse("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
    assert_true(h.expect_continue);
    (void)parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_false(h.expect_continue);
}

static void bytes_may_move_between_calls(void **state) {
    (void)state;
    const char *text = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nK: v\r\n\r\nabc";
    size_t head = strlen(text) - 3;
    HttpRefusal why;
    http_head_init(&h);
    for (size_t n = 0; n < head; n++) { /* a fresh allocation of just the right size each time */
        char *copy = malloc(n ? n : 1);
        memcpy(copy, text, n);
        assert_int_equal(http_head_parse(&h, copy, n, 16384, &why), HTTP_HEAD_MORE);
        free(copy);
    }
    assert_int_equal(http_head_parse(&h, text, strlen(text), 16384, &why), HTTP_HEAD_COMPLETE);
    assert_int_equal(h.bytes, head);
    assert_int_equal(h.content_length, 3);
    assert_true(str_is(http_head_header(&h, text, STR("K")), "v"));
}

static void head_of_exactly_the_limit_is_taken(void **state) {
    (void)state;
    const char *text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    HttpRefusal why;
    http_head_init(&h);
    assert_int_equal(http_head_parse(&h, text, strlen(text), strlen(text), &why),
                     HTTP_HEAD_COMPLETE);
    http_head_init(&h);
    assert_int_equal(http_head_parse(&h, text, strlen(text), strlen(text) - 1, &why),
                     HTTP_HEAD_REFUSED);
    assert_int_equal(why.status, 431);
}

static void refusal_names_field_reason_and_remedy(void **state) {
    (void)state;
    const char *text = "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n";
    HttpRefusal why;
    http_head_init(&h);
    assert_int_equal(http_head_parse(&h, text, strlen(text), 16384, &why), HTTP_HEAD_REFUSED);
    assert_int_equal(why.status, 400);
    assert_string_equal(why.field, "Host");
    assert_string_equal(why.reason, "is given twice");
    assert_string_equal(why.remedy, "send it once");
}

/* A control character at every distance from the start of the line, so that every lane of the wide
 * scan and its tail see one. */
static void control_character_is_found_wherever_it_stands(void **state) {
    (void)state;
    HttpRefusal why;
    for (size_t at = 0; at < 70; at++) {
        for (int c = 0; c < 256; c++) {
            char text[160];
            size_t n = (size_t)snprintf(text, sizeof(text),
                                        "GET / HTTP/1.1\r\nHost: x\r\nX: %*s\r\n\r\n", 80, "y");
            text[28 + at] = (char)c;
            http_head_init(&h);
            bool bad = (c < 0x20 && c != '\t') || c == 0x7f;
            assert_int_equal(http_head_parse(&h, text, n, 16384, &why),
                             bad ? HTTP_HEAD_REFUSED : HTTP_HEAD_COMPLETE);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_is_split_into_path_and_query),
        cmocka_unit_test(absolute_form_gives_the_same_path),
        cmocka_unit_test(empty_query_differs_from_none),
        cmocka_unit_test(header_is_found_in_any_case_and_trimmed),
        cmocka_unit_test(keep_alive_is_the_default_of_1_1_alone),
        cmocka_unit_test(only_a_1_1_client_waits_for_100),
        cmocka_unit_test(bytes_may_move_between_calls),
        cmocka_unit_test(head_of_exactly_the_limit_is_taken),
        cmocka_unit_test(refusal_names_field_reason_and_remedy),
        cmocka_unit_test(control_character_is_found_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
