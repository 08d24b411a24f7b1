/* Drift -- was the wall clock put forward or back? It is compared with the monotonic one, which
 * nobody sets; a machine that slept looks like a step forward too. Pure. */
#pragma once

#include <stdint.h>

typedef struct Drift { /* zero-initialised: nothing seen yet */
    int64_t wall_ms, monotonic_ms;
} Drift;

enum { DRIFT_STEP_MS = 1000, DRIFT_APART_MS = 100 };

/* By how much it was stepped since the last look; 0: by nothing worth a word. The two clocks are
 * read one after the other, and `before` and `after` are the monotonic one around the wall's: apart
 * further than DRIFT_APART_MS they say nothing. */
int64_t drift_look(Drift *d, int64_t before_ms, int64_t wall_ms, int64_t after_ms);
