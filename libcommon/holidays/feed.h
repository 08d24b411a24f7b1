/* Feed -- the holidays and make-up working days that an iCalendar file (RFC 5545) announces, as
 * governments and calendar programs publish them. Pure.
 *
 * An all-day VEVENT closes its dates, from DTSTART up to DTEND or for DURATION. It is a make-up day
 * (调休) instead when SUMMARY or CATEGORIES says so, as China's feeds do: 补班, 调班, 上班, (班),
 * or 调休 without 休假, 放假 or 假期; or when it has X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY. A
 * weekday named in SUMMARY, CATEGORIES or DESCRIPTION (周四, 星期四) is the one it works as. Where
 * a file marks days with X-APPLE-SPECIAL-DAY at all, events without it are mere observances, as are
 * those whose DESCRIPTION begins with "Observance"; both change nothing, nor do cancelled events,
 * nor those with a time of day.
 *
 * RRULE with FREQ=YEARLY is worked out up to 2099, without EXDATE; any other frequency is refused.
 * Bounded: 1 MiB, 5,000 events, 100 that repeat, 400 days each. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

enum { FEED_BYTES_MAX = 1 << 20, FEED_EVENTS_MAX = 5000, FEED_RULES_MAX = 100 };

typedef struct FeedDay {
    int64_t day; /* since 1970-01-01 */
    bool works;  /* a make-up day, else a holiday */
    int weekday; /* it works as: 0 Monday ... 6 Sunday; -1: the feed does not say */
} FeedDay;

/* How many days were read, in the arena, in the order of the file, one date perhaps twice; or
 * -EINVAL with "line 12: ..." and a remedy in *ret_problem when it is no such file, holds no
 * all-day event, or more than `max` days. */
int feed_read(Str text, size_t max, Arena *arena, FeedDay **ret, Buf *ret_problem);
