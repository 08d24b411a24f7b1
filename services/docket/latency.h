/* Latency -- many durations, few numbers: a histogram with 1.6 % steps from 1 µs to 19 hours.
 * Pure. */
#pragma once

#include <stdint.h>

enum { LATENCY_BUCKETS = 64 * 32 };

typedef struct Latency {
    uint64_t buckets[LATENCY_BUCKETS];
    uint64_t n;
    int64_t max_us;
} Latency;

void latency_add(Latency *l, int64_t us);
/* The duration that `percent` of all did not exceed, rounded up to a step; 0 without any. */
int64_t latency_at(const Latency *l, double percent);
