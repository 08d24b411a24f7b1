/* Radars -- finds by itself where more arrives than the rhythm of the weeks explains, and why.
 *
 * Each tenant is watched by whoever follows the partition tenant_id % partitions: when a quarter of
 * an hour is over and its events have been kept, the counts of each category are stepped through
 * (watch.h); once a day its profiles are fitted to the twelve weeks before. All of that is a
 * function of analytics.windows, and lies in analytics.surges with how far it went, so whoever goes
 * on finds what the one before would have found. Where a surge begins, its tickets are looked
 * through (account.h), and one transaction records the finding, the signal to the router in the
 * outbox, and how far the tenant was watched; unless somebody else has done so.
 *
 * A category is watched once it has been seen for two weeks. Events that a partition of another
 * analytics keeps later than `radar_wait` after the quarter's end are not seen by the radar. */
#pragma once

#include "analytics/parts.h"

typedef struct Radars Radars;
