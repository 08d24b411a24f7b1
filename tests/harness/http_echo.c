/* http_echo -- a small server on libcommon/http for its tests and its benchmark.
 *
 *   http_echo [LIMIT=NUMBER...] [listen=ADDRESS:PORT]    LIMIT: a field of HttpLimits
 * prints "port N" when it listens. Ends on SIGTERM (drains) or when it is told to:
 *   /quick          202 at once, without a body
 *   /hold?n=N       waits until N are held, then answers all of them, the last first
 *   /later?ms=N     answers N ms later
 *   /large?bytes=N  an answer of that size
 *   /pieces?bytes=N&size=M[&break=B]  the same in pieces of M, each later; cut behind B bytes
 *   /uploads        may have a body of `upload_bytes`, which is held until /drop
 *   /status         {"in_flight":…,"connections":…,"descriptors":…,"served":…}
 *   /free           frees the server before it answers
 *   anything else   200, "METHOD path query LENGTH\n" and the body */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "http/server.h"

typedef struct Echo {
    Loop *loop;
    HttpServer *server;
    HttpExchange *held[1024];
    size_t held_count, served, upload_bytes, streams;
    LoopTimer *watch;
    struct Pieces *pieces;
} Echo;

typedef struct Pieces {
    Echo *echo;
    HttpExchange *x;
    LoopTimer *timer;
    size_t left, size, until_break;
    struct Pieces *next;
} Pieces;

typedef struct Later {
    HttpExchange *x;
    LoopTimer *timer;
} Later;

static uint64_t number(const HttpExchange *x, const char *name) {
    CLEANUP(buf_done) Buf text = {0};
    uint64_t v = 0;
    if (http_query_value(x, name, &text)) (void)str_to_u64(buf_str(&text), &v);
    return v;
}

static void answer_echo(HttpExchange *x) {
    CLEANUP(buf_done) Buf b = {0};
    Str method = http_method(x), path = http_path(x), query = http_query(x), body = http_body(x);
    buf_printf(&b, "%.*s %.*s %.*s %zu\n", STR_ARG(method), STR_ARG(path), (int)query.n,
               query.p ? query.p : "", body.n);
    buf_add_str(&b, body);
    http_answer(x, 200, "text/plain", buf_str(&b));
}

static void on_later(void *arg) {
    Later *later = arg;
    answer_echo(later->x);
    loop_timer_free(later->timer);
    free(later);
}

static void answer_later(Echo *e, HttpExchange *x) {
    Later *later = xmalloc(sizeof(*later));
    later->x = x;
    later->timer = loop_timer_new(e->loop, on_later, later);
    loop_timer_arm(later->timer, (int64_t)number(x, "ms"));
}

static void hold(Echo *e, HttpExchange *x) {
    uint64_t wanted = number(x, "n");
    if (e->held_count == 1024) {
        http_answer_problem(x, 503, NULL, "too many held", 1);
        return;
    }
    e->held[e->held_count++] = x;
    while (e->held_count >= wanted && e->held_count > 0) {
        HttpExchange *last = e->held[--e->held_count];
        answer_echo(last);
        wanted = 0;
    }
}

static Pieces *pieces_free(Pieces *p) {
    Pieces **at = &p->echo->pieces;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->echo->streams--;
    loop_timer_free(p->timer);
    free(p);
    return NULL;
}

static void on_piece(void *arg) {
    Pieces *p = arg;
    HttpExchange *x = p->x;
    size_t n = p->left < p->size ? p->left : p->size;
    if (p->until_break && p->until_break < n) {
        pieces_free(p);
        http_answer_break(x);
        return;
    }
    CLEANUP(buf_done) Buf b = {0};
    buf_reserve(&b, n);
    memset(b.p, 'x', n);
    if (p->until_break) p->until_break -= n;
    p->left -= n;
    if (!p->left) pieces_free(p);
    http_answer_piece(x, (Str){b.p, n});
}

static void on_more(HttpExchange *x, bool gone, void *arg) {
    Pieces *p = arg;
    (void)x;
    if (gone)
        pieces_free(p);
    else
        loop_timer_arm(p->timer, 0);
}

static void answer_pieces(Echo *e, HttpExchange *x) {
    Pieces *p = xcalloc(1, sizeof(*p));
    *p = (Pieces){.echo = e, .x = x, .size = (size_t)number(x, "size")};
    size_t bytes = p->left = (size_t)number(x, "bytes");
    p->until_break = (size_t)number(x, "break");
    p->timer = loop_timer_new(e->loop, on_piece, p);
    p->next = e->pieces;
    e->pieces = p;
    e->streams++;
    http_answer_stream(x, 200, "text/plain", bytes, on_more, p);
}

static size_t upload_limit(const HttpExchange *x, void *arg) {
    Echo *e = arg;
    return str_eq(http_path(x), STR("/uploads")) ? e->upload_bytes : 1000;
}

static size_t count_descriptors(void) {
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d) (void)closedir(d);
    return n;
}

