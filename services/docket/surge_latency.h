/* SurgeLatency -- many durations, few numbers: a histogram with 1.6 % steps from 1 µs to 19 hours.
 * Pure. */
#pragma once

#include <stdint.h>

enum { SURGE_LATENCY_BUCKETS = 64 * 32 };

typedef struct SurgeLatency {
    uint64_t buckets[SURGE_LATENCY_BUCKETS];
    uint64_t n;
    int64_t max_us;
} SurgeLatency;

void surge_latency_add(SurgeLatency *l, int64_t us);
/* The duration that `percent` of all did not exceed, rounded up to a step; 0 without any. */
int64_t surge_latency_at(const SurgeLatency *l, double percent);
