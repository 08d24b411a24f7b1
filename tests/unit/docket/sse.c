/* Server-sent events, wherever their bytes are cut. */
#include "docket/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* "name=data|name=data|" of the bytes, given in pieces of `step`. */
static void read_all(const char *bytes, size_t step, Buf *ret) {
    Sse s = {0};
    size_t n = strlen(bytes);
    for (size_t at = 0; at < n; at += step) {
        Str input = {bytes + at, n - at < step ? n - at : step}, name, data;
        while (sse_next(&s, &input, &name, &data) == SSE_EVENT)
            buf_printf(ret, "%.*s=%.*s|", STR_ARG(name), STR_ARG(data));
        assert_int_equal(input.n, 0);
    }
    sse_done(&s);
}

static void events_are_the_same_wherever_their_bytes_are_cut(void **state) {
    static const char bytes[] =
        "retry: 2000\n: beat\n\nevent: board\r\ndata: {\"a\":1}\r\nid: 7\r\n\r\n"
        "data:one\rdata: two\r\rdata\n\nevent: lost\n\nevent: end\ndata: 没有\n\n"
        "event: half\ndata: x";
    (void)state;
    for (size_t step = 1; step <= sizeof(bytes); step++) {
        CLEANUP(buf_done) Buf said = {0};
        read_all(bytes, step, &said);
        assert_string_equal(said.p, "board={\"a\":1}|message=one\ntwo|message=|end=没有|");
    }
}

static void an_event_without_end_is_refused(void **state) {
    Sse s = {0};
    CLEANUP(buf_done) Buf much = {0};
    Str name, data;
    (void)state;
    for (int i = 0; i < 1 << 16; i++)
        buf_addc(&much, 'x');
    SseResult r = SSE_MORE;
    for (int i = 0; i < 300 && r == SSE_MORE; i++) {
        Str input = buf_str(&much);
        r = sse_next(&s, &input, &name, &data);
    }
    assert_int_equal(r, SSE_REFUSED);
    sse_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_wherever_their_bytes_are_cut),
        cmocka_unit_test(an_event_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
