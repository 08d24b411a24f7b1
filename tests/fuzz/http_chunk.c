/* Any bytes as a chunked body: no crash, and the same data and verdict whole and byte by byte. */
#include <assert.h>

#include "http/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static HttpChunkResult decode(Str text, size_t step, Buf *ret, size_t *ret_used) {
    HttpChunks c;
    HttpRefusal why = {0};
    http_chunks_init(&c);
    const char *start = text.p;
    for (;;) {
        Str input = {text.p, text.n < step ? text.n : step}, piece;
        HttpChunkResult r = http_chunks_next(&c, &input, &piece, &why);
        text.n -= (size_t)(input.p - text.p);
        text.p = input.p;
        if (r == HTTP_CHUNK_DATA) {
            assert(piece.n > 0 && piece.p >= start && piece.p + piece.n <= text.p);
            buf_add_str(ret, piece);
            continue;
        }
        if (r == HTTP_CHUNK_MORE && text.n) continue;
        assert(r != HTTP_CHUNK_REFUSED || (why.status && why.field && why.reason && why.remedy));
        *ret_used = (size_t)(text.p - start);
        return r;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(buf_done) Buf whole = {0}, pieces = {0};
    size_t used, used_too;
    Str text = {(const char *)data, size};
    HttpChunkResult r = decode(text, SIZE_MAX, &whole, &used);
    HttpChunkResult again = decode(text, 1, &pieces, &used_too);
    assert(r == again && used == used_too && used <= size);
    assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
