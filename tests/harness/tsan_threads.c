/* C11's threads by way of POSIX's, for builds with ThreadSanitizer: it knows pthread_create and
 * pthread_mutex_lock, but not thrd_create and mtx_lock, by which librdkafka makes its threads and
 * hands messages from one to another. Without this it would crash in the first of them, and see
 * none of the order that their locks give. The types are the same in glibc, as asserted below. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "one and the same");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "one and the same");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "one and the same");

static int result(int error) {
    switch (error) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

typedef struct Start {
    thrd_start_t run;
    void *arg;
} Start;

static void *run(void *p) {
    Start start = *(Start *)p;
    free(p);
    return (void *)(intptr_t)start.run(start.arg);
}

int thrd_create(thrd_t *ret, thrd_start_t function, void *arg) {
    Start *start = malloc(sizeof(*start));
    if (!start) return thrd_nomem;
    *start = (Start){function, arg};
    int error = pthread_create(ret, NULL, run, start);
    if (error) free(start);
    return result(error);
}

int thrd_join(thrd_t thread, int *ret) {
    void *value = NULL;
    int error = pthread_join(thread, &value);
    if (ret) *ret = (int)(intptr_t)value;
    return result(error);
}

int thrd_detach(thrd_t thread) {
    return result(pthread_detach(thread));
}

void thrd_exit(int value) {
    pthread_exit((void *)(intptr_t)value);
}

int mtx_init(mtx_t *m, int type) {
    pthread_mutexattr_t kind;
    (void)pthread_mutexattr_init(&kind);
    (void)pthread_mutexattr_settype(&kind, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE
                                                                : PTHREAD_MUTEX_NORMAL);
    int error = pthread_mutex_init((pthread_mutex_t *)m, &kind);
    (void)pthread_mutexattr_destroy(&kind);
    return result(error);
}

void mtx_destroy(mtx_t *m) {
    (void)pthread_mutex_destroy((pthread_mutex_t *)m);
}

int mtx_lock(mtx_t *m) {
    return result(pthread_mutex_lock((pthread_mutex_t *)m));
}

int mtx_trylock(mtx_t *m) {
    return result(pthread_mutex_trylock((pthread_mutex_t *)m));
}

int mtx_unlock(mtx_t *m) {
    return result(pthread_mutex_unlock((pthread_mutex_t *)m));
}

int cnd_init(cnd_t *c) {
    return result(pthread_cond_init((pthread_cond_t *)c, NULL));
}

void cnd_destroy(cnd_t *c) {
    (void)pthread_cond_destroy((pthread_cond_t *)c);
}

int cnd_signal(cnd_t *c) {
    return result(pthread_cond_signal((pthread_cond_t *)c));
}

int cnd_broadcast(cnd_t *c) {
    return result(pthread_cond_broadcast((pthread_cond_t *)c));
}

int cnd_wait(cnd_t *c, mtx_t *m) {
    return result(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until) {
    return result(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}
