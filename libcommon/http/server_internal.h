/* What server.c, connection.c and exchange.c share; nobody else includes it.
 *
 *   server.c      addresses, accepting, deadlines, the one flush per loop turn, drain
 *   connection.c  one socket: bytes in -> exchanges, answers in order -> bytes out
 *   exchange.c    what a handler sees and says
 *
 * Life: a connection is in exactly one of its server's lists from accept until it is freed. Closed
 * (its descriptor gone) it stays as long as the handler owes it answers. */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "http/chunk.h"
#include "http/head.h"
#include "http/server.h"

typedef struct HttpConnection HttpConnection;

/* What a connection is waiting for; each list is ordered by `since`, so that only its front can be
 * overdue. */
typedef enum HttpPhase {
    PHASE_IDLE,    /* for a request to begin */
    PHASE_HEAD,    /* for the rest of a head */
    PHASE_BODY,    /* for the rest of a body */
    PHASE_SEND,    /* for the client to take some of its answers */
    PHASE_LINGER,  /* for the client to have read our last answer and to close */
    PHASE_HANDLER, /* for the handler: no deadline of ours */
    PHASE_COUNT
} HttpPhase;

struct HttpExchange {
    HttpExchange *next; /* asked after this one, or the next free one in the pool */
    HttpConnection *connection;
    const char *bytes; /* the head's (in the arena once it is complete) */
    Str body;
    Buf body_buf; /* of a body that came in pieces */
    Buf headers;  /* lines of the answer that the handler added */
    Buf answer;   /* answered before its turn: the bytes to send */
    Arena *arena; /* NULL until the head is complete */
    void *context;
    size_t allowed; /* bytes of its body */
    size_t large;   /* bytes counted in server->large for its body */
    HttpMore more;  /* the answer is given in pieces; NULL: at once */
    void *more_arg;
    uint64_t left;   /* of those pieces */
    bool more_asked; /* the handler owes a piece */
    bool open;       /* those pieces have no end known ahead */
    int64_t started_us;
    bool answered;
    bool handed_over;   /* to the handler: counts as in flight */
    bool last;          /* the connection ends behind this answer */
    bool owes_continue; /* the client waits for 100 before it sends the body */
    HttpChunks chunks;
    HttpHead head; /* last: large */
};

struct HttpConnection {
    HttpServer *server; /* NULL once that is freed */
    HttpConnection *previous, *next;
    HttpConnection *next_dirty;
    LoopFd *watch;
    int fd;
    HttpPhase phase;
    int64_t since; /* monotonic ms; of the phase */

    bool closed;  /* fd is gone; waits for its last answer */
    bool eof;     /* the client will send no more */
    bool deaf;    /* we take no more requests: what still comes is read and thrown away */
    bool dirty;   /* in the server's list of those to flush */
    bool blocked; /* the socket takes no more for now */
    bool lingering;
    bool fresh;       /* what the phase waits for has begun anew: so does its deadline */
    int busy;         /* how many of our own calls are using it: not to be freed under them */
    size_t in_hand;   /* bytes read and not yet taken, behind the present request */
    int queued;       /* bytes in the kernel's send buffer when we last looked */
    size_t discarded; /* bytes thrown away */

    Buf in;                     /* begins at the request not complete yet */
    HttpExchange *receiving;    /* that request, or NULL */
    HttpExchange *first, *last; /* complete and not yet sent, in the order asked */
    size_t pending;             /* how many those are */
    size_t unanswered;          /* of those, by the handler: they keep us allocated */
    size_t held_bytes;          /* answers that wait for an earlier one */
    Buf out;
    size_t out_sent;
    char peer[46];
};

typedef struct HttpList {
    HttpConnection *front, *back;
} HttpList;

enum { HTTP_LISTENERS_MAX = 8, HTTP_SCRATCH_BYTES = 65536, HTTP_POOL_MAX = 512 };

typedef struct HttpListener {
    HttpServer *server;
    LoopFd *watch;
    int fd;
} HttpListener;

struct HttpServer {
    Loop *loop;
    HttpLimits limits;
    HttpHandler handler;
    void *arg;
    HttpBodyLimit body_limit; /* may be NULL */
    void *body_limit_arg;
    size_t large; /* bytes of bodies beyond limits.body_bytes held now */
    HttpListener listeners[HTTP_LISTENERS_MAX];
    size_t listener_count;
    bool accept_paused; /* out of descriptors; tried again at the next tick */
    bool draining;
    bool freed; /* inside one of our own callbacks; the memory goes at the end of the turn */
    size_t connections, in_flight;
    HttpList lists[PHASE_COUNT];
    int64_t phase_ms[PHASE_COUNT]; /* 0: no deadline */
    LoopTimer *tick;
    HttpConnection *dirty; /* last made dirty first */
    bool flush_due;
    HttpExchange *pool;
    size_t pooled;
    int64_t date_turn_ms, date_s; /* when `date` was last looked at, and the second it says */
    char date[80];                /* "Date: Sun, 22 Nov 2026 05:43:00 GMT\r\n" */
    char *scratch;                /* what one read brought */
};

/* server.c */
void server_set_dirty(HttpServer *s, HttpConnection *c); /* flush it at the end of this turn */
void server_enter(HttpServer *s, HttpConnection *c, HttpPhase phase, int64_t now_ms);
void server_forget(HttpServer *s, HttpConnection *c); /* out of its list */
const char *server_date(HttpServer *s);

/* connection.c */
HttpConnection *http_connection_new(HttpServer *s, int fd, const char *peer, int64_t now_ms);
void connection_refuse_crowd(HttpConnection *c); /* one connection too many */
void http_connection_flush(HttpConnection *c);
void http_connection_overdue(HttpConnection *c, int64_t now_ms); /* its phase has lasted too long */
void http_connection_drain(HttpConnection *c);
void http_connection_close(HttpConnection *c);   /* at once; freed when its last answer has come */
void http_connection_release(HttpConnection *c); /* frees it if it is closed and owed nothing */
/* x was answered and its bytes are in connection_answer_room(); x is gone afterwards. */
void http_connection_answered(HttpExchange *x);
Buf *connection_answer_room(HttpExchange *x); /* NULL: nobody will read it */
void http_connection_piece(HttpExchange *x);  /* part of an answer lies in the room: send it */
/* x will not be answered any further; calls `more` with gone if `tell`. */
void http_connection_dropped(HttpExchange *x, bool tell);
bool connection_ends_with(const HttpExchange *x); /* no request is taken after this one */

/* exchange.c */
HttpExchange *exchange_new(HttpConnection *c, int64_t now_us);
void exchange_free(HttpExchange *x); /* into the pool, if there still is one */
void exchange_refuse(HttpExchange *x, const HttpRefusal *why); /* answers it */
bool exchange_asks_for_server(const HttpExchange *x);          /* OPTIONS * */
void exchange_answer_options(HttpExchange *x);
void exchange_destroy(HttpExchange *x); /* its memory */
