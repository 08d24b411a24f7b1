/* Wall -- where the tenant's wall clock turns: quarters of an hour, hours, days, weeks (from
 * Monday), months. Pure.
 *
 * A local time that is skipped begins with the first instant behind the gap, one that occurs twice
 * with its first occurrence; so days have 23, 24 or 25 hours. */
#pragma once

#include "analytics/table/question.h"

/* The finest cut, none finer than `c`, by which so long a range has at most FACT_CUTS_MAX parts;
 * CUT_NONE: there is none. */
FactCut cut_nearest(FactCut c, int64_t from_ms, int64_t to_ms);

/* Everywhere zone NULL is UTC. Local wall time as if it were UTC: milliseconds since 1970-01-01
 * 00:00, and back. */
int64_t wall_local(const Zone *z, int64_t utc_ms);
int64_t wall_utc(const Zone *z, int64_t local_ms);
/* Where the local quarter, hour ... month that holds utc_ms begins; and the one `n` further. */
int64_t wall_floor(const Zone *z, FactCut c, int64_t utc_ms);
int64_t wall_step(const Zone *z, FactCut c, int64_t start_ms, int64_t n);

typedef struct CivilDate {
    int64_t year;
    int month, day; /* from 1 */
} CivilDate;
int64_t civil_days(CivilDate d); /* since 1970-01-01 */
CivilDate civil_of_days(int64_t days);
bool civil_ok(CivilDate d); /* such a day there is, from 1970 to 2199 */
