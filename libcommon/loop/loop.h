/* Loop -- one thread's events: timers, file descriptors, signals, and "at the end of this turn".
 * libevent behind our names; the only room that includes it. Times are monotonic milliseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct Loop Loop;
typedef struct LoopTimer LoopTimer;
typedef struct LoopFd LoopFd;
typedef struct LoopSignal LoopSignal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void (*LoopCallback)(void *arg);
typedef void (*LoopFdCallback)(int fd, unsigned what, void *arg); /* what: LOOP_READ | LOOP_WRITE */

Loop *loop_new(void); /* NULL when libevent cannot make one */
Loop *loop_free(Loop *l);
DEFINE_FREEP(Loop, loop)

void loop_run(Loop *l);  /* until loop_stop(); runs what was deferred after every turn */
void loop_stop(Loop *l); /* after the present turn */
/* Turns the loop for at most `ms` or until loop_stop(): for tests and for draining. */
void loop_run_for(Loop *l, int64_t ms);

/* Runs cb once at the end of this turn, after every ready descriptor and timer; in order. May be
 * called from cb. */
void loop_defer(Loop *l, LoopCallback cb, void *arg);
/* free_fn(p) at the end of this turn: whatever libevent has seen dies only then, never inside its
 * own callback. */
void loop_free_later(Loop *l, void *p, void (*free_fn)(void *));

/* One-shot, made disarmed. Arming again replaces. The callback may re-arm or free it. */
LoopTimer *loop_timer_new(Loop *l, LoopCallback cb, void *arg);
void loop_timer_arm(LoopTimer *t, int64_t ms);
void loop_timer_disarm(LoopTimer *t);
bool loop_timer_armed(const LoopTimer *t);
LoopTimer *loop_timer_free(LoopTimer *t); /* safe inside its own callback */

/* Made watching nothing. loop_fd_want() replaces the set; 0 watches nothing. Does not own the
 * descriptor. */
LoopFd *loop_fd_new(Loop *l, int fd, LoopFdCallback cb, void *arg);
void loop_fd_want(LoopFd *f, unsigned what);
LoopFd *loop_fd_free(LoopFd *f); /* safe inside its own callback; never close the fd before this */

LoopSignal *loop_signal_new(Loop *l, int signo, LoopCallback cb, void *arg);
LoopSignal *loop_signal_free(LoopSignal *s);

/* Monotonic milliseconds at which the last turn began: /health/live compares it. */
int64_t loop_last_turn_ms(const Loop *l);
