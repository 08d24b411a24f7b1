/* Days -- dates of the Gregorian calendar as a count of days since 1970-01-01. Pure.
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil). */
#pragma once

#include <stdint.h>

#include "base/text.h"

enum { DAY_MS = 86400000, MINUTE_MS = 60000 };

int64_t days_from_date(int64_t year, int month /* 1.. */, int day /* 1.. */);
int64_t days_year(int64_t day); /* the year in which a day lies */
int days_weekday(int64_t day);  /* 0 Monday ... 6 Sunday */
int64_t days_of_ms(int64_t ms); /* rounds towards the past */
/* "2025-10-01", a date that exists. 0 or -EINVAL. */
int days_parse(Str text, int64_t *ret);
