/* Wheel -- which of very many promises comes due next? A hierarchical timing wheel over node
 * numbers that the caller gives out: setting, moving and cancelling cost a few memory accesses
 * whatever the number of nodes, and a node is 16 bytes. Pure: the caller passes `now`.
 *
 * Source: G. Varghese, A. Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 7: six
 * wheels of 256 slots, the finest of one millisecond, so 2^48 ms ahead; a node that lies further
 * down is moved towards the finest wheel as its time comes near, at most five times in its life. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct Wheel Wheel;

/* Nodes 0 ... limit-1 may be used; memory grows with the highest one used. */
Wheel *wheel_new(uint32_t limit, int64_t now_ms);
Wheel *wheel_free(Wheel *w); /* accepts NULL, returns NULL */
DEFINE_FREEP(Wheel, wheel)

/* Sets, or moves, a node. What is due already comes with the next wheel_take(). -ENOSPC: a number
 * beyond the limit. */
int wheel_set(Wheel *w, uint32_t node, int64_t due_ms);
void wheel_cancel(Wheel *w, uint32_t node); /* of one that is not set: nothing */
bool wheel_is_set(const Wheel *w, uint32_t node);
int64_t wheel_due_ms(const Wheel *w, uint32_t node); /* as it was set last, taken since or not */
size_t wheel_count(const Wheel *w);

/* Up to max nodes with due <= now, no longer set; call again while it fills `ret`. Those of earlier
 * milliseconds come first as long as `now` moves on; within one millisecond in no order. `now` may
 * jump ahead by any amount (empty time costs nothing); when it steps back, nothing comes before its
 * due time all the same, and everything is put in place anew once. */
size_t wheel_take(Wheel *w, int64_t now_ms, uint32_t *ret, size_t max);
/* No node is due before this instant (0: some may be due already); INT64_MAX when none is set.
 * Exact within 256 ms, a lower bound further ahead: ask again then. */
int64_t wheel_next_ms(const Wheel *w);
size_t wheel_bytes(const Wheel *w);
