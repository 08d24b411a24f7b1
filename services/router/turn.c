/* A queue in front of a store. */
#include "router/turn.h"

#include <assert.h>
#include <stdlib.h>

enum { WAITING_MAX = 64 };

struct Turn {
    Store *store;
    LoopTimer *next; /* at 0 ms: a later turn of the loop */
    struct {
        LoopCallback cb;
        void *arg;
    } waiting[WAITING_MAX];
    size_t first, n;
    bool taken;
};

static void on_next(void *arg) {
    Turn *t = arg;
    if (t->taken || t->n == 0) return;
    size_t at = t->first;
    t->first = (t->first + 1) % WAITING_MAX;
    t->n--;
    t->taken = true;
    t->waiting[at].cb(t->waiting[at].arg);
}

Turn *turn_new(Loop *loop, Store *store) {
    Turn *t = xcalloc(1, sizeof(*t));
    t->store = store;
    t->next = loop_timer_new(loop, on_next, t);
    return t;
}

Turn *turn_free(Turn *t) {
    if (!t) return NULL;
    loop_timer_free(t->next);
    free(t);
    return NULL;
}

void turn_take(Turn *t, LoopCallback cb, void *arg) {
    assert(t->n < WAITING_MAX);
    size_t at = (t->first + t->n++) % WAITING_MAX;
    t->waiting[at].cb = cb;
    t->waiting[at].arg = arg;
    if (!t->taken) loop_timer_arm(t->next, 0);
}

void turn_give(Turn *t) {
    assert(t->taken);
    t->taken = false;
    if (t->n) loop_timer_arm(t->next, 0);
}

Store *turn_store(const Turn *t) {
    return t->store;
}
