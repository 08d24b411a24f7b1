/* HTTP server -- strict HTTP/1.1 on the loop: takes whole requests, gives each to one handler, and
 * writes the answers back in the order in which each connection asked.
 *
 * The handler is called with a complete request (head and body) and answers it now or later, in any
 * order, from the loop's thread. All answers of one loop turn leave in one send per connection. A
 * client that half-closes still gets its answers; one that is gone does not disturb anybody: its
 * exchanges stay valid and their answers are thrown away.
 *
 * What is malformed never reaches the handler: it is refused with a small application/problem+json
 * (field, reason, remedy), and the connection is closed after the client had time to read it. The
 * same goes for what is too large (413, 431), too slow (408) or one connection too many (503).
 * HEAD is answered without the body that the handler gave; `OPTIONS *` and `Expect: 100-continue`
 * are dealt with here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "loop/loop.h"

typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange; /* one request and its pending answer */

/* A zero field means the default. */
typedef struct HttpLimits {
    size_t head_bytes;     /* 16 KiB (at most 64 KiB); beyond: 431 */
    size_t body_bytes;     /* 1 MiB; beyond: 413, unless http_server_limit_bodies() allows it */
    size_t large_bytes;    /* 64 MiB of bodies larger than body_bytes in memory, all connections
                              together; beyond: 503 with Retry-After */
    size_t connections;    /* 10,000; beyond: 503 with Retry-After */
    size_t pipelined;      /* 128 unanswered requests of one connection; beyond: it is not read */
    size_t buffered_bytes; /* 256 KiB of unsent answers of one connection; beyond: it is not read */
    int64_t head_ms;       /* 10 s from the first byte of a head to its last; then 408 */
    int64_t body_ms; /* 30 s for a body, or for each body_bytes of a larger one (408), and for a
                        client to take some of an answer */
    int64_t idle_ms; /* 75 s without any request on an open connection; closed silently */
} HttpLimits;

typedef void (*HttpHandler)(HttpExchange *x, void *arg);

/* How large a body may the request bring whose head has just been read? Asked before any of the
 * body is; the answer may be above or below HttpLimits.body_bytes, beyond it is 413. Of the request
 * only method, path, query, headers and peer may be looked at, nothing kept, nothing answered. */
typedef size_t (*HttpBodyLimit)(const HttpExchange *x, void *arg);

HttpServer *http_server_new(Loop *loop, const HttpLimits *limits /* NULL: defaults */,
                            HttpHandler handler, void *arg);
/* Before the server listens; without it every body has HttpLimits.body_bytes. */
void http_server_limit_bodies(HttpServer *s, HttpBodyLimit limit, void *arg);
/* Numeric address and port: "127.0.0.1:8080", "[::]:80"; "*:80" is every address of both families;
 * port 0 takes a free one. May be called again for more addresses (at most 8). 0 and *ret_port (may
 * be NULL), -EINVAL for what is no such address, -ENOSPC, or -errno of the socket. */
int http_server_listen(HttpServer *s, const char *host_port, int *ret_port);
/* Drain: nobody new is let in; open connections finish what they have asked, then close (their last
 * answer says `Connection: close`). Done when http_server_connections() is 0. */
void http_server_stop_listening(HttpServer *s);
size_t http_server_in_flight(const HttpServer *s);   /* given to the handler, not yet answered */
size_t http_server_connections(const HttpServer *s); /* open, those about to close included */
/* Closes everything at once. Exchanges that are still unanswered stay valid and must still be
 * answered (into the void). Accepts NULL, returns NULL; safe inside a handler. */
HttpServer *http_server_free(HttpServer *s);
DEFINE_FREEP(HttpServer, http_server)

/* The request. All slices live as long as the exchange: until http_answer(). */
Str http_method(const HttpExchange *x);                   /* as sent: "GET" */
Str http_path(const HttpExchange *x);                     /* not decoded, begins with '/' */
Str http_query(const HttpExchange *x);                    /* behind '?', not decoded, or absent */
Str http_header(const HttpExchange *x, const char *name); /* the first such; absent: {NULL, 0} */
Str http_body(const HttpExchange *x);                     /* whole; chunks already put together */
Str http_peer(const HttpExchange *x);                     /* address without port: "127.0.0.1" */
/* The first `name` of the query, percent-decoded ('+' is a space), appended to *ret. False when it
 * is absent or its escapes are malformed or hide a NUL. */
bool http_query_value(const HttpExchange *x, const char *name, Buf *ret);
int64_t http_started_us(const HttpExchange *x); /* clock_monotonic_us() at its first byte */

Arena *http_arena(HttpExchange *x); /* memory for the handler; gone with the exchange */
/* One pointer of the handler's own, NULL at first. */
void http_set_context(HttpExchange *x, void *context);
void *http_context(const HttpExchange *x);

/* One more header of the answer, before http_answer(). The name is our own (asserted to be a
 * token); control characters in the value become spaces, so no value can end the line. Date,
 * Content-Length, Content-Type and Connection are not set this way. */
void http_answer_header(HttpExchange *x, const char *name, const char *value);
/* Exactly once, at any time after the handler was called; x is gone afterwards. `body` is copied;
 * content_type may be NULL when it is empty. Status 200 to 599. */
void http_answer(HttpExchange *x, int status, const char *content_type, Str body);
/* Instead of http_answer(), for a body of `length` bytes that is too large to be held: it is given
 * piece by piece. `more` comes whenever the client has taken what was given so far: give one
 * piece, now or later. With `gone` (the client has left, or it was a HEAD) nothing more is wanted:
 * free what is yours and call nothing, x is gone behind it; this may come before
 * http_answer_stream() has returned. */
typedef void (*HttpMore)(HttpExchange *x, bool gone, void *arg);
void http_answer_stream(HttpExchange *x, int status, const char *content_type, uint64_t length,
                        HttpMore more, void *arg);
/* The same for a body without an end of its own (server-sent events), in chunks; to a client of
 * HTTP/1.0 until the connection closes. `gone` comes as soon as the client has closed its side,
 * also while a piece is owed: whoever reads such an answer keeps its side open. */
void http_answer_open(HttpExchange *x, int status, const char *content_type, HttpMore more,
                      void *arg);
/* Instead of a piece: that was all. x is gone; `more` does not come. */
void http_answer_end(HttpExchange *x);
/* Copied; not empty, and not more than is missing. The one that makes `length` full ends the answer
 * without another `more`. x may be gone afterwards: to a client that left, `more` says so at once.
 */
void http_answer_piece(HttpExchange *x, Str piece);
/* Instead of a piece: there will be none. The connection is cut, so that nobody takes the part for
 * the whole. x is gone; `more` does not come. */
void http_answer_break(HttpExchange *x);
/* An RFC 9457 problem: {"type":"about:blank","title":…,"status":…,"detail":…}. title NULL: the
 * status's own phrase. retry_after_s >= 0 adds Retry-After; -1 leaves it out. */
void http_answer_problem(HttpExchange *x, int status, const char *title, const char *detail,
                         int retry_after_s);
