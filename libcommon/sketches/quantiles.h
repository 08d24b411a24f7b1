/* Quantiles -- percentiles of durations without keeping them: any quantile of what was added lies
 * within QUANTILES_ERROR of the value given back, whatever was added and however it was merged.
 * Pure.
 *
 * After DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", VLDB 2019) with its linearly interpolated logarithm, as in
 * HdrHistogram: values below 128 have a bucket each, above them every power of two is cut into 64
 * equal buckets. So adding is two shifts, there is no floating point before the answer, and the
 * same values make the same sketch on every machine and in every order. The mean of a bucket's ends
 * a <= b that errs equally at both, 2ab / (a + b), is off by (b - a) / (b + a) <= 1/129 < 0.78 %.
 * Never more than QUANTILES_BUCKETS counters: values of 63 bits need no more.
 *
 * (Debian 12 has no such library for C: hdrhistogram is there for Java and Go only.) */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define QUANTILES_ERROR (1.0 / 129) /* relative; nothing for 0 to 128, which are exact */

enum { QUANTILES_BUCKETS = 128 + 56 * 64 };

typedef struct Quantiles Quantiles;

Quantiles *quantiles_new(void);
Quantiles *quantiles_free(Quantiles *q); /* accepts NULL, returns NULL */
DEFINE_FREEP(Quantiles, quantiles)

/* `times` more of it; below 0 counts as 0. Counts end at 2^53: what is beyond is left out. */
void quantiles_add(Quantiles *q, int64_t value, uint64_t times);
/* Takes some back that were added before: a window's figure that was revised. Those that are not
 * there are left alone. */
void quantiles_take(Quantiles *q, int64_t value, uint64_t times);
void quantiles_merge(Quantiles *q, const Quantiles *other);

uint64_t quantiles_count(const Quantiles *q);
/* The value of rank ceil(share * count), at least 1, from below; share in [0, 1]. 0 when empty. */
double quantiles_at(const Quantiles *q, double share);
/* How many are certainly not above `value`, and how many may be not: they differ by those in its
 * bucket. */
void quantiles_rank(const Quantiles *q, int64_t value, uint64_t *ret_least, uint64_t *ret_most);
/* Within QUANTILES_ERROR of the sum of what was added. */
double quantiles_sum(const Quantiles *q);

/* Version 1; appended. About two bytes for each bucket in use. */
void quantiles_pack(const Quantiles *q, Buf *ret);
/* 0, or -EBADMSG: the bytes may come from anywhere. */
int quantiles_unpack(Str packed, Quantiles **ret);
