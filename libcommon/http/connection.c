/* One client's socket: what it sends becomes exchanges, what they answer goes back in order.
 *
 * connection_settle() is the one place that decides, after anything has happened, what to wait for
 * and whether this is the end. */
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server_internal.h"

/* A refused client may go on sending this much before it must have read the answer; more would only
 * be work for us. */
#define LINGER_BYTES ((size_t)32 << 20)
/* Buffers up to this size stay with an open connection. */
#define KEPT_BYTES ((size_t)4096)

static void on_ready(int fd, unsigned what, void *arg);

HttpConnection *http_connection_new(HttpServer *s, int fd, const char *peer, int64_t now_ms) {
    HttpConnection *c = xcalloc(1, sizeof(*c));
    c->server = s;
    c->fd = fd;
    (void)strncpy(c->peer, peer, sizeof(c->peer) - 1);
    c->watch = loop_fd_new(s->loop, fd, on_ready, c);
    loop_fd_want(c->watch, LOOP_READ);
    s->connections++;
    server_enter(s, c, PHASE_IDLE, now_ms);
    return c;
}

void http_connection_release(HttpConnection *c) {
    if (!c->closed || c->busy || c->dirty || c->unanswered) return;
    if (c->server) server_forget(c->server, c);
    free(c);
}

void http_connection_close(HttpConnection *c) {
    if (c->closed) return;
    c->closed = true;
    c->watch = loop_fd_free(c->watch);
    (void)close(c->fd);
    c->fd = -1;
    buf_done(&c->in);
    buf_done(&c->out);
    if (c->receiving) exchange_free(c->receiving);
    c->receiving = NULL;
    for (HttpExchange *x = c->first, *next; x; x = next) {
        next = x->next;
        x->next = NULL;
        if (!x->answered && x->more && (x->open || !x->more_asked)) {
            x->more(x, true, x->more_arg); /* nobody else would ever tell it */
            x->answered = true;
            c->unanswered--;
            c->server->in_flight--;
        }
        if (x->answered) exchange_free(x);
    }
    c->first = c->last = NULL;
    c->server->connections--;
    server_enter(c->server, c, PHASE_HANDLER, 0);
}

/* ---- answers ---- */

Buf *connection_answer_room(HttpExchange *x) {
    HttpConnection *c = x->connection;
    if (c->closed) return NULL;
    return c->first == x ? &c->out : &x->answer;
}

bool connection_ends_with(const HttpExchange *x) {
    HttpConnection *c = x->connection;
    if (!x->last && c->server->draining && c->last == x && !c->receiving && !c->in_hand)
        c->deaf = true;
    return x->last || (c->deaf && c->last == x);
}

void http_connection_answered(HttpExchange *x) {
    HttpConnection *c = x->connection;
    assert(!x->answered);
    x->answered = true;
    if (x->handed_over) {
        c->unanswered--;
        if (c->server) c->server->in_flight--;
    }
    if (c->closed) {
        exchange_free(x);
        http_connection_release(c);
        return;
    }
    if (c->first != x) { /* not its turn yet */
        c->held_bytes += x->answer.n;
        return;
    }
    do {
        c->first = x->next;
        c->pending--;
        exchange_free(x);
        x = c->first;
        if (x && (x->answered || x->more)) {
            c->held_bytes -= x->answer.n;
            buf_add_str(&c->out, buf_str(&x->answer));
            buf_clear(&x->answer);
        }
    } while (x && x->answered);
    if (!c->first) c->last = NULL;
    server_set_dirty(c->server, c);
}

void http_connection_piece(HttpExchange *x) {
    HttpConnection *c = x->connection;
    if (c->first == x)
        server_set_dirty(c->server, c);
    else
        c->held_bytes += x->answer.n; /* its head; pieces are asked for when it is its turn */
}

void http_connection_dropped(HttpExchange *x, bool tell) {
    HttpConnection *c = x->connection;
    if (tell) x->more(x, true, x->more_arg);
    x->answered = true;
    c->unanswered--;
    if (c->server) c->server->in_flight--;
    if (c->closed)
        exchange_free(x);
    else
        http_connection_close(c); /* frees it with the others */
    http_connection_release(c);
}

/* ---- requests ---- */

static void enqueue(HttpConnection *c, HttpExchange *x) {
    x->next = NULL;
    if (c->last)
        c->last->next = x;
    else
        c->first = x;
    c->last = x;
    c->pending++;
}

