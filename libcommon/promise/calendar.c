/* Each year is a sorted list of open spans in UTC with the open time before each, so counting and
 * reaching are binary searches. */
#include "promise/calendar.h"

#include "promise/days.h"

enum { YEAR_FIRST = 1970, YEAR_END = 2200, DAYS = 7 };

typedef struct Span {
    int64_t start, end; /* UTC, half-open */
    int64_t before;     /* open time of this year before `start` */
} Span;

typedef struct Year {
    Span *spans;
    size_t n, room;
    int64_t start, end, open;
    bool known;
} Year;

struct Calendar {
    Zone *zone;
    Shift slices[DAYS][CALENDAR_SHIFTS_MAX]; /* minutes of the day, sorted */
    size_t slices_n[DAYS];
    int64_t *holidays; /* sorted */
    size_t holidays_n;
    Makeup *makeups; /* sorted */
    size_t makeups_n;
    Year *years; /* what has been worked out; NULL: the fallback */
    bool asked;
};

static int compare_days(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int compare_makeups(const void *a, const void *b) {
    const Makeup *x = a, *y = b;
    return x->day < y->day ? -1 : x->day > y->day;
}

static int compare_shifts(const void *a, const void *b) {
    const Shift *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

Calendar *calendar_free(Calendar *c) {
    if (!c) return NULL;
    for (int y = 0; c->years && y < YEAR_END - YEAR_FIRST; y++)
        free(c->years[y].spans);
    free(c->years);
    free(c->holidays);
    free(c->makeups);
    zone_free(c->zone);
    free(c);
    return NULL;
}

/* ---- Making ---- */

/* Cuts shifts at midnights into slices of their days. False when two overlap. */
static bool slice(Calendar *c, const CalendarSpec *spec) {
    for (size_t i = 0; i < spec->shifts_n; i++) {
        for (int32_t at = spec->shifts[i].start; at < spec->shifts[i].end;) {
            int32_t midnight = (at / 1440 + 1) * 1440;
            int32_t end = spec->shifts[i].end < midnight ? spec->shifts[i].end : midnight;
            int day = at / 1440 % DAYS;
            if (c->slices_n[day] == CALENDAR_SHIFTS_MAX) return false;
            c->slices[day][c->slices_n[day]++] = (Shift){at % 1440, end - at + at % 1440};
            at = end;
        }
    }
    for (int day = 0; day < DAYS; day++) {
        qsort(c->slices[day], c->slices_n[day], sizeof(Shift), compare_shifts);
        for (size_t i = 1; i < c->slices_n[day]; i++)
            if (c->slices[day][i].start < c->slices[day][i - 1].end) return false;
    }
    return true;
}

static const char *spec_problem(const CalendarSpec *spec) {
    if (spec->shifts_n == 0) return "no working hours at all";
    if (spec->shifts_n > CALENDAR_SHIFTS_MAX) return "more than 200 intervals a week";
    if (spec->holidays_n > CALENDAR_DATES_MAX || spec->makeups_n > CALENDAR_DATES_MAX)
        return "more than 4,000 dates";
    for (size_t i = 0; i < spec->shifts_n; i++) {
        const Shift *s = &spec->shifts[i];
        if (s->start < 0 || s->start >= WEEK_MINUTES || s->end <= s->start ||
            s->end > s->start + WEEK_MINUTES)
            return "an interval that ends before it begins, or lies outside the week";
    }
    for (size_t i = 0; i < spec->makeups_n; i++)
        if (spec->makeups[i].weekday < 0 || spec->makeups[i].weekday >= DAYS)
            return "a make-up day that is like no weekday";
    return NULL;
}

Calendar *calendar_new(const CalendarSpec *spec, Zone *zone, Buf *ret_problem) {
    CLEANUP(calendar_freep) Calendar *c = xcalloc(1, sizeof(*c));
    c->zone = zone;
    const char *problem = zone ? spec_problem(spec) : "no such time zone";
    if (!problem && !slice(c, spec)) problem = "two intervals of the week overlap";
    if (problem) {
        if (ret_problem) buf_adds(ret_problem, problem);
        return NULL;
    }
    c->holidays_n = spec->holidays_n;
    c->holidays = xcalloc(spec->holidays_n + 1, sizeof(*c->holidays));
    if (spec->holidays_n)
        memcpy(c->holidays, spec->holidays, spec->holidays_n * sizeof(*c->holidays));
    qsort(c->holidays, c->holidays_n, sizeof(*c->holidays), compare_days);
    c->makeups_n = spec->makeups_n;
    c->makeups = xcalloc(spec->makeups_n + 1, sizeof(*c->makeups));
    if (spec->makeups_n) memcpy(c->makeups, spec->makeups, spec->makeups_n * sizeof(*c->makeups));
    qsort(c->makeups, c->makeups_n, sizeof(*c->makeups), compare_makeups);
    c->years = xcalloc(YEAR_END - YEAR_FIRST, sizeof(*c->years));
    return TAKE(c);
}

Calendar *calendar_fallback(void) {
    return xcalloc(1, sizeof(Calendar));
}

bool calendar_fallback_asked(const Calendar *c) {
    return !c->years && c->asked;
}

/* Always open? A fallback notes the question: that is no change of what it says. */
static bool is_always(const Calendar *c) {
    if (!c) return true;
    if (c->years) return false;
    ((Calendar *)c)->asked = true;
    return true;
}

/* ---- Years ---- */

/* The weekday as which a date works; -1: not at all. */
static int works_as(const Calendar *c, int64_t day) {
    const Makeup *m =
        bsearch(&(Makeup){.day = day}, c->makeups, c->makeups_n, sizeof(*m), compare_makeups);
    if (m) return m->weekday;
    if (bsearch(&day, c->holidays, c->holidays_n, sizeof(day), compare_days)) return -1;
    return days_weekday(day);
}

static void span_add(Year *y, int64_t start, int64_t end) {
    if (start >= end) return;
    if (y->n && y->spans[y->n - 1].end == start) {
        y->spans[y->n - 1].end = end;
    } else {
        if (y->n == y->room) {
            y->room = y->room ? y->room * 2 : 1024;
            y->spans = xrealloc(y->spans, y->room * sizeof(*y->spans));
        }
        y->spans[y->n++] = (Span){start, end, y->open};
    }
    y->open += end - start;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The open spans of [from, until) in UTC, where local time is `offset` ahead all along. */
static void year_add(const Calendar *c, Year *y, int64_t from, int64_t until, int64_t offset) {
    for (int64_t day = days_of_ms(from + offset); day <= days_of_ms(until - 1 + offset); day++) {
        int as = works_as(c, day);
        if (as < 0) continue;
        for (size_t i = 0; i < c->slices_n[as]; i++) {
            int64_t midnight = day * DAY_MS - offset;
            span_add(y, later(from, midnight + (int64_t)c->slices[as][i].start * MINUTE_MS),
                     sooner(until, midnight + (int64_t)c->slices[as][i].end * MINUTE_MS));
        }
    }
}

static const Year *year_get(const Calendar *c, int64_t number) {
    Year *y = &c->years[number - YEAR_FIRST];
    if (y->known) return y;
    y->start = days_from_date(number, 1, 1) * DAY_MS;
    y->end = days_from_date(number + 1, 1, 1) * DAY_MS;
    for (int64_t at = y->start; at < y->end;) {
        int64_t from, until;
        int64_t offset = zone_offset_ms(c->zone, at, &from, &until);
        year_add(c, y, at, sooner(until, y->end), offset);
        at = sooner(until, y->end);
    }
    y->known = true;
    return y;
}

/* How many spans of the year begin at or before `at`. */
static size_t spans_begun(const Year *y, int64_t at) {
    size_t low = 0, high = y->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (y->spans[middle].start <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t open_before(const Year *y, int64_t at) {
    size_t n = spans_begun(y, at);
    if (n == 0) return 0;
    const Span *s = &y->spans[n - 1];
    return s->before + (at < s->end ? at : s->end) - s->start;
}

static int64_t year_of(int64_t ms) {
    int64_t year = days_year(days_of_ms(ms));
    return year < YEAR_FIRST ? YEAR_FIRST : year >= YEAR_END ? YEAR_END - 1 : year;
}

int64_t calendar_open_ms(const Calendar *c, int64_t from_ms, int64_t to_ms) {
    if (from_ms >= to_ms) return 0;
    if (is_always(c)) return to_ms - from_ms;
    int64_t first = year_of(from_ms), last = year_of(to_ms);
    int64_t open = open_before(year_get(c, last), to_ms) - open_before(year_get(c, first), from_ms);
    for (int64_t y = first; y < last; y++)
        open += year_get(c, y)->open;
    return open;
}

int64_t calendar_reach(const Calendar *c, int64_t from_ms, int64_t ms) {
    if (ms <= 0) return from_ms;
    if (is_always(c)) return from_ms + ms;
    int64_t number = year_of(from_ms);
    int64_t wanted = open_before(year_get(c, number), from_ms) + ms; /* since the year began */
    for (; number < YEAR_END; number++) {
        const Year *y = year_get(c, number);
        if (wanted > y->open) {
            wanted -= y->open;
            continue;
        }
        size_t low = 0, high = y->n; /* the last span with before < wanted */
        while (high - low > 1) {
            size_t middle = (low + high) / 2;
            if (y->spans[middle].before < wanted)
                low = middle;
            else
                high = middle;
        }
        return y->spans[low].start + wanted - y->spans[low].before;
    }
    return INT64_MAX;
}

bool calendar_span(const Calendar *c, int64_t from_ms, int64_t until_ms, int64_t *ret_start,
                   int64_t *ret_end) {
    if (from_ms >= until_ms) return false;
    if (is_always(c)) {
        *ret_start = from_ms;
        *ret_end = until_ms;
        return true;
    }
    for (int64_t number = year_of(from_ms); number < YEAR_END; number++) {
        const Year *y = year_get(c, number);
        size_t n = spans_begun(y, from_ms);
        size_t i = n && y->spans[n - 1].end > from_ms ? n - 1 : n;
        if (i == y->n) continue;
        *ret_start = later(y->spans[i].start, from_ms);
        *ret_end = sooner(y->spans[i].end, until_ms);
        return *ret_start < until_ms;
    }
    return false;
}

bool calendar_is_open(const Calendar *c, int64_t at_ms) {
    int64_t start, end;
    return calendar_span(c, at_ms, at_ms + 1, &start, &end);
}
