/* libevent, one turn at a time, with a list of what waits for the end of the turn. */
#include "loop/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/clock.h"

typedef struct Deferred {
    LoopCallback cb;
    void *arg;
} Deferred;

struct Loop {
    struct event_base *base;
    Deferred *deferred; /* runs after the turn, in order */
    size_t deferred_n, deferred_room;
    bool stopping;
    int64_t last_turn_ms;
};

struct LoopTimer {
    Loop *loop;
    struct event event;
    LoopCallback cb;
    void *arg;
    bool dead; /* freed, but libevent may still hold it until the turn ends */
};

struct LoopFd {
    Loop *loop;
    struct event event;
    LoopFdCallback cb;
    void *arg;
    int fd;
    unsigned want;
    bool dead;
};

struct LoopSignal {
    Loop *loop;
    struct event event;
    LoopCallback cb;
    void *arg;
    bool dead;
};

Loop *loop_new(void) {
    Loop *l = xcalloc(1, sizeof(*l));
    struct event_config *config = event_config_new();
    if (config) {
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        l->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (!l->base) {
        free(l);
        return NULL;
    }
    l->last_turn_ms = clock_monotonic_ms();
    return l;
}

static void run_deferred(Loop *l) {
    for (size_t i = 0; i < l->deferred_n; i++) { /* the list may grow and move meanwhile */
        Deferred d = l->deferred[i];
        d.cb(d.arg);
    }
    l->deferred_n = 0;
}

Loop *loop_free(Loop *l) {
    if (!l) return NULL;
    run_deferred(l);
    event_base_free(l->base);
    free(l->deferred);
    free(l);
    return NULL;
}

static void turn(Loop *l, int flags) {
    (void)event_base_loop(l->base, flags);
    l->last_turn_ms = clock_monotonic_ms();
    run_deferred(l);
}

void loop_run(Loop *l) {
    l->stopping = false;
    run_deferred(l); /* what start-up deferred must not wait for the first event */
    while (!l->stopping)
        turn(l, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}

static void wake_up(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    (void)arg;
}

void loop_run_for(Loop *l, int64_t ms) {
    int64_t end = clock_monotonic_ms() + ms, now;
    struct event wake;
    evtimer_assign(&wake, l->base, wake_up, NULL);
    l->stopping = false;
    run_deferred(l);
    while (!l->stopping && (now = clock_monotonic_ms()) < end) {
        struct timeval left = {(end - now) / 1000, (end - now) % 1000 * 1000};
        evtimer_add(&wake, &left);
        turn(l, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    }
    evtimer_del(&wake);
}

void loop_stop(Loop *l) {
    l->stopping = true;
    (void)event_base_loopbreak(l->base);
}

void loop_defer(Loop *l, LoopCallback cb, void *arg) {
    if (l->deferred_n == l->deferred_room) {
        l->deferred_room = l->deferred_room ? l->deferred_room * 2 : 64;
        l->deferred = xrealloc(l->deferred, l->deferred_room * sizeof(*l->deferred));
    }
    l->deferred[l->deferred_n++] = (Deferred){cb, arg};
}

void loop_free_later(Loop *l, void *p, void (*free_fn)(void *)) {
    loop_defer(l, free_fn, p);
}

int64_t loop_last_turn_ms(const Loop *l) {
    return l->last_turn_ms;
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
    LoopTimer *t = arg;
    (void)fd;
    (void)what;
    if (!t->dead) t->cb(t->arg);
}

LoopTimer *loop_timer_new(Loop *l, LoopCallback cb, void *arg) {
    LoopTimer *t = xcalloc(1, sizeof(*t));
    *t = (LoopTimer){.loop = l, .cb = cb, .arg = arg};
    evtimer_assign(&t->event, l->base, on_timer, t);
    return t;
}

void loop_timer_arm(LoopTimer *t, int64_t ms) {
    assert(!t->dead);
    if (ms < 0) ms = 0;
    struct timeval after = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(&t->event, &after);
}

void loop_timer_disarm(LoopTimer *t) {
    evtimer_del(&t->event);
}

bool loop_timer_armed(const LoopTimer *t) {
    return evtimer_pending(&t->event, NULL) != 0;
}

LoopTimer *loop_timer_free(LoopTimer *t) {
    if (!t) return NULL;
    evtimer_del(&t->event);
    t->dead = true;
    loop_free_later(t->loop, t, free);
    return NULL;
}

static void on_fd(evutil_socket_t fd, short what, void *arg) {
    LoopFd *f = arg;
    if (f->dead) return;
    f->cb((int)fd, (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u), f->arg);
}

LoopFd *loop_fd_new(Loop *l, int fd, LoopFdCallback cb, void *arg) {
    LoopFd *f = xcalloc(1, sizeof(*f));
    *f = (LoopFd){.loop = l, .cb = cb, .arg = arg, .fd = fd};
    return f;
}

void loop_fd_want(LoopFd *f, unsigned what) {
    assert(!f->dead);
    if (what == f->want) return;
    if (f->want) event_del(&f->event);
    f->want = what;
    if (!what) return;
    short flags =
        (short)(EV_PERSIST | (what & LOOP_READ ? EV_READ : 0) | (what & LOOP_WRITE ? EV_WRITE : 0));
    event_assign(&f->event, f->loop->base, f->fd, flags, on_fd, f);
    event_add(&f->event, NULL);
}

LoopFd *loop_fd_free(LoopFd *f) {
    if (!f) return NULL;
    if (f->want) event_del(&f->event);
    f->dead = true;
    loop_free_later(f->loop, f, free);
    return NULL;
}

static void on_signal(evutil_socket_t fd, short what, void *arg) {
    LoopSignal *s = arg;
    (void)fd;
    (void)what;
    if (!s->dead) s->cb(s->arg);
}

LoopSignal *loop_signal_new(Loop *l, int signo, LoopCallback cb, void *arg) {
    LoopSignal *s = xcalloc(1, sizeof(*s));
    *s = (LoopSignal){.loop = l, .cb = cb, .arg = arg};
    evsignal_assign(&s->event, l->base, signo, on_signal, s);
    evsignal_add(&s->event, NULL);
    return s;
}

LoopSignal *loop_signal_free(LoopSignal *s) {
    if (!s) return NULL;
    evsignal_del(&s->event);
    s->dead = true;
    loop_free_later(s->loop, s, free);
    return NULL;
}
