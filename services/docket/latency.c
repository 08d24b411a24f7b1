/* Latency -- 64 steps per power of two. */
#include "docket/latency.h"

static unsigned bucket_of(int64_t us) {
    if (us < 64) return us < 0 ? 0 : (unsigned)us;
    unsigned power = 63 - (unsigned)__builtin_clzll((unsigned long long)us); /* >= 6 */
    unsigned bucket = (power - 5) * 64 + (unsigned)((us >> (power - 6)) & 63);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The largest duration in that bucket. */
static int64_t bucket_end(unsigned bucket) {
    if (bucket < 64) return bucket;
    unsigned power = bucket / 64 + 5;
    return (((int64_t)64 + bucket % 64 + 1) << (power - 6)) - 1;
}

void latency_add(Latency *l, int64_t us) {
    if (us < 0) us = 0;
    l->buckets[bucket_of(us)]++;
    l->n++;
    if (us > l->max_us) l->max_us = us;
}

int64_t latency_at(const Latency *l, double percent) {
    if (l->n == 0) return 0;
    uint64_t wanted = (uint64_t)((double)l->n * percent / 100);
    if ((double)wanted < (double)l->n * percent / 100) wanted++;
    if (wanted == 0) wanted = 1;
    uint64_t seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];
        if (seen >= wanted) return bucket_end(i) < l->max_us ? bucket_end(i) : l->max_us;
    }
    return l->max_us;
}
