/* Full jitter: anywhere between nothing and the doubled time. It spreads a crowd best, and a try
 * that comes early costs one request. */
#include "backoff/backoff.h"

#include <assert.h>

int64_t backoff_jitter(int64_t most, uint64_t random) {
    assert(most >= 0);
    return (int64_t)(random % ((uint64_t)most + 1));
}

static int64_t doubled(const BackoffPlan *plan, uint32_t tries) {
    int64_t ms = plan->first_ms;
    for (uint32_t i = 1; i < tries && ms < plan->most_ms; i++)
        ms = ms > plan->most_ms / 2 ? plan->most_ms : ms * 2;
    return ms < plan->most_ms ? ms : plan->most_ms;
}

int64_t backoff_next(const BackoffPlan *plan, uint32_t tries, int64_t began_ms, int64_t now_ms,
                     int64_t retry_after_ms, uint64_t random) {
    int64_t last = began_ms + plan->age_ms;
    int64_t earliest = now_ms + (retry_after_ms > 0 ? retry_after_ms : 0);
    assert(tries >= 1);
    if (now_ms >= last || earliest > last) return BACKOFF_OVER;
    int64_t next = earliest + backoff_jitter(doubled(plan, tries), random);
    return next < last ? next : last;
}
