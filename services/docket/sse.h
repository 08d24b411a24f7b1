/* Sse -- server-sent events read from the bytes of an answer, wherever they are cut. Pure.
 *
 * Lines may end in LF, CR LF or CR; comments, ids and retry times are passed over. An event of more
 * than SSE_EVENT_BYTES is refused. */
#pragma once

#include "base/text.h"

enum { SSE_EVENT_BYTES = 16 << 20 };

typedef struct Sse { /* zero-initialised is the beginning */
    Buf line, name, data;
    bool after_cr;
    bool given; /* name and data are the caller's until the next call */
} Sse;

typedef enum SseResult {
    SSE_EVENT, /* *ret_name ("message" where none is given) and *ret_data, until the next call */
    SSE_MORE,  /* all input is used up */
    SSE_REFUSED
} SseResult;

/* Takes bytes off the front of *input. */
SseResult sse_next(Sse *s, Str *input, Str *ret_name, Str *ret_data);
void sse_done(Sse *s);
