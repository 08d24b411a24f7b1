#include "docket/top_feed.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { READ_BYTES = 65536, HEAD_BYTES = 65536, PROBLEM_BYTES = 400 };

void top_feed_close(TopFeed *f) {
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
    f->begun = false;
    buf_done(&f->in);
    f->in_at = 0;
    sse_done(&f->sse);
    f->sse = (Sse){0};
    buf_done(&f->picture);
}

static TopOutcome away(TopFeed *f, const HttpAddress *server, const char *why, Buf *ret_why) {
    top_feed_close(f);
    buf_printf(ret_why, "%s: %s", server->host, why);
    return TOP_AWAY;
}

/* 1: ready; 0: time is up or `also` can be read; -1. */
static int await(int fd, short what, int also, int64_t end_ms, bool *ret_also) {
    for (;;) {
        int64_t left = end_ms - clock_monotonic_ms();
        struct pollfd fds[2] = {{.fd = fd, .events = what}, {.fd = also, .events = POLLIN}};
        int r = poll(fds, 2, left < 0 ? 0 : (int)left);
        if (r < 0 && errno == EINTR) {
            *ret_also = true; /* a signal: the caller looks */
            return 0;
        }
        if (r <= 0) return r;
        if (fds[0].revents) return 1;
        *ret_also = true;
        return 0;
    }
}

static int connect_to(const HttpAddress *server, int64_t end_ms) {
    bool also = false;
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int r = connect(fd, (const struct sockaddr *)&server->address, server->address_n), error = 0;
    if (r < 0 && errno == EINPROGRESS) {
        socklen_t n = sizeof(error);
        if (await(fd, POLLOUT, -1, end_ms, &also) <= 0)
            error = ETIMEDOUT;
        else
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
    } else if (r < 0) {
        error = errno;
    }
    if (!error) return fd;
    close(fd);
    return -error;
}