static void answer_status(Echo *e, HttpExchange *x) {
    CLEANUP(buf_done) Buf b = {0};
    buf_printf(&b,
               "{\"in_flight\":%zu,\"connections\":%zu,\"descriptors\":%zu,\"served\":%zu,"
               "\"streams\":%zu}",
               http_server_in_flight(e->server), http_server_connections(e->server),
               count_descriptors(), e->served, e->streams);
    http_answer(x, 200, "application/json", buf_str(&b));
}

static void on_request(HttpExchange *x, void *arg) {
    Echo *e = arg;
    Str path = http_path(x);
    e->served++;
    if (str_eq(path, STR("/quick"))) {
        http_answer(x, 202, NULL, (Str){NULL, 0});
    } else if (str_eq(path, STR("/hold"))) {
        hold(e, x);
    } else if (str_eq(path, STR("/uploads"))) {
        e->held[e->held_count++] = x;
    } else if (str_eq(path, STR("/drop"))) {
        while (e->held_count > 0) {
            HttpExchange *held = e->held[--e->held_count];
            CLEANUP(buf_done) Buf b = {0};
            buf_add_u64(&b, http_body(held).n);
            http_answer(held, 201, "text/plain", buf_str(&b));
        }
        http_answer(x, 200, NULL, (Str){NULL, 0});
    } else if (str_eq(path, STR("/pieces"))) {
        answer_pieces(e, x);
    } else if (str_eq(path, STR("/later"))) {
        answer_later(e, x);
    } else if (str_eq(path, STR("/large"))) {
        size_t n = (size_t)number(x, "bytes");
        char *bytes = memset(arena_alloc(http_arena(x), n), 'x', n);
        http_answer(x, 200, "text/plain", (Str){bytes, n});
    } else if (str_eq(path, STR("/status"))) {
        answer_status(e, x);
    } else if (str_eq(path, STR("/free"))) {
        e->server = http_server_free(e->server);
        http_answer(x, 200, NULL, (Str){NULL, 0});
        loop_stop(e->loop);
    } else {
        answer_echo(x);
    }
}

static void on_look(void *arg) {
    Echo *e = arg;
    if (!e->server || http_server_connections(e->server) == 0)
        loop_stop(e->loop);
    else
        loop_timer_arm(e->watch, 5);
}

static void on_terminate(void *arg) {
    Echo *e = arg;
    http_server_stop_listening(e->server);
    loop_timer_arm(e->watch, 0);
}

static bool take_option(const char *option, HttpLimits *l, const char **address, Echo *e) {
    Str value, name = str_cut(str(option), '=', &value);
    uint64_t v = 0;
    if (str_eq(name, STR("listen"))) {
        *address = value.p;
        return value.p != NULL;
    }
    if (str_to_u64(value, &v) < 0) return false;
    if (str_eq(name, STR("upload_bytes"))) {
        e->upload_bytes = (size_t)v;
        return true;
    }
#define TAKE_LIMIT(field)                                                                          \
    if (str_eq(name, STR(#field))) {                                                               \
        l->field = (__typeof__(l->field))v;                                                        \
        return true;                                                                               \
    }
    TAKE_LIMIT(head_bytes)
    TAKE_LIMIT(body_bytes)
    TAKE_LIMIT(large_bytes)
    TAKE_LIMIT(connections)
    TAKE_LIMIT(pipelined)
    TAKE_LIMIT(buffered_bytes)
    TAKE_LIMIT(head_ms)
    TAKE_LIMIT(body_ms)
    TAKE_LIMIT(idle_ms)
    return false;
}

int main(int argc, char **argv) {
    HttpLimits limits = {0};
    const char *address = "127.0.0.1:0";
    Echo e = {0};
    for (int i = 1; i < argc; i++) {
        if (take_option(argv[i], &limits, &address, &e)) continue;
        (void)fprintf(stderr, "http_echo: what is %s?\n", argv[i]);
        return 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    CLEANUP(loop_freep) Loop *loop = loop_new();
    if (!loop) return 1;
    e.loop = loop;
    e.server = http_server_new(loop, &limits, on_request, &e);
    if (e.upload_bytes) http_server_limit_bodies(e.server, upload_limit, &e);
    e.watch = loop_timer_new(loop, on_look, &e);
    LoopSignal *terminate = loop_signal_new(loop, SIGTERM, on_terminate, &e);
    int port;
    int r = http_server_listen(e.server, address, &port);
    if (r < 0) {
        (void)fprintf(stderr, "http_echo: cannot listen on %s: %s\n", address, strerror(-r));
    } else {
        (void)printf("port %d\n", port);
        (void)fflush(stdout);
        loop_run(loop);
    }
    e.server = http_server_free(e.server);
    while (e.held_count > 0) /* still ours to answer, though nobody will read it */
        http_answer(e.held[--e.held_count], 200, NULL, (Str){NULL, 0});
    while (e.pieces) { /* the others were told that nobody reads them */
        HttpExchange *x = e.pieces->x;
        pieces_free(e.pieces);
        http_answer_break(x);
    }
    loop_signal_free(terminate);
    loop_timer_free(e.watch);
    return r < 0;
}