/* Answers the request that is being received, or the very connection, with a refusal; nothing after
 * it is listened to. */
static void refuse(HttpConnection *c, const HttpRefusal *why) {
    HttpExchange *x = c->receiving ? c->receiving : exchange_new(c, 0);
    c->receiving = NULL;
    c->deaf = true;
    x->last = true;
    enqueue(c, x);
    exchange_refuse(x, why);
}

void connection_refuse_crowd(HttpConnection *c) {
    refuse(c, &(HttpRefusal){503, "connections", "are more than this server takes",
                             "come again in a second"});
}

static void hand_over(HttpConnection *c) {
    HttpServer *s = c->server;
    HttpExchange *x = c->receiving;
    c->receiving = NULL;
    x->owes_continue = false;
    if (!x->head.keep_alive) x->last = c->deaf = true;
    enqueue(c, x);
    x->handed_over = true;
    c->unanswered++;
    s->in_flight++;
    if (exchange_asks_for_server(x))
        exchange_answer_options(x);
    else
        s->handler(x, s->arg);
}

static const HttpRefusal too_large = {413, "body", "is larger than this server takes",
                                      "send less in one request"};
static const HttpRefusal too_many_large = {503, "body", "is one large body too many at this moment",
                                           "send it again in a second"};

/* Bodies above the common limit share a budget of memory: it is taken for the whole body before any
 * of it is read, and given back with the exchange. */
static bool take_large(HttpConnection *c, size_t bytes) {
    HttpServer *s = c->server;
    if (bytes > s->limits.large_bytes - s->large) return false;
    c->receiving->large = bytes;
    s->large += bytes;
    return true;
}

/* The head is complete at the front of (p, n). Returns how much of that is used up. */
static size_t begin_body(HttpConnection *c, const char *p, size_t n) {
    HttpExchange *x = c->receiving;
    const HttpHead *h = &x->head;
    HttpServer *s = c->server;
    x->bytes = p; /* for as long as the limit is asked, or a refusal written */
    x->allowed = s->body_limit ? s->body_limit(x, s->body_limit_arg) : s->limits.body_bytes;
    if (h->content_length > x->allowed) {
        refuse(c, &too_large);
        return n;
    }
    if (h->content_length > s->limits.body_bytes && !take_large(c, (size_t)h->content_length)) {
        refuse(c, &too_many_large);
        return n;
    }
    bool whole = !h->chunked && h->content_length <= n - h->bytes;
    size_t used = h->bytes + (whole ? (size_t)h->content_length : 0);
    if (!x->arena) x->arena = arena_new(8192);
    x->bytes = arena_strndup(x->arena, p, used);
    c->in_hand = n - used;
    if (whole) {
        x->body = (Str){x->bytes + h->bytes, (size_t)h->content_length};
        hand_over(c);
    } else {
        x->owes_continue = h->expect_continue;
        http_chunks_init(&x->chunks);
    }
    return used;
}

static void body_complete(HttpConnection *c, size_t in_hand) {
    c->receiving->body = buf_str(&c->receiving->body_buf);
    c->in_hand = in_hand;
    hand_over(c);
}

/* Each further body_bytes of a large body has a deadline of its own. */
static void add_to_body(HttpConnection *c, Str data) {
    Buf *body = &c->receiving->body_buf;
    size_t part = c->server->limits.body_bytes, before = body->n / part;
    buf_add_str(body, data);
    if (body->n / part != before) c->fresh = true;
}

static size_t take_chunks(HttpConnection *c, const char *p, size_t n) {
    HttpExchange *x = c->receiving;
    Str input = {p, n}, data;
    HttpRefusal why;
    for (;;) {
        switch (http_chunks_next(&x->chunks, &input, &data, &why)) {
        case HTTP_CHUNK_DATA:
            if (x->body_buf.n + data.n + x->chunks.left > x->allowed) {
                refuse(c, &too_large);
                return n;
            }
            if (x->body_buf.n + data.n > c->server->limits.body_bytes && !x->large &&
                !take_large(c, x->allowed)) {
                refuse(c, &too_many_large);
                return n;
            }
            add_to_body(c, data);
            break;
        case HTTP_CHUNK_MORE:
            return n;
        case HTTP_CHUNK_END:
            body_complete(c, input.n);
            return n - input.n;
        case HTTP_CHUNK_REFUSED:
            refuse(c, &why);
            return n;
        }
    }
}

