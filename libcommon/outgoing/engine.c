/* libcurl says what it waits for; the loop says when it is there.
 *
 * Between two requests libcurl wants a kept connection watched by nobody. Sockets that
 * engine_opened() was told of stay watched all the same, until engine_close(): that saves two
 * system calls a request. */
#include "outgoing/engine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 4 /* rounds of new transfers that are begun without a turn of the loop */ };

typedef struct Socket {
    LoopFd *watch;
    bool ours; /* its end is told to us: it stays watched between two transfers */
    bool idle; /* no transfer uses it */
} Socket;

struct Engine {
    Loop *loop;
    CURLM *multi;
    LoopTimer *timer;
    EngineDone done;
    void *arg;
    bool inside, dead; /* handing out what has ended; freed meanwhile */
    bool at_once;      /* a transfer wants to begin now */
    Socket *sockets;   /* by their number */
    size_t sockets_n;
};

static void really_free(Engine *e) {
    if (e->multi) (void)curl_multi_cleanup(e->multi);
    for (size_t i = 0; i < e->sockets_n; i++)
        loop_fd_free(e->sockets[i].watch);
    free(e->sockets);
    e->timer = loop_timer_free(e->timer);
    free(e);
}

static void hand_out(Engine *e) {
    CURLMsg *message;
    int left;
    while (!e->dead && (message = curl_multi_info_read(e->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            e->done(e->arg, message->easy_handle, message->data.result);
    }
}

/* What has ended is handed out, and what begins because of that begins. */
static void act(Engine *e, curl_socket_t fd, int bits) {
    int running;
    if (e->inside) return;
    e->inside = true;
    (void)curl_multi_socket_action(e->multi, fd, bits, &running);
    e->at_once = false;
    hand_out(e);
    for (int i = 0; i < AT_ONCE && e->at_once && !e->dead; i++) {
        e->at_once = false;
        (void)curl_multi_socket_action(e->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        hand_out(e);
    }
    e->inside = false;
    if (e->dead) really_free(e);
}

static Socket *ours(const Engine *e, curl_socket_t fd) {
    return (size_t)fd < e->sockets_n && e->sockets[fd].ours ? &e->sockets[fd] : NULL;
}

static void on_fd(int fd, unsigned what, void *arg) {
    Engine *e = arg;
    Socket *s = ours(e, fd);
    if (s && s->idle) { /* whatever it says now, libcurl looks at it before it uses it again */
        loop_fd_want(s->watch, 0);
        return;
    }
    act(e, fd,
        (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_time(void *arg) {
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket) {
    Engine *e = arg;
    Socket *s = ours(e, fd);
    LoopFd *w = s ? s->watch : of_socket;
    (void)easy;
    if (s) s->idle = what == CURL_POLL_REMOVE;
    if (what == CURL_POLL_REMOVE) {
        if (!s) loop_fd_free(w);
        (void)curl_multi_assign(e->multi, fd, NULL);
        return 0;
    }
    if (!w) w = loop_fd_new(e->loop, fd, on_fd, e);
    if (s) s->watch = w;
    (void)curl_multi_assign(e->multi, fd, w);
    loop_fd_want(w,
                 (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u));
    return 0;
}

void engine_opened(Engine *e, int fd) {
    size_t n = (size_t)fd;
    if (n >= e->sockets_n) {
        size_t room = 2 * n + 64;
        e->sockets = xrealloc(e->sockets, room * sizeof(*e->sockets));
        memset(e->sockets + e->sockets_n, 0, (room - e->sockets_n) * sizeof(*e->sockets));
        e->sockets_n = room;
    }
    loop_fd_free(e->sockets[n].watch);
    e->sockets[n] = (Socket){.ours = true};
}

int engine_close(void *engine, curl_socket_t fd) {
    Engine *e = engine;
    Socket *s = ours(e, fd);
    if (s) {
        loop_fd_free(s->watch);
        *s = (Socket){0};
    }
    return close(fd);
}

static int set_timer(CURLM *multi, long ms, void *arg) {
    Engine *e = arg;
    (void)multi;
    e->at_once = ms == 0;
    if (ms < 0)
        loop_timer_disarm(e->timer);
    else
        loop_timer_arm(e->timer, ms);
    return 0;
}

Engine *engine_new(Loop *loop, long max_connects, EngineDone done, void *arg) {
    Engine *e = xcalloc(1, sizeof(*e));
    *e = (Engine){.loop = loop, .done = done, .arg = arg, .multi = curl_multi_init()};
    e->timer = loop_timer_new(loop, on_time, e);
    if (!e->multi) {
        really_free(e);
        return NULL;
    }
    (void)curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, watch);
    (void)curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e);
    (void)curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e);
    (void)curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, max_connects);
    (void)curl_multi_setopt(e->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return e;
}

Engine *engine_free(Engine *e) {
    if (!e) return NULL;
    if (e->inside)
        e->dead = true;
    else
        really_free(e);
    return NULL;
}

int engine_add(Engine *e, CURL *easy) {
    return curl_multi_add_handle(e->multi, easy) ? -EIO : 0;
}

void engine_remove(Engine *e, CURL *easy) {
    (void)curl_multi_remove_handle(e->multi, easy);
}
