/* Who is let in, who has taken too long, and the one flush at the end of a loop turn. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server_internal.h"

enum {
    LINGER_MS = 5000,    /* for a client to read our last answer */
    CROWD = 256,         /* so many above the limit get a 503 that they can surely read */
    ACCEPTS_A_TURN = 64, /* the open connections get their turn in between */
    BACKLOG = 4096
};

/* ---- lists and deadlines ---- */

void server_forget(HttpServer *s, HttpConnection *c) {
    HttpList *l = &s->lists[c->phase];
    if (c->previous)
        c->previous->next = c->next;
    else if (l->front == c)
        l->front = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else if (l->back == c)
        l->back = c->previous;
    c->previous = c->next = NULL;
}

void server_enter(HttpServer *s, HttpConnection *c, HttpPhase phase, int64_t now_ms) {
    server_forget(s, c); /* a new one is in no list: nothing happens */
    HttpList *l = &s->lists[phase];
    c->phase = phase;
    c->since = now_ms;
    c->previous = l->back;
    if (l->back)
        l->back->next = c;
    else
        l->front = c;
    l->back = c;
}

static int64_t tick_ms(const HttpServer *s) {
    int64_t shortest = 2000;
    for (int i = 0; i < PHASE_COUNT; i++)
        if (s->phase_ms[i] && s->phase_ms[i] < shortest) shortest = s->phase_ms[i];
    return shortest < 40 ? 10 : shortest / 4;
}

static void arm_tick(HttpServer *s) {
    if (!loop_timer_armed(s->tick)) loop_timer_arm(s->tick, tick_ms(s));
}

static void on_tick(void *arg) {
    HttpServer *s = arg;
    int64_t now = clock_monotonic_ms();
    for (int i = 0; i < PHASE_COUNT; i++) {
        HttpConnection *c;
        while (s->phase_ms[i] && (c = s->lists[i].front) && c->since + s->phase_ms[i] <= now)
            http_connection_overdue(c, now); /* leaves this list by it */
    }
    if (s->accept_paused) {
        s->accept_paused = false;
        for (size_t i = 0; i < s->listener_count; i++)
            loop_fd_want(s->listeners[i].watch, LOOP_READ);
    }
    if (s->connections) arm_tick(s);
}

/* ---- once per turn ---- */

static void flush_all(void *arg) {
    HttpServer *s = arg;
    HttpConnection *c;
    while ((c = s->dirty)) { /* one may be added meanwhile, or all be taken out */
        s->dirty = c->next_dirty;
        c->dirty = false;
        http_connection_flush(c);
    }
    s->flush_due = false;
}

void server_set_dirty(HttpServer *s, HttpConnection *c) {
    if (c->dirty) return;
    c->dirty = true;
    c->next_dirty = s->dirty;
    s->dirty = c;
    if (s->flush_due) return;
    s->flush_due = true;
    loop_defer(s->loop, flush_all, s);
}

const char *server_date(HttpServer *s) {
    int64_t turn_ms = loop_last_turn_ms(s->loop);
    if (turn_ms == s->date_turn_ms) return s->date;
    s->date_turn_ms = turn_ms;
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s == s->date_s) return s->date;
    s->date_s = now_s;
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)now_s;
    struct tm t;
    (void)gmtime_r(&seconds, &t);
    (void)snprintf(s->date, sizeof(s->date), "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                   days + t.tm_wday * 3, t.tm_mday, months + t.tm_mon * 3,
                   (t.tm_year + 1900) % 10000, t.tm_hour, t.tm_min, t.tm_sec);
    return s->date;
}

/* ---- letting in ---- */

static void format_peer(const struct sockaddr_storage *a, char ret[46]) {
    const void *address = a->ss_family == AF_INET6
                              ? (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)a)->sin_addr;
    ret[0] = 0;
    if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address))
        (void)inet_ntop(AF_INET, (const char *)address + 12, ret, 46);
    else
        (void)inet_ntop(a->ss_family, address, ret, 46);
}

static void let_in(HttpServer *s, int fd, const struct sockaddr_storage *from) {
    static const char crowd[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                "Content-Length: 0\r\nConnection: close\r\n\r\n";
    if (s->connections >= s->limits.connections + CROWD) {
        (void)!send(fd, crowd, sizeof(crowd) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)close(fd);
        return;
    }
    char peer[46];
    int on = 1;
    format_peer(from, peer);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* we send whole answers */
    bool full = s->connections >= s->limits.connections;
    HttpConnection *c = http_connection_new(s, fd, peer, clock_monotonic_ms());
    if (full) connection_refuse_crowd(c);
    arm_tick(s);
}

static void on_connect(int fd, unsigned what, void *arg) {
    HttpServer *s = arg;
    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from = {0};
        socklen_t n = sizeof(from);
        int client = accept4(fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            let_in(s, client, &from);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if (errno != EAGAIN) { /* out of descriptors or memory: they wait in the backlog */
            s->accept_paused = true;
            for (size_t k = 0; k < s->listener_count; k++)
                loop_fd_want(s->listeners[k].watch, 0);
            arm_tick(s);
        }
        return;
    }
}

/* ---- addresses ---- */

static int parse_address(const char *host_port, struct sockaddr_storage *ret, socklen_t *ret_n) {
    const char *colon = strrchr(host_port, ':');
    uint64_t port;
    if (!colon || str_to_u64(str(colon + 1), &port) < 0 || port > 65535) return -EINVAL;
    Str host = {host_port, (size_t)(colon - host_port)};
    char text[46];
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') host.p++, host.n -= 2;
    if (str_is(host, "*")) host = STR("::");
    if (host.n >= sizeof(text)) return -EINVAL;
    memcpy(text, host.p, host.n);
    text[host.n] = 0;

    memset(ret, 0, sizeof(*ret));
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_n = sizeof(*v4);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *ret_n = sizeof(*v6);
        return 0;
    }
    return -EINVAL;
}

