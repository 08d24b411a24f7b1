/* Any bytes as a head: no crash, every span inside, and the same verdict whole and byte by byte. */
#include <assert.h>
#include <stdlib.h>

#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(const HttpHead *h, HttpSpan s) {
    assert(s.at <= h->bytes && s.n <= h->bytes - s.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static HttpHead whole, pieces;
    HttpRefusal why = {0}, why_too = {0};
    const char *p = (const char *)data;
    size_t limit = 4096;

    http_head_init(&whole);
    HttpHeadResult r = http_head_parse(&whole, p, size, limit, &why);

    http_head_init(&pieces);
    HttpHeadResult again = HTTP_HEAD_MORE;
    size_t shown = 0;
    while (again == HTTP_HEAD_MORE && shown < size) {
        char *copy = malloc(++shown); /* of just that size, so that ASan sees a step too far */
        assert(copy);
        memcpy(copy, p, shown);
        again = http_head_parse(&pieces, copy, shown, limit, &why_too);
        free(copy);
    }
    assert(r == again);
    if (r == HTTP_HEAD_REFUSED) {
        assert(why.status == why_too.status && why.field && why.reason && why.remedy);
        return 0;
    }
    if (r == HTTP_HEAD_MORE) return 0;
    assert(whole.bytes == pieces.bytes && whole.bytes == shown && whole.bytes <= size);
    assert(whole.header_count == pieces.header_count && whole.header_count <= HTTP_HEADERS_MAX);
    assert(whole.chunked == pieces.chunked && whole.content_length == pieces.content_length);
    assert(whole.keep_alive == pieces.keep_alive && !(whole.chunked && whole.has_length));
    check_span(&whole, whole.method);
    check_span(&whole, whole.target);
    check_span(&whole, whole.path);
    if (whole.has_query) check_span(&whole, whole.query);
    for (uint32_t i = 0; i < whole.header_count; i++) {
        check_span(&whole, whole.headers[i].name);
        check_span(&whole, whole.headers[i].value);
        assert(http_is_token(http_span(p, whole.headers[i].name)));
        Str value = http_span(p, whole.headers[i].value);
        assert(!memchr(value.p, '\n', value.n) && !memchr(value.p, '\r', value.n));
        assert(!memchr(value.p, 0, value.n));
    }
    return 0;
}
