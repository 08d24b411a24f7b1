/* Head -- a request's first line and headers, taken strictly (RFC 9112): bytes in; complete, more
 * needed, or refused out. Pure.
 *
 * Everything is told as spans (offset and length) from the head's first byte, so the bytes may move
 * between calls and afterwards. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { HTTP_HEADERS_MAX = 100, HTTP_HEAD_BYTES_MAX = 65536 };

typedef struct HttpSpan {
    uint32_t at, n;
} HttpSpan;

/* Why a request is not served; static texts, fit for the client. */
typedef struct HttpRefusal {
    int status;
    const char *field;  /* what is wrong: "Content-Length" */
    const char *reason; /* in which way: "is given twice" */
    const char *remedy; /* what to send instead */
} HttpRefusal;

typedef struct HttpHeader {
    HttpSpan name, value; /* value without the blanks around it */
} HttpHeader;

typedef struct HttpHead {
    HttpSpan method;
    HttpSpan target;      /* as sent */
    HttpSpan path;        /* begins with '/'; n == 0 for `OPTIONS *` and for a bare authority */
    HttpSpan query;       /* without '?' */
    bool has_query;       /* an empty query differs from none */
    bool http_1_0;        /* else 1.1 */
    bool keep_alive;      /* 1.1 without `Connection: close`; never for 1.0 */
    bool chunked;         /* Transfer-Encoding: chunked */
    bool has_length;      /* Content-Length was given */
    bool expect_continue; /* Expect: 100-continue, from a 1.1 client */
    uint64_t content_length;
    uint32_t bytes; /* of the whole head with its empty line, once complete */
    uint32_t header_count;

    /* Where the next call goes on. */
    uint32_t line_at,
        scanned; /* start of the unfinished line; known to hold no control character */
    uint8_t stage;
    bool has_host, has_encoding, close_asked;

    HttpHeader headers[HTTP_HEADERS_MAX]; /* last: http_head_init() leaves it alone */
} HttpHead;

typedef enum HttpHeadResult {
    HTTP_HEAD_COMPLETE,
    HTTP_HEAD_MORE,
    HTTP_HEAD_REFUSED
} HttpHeadResult;

void http_head_init(HttpHead *h);
/* (p, n) begins at the head's first byte: after HTTP_HEAD_MORE call again with the same bytes and
 * those that follow; only the new ones are looked at. More than `limit` bytes (at most
 * HTTP_HEAD_BYTES_MAX) are refused. *ret is written only with HTTP_HEAD_REFUSED. */
HttpHeadResult http_head_parse(HttpHead *h, const char *p, size_t n, size_t limit,
                               HttpRefusal *ret);

static inline Str http_span(const char *head, HttpSpan s) {
    return (Str){head + s.at, s.n};
}
/* The first header of that name (in any case), or absent. */
Str http_head_header(const HttpHead *h, const char *head, Str name);
bool http_is_token(Str s); /* RFC 9110 §5.6.2 */
