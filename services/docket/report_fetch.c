/* HTTP/1.1 with `Connection: close`, by length or in chunks: an answer that ends early is none. */
#include "docket/report_fetch.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#include "docket/http_link.h"
#include "http/chunk.h"

enum { PATIENCE_S = 60, HEAD_MAX = 65536, BODY_MAX = 256 << 20 };

typedef struct Fetch {
    void (*piece)(void *arg, Str bytes);
    void *arg;
    ReportReply *to;
} Fetch;

static int trouble(Buf *ret_problem, const char *what) {
    buf_printf(ret_problem, "%s%s%s", what, errno ? ": " : "", errno ? strerror(errno) : "");
    return -EIO;
}

static int connect_to(const HttpAddress *server, Buf *ret_problem) {
    struct timeval patience = {PATIENCE_S, 0};
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return trouble(ret_problem, "no socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&server->address, server->address_n) == 0) return fd;
    (void)trouble(ret_problem, "nobody answers there");
    (void)close(fd);
    return -EIO;
}

static int send_all(int fd, Str s) {
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return -EIO;
        s = (Str){s.p + n, s.n - (size_t)n};
    }
    return 0;
}

/* Bytes more; 0: the end. */
static ssize_t read_more(int fd, Buf *in) {
    char bytes[65536];
    ssize_t n;
    do
        n = recv(fd, bytes, sizeof(bytes), 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) buf_add(in, bytes, (size_t)n);
    return n;
}

static int take(Fetch *f, Str bytes) {
    if (f->piece && f->to->status == 200) {
        f->piece(f->arg, bytes);
        return 0;
    }
    if (f->to->body.n + bytes.n > BODY_MAX) return -EIO;
    buf_add_str(&f->to->body, bytes);
    return 0;
}

static int read_chunks(int fd, Fetch *f, Buf *in, Buf *ret_problem) {
    HttpChunks chunks;
    HttpRefusal why;
    http_chunks_init(&chunks);
    for (;;) {
        Str rest = buf_str(in), data;
        HttpChunkResult is;
        while ((is = http_chunks_next(&chunks, &rest, &data, &why)) == HTTP_CHUNK_DATA)
            if (take(f, data) < 0) return trouble(ret_problem, "the answer is too large");
        if (is == HTTP_CHUNK_END) return 0;
        if (is == HTTP_CHUNK_REFUSED) return trouble(ret_problem, "the answer is broken");
        buf_clear(in);
        if (read_more(fd, in) <= 0) return trouble(ret_problem, "the answer broke off");
    }
}

static int read_length(int fd, Fetch *f, Buf *in, int64_t left, Buf *ret_problem) {
    for (;;) {
        Str here = {in->p, (int64_t)in->n < left ? in->n : (size_t)left};
        if (take(f, here) < 0) return trouble(ret_problem, "the answer is too large");
        left -= (int64_t)here.n;
        if (!left) return 0;
        buf_clear(in);
        if (read_more(fd, in) <= 0) return trouble(ret_problem, "the answer broke off");
    }
}

static Str header(Str head, const char *name) {
    while (head.n) {
        Str value, line = str_cut(head, '\n', &head);
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        Str is = str_cut(line, ':', &value);
        if (value.p && str_eq_nocase(is, str(name))) return str_trim(value);
    }
    return (Str){NULL, 0};
}

static int read_answer(int fd, Fetch *f, Buf *ret_problem) {
    CLEANUP(buf_done) Buf in = {0};
    const char *end = NULL;
    errno = 0;
    while (!end) {
        if (in.n > HEAD_MAX) return trouble(ret_problem, "that is no answer of docket-analytics");
        if (read_more(fd, &in) <= 0) return trouble(ret_problem, "there is no answer");
        end = memmem(in.p, in.n, "\r\n\r\n", 4);
    }
    int64_t status, length;
    if (in.n < 12 || memcmp(in.p, "HTTP/1.1 ", 9) != 0 ||
        str_to_i64((Str){in.p + 9, 3}, &status) < 0)
        return trouble(ret_problem, "that is no answer of docket-analytics");
    f->to->status = (int)status;
    size_t head_n = (size_t)(end - in.p) + 4;
    Str head = {in.p, head_n};
    bool chunked = str_eq_nocase(header(head, "Transfer-Encoding"), STR("chunked"));
    bool counted = str_to_i64(header(head, "Content-Length"), &length) == 0 && length >= 0;
    memmove(in.p, in.p + head_n, in.n - head_n);
    in.n -= head_n;
    if (chunked) return read_chunks(fd, f, &in, ret_problem);
    if (!counted) return trouble(ret_problem, "the answer has no length");
    return read_length(fd, f, &in, length, ret_problem);
}

int report_fetch(Str url, Str token, Str path, void (*piece)(void *arg, Str bytes), void *arg,
                 ReportReply *ret, Buf *ret_problem) {
    HttpAddress server;
    Fetch f = {piece, arg, ret};
    CLEANUP(buf_done) Buf out = {0};
    if (http_address_resolve(url, &server, ret_problem) < 0) return -EINVAL;
    int fd = connect_to(&server, ret_problem);
    if (fd < 0) return fd;
    buf_printf(&out,
               "GET %.*s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %.*s\r\n"
               "Connection: close\r\n\r\n",
               STR_ARG(path), server.host, STR_ARG(token));
    int r = send_all(fd, buf_str(&out));
    if (r < 0)
        (void)trouble(ret_problem, "the question could not be sent");
    else
        r = read_answer(fd, &f, ret_problem);
    (void)close(fd);
    return r;
}
