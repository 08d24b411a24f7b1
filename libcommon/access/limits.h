/* Limits -- how often one token or session may ask in a minute. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct Limits Limits;

Limits *limits_new(int64_t per_minute);
Limits *limits_free(Limits *l);
DEFINE_FREEP(Limits, limits)

typedef struct LimitState {
    int64_t limit, remaining;
    int reset_s; /* until all of it is there again, at least 1 */
} LimitState;

/* Counts one request of `who` (a token or session id). False when the minute's share is used up. */
bool limits_take(Limits *l, int64_t who, int64_t now_ms, LimitState *ret);
