/* Two lists under one lock: what waits for a thread, and what waits for the loop; an eventfd tells
 * the loop of the second. */
#include "workers/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct Piece {
    struct Piece *next;
    WorkersWork work;
    WorkersDone done;
    void *arg;
    bool ran;
} Piece;

typedef struct Pieces {
    Piece *first, **last;
} Pieces;

struct Workers {
    int wake; /* eventfd */
    LoopFd *watch;
    size_t given, limit; /* the loop's thread only */
    pthread_mutex_t lock;
    pthread_cond_t more;
    Pieces waiting, finished; /* under the lock, like `ending` */
    bool ending;
    size_t threads_n;
    pthread_t threads[];
};

static void push(Pieces *list, Piece *p) {
    p->next = NULL;
    *list->last = p;
    list->last = &p->next;
}

static Piece *take_all(Pieces *list) {
    Piece *all = list->first;
    *list = (Pieces){NULL, &list->first};
    return all;
}

/* ---- in the threads ---- */

static void *run(void *arg) {
    Workers *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->waiting.first && !w->ending)
            (void)pthread_cond_wait(&w->more, &w->lock);
        if (w->ending) break;
        Piece *p = w->waiting.first;
        w->waiting.first = p->next;
        if (!p->next) w->waiting.last = &w->waiting.first;
        (void)pthread_mutex_unlock(&w->lock);
        p->work(p->arg);
        p->ran = true;
        (void)pthread_mutex_lock(&w->lock);
        push(&w->finished, p);
        uint64_t one = 1;
        ssize_t written = write(w->wake, &one, sizeof(one));
        assert(written == sizeof(one)); /* a counter that can hold 2^64 - 2 */
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- on the loop ---- */

static void hand_back(Workers *w, Piece *all) {
    while (all) {
        Piece *p = all;
        all = p->next;
        w->given--;
        p->done(p->arg, p->ran);
        free(p);
    }
}

static void on_wake(int fd, unsigned what, void *arg) {
    Workers *w = arg;
    uint64_t count;
    (void)what;
    if (read(fd, &count, sizeof(count)) < 0) return; /* somebody was faster: nothing to fetch */
    (void)pthread_mutex_lock(&w->lock);
    Piece *all = take_all(&w->finished);
    (void)pthread_mutex_unlock(&w->lock);
    hand_back(w, all);
}

Workers *workers_new(Loop *loop, size_t threads, size_t waiting) {
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake < 0) return NULL;
    Workers *w = xcalloc(1, sizeof(*w) + threads * sizeof(pthread_t));
    w->wake = wake;
    w->limit = waiting + threads;
    w->waiting.last = &w->waiting.first;
    w->finished.last = &w->finished.first;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    w->watch = loop_fd_new(loop, wake, on_wake, w);
    loop_fd_want(w->watch, LOOP_READ);
    sigset_t all, before; /* signals are the loop's */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; w->threads_n < threads; w->threads_n++)
        if (pthread_create(&w->threads[w->threads_n], NULL, run, w) != 0) break;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->threads_n == threads ? w : workers_free(w);
}

Workers *workers_free(Workers *w) {
    if (!w) return NULL;
    (void)pthread_mutex_lock(&w->lock);
    w->ending = true;
    (void)pthread_cond_broadcast(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->threads_n; i++)
        (void)pthread_join(w->threads[i], NULL);
    w->watch = loop_fd_free(w->watch);
    hand_back(w, take_all(&w->finished));
    hand_back(w, take_all(&w->waiting));
    (void)close(w->wake);
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

int workers_run(Workers *w, WorkersWork work, WorkersDone done, void *arg) {
    if (w->given == w->limit) return -ENOBUFS;
    Piece *p = xcalloc(1, sizeof(*p));
    *p = (Piece){.work = work, .done = done, .arg = arg};
    w->given++;
    (void)pthread_mutex_lock(&w->lock);
    push(&w->waiting, p);
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    return 0;
}

size_t workers_waiting(const Workers *w) {
    return w->given;
}
