/* HttpLink -- raw sockets on the loop; a link that was lost tries again every tenth of a second. */
#include "docket/http_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { READ_BYTES = 65536, RECONNECT_MS = 100 };

int http_address_resolve(Str url, HttpAddress *ret, Buf *ret_problem) {
    Str rest;
    if (!str_starts(url, STR("http://"))) {
        buf_printf(ret_problem, "%.*s: an address looks like http://host:port", STR_ARG(url));
        return -EINVAL;
    }
    url = (Str){url.p + 7, url.n - 7};
    Str authority = str_cut(url, '/', &rest);
    if (authority.n == 0 || authority.n >= sizeof(ret->host) || rest.n) {
        buf_printf(ret_problem, "http://%.*s: give http://host:port without a path", STR_ARG(url));
        return -EINVAL;
    }
    memcpy(ret->host, authority.p, authority.n);
    ret->host[authority.n] = 0;
    char name[256];
    memcpy(name, ret->host, authority.n + 1);
    char *port = strrchr(name, ':');
    if (port && !strchr(port, ']'))
        *port++ = 0;
    else
        port = NULL;
    char *host = name[0] == '[' ? name + 1 : name;
    char *bracket = strchr(host, ']');
    if (bracket) *bracket = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int r = getaddrinfo(host, port ? port : "80", &hints, &found);
    if (r) {
        buf_printf(ret_problem, "%s: %s", ret->host, gai_strerror(r));
        return -EINVAL;
    }
    memcpy(&ret->address, found->ai_addr, found->ai_addrlen);
    ret->address_n = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static void on_socket(int fd, unsigned what, void *arg);

static void connect_now(void *arg) {
    HttpLink *l = arg;
    int one = 1;
    l->fd = socket(l->server->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        loop_timer_arm(l->again, RECONNECT_MS);
        return;
    }
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    int r = connect(l->fd, (const struct sockaddr *)&l->server->address, l->server->address_n);
    if (r < 0 && errno != EINPROGRESS) {
        close(l->fd);
        l->fd = -1;
        loop_timer_arm(l->again, RECONNECT_MS);
        return;
    }
    l->watch = loop_fd_new(l->loop, l->fd, on_socket, l);
    loop_fd_want(l->watch, LOOP_WRITE);
}

static void lose(HttpLink *l, HttpLoss why) {
    l->watch = loop_fd_free(l->watch);
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
    l->open = false;
    buf_clear(&l->in);
    buf_clear(&l->out);
    l->out_at = 0;
    l->user->lost(l->arg, why);
    if (!l->ended) loop_timer_arm(l->again, RECONNECT_MS);
}

void http_link_init(HttpLink *l, Loop *loop, const HttpAddress *server, const HttpLinkUser *user,
                    void *arg) {
    *l = (HttpLink){.loop = loop, .server = server, .user = user, .arg = arg, .fd = -1};
    l->again = loop_timer_new(loop, connect_now, l);
    connect_now(l);
}

void http_link_drop(HttpLink *l) {
    lose(l, HTTP_LOSS_ENDED);
}

void http_link_done(HttpLink *l) {
    if (!l->again) return;
    l->ended = true;
    if (l->fd >= 0) lose(l, HTTP_LOSS_ENDED);
    l->again = loop_timer_free(l->again);
    buf_done(&l->in);
    buf_done(&l->out);
}

bool http_link_flush(HttpLink *l) {
    while (l->out_at < l->out.n) {
        ssize_t r = send(l->fd, l->out.p + l->out_at, l->out.n - l->out_at, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && errno == EAGAIN) {
            loop_fd_want(l->watch, LOOP_READ | LOOP_WRITE);
            return true;
        }
        if (r < 0) {
            lose(l, HTTP_LOSS_ENDED);
            return false;
        }
        l->out_at += (size_t)r;
    }
    buf_clear(&l->out);
    l->out_at = 0;
    return true;
}

/* Hands over every whole answer of `in`. False: the link is to be given up, for *ret_why. */
static bool take_answers(HttpLink *l, HttpLoss *ret_why) {
    Str rest = buf_str(&l->in);
    while (rest.n) {
        HttpReply reply;
        size_t used;
        HttpReplyResult result = http_reply_read(rest, &reply, &used);
        if (result == HTTP_REPLY_MORE) break;
        if (result == HTTP_REPLY_BROKEN || !l->user->answered(l->arg, &reply)) {
            *ret_why = HTTP_LOSS_BROKEN;
            return false;
        }
        rest = (Str){rest.p + used, rest.n - used};
        if (reply.close) {
            *ret_why = HTTP_LOSS_ENDED;
            return false;
        }
    }
    memmove(l->in.p, rest.p, rest.n);
    l->in.n = rest.n;
    return true;
}

static bool read_all(HttpLink *l, HttpLoss *ret_why) {
    *ret_why = HTTP_LOSS_ENDED;
    for (;;) {
        buf_reserve(&l->in, READ_BYTES);
        size_t room = l->in.room - l->in.n - 1;
        ssize_t r = recv(l->fd, l->in.p + l->in.n, room, 0);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && errno == EAGAIN) return true;
        if (r <= 0) return false;
        l->in.n += (size_t)r;
        if (!take_answers(l, ret_why)) return false;
        if ((size_t)r < room) return true; /* a short read: that was all */
    }
}

static void on_socket(int fd, unsigned what, void *arg) {
    HttpLink *l = arg;
    HttpLoss why;
    (void)fd;
    if (!l->open) {
        int error = 0;
        socklen_t n = sizeof(error);
        (void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n);
        if (error) {
            lose(l, HTTP_LOSS_REFUSED);
            return;
        }
        l->open = true;
        loop_fd_want(l->watch, LOOP_READ);
        l->user->opened(l->arg);
        return;
    }
    if (what & LOOP_WRITE) {
        loop_fd_want(l->watch, LOOP_READ);
        if (!http_link_flush(l)) return;
    }
    if (what & LOOP_READ && !read_all(l, &why)) {
        lose(l, why);
        return;
    }
    if (l->out_at < l->out.n && !http_link_flush(l)) return;
    if (l->user->rested) l->user->rested(l->arg);
}