static size_t take_body(HttpConnection *c, const char *p, size_t n) {
    HttpExchange *x = c->receiving;
    x->owes_continue = false; /* it did not wait */
    if (x->head.chunked) return take_chunks(c, p, n);
    size_t missing = (size_t)x->head.content_length - x->body_buf.n;
    size_t taken = missing < n ? missing : n;
    if (x->body_buf.n == 0) buf_reserve(&x->body_buf, missing);
    add_to_body(c, (Str){p, taken});
    if (taken == missing) body_complete(c, n - taken);
    return taken;
}

/* Too many answers are owed, or not taken: the client is not read until it has taken some. */
static bool is_paused(const HttpConnection *c) {
    const HttpLimits *l = &c->server->limits;
    return c->pending >= l->pipelined ||
           c->out.n - c->out_sent + c->held_bytes >= l->buffered_bytes;
}

/* Takes what it can from the front of (p, n); returns how much that is. The rest belongs to a head
 * that is not complete, or must wait; when we are deaf, it is thrown away. */
static size_t take_requests(HttpConnection *c, const char *p, size_t n, int64_t now_us) {
    size_t used = 0;
    while (used < n && !c->closed && !c->deaf && !is_paused(c)) {
        if (!c->receiving) {
            c->receiving = exchange_new(c, now_us);
            c->fresh = true;
        }
        HttpExchange *x = c->receiving;
        if (x->bytes) {
            used += take_body(c, p + used, n - used);
            continue;
        }
        HttpRefusal why;
        switch (http_head_parse(&x->head, p + used, n - used, c->server->limits.head_bytes, &why)) {
        case HTTP_HEAD_MORE:
            return used;
        case HTTP_HEAD_REFUSED:
            refuse(c, &why);
            break;
        case HTTP_HEAD_COMPLETE:
            used += begin_body(c, p + used, n - used);
            break;
        }
    }
    if (c->deaf) c->discarded += n - used;
    return c->deaf ? n : used;
}

/* `got` new bytes lie in the server's scratch. Most requests are taken from there and touch no
 * buffer of the connection. */
static void feed(HttpConnection *c, size_t got, int64_t now_us) {
    const char *p = c->server->scratch;
    size_t n = got;
    bool own = c->in.n > 0;
    if (own) {
        buf_add(&c->in, p, got);
        p = c->in.p;
        n = c->in.n;
    }
    size_t used = n ? take_requests(c, p, n, now_us) : 0;
    if (c->closed) return;
    c->in_hand = n - used;
    if (used == n) {
        buf_done(&c->in); /* idle connections hold no buffer */
    } else if (!own) {
        buf_add(&c->in, p + used, n - used);
    } else if (used) {
        memmove(c->in.p, c->in.p + used, n - used + 1);
        c->in.n -= used;
    }
}

/* ---- the socket ---- */

static HttpPhase phase_of(const HttpConnection *c) {
    if (c->lingering) return PHASE_LINGER;
    if (c->blocked) return PHASE_SEND;
    if (c->receiving && !is_paused(c)) {
        if (!c->receiving->bytes) return PHASE_HEAD;
        if (!c->receiving->owes_continue) return PHASE_BODY;
    }
    return c->pending ? PHASE_HANDLER : PHASE_IDLE;
}

/* Nothing to read in the kernel either: closing cuts nobody off. */
static bool is_silent(const HttpConnection *c) {
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void connection_settle(HttpConnection *c, int64_t now_ms) {
    if (c->closed) return;
    HttpExchange *x = c->receiving;
    if (c->eof && x && !x->bytes && str_is(buf_str(&c->in), "\r\n")) {
        exchange_free(x); /* a stray empty line is not half a request */
        c->receiving = NULL;
    } else if (c->eof && x)
        refuse(c, &(HttpRefusal){400, "request", "ends before it is complete",
                                 "send all of it before you close"});
    else if (x && x->owes_continue && !c->first) {
        x->owes_continue = false;
        c->fresh = true; /* its body is asked for only now */
        buf_adds(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        server_set_dirty(c->server, c);
    }
    if (c->eof && c->first && c->first->open && c->out.n == c->out_sent) {
        http_connection_close(c); /* nobody reads on, and it would never end */
        return;
    }
    if (!c->pending && c->out.n == c->out_sent) { /* all is said */
        bool idle = !c->receiving && !c->in.n && !c->deaf;
        if (c->eof || (c->server->draining && idle && is_silent(c)) ||
            (c->lingering && c->discarded > LINGER_BYTES)) {
            http_connection_close(c);
            return;
        }
        if (c->deaf && !c->lingering) {
            (void)shutdown(c->fd, SHUT_WR);
            c->lingering = true;
        }
    }
    bool listen = !c->eof && (c->deaf ? c->discarded <= LINGER_BYTES : !is_paused(c));
    loop_fd_want(c->watch, (listen ? LOOP_READ : 0u) | (c->blocked ? LOOP_WRITE : 0u));

    HttpPhase phase = phase_of(c);
    if (phase != c->phase || c->fresh) server_enter(c->server, c, phase, now_ms);
    c->fresh = false;
}

static void read_some(HttpConnection *c, int64_t now_us) {
    ssize_t n = recv(c->fd, c->server->scratch, HTTP_SCRATCH_BYTES, 0);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) http_connection_close(c);
    } else if (n == 0) {
        c->eof = true;
    } else {
        feed(c, (size_t)n, now_us);
    }
}

