/* Turn -- several who share one Store, one at a time, in order of asking. */
#pragma once

#include "loop/loop.h"
#include "store/store.h"

typedef struct Turn Turn;

Turn *turn_new(Loop *loop, Store *store); /* does not own the store */
Turn *turn_free(Turn *t);                 /* those who wait are never called */

/* cb(arg) when the store is the caller's, in a later turn of the loop; turn_give() ends that. At
 * most 64 wait. */
void turn_take(Turn *t, LoopCallback cb, void *arg);
void turn_give(Turn *t);
Store *turn_store(const Turn *t);