/* Reads what is there: more than 0; 0 the other side has closed; -1. */
static ssize_t fill(TopFeed *f) {
    buf_reserve(&f->in, READ_BYTES);
    ssize_t n = recv(f->fd, f->in.p + f->in.n, READ_BYTES - 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
    if (n > 0) {
        f->in.n += (size_t)n;
        f->in.p[f->in.n] = 0;
    }
    return n;
}

static TopOutcome refused(TopFeed *f, int status, Buf *ret_why) {
    char said[PROBLEM_BYTES];
    size_t n = f->in.n - f->in_at;
    if (n >= sizeof(said)) n = sizeof(said) - 1;
    for (size_t i = 0; i < n; i++) {
        char c = f->in.p[f->in_at + i];
        said[i] = (unsigned char)c < 0x20 ? ' ' : c;
    }
    said[n] = 0;
    buf_printf(ret_why, "HTTP %d %s", status, said);
    top_feed_close(f);
    return status == 503 || status == 429 || status == 502 || status == 504 ? TOP_AWAY
                                                                            : TOP_REFUSED;
}

static bool has_header(Str head, const char *name, const char *value) {
    for (Str rest = head, line, rest_of; rest.p;) {
        line = str_cut(rest, '\n', &rest);
        Str key = str_cut(line, ':', &rest_of);
        if (!rest_of.p || !str_eq_nocase(str_trim(key), str(name))) continue;
        if (rest_of.n && rest_of.p[rest_of.n - 1] == '\r') rest_of.n--;
        if (str_eq_nocase(str_trim(rest_of), str(value))) return true;
    }
    return false;
}

static TopOutcome read_head(TopFeed *f, const HttpAddress *server, int64_t end_ms, Buf *ret_why) {
    bool also = false;
    char *end = NULL;
    while (!end) {
        if (f->in.n > HEAD_BYTES || await(f->fd, POLLIN, -1, end_ms, &also) <= 0)
            return away(f, server, "no answer", ret_why);
        if (fill(f) <= 0) return away(f, server, "the connection was closed", ret_why);
        end = strstr(f->in.p, "\r\n\r\n");
    }
    Str head = {f->in.p, (size_t)(end - f->in.p) + 2};
    int64_t status = 0;
    f->in_at = head.n + 2;
    if (!str_starts(head, STR("HTTP/1.1 ")) ||
        str_to_i64((Str){head.p + 9, head.n < 12 ? 0 : 3}, &status) < 0)
        return away(f, server, "that is no HTTP/1.1 server", ret_why);
    if (status != 200) {
        if (f->in.n == f->in_at && await(f->fd, POLLIN, -1, end_ms, &also) > 0) (void)fill(f);
        return refused(f, (int)status, ret_why);
    }
    f->chunked = has_header(head, "Transfer-Encoding", "chunked");
    return TOP_PICTURE;
}

TopOutcome top_feed_open(TopFeed *f, const HttpAddress *server, Str token, int timeout_ms,
                         Buf *ret_why) {
    CLEANUP(buf_done) Buf request = {0};
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    bool also = false;
    top_feed_close(f);
    int fd = connect_to(server, end_ms);
    if (fd < 0) return away(f, server, strerror(-fd), ret_why);
    f->fd = fd;
    http_chunks_init(&f->chunks);
    buf_printf(&request,
               "GET /live HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %.*s\r\n"
               "Accept: text/event-stream\r\n\r\n",
               server->host, STR_ARG(token));
    for (size_t at = 0; at < request.n;) {
        if (await(f->fd, POLLOUT, -1, end_ms, &also) <= 0)
            return away(f, server, "no answer", ret_why);
        ssize_t n = send(f->fd, request.p + at, request.n - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return away(f, server, strerror(errno), ret_why);
        if (n > 0) at += (size_t)n;
    }
    return read_head(f, server, end_ms, ret_why);
}

/* ---- events ---- */

static TopOutcome ended(TopFeed *f, const char *why, Str more, Buf *ret_why) {
    buf_printf(ret_why, "%s%.*s", why, STR_ARG(more));
    top_feed_close(f);
    return TOP_ENDED;
}

/* What lies in the bytes that have come. TOP_NOTHING: not enough of them. */
static TopOutcome take(TopFeed *f, Str *ret, Buf *ret_why) {
    Str input = {f->in.p + f->in_at, f->in.n - f->in_at}, name, data, piece;
    for (;;) {
        if (f->picture.n == 0 || !f->chunked) { /* the events of a piece before the next piece */
            HttpRefusal why;
            HttpChunkResult r = HTTP_CHUNK_DATA;
            if (f->chunked) {
                r = http_chunks_next(&f->chunks, &input, &piece, &why);
            } else {
                piece = input;
                input = (Str){input.p + input.n, 0};
            }
            f->in_at = f->in.n - input.n;
            if (r == HTTP_CHUNK_END) return ended(f, "the stream ended", STR(""), ret_why);
            if (r == HTTP_CHUNK_REFUSED) return ended(f, "a broken answer", STR(""), ret_why);
            if (r == HTTP_CHUNK_MORE || !piece.n) return TOP_NOTHING;
            buf_add_str(&f->picture, piece);
        }
        Str rest = buf_str(&f->picture);
        SseResult s = sse_next(&f->sse, &rest, &name, &data);
        memmove(f->picture.p, rest.p, rest.n);
        f->picture.n = rest.n;
        if (s == SSE_REFUSED) return ended(f, "an event too long", STR(""), ret_why);
        if (s != SSE_EVENT) continue;
        if (str_is(name, "end")) return ended(f, "the stream ended: ", data, ret_why);
        if (!str_is(name, "board")) continue;
        *ret = data;
        return TOP_PICTURE;
    }
}

TopOutcome top_feed_next(TopFeed *f, int timeout_ms, int also, Str *ret, Buf *ret_why) {
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        bool key = false;
        TopOutcome o = take(f, ret, ret_why);
        if (o != TOP_NOTHING) return o;
        buf_clear(&f->in); /* all of it was taken */
        f->in_at = 0;
        int r = await(f->fd, POLLIN, also, end_ms, &key);
        if (r <= 0) return key ? TOP_KEY : TOP_NOTHING;
        ssize_t n = fill(f);
        if (n <= 0) return ended(f, "the connection was closed", STR(""), ret_why);
    }
}
