/* Backoff -- when to try again what did not work: exponentially later, with full jitter, as the
 * other side asks, and up to an age. Pure: the clock and the dice are arguments. */
#pragma once

#include <stdint.h>

typedef struct BackoffPlan {
    int64_t first_ms; /* the second try comes within this time after the first; doubled with each */
    int64_t most_ms;  /* ... but never more than this */
    int64_t age_ms;   /* the last try is made when this old, and none after it */
} BackoffPlan;

#define BACKOFF_OVER INT64_C(-1)

/* When to try next (wall clock, never before now_ms), or BACKOFF_OVER.
 *   tries           made so far, at least 1
 *   began_ms        when it became due first
 *   retry_after_ms  what the other side asked for; negative: nothing. It is kept, and the jitter
 * comes on top, so that a thousand who were told the same do not come back together. When it leads
 * beyond the age, there is no further try random          64 random bits */
int64_t backoff_next(const BackoffPlan *plan, uint32_t tries, int64_t began_ms, int64_t now_ms,
                     int64_t retry_after_ms, uint64_t random);

/* Evenly in 0..most, both included; most at least 0. */
int64_t backoff_jitter(int64_t most, uint64_t random);
