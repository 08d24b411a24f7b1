/* SurgePlan -- which request is due when: phases of constant rates, and duplicates among them.
 * Pure.
 *
 * Time is counted in microseconds from the surge's beginning. A slot is one request to be sent; of
 * every `duplicates` tickets one is sent a second time, in a slot of its own on top of the rate. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { SURGE_PHASES = 64 };

typedef struct SurgePhase {
    int64_t start_us, length_us;
    double slots_per_us;
    int64_t first, slots; /* first slot, and how many there are */
} SurgePhase;

typedef struct SurgePlan {
    SurgePhase phases[SURGE_PHASES];
    int phases_n;
    int64_t duplicates; /* one ticket in so many is sent twice; 0: none */
    int64_t slots, tickets, length_us;
} SurgePlan;

typedef struct SurgeSlot {
    int64_t ticket; /* from 0 */
    bool again;     /* it was sent before, under the same key */
} SurgeSlot;

/* Adds a phase of `rate` new tickets a second; -ENOSPC. Set `duplicates` first. */
int surge_plan_add(SurgePlan *p, double rate, double seconds);
/* "10s@500,20s@4000"; -EINVAL or -ENOSPC. */
int surge_plan_parse(SurgePlan *p, Str text);
/* "1/50" -> 50, "0" -> 0; -EINVAL. */
int surge_duplicates_parse(Str text, int64_t *ret);

int64_t surge_plan_due(const SurgePlan *p, int64_t now_us);  /* slots due by then */
int64_t surge_plan_time(const SurgePlan *p, int64_t slot);   /* when it is due */
SurgeSlot surge_plan_slot(const SurgePlan *p, int64_t slot); /* what it sends */
