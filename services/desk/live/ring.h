/* Ring -- the newest events of docket.events as they came, so that whoever was away for a moment
 * hears what she missed. Bounded in number and in bytes: the oldest go first. Pure.
 *
 * Events have numbers from 0 in the order in which this desk read them; the ring holds those from
 * ring_first() to before ring_end(). */
#pragma once

#include "base/memory.h"
#include "desk/live/position.h"

typedef struct Ring Ring;

typedef struct RingEvent {
    int64_t tenant_id, ticket_id, offset;
    int32_t partition;
    Str message; /* lives as long as the event is in the ring */
} RingEvent;

Ring *ring_new(size_t events, size_t bytes);
Ring *ring_free(Ring *r);
DEFINE_FREEP(Ring, ring)

/* Copies the message. One that was there already (its offset is lower than what comes next of its
 * partition) is left out: false. One larger than the ring's bytes is counted as come and gone. */
bool ring_add(Ring *r, const RingEvent *event);
uint64_t ring_first(const Ring *r);
uint64_t ring_end(const Ring *r);
/* NULL: not there. */
const RingEvent *ring_at(const Ring *r, uint64_t number);
/* Where this desk is: behind the last event. */
const Position *ring_position(const Ring *r);
/* Has everything that came behind `p` passed through and is still here, or is yet to come? False
 * also for a position that is further ahead than any other desk can be: it is of another topic. */
bool ring_covers(const Ring *r, const Position *p);
