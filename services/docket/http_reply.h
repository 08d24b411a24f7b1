/* HttpReply -- one HTTP/1.1 answer, read from the bytes of a connection. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef struct HttpReply { /* slices of the bytes given */
    int status;
    Str head;          /* the header lines, each with its CRLF */
    Str body;          /* empty for 204 and 304 */
    int retry_after_s; /* 0: none given, or no number up to an hour */
    bool close;        /* the connection ends with it */
} HttpReply;

typedef enum HttpReplyResult {
    HTTP_REPLY_MORE,  /* not whole yet */
    HTTP_REPLY_WHOLE, /* *ret, and *ret_used bytes are done with */
    HTTP_REPLY_BROKEN /* no HTTP/1.1 answer with a length of at most 16 MiB */
} HttpReplyResult;

HttpReplyResult http_reply_read(Str bytes, HttpReply *ret, size_t *ret_used);
/* The value of its first header of that name, trimmed; absent when there is none. */
Str http_reply_header(const HttpReply *r, const char *name);