/* Whether the client has taken anything since the last call. The socket is writable again only
 * after a third of its (large) buffer is free: a slow reader is heard long before that. */
static bool is_taking(HttpConnection *c) {
    int queued = 0;
    if (ioctl(c->fd, SIOCOUTQ, &queued) < 0) return false;
    bool less = queued < c->queued;
    c->queued = queued;
    return less;
}

static void send_some(HttpConnection *c) {
    if (c->blocked || c->out.n == c->out_sent) return;
    ssize_t n = send(c->fd, c->out.p + c->out_sent, c->out.n - c->out_sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        http_connection_close(c);
        return;
    }
    if (n > 0) {
        c->out_sent += (size_t)n;
        c->fresh = true;
    }
    if (c->out_sent < c->out.n) {
        c->blocked = true;
        (void)is_taking(c);
        return;
    }
    c->out_sent = 0;
    if (c->out.room > KEPT_BYTES)
        buf_done(&c->out);
    else
        buf_clear(&c->out);
}

/* What was given so far is with the kernel: the answer that is given in pieces may go on. */
static void ask_for_piece(HttpConnection *c) {
    HttpExchange *x = c->first;
    if (!x || !x->more || x->more_asked || c->blocked || c->out.n != c->out_sent) return;
    x->more_asked = true;
    x->more(x, false, x->more_arg);
}

void http_connection_flush(HttpConnection *c) {
    c->busy++;
    int64_t now_ms = c->closed ? 0 : loop_last_turn_ms(c->server->loop);
    if (!c->closed) send_some(c);
    if (!c->closed) ask_for_piece(c);
    if (!c->closed && c->in.n && !c->deaf && !is_paused(c)) /* what had to wait */
        feed(c, 0, clock_monotonic_us());
    connection_settle(c, now_ms);
    c->busy--;
    http_connection_release(c);
}

static void on_ready(int fd, unsigned what, void *arg) {
    HttpConnection *c = arg;
    (void)fd;
    int64_t now_us = clock_monotonic_us();
    c->busy++;
    if (what & LOOP_READ) read_some(c, now_us);
    if ((what & LOOP_WRITE) && !c->closed && c->blocked) {
        c->blocked = false;
        server_set_dirty(c->server, c);
    }
    connection_settle(c, now_us / 1000);
    c->busy--;
    http_connection_release(c);
}

void http_connection_overdue(HttpConnection *c, int64_t now_ms) {
    c->busy++;
    switch (c->phase) {
    case PHASE_HEAD:
        refuse(c, &(HttpRefusal){408, "head", "did not arrive in time", "send it at once"});
        break;
    case PHASE_BODY:
        refuse(c, &(HttpRefusal){408, "body", "did not arrive in time", "send it faster"});
        break;
    case PHASE_SEND:
        c->fresh = is_taking(c);
        if (!c->fresh) http_connection_close(c);
        break;
    case PHASE_IDLE:
    case PHASE_LINGER:
        http_connection_close(c);
        break;
    case PHASE_HANDLER:
    case PHASE_COUNT:
        assert(!"has no deadline");
    }
    connection_settle(c, now_ms);
    c->busy--;
    http_connection_release(c);
}

void http_connection_drain(HttpConnection *c) {
    c->busy++;
    connection_settle(c, clock_monotonic_ms());
    c->busy--;
    http_connection_release(c);
}