static void close_fd(int *fd) {
    if (*fd >= 0) (void)close(*fd);
}

static int take_fd(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}

int http_server_listen(HttpServer *s, const char *host_port, int *ret_port) {
    struct sockaddr_storage address;
    socklen_t n;
    int on = 1, off = 0;
    int r = parse_address(host_port, &address, &n);
    if (r < 0) return r;
    if (s->listener_count == HTTP_LISTENERS_MAX) return -ENOSPC;

    CLEANUP(close_fd)
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address.ss_family == AF_INET6) /* "*" means both families, "[::]" only its own */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, host_port[0] == '*' ? &off : &on,
                         sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, n) < 0) return -errno;
    if (listen(fd, BACKLOG) < 0) return -errno;
    if (getsockname(fd, (struct sockaddr *)&address, &n) < 0) return -errno;
    if (ret_port)
        *ret_port =
            ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                               : ((struct sockaddr_in6 *)&address)->sin6_port);
    HttpListener *l = &s->listeners[s->listener_count++];
    *l = (HttpListener){.server = s, .fd = take_fd(&fd)};
    l->watch = loop_fd_new(s->loop, l->fd, on_connect, s);
    loop_fd_want(l->watch, LOOP_READ);
    return 0;
}

static void close_listeners(HttpServer *s) {
    for (size_t i = 0; i < s->listener_count; i++) {
        loop_fd_free(s->listeners[i].watch);
        (void)close(s->listeners[i].fd);
    }
    s->listener_count = 0;
}

void http_server_stop_listening(HttpServer *s) {
    close_listeners(s);
    s->draining = true;
    for (HttpConnection *c = s->lists[PHASE_IDLE].front, *next; c; c = next) {
        next = c->next;
        http_connection_drain(c);
    }
}

/* ---- life ---- */

HttpServer *http_server_new(Loop *loop, const HttpLimits *limits, HttpHandler handler, void *arg) {
    HttpServer *s = xcalloc(1, sizeof(*s));
    HttpLimits l = limits ? *limits : (HttpLimits){0};
    if (!l.head_bytes) l.head_bytes = 16384;
    if (l.head_bytes > HTTP_HEAD_BYTES_MAX) l.head_bytes = HTTP_HEAD_BYTES_MAX;
    if (!l.body_bytes) l.body_bytes = (size_t)1 << 20;
    if (!l.large_bytes) l.large_bytes = (size_t)64 << 20;
    if (!l.connections) l.connections = 10000;
    if (!l.pipelined) l.pipelined = 128;
    if (!l.buffered_bytes) l.buffered_bytes = (size_t)256 << 10;
    if (!l.head_ms) l.head_ms = 10000;
    if (!l.body_ms) l.body_ms = 30000;
    if (!l.idle_ms) l.idle_ms = 75000;
    s->loop = loop;
    s->limits = l;
    s->handler = handler;
    s->arg = arg;
    s->phase_ms[PHASE_IDLE] = l.idle_ms;
    s->phase_ms[PHASE_HEAD] = l.head_ms;
    s->phase_ms[PHASE_BODY] = s->phase_ms[PHASE_SEND] = l.body_ms;
    s->phase_ms[PHASE_LINGER] = LINGER_MS;
    s->tick = loop_timer_new(loop, on_tick, s);
    s->scratch = xmalloc(HTTP_SCRATCH_BYTES);
    s->date_s = s->date_turn_ms = -1;
    return s;
}

void http_server_limit_bodies(HttpServer *s, HttpBodyLimit limit, void *arg) {
    s->body_limit = limit;
    s->body_limit_arg = arg;
}

static void free_memory(void *arg) {
    HttpServer *s = arg;
    for (HttpExchange *x = s->pool, *next; x; x = next) {
        next = x->next;
        exchange_destroy(x);
    }
    free(s->scratch);
    free(s);
}

HttpServer *http_server_free(HttpServer *s) {
    if (!s) return NULL;
    close_listeners(s);
    s->tick = loop_timer_free(s->tick);
    s->freed = true;
    while (s->dirty) {
        s->dirty->dirty = false;
        s->dirty = s->dirty->next_dirty;
    }
    for (int i = 0; i < PHASE_COUNT; i++) {
        HttpConnection *c;
        while ((c = s->lists[i].front)) {
            c->busy++;
            http_connection_close(c); /* moves it into another list, or it is closed already */
            server_forget(s, c);
            c->server = NULL;
            c->busy--;
            http_connection_release(c);
        }
    }
    loop_free_later(s->loop, s, free_memory); /* we may be inside one of its callbacks */
    return NULL;
}

size_t http_server_in_flight(const HttpServer *s) {
    return s->in_flight;
}

size_t http_server_connections(const HttpServer *s) {
    return s->connections;
}
