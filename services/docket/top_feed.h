/* TopFeed -- GET /live of docket-analytics, read event by event over one blocking connection; with
 * GET /live.json, the same for one picture. */
#pragma once

#include "docket/http_link.h"
#include "docket/sse.h"
#include "http/chunk.h"

typedef enum TopOutcome {
    TOP_PICTURE, /* *ret: JSON, until the next call */
    TOP_ENDED,   /* the other side said why, or just closed: *ret_why; open it again */
    TOP_AWAY,    /* nobody answers: *ret_why */
    TOP_REFUSED, /* it will not help to ask again: *ret_why */
    TOP_KEY,     /* something can be read from `also` */
    TOP_NOTHING  /* not within the time given */
} TopOutcome;

typedef struct TopFeed {
    int fd; /* -1: closed */
    Buf in;
    size_t in_at;
    bool chunked;
    HttpChunks chunks;
    Sse sse;
    Buf picture; /* bytes of events not read yet */
    bool begun;  /* its head was read */
} TopFeed;

#define TOP_FEED_CLOSED ((TopFeed){.fd = -1})

/* Connects and asks for /live. TOP_PICTURE with nothing in it: the answer has begun. */
TopOutcome top_feed_open(TopFeed *f, const HttpAddress *server, Str token, int timeout_ms,
                         Buf *ret_why);
/* The next picture; waits at most timeout_ms for it. `also`: a descriptor that ends the wait when
 * it can be read; -1: none. */
TopOutcome top_feed_next(TopFeed *f, int timeout_ms, int also, Str *ret, Buf *ret_why);
void top_feed_close(TopFeed *f);
