/* Chunks -- a chunked body decoded strictly (RFC 9112 §7.1), wherever its bytes are cut. Pure.
 *
 * A size is 1 to 16 hexadecimal digits and nothing else; extensions must be well-formed and are
 * skipped, trailers must be well-formed header lines and are dropped; both have bounds. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "http/head.h"

enum { HTTP_CHUNK_EXTENSION_BYTES = 4096, HTTP_CHUNK_TRAILER_BYTES = 8192 }; /* of a whole body */

typedef struct HttpChunks {
    uint64_t left;            /* of the present chunk's size or data */
    uint32_t digits;          /* of the size so far */
    uint32_t extension_bytes; /* of the whole body */
    uint32_t trailer_bytes;
    uint8_t stage;
} HttpChunks;

typedef enum HttpChunkResult {
    HTTP_CHUNK_DATA,   /* *ret_data is a piece of the body; call again */
    HTTP_CHUNK_MORE,   /* all input is used up */
    HTTP_CHUNK_END,    /* the body is complete; what is left of the input is not ours */
    HTTP_CHUNK_REFUSED /* *ret_why says why; nothing more may be asked */
} HttpChunkResult;

void http_chunks_init(HttpChunks *c);
/* Takes bytes off the front of *input. */
HttpChunkResult http_chunks_next(HttpChunks *c, Str *input, Str *ret_data, HttpRefusal *ret_why);
