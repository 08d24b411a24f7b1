/* Profile -- the weekly rhythm of arrivals with its growth: what an hour to come will bring, and
 * how far from it an ordinary hour may lie. Pure.
 *
 * An hour is a number that goes on by one each hour of the tenant's local time, 0 being a Monday
 * 00:00 (so a week is 168 of them; an hour that a clock change skips is unknown, one that comes
 * twice is counted together). Counts are negative-binomial around
 *     level(slot) * exp(growth * weeks)
 * with one dispersion: variance = mean + dispersion * mean^2.
 *
 * Fitted by penalised quasi-likelihood: each slot of the week leans on its hour of the day times
 * its day of the week as if a week and a half had shown these; growth leans on none, the more so
 * the more whole weeks wander. Past surges do not teach: hours whose Anscombe residual exceeds 3
 * count less (Farrington and others 1996, Noufaily and others 2013). */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    WEEK_HOURS = 168,
    PROFILE_HOURS_MIN = 2 * WEEK_HOURS,   /* known ones */
    PROFILE_HOURS_MAX = 106 * WEEK_HOURS, /* two years; older ones say little */
    PROFILE_UNKNOWN = -1                  /* a count that was not taken */
};

typedef struct Profile {
    int64_t origin;           /* the hour behind the last one it was fitted to */
    double level[WEEK_HOURS]; /* expected at the origin, in an hour */
    double known[WEEK_HOURS]; /* weeks that stand behind each level */
    double growth;            /* a week, as a logarithm: 0.01 is 1 % */
    double growth_error;      /* its standard error */
    double dispersion;
    double wander; /* variance of whole weeks around it, beyond that of their hours; relative */
} Profile;

/* counts[i] is that of hour first + i. 0, or, with nothing written, -EINVAL: fewer known hours than
 * PROFILE_HOURS_MIN, more than PROFILE_HOURS_MAX, or one below PROFILE_UNKNOWN. */
int profile_fit(const int32_t *counts, size_t n, int64_t first, Profile *ret);

typedef struct Outlook {
    double mean;
    double dispersion; /* of the count around it, the uncertainty of the profile itself included */
} Outlook;

/* Of any hour; growth is carried on for at most 8 weeks beyond the origin. */
Outlook profile_outlook(const Profile *p, int64_t hour);
