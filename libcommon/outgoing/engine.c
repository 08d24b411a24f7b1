/* libcurl says what it waits for; the loop says when it is there. */
#include "outgoing/engine.h"

#include <errno.h>

struct Engine {
    Loop *loop;
    CURLM *multi;
    LoopTimer *timer;
    EngineDone done;
    void *arg;
    bool inside, dead; /* handing out what has ended; freed meanwhile */
};

static void really_free(Engine *e) {
    if (e->multi) (void)curl_multi_cleanup(e->multi);
    e->timer = loop_timer_free(e->timer);
    free(e);
}

static void hand_out(Engine *e) {
    CURLMsg *message;
    int left;
    if (e->inside) return;
    e->inside = true;
    while (!e->dead && (message = curl_multi_info_read(e->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            e->done(e->arg, message->easy_handle, message->data.result);
    }
    e->inside = false;
    if (e->dead) really_free(e);
}

static void on_fd(int fd, unsigned what, void *arg) {
    Engine *e = arg;
    int running;
    int bits =
        (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(e->multi, fd, bits, &running);
    hand_out(e);
}

static void on_time(void *arg) {
    Engine *e = arg;
    int running;
    (void)curl_multi_socket_action(e->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    hand_out(e);
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket) {
    Engine *e = arg;
    LoopFd *w = of_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_fd_free(w);
        (void)curl_multi_assign(e->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = loop_fd_new(e->loop, fd, on_fd, e);
        (void)curl_multi_assign(e->multi, fd, w);
    }
    loop_fd_want(w,
                 (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u));
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg) {
    Engine *e = arg;
    (void)multi;
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
