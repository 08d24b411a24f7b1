/* Workers -- what takes long and needs no connection (hashing a password), done by a bounded pool
 * of threads beside the loop, which never waits for them.
 *
 * `work` runs in a thread and touches nothing but what its arg owns; `done` comes on the loop's
 * thread, in the order in which the work ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "loop/loop.h"

typedef struct Workers Workers;

/* NULL when the system gives no threads. At most `waiting` pieces of work wait for one. */
Workers *workers_new(Loop *loop, size_t threads, size_t waiting);
/* Waits for the work that is running; then every `done` that is still owed comes, inside this call,
 * `ran` false for what was never begun. Not from inside a `done`. Accepts NULL, returns NULL. */
Workers *workers_free(Workers *w);
DEFINE_FREEP(Workers, workers)

typedef void (*WorkersWork)(void *arg);
typedef void (*WorkersDone)(void *arg, bool ran);

/* 0: `done` will come, exactly once, never inside this call. -ENOBUFS: too much waits already; no
 * callback comes. Loop's thread only. */
int workers_run(Workers *w, WorkersWork work, WorkersDone done, void *arg);
size_t workers_waiting(const Workers *w); /* given, and its `done` not yet called */
