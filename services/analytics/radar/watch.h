/* Watch -- one category of a tenant under watch: its weekly profile, and how far the surge that may
 * be coming has got (radar/surge.h). Pure: a function of the counts that it was shown, so that any
 * process finds the same. */
#pragma once

#include "base/text.h"
#include "forecast/profile.h"
#include "radar/surge.h"

enum {
    WATCH_QUARTER_MS = 15 * 60 * 1000,
    WATCH_DAY_MS = 86400000,
    WATCH_WEEKS = 12 /* that a profile is fitted to */
};

typedef struct Watch {
    bool known; /* there is a profile: enough weeks have been seen */
    Profile profile;
    double threshold;
    Surge surge;
    int64_t began_ms; /* of the surge that goes on; 0: none does */
} Watch;

typedef enum WatchSaw { WATCH_NOTHING, WATCH_BEGAN, WATCH_OVER } WatchSaw;

typedef struct WatchMoment {
    int64_t began_ms, at_ms; /* at_ms: the end of the quarter that told */
    int64_t observed;        /* since it began */
    double expected;
} WatchMoment;

/* Tens of milliseconds. counts[i] is that of local hour first + i, PROFILE_UNKNOWN where nobody
 * counted. With too few of them it is no longer known; the surge that goes on goes on. */
void watch_fit(Watch *w, const SurgeRules *rules, const int32_t *counts, size_t n, int64_t first);

/* The next quarter of an hour, which lies in that local hour. *ret unless WATCH_NOTHING. */
WatchSaw watch_step(Watch *w, const SurgeRules *rules, int64_t quarter_ms, int64_t hour,
                    int64_t count, WatchMoment *ret);

/* Hours of the local week as profile.h counts them, of UTC plus `offset_ms`. */
int64_t watch_hour(int64_t utc_ms, int64_t offset_ms);

/* Version 1; appended; nothing of one that is not known. -EBADMSG: the bytes may come from
 * anywhere. */
void watch_pack_profile(const Watch *w, Buf *ret);
int watch_unpack_profile(Watch *w, Str packed);
