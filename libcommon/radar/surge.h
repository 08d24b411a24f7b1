/* Surge -- does more arrive than the rhythm of the week explains? One series (a tenant's category)
 * watched in equal steps of time, with a set rate of false alarms. Pure.
 *
 * The score of a cumulative sum (Page 1954; for negative-binomial counts with a profile Hohle and
 * Paul 2008): with each step the logarithm of how much better `rise` times the expected explains
 * its count than the expected does, never below 0. A surge begins when the score passes the
 * threshold and is over when it is back at 0; it is said to have begun when the score last left 0.
 *
 * The threshold is found by playing: weeks of ordinary counts around the same profile (steps of one
 * hour share its excursion, and the profile's own uncertainty is among the dispersion) with dice of
 * a fixed seed, until surges begin as seldom as was asked; good to about 15 % of the rate. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "forecast/profile.h"

typedef struct SurgeRules {
    double rise;          /* found soonest: so many times the expected; 2 */
    double least;         /* but never less than so many an hour above it; 3 */
    double false_every;   /* hours: one false alarm in so long, on average; 2160 is 90 days */
    int32_t step_minutes; /* a divisor of 60; 15 */
} SurgeRules;

#define SURGE_RULES_DEFAULT ((SurgeRules){2, 3, 2160, 15})

bool surge_rules_ok(const SurgeRules *r); /* 1.1 to 10, 0.5 to 10^6, 24 to 10^5, a divisor */

/* Tens of milliseconds: once for each new profile. */
double surge_threshold(const SurgeRules *r, const Profile *p);

typedef enum SurgeSaw { SURGE_QUIET, SURGE_BEGAN, SURGE_GOES_ON, SURGE_OVER } SurgeSaw;

typedef struct Surge { /* all zero: nothing seen yet */
    double score;
    bool raging;
    int64_t steps;    /* since the score left 0; 0: it is there */
    int64_t observed; /* in these steps */
    double expected;  /* likewise */
} Surge;

/* The next step, one that lies in the hour that this is the outlook of. */
SurgeSaw surge_step(Surge *s, const SurgeRules *r, double threshold, Outlook hour, int64_t count);

/* Version 1; appended. -EBADMSG: the bytes may come from anywhere. */
void surge_pack(const Surge *s, Buf *ret);
int surge_unpack(Str packed, Surge *ret);
