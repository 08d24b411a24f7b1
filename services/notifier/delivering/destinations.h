/* Destinations -- who is told much at once, who little, and who nothing just now. Pure: the clock
 * and the dice are arguments.
 *
 * A destination begins with a small window of claimed rows. Each delivery widens it by one, a
 * failure halves it, so what is claimed for one that hangs is little, and what hangs is soon behind
 * an open circuit. Those that have delivered lately keep a share of all requests to themselves:
 * hundreds of hanging ones cannot take the last. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoff/circuit.h"
#include "base/text.h"

enum { DESTINATION_WINDOW_FIRST = 4 };

typedef struct DestinationLimits {
    size_t window_max;     /* rows claimed and not ended, of one destination */
    size_t concurrency;    /* requests under way, of one */
    size_t running_max;    /* ... of all */
    size_t held_max;       /* rows claimed and not ended, of all */
    size_t held_bytes_max; /* what they say, of one; and eight times as much of all */
    CircuitPlan circuit;
} DestinationLimits;

typedef struct Destination {
    int64_t tenant_id;
    Str name;                      /* owned */
    int way;                       /* of what was seen last there: a NotifyWay */
    int pace_ms;                   /* least time between two; 0: any */
    size_t window;                 /* at most so many claimed */
    size_t held;                   /* claimed, not ended */
    size_t running;                /* of these under way */
    size_t held_bytes, bytes_each; /* now, and what one row had of late */
    bool proven;                   /* its last word was a delivery */
    bool due;                      /* something waits for it, for all that is known */
    bool asked;                    /* it is part of the claim that runs */
    bool paused;
    int64_t not_before_ms; /* monotonic: as others said (their circuit), or as it is paced */
    Circuit circuit;
    int64_t used_ms;                     /* monotonic: touched last */
    struct Task *first, *last;           /* claimed and not begun; the owner's */
    struct Destination *next, *next_due; /* of its bucket; of those that are due */
    bool listed;                         /* in the list of those that are due */
    bool stalled;                        /* the owner comes back to it */
    bool told_failing;                   /* PostgreSQL knows of its failures */
    bool changed;                        /* ... and is to be told of something */
    bool dead;                           /* it is gone for good */
} Destination;

typedef struct Destinations Destinations;

Destinations *destinations_new(const DestinationLimits *limits);
/* Tasks are the owner's: there must be none any more. */
Destinations *destinations_free(Destinations *t);
DEFINE_FREEP(Destinations, destinations)

/* Makes it when it is new. */
Destination *destinations_get(Destinations *t, int64_t tenant_id, Str name, int64_t now_ms);
Destination *destinations_find(const Destinations *t, int64_t tenant_id, Str name); /* or NULL */
size_t destinations_count(const Destinations *t);
size_t destinations_held(const Destinations *t);
size_t destinations_running(const Destinations *t);
/* Something waits there: it stands in the line of destinations_next(). */
void destinations_due(Destinations *t, Destination *d);
/* Takes the next one out of the line, or NULL. Who was asked and may have more comes back by
 * destinations_due(). */
Destination *destinations_next(Destinations *t);

void destinations_each(Destinations *t, void (*see)(void *arg, Destination *d), void *arg);

/* How many rows may be claimed for it now; 0: none. */
size_t destination_room(const Destinations *t, const Destination *d, int64_t now_ms);
/* Rows were claimed, or ended (negative). */
void destination_hold(Destinations *t, Destination *d, long rows, long bytes);
/* May the next one of its rows be sent now? True counts it as running; destination_ended()
 * follows. */
bool destination_begin(Destinations *t, Destination *d, int64_t now_ms);
/* True when its circuit is now another one. */
bool destination_ended(Destinations *t, Destination *d, CircuitSaw saw, int64_t retry_after_ms,
                       int64_t now_ms, uint64_t random);

/* Forgets those that hold nothing, are quiet and were not used since. How many went. */
size_t destinations_forget(Destinations *t, int64_t before_ms);
