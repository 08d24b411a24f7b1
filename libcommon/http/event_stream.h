/* EventStream -- one client of server-sent events (text/event-stream): what waits for it, given
 * piece by piece as it takes it. What waits is bounded; whoever listens and has taken everything
 * holds no buffer.
 *
 * Who answers the exchange does so with an HttpMore of its own, and passes it on to
 * event_stream_more(). */
#pragma once

#include "http/server.h"

typedef struct EventStream {
    HttpExchange *exchange; /* NULL: over */
    bool wanted;            /* the client has taken everything: a piece may be given */
    bool ending;            /* `pending` holds the last of it */
    size_t limit;           /* bytes that may wait; what a socket holds comes on top */
    Buf pending;
} EventStream;

#define EVENT_STREAM_TYPE "text/event-stream; charset=utf-8"

/* Does the client say that it takes such an answer? */
bool event_stream_accepted(const HttpExchange *x);
/* Sets the headers that keep proxies from holding it back; the exchange is answered next. */
void event_stream_init(EventStream *s, HttpExchange *x, size_t limit);
void event_stream_done(EventStream *s); /* the buffer; the exchange must be over */

static inline bool event_stream_open(const EventStream *s) { /* may something be added? */
    return s->exchange && !s->ending;
}
/* False, and nothing added: more than the limit would wait. The word that ends it always fits. */
bool event_stream_add(EventStream *s, Str text);
/* The last words; behind them it ends. */
void event_stream_end(EventStream *s, Str text);
/* Gives what waits, if the client wants it. False: that was the end, the stream is over; true: *s
 * may be gone, if the HttpMore frees it when the client is. */
bool event_stream_flush(EventStream *s);
/* What the HttpMore was told. False: it is over. True: as event_stream_flush(). */
bool event_stream_more(EventStream *s, bool gone);
