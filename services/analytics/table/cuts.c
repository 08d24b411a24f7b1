/* The offset of a zone holds for a stretch; within it the parts are those of a plain clock. */
#include "analytics/table/cuts.h"

#include <errno.h>

#include "promise/days.h"

enum {
    QUARTER = 900,
    HOUR = 3600,
    DAY = 86400,
    WEEK_DAYS = 7,
    QUARTERS_MAX = 5000000 /* all that a table can have */
};

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Seconds to be added to UTC at `at`, up to *ret_until. */
static int64_t offset_at(const Zone *zone, int64_t at, int64_t *ret_until) {
    int64_t from, until;
    *ret_until = INT64_MAX;
    if (!zone) return 0;
    int64_t offset = zone_offset_ms(zone, at * 1000, &from, &until);
    if (until < INT64_MAX / 2) *ret_until = floor_div(until, 1000);
    if (*ret_until <= at) *ret_until = at + 1;
    return floor_div(offset, 1000);
}

/* Month since the year 0 of a day since 1970. */
static int64_t month_of(int64_t day) {
    int64_t year = days_year(day);
    int month = 12;
    while (month > 1 && days_from_date(year, month, 1) > day)
        month--;
    return year * 12 + month - 1;
}

static int64_t part_of(FactCut cut, int64_t local) {
    int64_t day = floor_div(local, DAY);
    if (cut == CUT_DAY) return day;
    if (cut == CUT_WEEK) return floor_div(day + 3, WEEK_DAYS); /* 1970-01-01 was a Thursday */
    return month_of(day);
}

static int64_t day_of_part(FactCut cut, int64_t part) {
    if (cut == CUT_DAY) return part;
    if (cut == CUT_WEEK) return part * WEEK_DAYS - 3;
    return days_from_date(floor_div(part, 12), (int)(part - floor_div(part, 12) * 12) + 1, 1);
}

/* The first instant after `at` that belongs to a later part. */
static int64_t next_date(FactCut cut, const Zone *zone, int64_t at, int64_t part) {
    for (;;) {
        int64_t until, offset = offset_at(zone, at, &until);
        if (part_of(cut, at + offset) > part) return at;
        int64_t next = day_of_part(cut, part + 1) * DAY - offset;
        if (next < until) return next > at ? next : at;
        at = until;
    }
}

static int64_t next_clock(int64_t unit, const Zone *zone, int64_t at) {
    for (;;) {
        int64_t until, offset = offset_at(zone, at, &until);
        int64_t next = (floor_div(at + offset, unit) + 1) * unit - offset;
        if (next < until) return next;
        /* The clock is moved within this part: where it then shows another one, that begins. */
        int64_t after, moved = offset_at(zone, until, &after);
        if (next == until || floor_div(until + moved, unit) != floor_div(at + offset, unit) ||
            floor_div(until + moved, unit) * unit == until + moved)
            return until;
        at = until;
    }
}

static int64_t next_part(FactCut cut, const Zone *zone, int64_t at) {
    if (cut <= CUT_HOUR) return next_clock(cut == CUT_QUARTER ? QUARTER : HOUR, zone, at);
    int64_t until;
    return next_date(cut, zone, at, part_of(cut, at + offset_at(zone, at, &until)));
}

/* The beginning of the part that `at` lies in: found from a while before. */
static int64_t begin_of(FactCut cut, const Zone *zone, int64_t at) {
    static const int64_t back[] = {[CUT_QUARTER] = 2 * HOUR,
                                   [CUT_HOUR] = 4 * HOUR,
                                   [CUT_DAY] = 3 * DAY,
                                   [CUT_WEEK] = 9 * DAY,
                                   [CUT_MONTH] = 33 * DAY};
    int64_t begin = next_part(cut, zone, at - back[cut]);
    for (int64_t n; begin <= at && (n = next_part(cut, zone, begin)) <= at;)
        begin = n;
    return begin;
}

