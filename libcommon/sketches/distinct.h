/* Distinct -- how many different ones were there? Without keeping them, mergeable. Pure.
 *
 * Up to DISTINCT_EXACT different ones the answer is exact; beyond, HyperLogLog (Flajolet and others
 * 2007) on 64-bit hashes with 2^14 registers, as in HyperLogLog++ (Heule, Nunkesser, Hall 2013),
 * its answer by the estimator of Ertl ("New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017, algorithm 6), which needs neither tables nor ranges of its own: no bias, a
 * standard error of 1.04 / sqrt(2^14) = 0.81 % at any number (two times of three within that, 997
 * of 1,000 within 2.5 %). The order of adding and merging changes nothing. At most 16 KiB in
 * memory, some 12 packed.
 *
 * Not for adversaries: the hash has no key, so who chooses the values can choose their answer. */
#pragma once

#include <stdint.h>

#include "base/text.h"

enum { DISTINCT_EXACT = 512, DISTINCT_REGISTERS = 1 << 14 };
#define DISTINCT_STANDARD_ERROR 0.008125 /* relative */

typedef struct Distinct Distinct;

Distinct *distinct_new(void);
Distinct *distinct_free(Distinct *d); /* accepts NULL, returns NULL */
DEFINE_FREEP(Distinct, distinct)

void distinct_add(Distinct *d, Str value);
void distinct_add_id(Distinct *d, int64_t id); /* another than the text of its digits */
void distinct_merge(Distinct *d, const Distinct *other);
uint64_t distinct_count(const Distinct *d);

/* Version 1; appended. */
void distinct_pack(const Distinct *d, Buf *ret);
/* 0, or -EBADMSG: the bytes may come from anywhere. */
int distinct_unpack(Str packed, Distinct **ret);
