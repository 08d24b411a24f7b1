/* Calendar -- when is somebody at work? Counts open time between two instants and finds the instant
 * at which an amount of it is reached. Pure apart from what it remembers: years are worked out when
 * first asked for, so one calendar belongs to one thread.
 *
 * Openness is decided by the local wall clock: a local time that occurs twice is open both times,
 * one that is skipped does not exist; so a day has 23, 24 or 25 hours. Intervals are half-open. A
 * holiday closes its local date 00:00-24:00 and so cuts a night shift at midnight; a make-up day
 * (调休) works as the same slice 00:00-24:00 of its weekday, the tail of the evening before it
 * included; a date that is both works. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "promise/zone.h"

enum { WEEK_MINUTES = 10080, CALENDAR_SHIFTS_MAX = 200, CALENDAR_DATES_MAX = 4000 };

typedef struct Shift {  /* minutes from Monday 00:00, half-open; end may reach into the next week */
    int32_t start, end; /* 0 <= start < 10080, start < end <= start + 10080 */
} Shift;

typedef struct Makeup {
    int64_t day; /* since 1970-01-01 */
    int weekday; /* works like this one: 0 Monday ... 6 Sunday */
} Makeup;

typedef struct CalendarSpec {
    const Shift *shifts;
    size_t shifts_n;
    const int64_t *holidays; /* days since 1970-01-01, in any order */
    size_t holidays_n;
    const Makeup *makeups;
    size_t makeups_n;
} CalendarSpec;

typedef struct Calendar Calendar;

/* Keeps copies; the zone is taken over (freed also when it fails). NULL with a sentence in
 * *ret_problem (may be NULL): no shift, one out of range, two that overlap, no zone. */
Calendar *calendar_new(const CalendarSpec *spec, Zone *zone, Buf *ret_problem);
/* In place of one that cannot be: always open, and it remembers whether anybody asked it, which is
 * an alarm. */
Calendar *calendar_fallback(void);
bool calendar_fallback_asked(const Calendar *c);
Calendar *calendar_free(Calendar *c); /* accepts NULL, returns NULL */
DEFINE_FREEP(Calendar, calendar)

/* Everywhere a NULL calendar is one that is always open. */

int64_t calendar_open_ms(const Calendar *c, int64_t from_ms, int64_t to_ms);
/* The first instant t >= from by which `ms` of open time have passed since `from` (so the end of a
 * shift rather than the beginning of the next); INT64_MAX when that is never (before 2200). */
int64_t calendar_reach(const Calendar *c, int64_t from_ms, int64_t ms);
/* The first open span that ends after from_ms, cut at from_ms; false when there is none before
 * until_ms. */
bool calendar_span(const Calendar *c, int64_t from_ms, int64_t until_ms, int64_t *ret_start,
                   int64_t *ret_end);
bool calendar_is_open(const Calendar *c, int64_t at_ms);