static void by_quarter(Cuts *c) {
    for (size_t i = 0; i <= c->n; i++)
        if (c->begins[i] % QUARTER) return;
    c->from = c->begins[0];
    c->quarters = (size_t)((c->begins[c->n] - c->from) / QUARTER);
    if (c->quarters > QUARTERS_MAX) return;
    c->of_quarter = xmalloc(c->quarters * sizeof(*c->of_quarter));
    for (size_t i = 0, q = 0; i < c->n; i++)
        for (; c->from + (int64_t)q * QUARTER < c->begins[i + 1]; q++)
            c->of_quarter[q] = (uint16_t)i;
}

int cuts_make(Cuts *c, FactCut cut, const Zone *zone, int64_t from, int64_t to) {
    *c = (Cuts){.begins = xmalloc((FACT_CUTS_MAX + 1) * sizeof(*c->begins))};
    if (cut == CUT_NONE) {
        c->n = 1;
        c->begins[0] = from;
        c->begins[1] = to;
        return 0;
    }
    int64_t at = begin_of(cut, zone, from);
    c->begins[0] = at;
    while (at < to) {
        if (c->n == FACT_CUTS_MAX) {
            cuts_done(c);
            return -E2BIG;
        }
        at = next_part(cut, zone, at);
        c->begins[++c->n] = at;
    }
    by_quarter(c);
    return 0;
}

void cuts_done(Cuts *c) {
    free(c->begins);
    free(c->of_quarter);
    *c = (Cuts){0};
}

static uint32_t search(const Cuts *c, int64_t at) {
    size_t from = 0, to = c->n;
    while (to - from > 1) {
        size_t mid = from + (to - from) / 2;
        if (c->begins[mid] <= at)
            from = mid;
        else
            to = mid;
    }
    return (uint32_t)from;
}

void cuts_of(const Cuts *c, const uint32_t *instants, size_t n, uint32_t *ret) {
    if (c->n == 1) {
        memset(ret, 0, n * sizeof(*ret));
        return;
    }
    if (!c->of_quarter) {
        for (size_t i = 0; i < n; i++)
            ret[i] = search(c, (int64_t)instants[i] - 1);
        return;
    }
    /* `from` may lie before 1970; the difference is never negative. */
    uint32_t base = (uint32_t)(c->from + 1);
    for (size_t i = 0; i < n; i++)
        ret[i] = c->of_quarter[(instants[i] - base) / QUARTER];
}

/* ---- Hours of the week ---- */

static uint8_t week_hour(int64_t local) {
    int64_t hour = floor_div(local, HOUR) + 3 * 24;
    return (uint8_t)(hour - floor_div(hour, WEEK_DAYS * 24) * WEEK_DAYS * 24);
}

void week_hours_make(WeekHours *w, const Zone *zone, int64_t from, int64_t to) {
    from = floor_div(from, QUARTER) * QUARTER;
    *w = (WeekHours){.from = from, .zone = zone};
    w->quarters = (size_t)((to - from + QUARTER - 1) / QUARTER);
    w->of_quarter = xmalloc(w->quarters ? w->quarters : 1);
    int64_t until = INT64_MIN, offset = 0;
    for (size_t q = 0; q < w->quarters; q++) {
        int64_t at = from + (int64_t)q * QUARTER;
        if (at >= until) {
            if (until != INT64_MIN && until % QUARTER) w->odd = true;
            offset = offset_at(zone, at, &until);
            if (offset % QUARTER) w->odd = true;
        }
        w->of_quarter[q] = week_hour(at + offset);
    }
    if (until < to && until % QUARTER) w->odd = true;
}

void week_hours_done(WeekHours *w) {
    free(w->of_quarter);
    *w = (WeekHours){0};
}

void week_hours_of(const WeekHours *w, const uint32_t *instants, size_t n, uint32_t *ret) {
    if (w->odd) {
        for (size_t i = 0; i < n; i++) {
            int64_t until, at = (int64_t)instants[i] - 1;
            ret[i] = week_hour(at + offset_at(w->zone, at, &until));
        }
        return;
    }
    uint32_t base = (uint32_t)(w->from + 1);
    for (size_t i = 0; i < n; i++)
        ret[i] = w->of_quarter[(instants[i] - base) / QUARTER];
}
