#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "http/chunk.h"

/* Decodes `text`, given `step` bytes at a time; *ret_rest is what was not used. */
static HttpChunkResult decode(const char *text, size_t step, Buf *ret, size_t *ret_rest) {
    HttpChunks c;
    HttpRefusal why;
    size_t n = strlen(text);
    http_chunks_init(&c);
    for (;;) {
        Str input = {text, n < step ? n : step}, data;
        HttpChunkResult r = http_chunks_next(&c, &input, &data, &why);
        n -= (size_t)(input.p - text);
        text = input.p;
        if (r == HTTP_CHUNK_DATA) {
            buf_add_str(ret, data);
            continue;
        }
        *ret_rest = n;
        if (r != HTTP_CHUNK_MORE || n == 0) return r;
    }
}

static void data_is_put_together_and_the_rest_left(void **state) {
    (void)state;
    const char *text = "5;x=\"y\"\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\nT: v\r\n\r\nGET /";
    for (size_t step = 1; step < 60; step++) {
        CLEANUP(buf_done) Buf body = {0};
        size_t rest;
        assert_int_equal(decode(text, step, &body, &rest), HTTP_CHUNK_END);
        assert_string_equal(body.p, "hello world");
        assert_int_equal(rest, 5);
    }
}

static void size_of_16_digits_is_the_longest(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf body = {0};
    size_t rest;
    assert_int_equal(decode("0000000000000001\r\na\r\n0\r\n\r\n", 99, &body, &rest),
                     HTTP_CHUNK_END);
    assert_int_equal(decode("00000000000000001\r\na\r\n0\r\n\r\n", 99, &body, &rest),
                     HTTP_CHUNK_REFUSED);
    assert_int_equal(decode("ffffffffffffffff\r\na", 99, &body, &rest), HTTP_CHUNK_MORE);
}

static void extensions_are_bounded_over_the_whole_body(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0}, body = {0};
    size_t rest;
    for (int i = 0; i < HTTP_CHUNK_EXTENSION_BYTES / 4 + 1; i++)
        buf_adds(&text, "1;abc\r\nx\r\n");
    assert_int_equal(decode(text.p, SIZE_MAX, &body, &rest), HTTP_CHUNK_REFUSED);
}

static void nothing_is_taken_behind_the_end(void **state) {
    (void)state;
    HttpChunks c;
    HttpRefusal why;
    Str input = STR("0\r\n\r\n0\r\n\r\n"), data;
    http_chunks_init(&c);
    assert_int_equal(http_chunks_next(&c, &input, &data, &why), HTTP_CHUNK_END);
    assert_int_equal(input.n, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_put_together_and_the_rest_left),
        cmocka_unit_test(size_of_16_digits_is_the_longest),
        cmocka_unit_test(extensions_are_bounded_over_the_whole_body),
        cmocka_unit_test(nothing_is_taken_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
