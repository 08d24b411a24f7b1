/* The section `calendars`: working hours, holidays, make-up days. */
#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "documents/zones.h"
#include "holidays/feed.h"
#include "promise/days.h"

enum { CALENDARS_MAX = 200, RANGE_DAYS_MAX = 400, DAY_MINUTES = 1440 };

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* What is read of one calendar, in the compilation's memory. */
typedef struct Draft {
    Shift shifts[CALENDAR_SHIFTS_MAX];
    int64_t holidays[CALENDAR_DATES_MAX];
    Makeup makeups[CALENDAR_DATES_MAX];
    CalendarSpec spec;
} Draft;

/* 0 Monday ... 6 Sunday; -1: none of them. */
static int weekday(Str name) {
    for (int d = 0; d < 7; d++)
        if (str_eq_nocase(name, str(day_names[d]))) return d;
    return -1;
}

/* "09:30" in minutes of the day, up to 24:00; -1. */
static int32_t minute_of_day(Str text) {
    Str rest;
    Str hours = str_cut(str_trim(text), ':', &rest);
    int64_t h, m;
    if (hours.n == 0 || hours.n > 2 || rest.n != 2 || str_to_i64(hours, &h) < 0 ||
        str_to_i64(rest, &m) < 0 || h < 0 || m < 0 || m > 59 || h * 60 + m > DAY_MINUTES)
        return -1;
    return (int32_t)(h * 60 + m);
}

static void read_shift(const Reading *r, long line, int day, Str text, Draft *d) {
    Str rest;
    int32_t start = minute_of_day(str_cut(text, '-', &rest)), end = minute_of_day(rest);
    if (start < 0 || end < 0 || start == DAY_MINUTES || start == end) {
        complain(r, line,
                 "`%.*s` is no working time; write 09:00-18:00, or 22:00-06:00 for a night",
                 STR_ARG(text));
        return;
    }
    if (end < start) end += DAY_MINUTES;
    if (d->spec.shifts_n == CALENDAR_SHIFTS_MAX) {
        complain(r, line, "more than %d intervals a week", CALENDAR_SHIFTS_MAX);
        return;
    }
    d->shifts[d->spec.shifts_n++] = (Shift){day * DAY_MINUTES + start, day * DAY_MINUTES + end};
}

/* `mon-fri: [...]`, `sat: 10:00-16:00` */
static void read_days(Compilation *c, const Reading *r, const Node *n, Draft *d) {
    const Str *shifts = NULL;
    size_t shifts_n = 0;
    Str rest;
    int first = weekday(str_cut(n->key, '-', &rest)), last = rest.p ? weekday(rest) : first;
    if (first < 0 || last < 0) {
        complain(r, n->key_line,
                 "`%.*s` is no weekday; write mon ... sun, or a range such as mon-fri",
                 STR_ARG(n->key));
        return;
    }
    if (!shape_texts(r, n, 32, CALENDAR_SHIFTS_MAX, c->work, &shifts, &shifts_n)) return;
    for (int day = first;; day = (day + 1) % 7) {
        for (size_t i = 0; i < shifts_n; i++)
            read_shift(r, n->line, day, shifts[i], d);
        if (day == last) break;
    }
}

static void add_holidays(const Reading *r, long line, Str text, Draft *d) {
    int64_t first, last;
    Str from = text, to = text;
    for (size_t i = 0; i + 1 < text.n; i++)
        if (text.p[i] == '.' && text.p[i + 1] == '.') {
            from = str_trim((Str){text.p, i});
            to = str_trim((Str){text.p + i + 2, text.n - i - 2});
            break;
        }
    if (days_parse(from, &first) < 0 || days_parse(to, &last) < 0 || last < first ||
        last - first > RANGE_DAYS_MAX) {
        complain(r, line, "`%.*s` is no date; write 2026-10-01, or 2026-10-01..2026-10-07",
                 STR_ARG(text));
        return;
    }
    for (int64_t day = first; day <= last; day++) {
        if (d->spec.holidays_n == CALENDAR_DATES_MAX) {
            complain(r, line, "more than %d holidays", CALENDAR_DATES_MAX);
            return;
        }
        d->holidays[d->spec.holidays_n++] = day;
    }
}

static void read_makeups(const Reading *r, const Node *map, Draft *d) {
    if (!map || map->kind == NODE_NOTHING || !shape_map(r, map)) return;
    for (const Node *n = map->first; n; n = n->next) {
        int64_t day;
        int as = n->kind == NODE_TEXT ? weekday(n->text) : -1;
        if (days_parse(n->key, &day) < 0 || as < 0) {
            complain(
                r, n->key_line,
                "a make-up day is written `2026-09-27: thu`: a date and the weekday whose hours "
                "it has");
            continue;
        }
        if (d->spec.makeups_n == CALENDAR_DATES_MAX) {
            complain(r, n->key_line, "more than %d make-up days", CALENDAR_DATES_MAX);
            return;
        }
        d->makeups[d->spec.makeups_n++] = (Makeup){day, as};
    }
}

/* The weekday whose hours a make-up day has when nobody says which. */
static int first_working_day(const Draft *d) {
    int first = 6;
    for (size_t i = 0; i < d->spec.shifts_n; i++)
        if (d->shifts[i].start / DAY_MINUTES < first) first = d->shifts[i].start / DAY_MINUTES;
    return first;
}

static bool is_makeup(const Draft *d, int64_t day) {
    for (size_t i = 0; i < d->spec.makeups_n; i++)
        if (d->makeups[i].day == day) return true;
    return false;
}

/* What the document itself says of a date stands before its iCalendar. */
static void read_feed(Compilation *c, const Reading *r, const Node *n, Draft *d) {
    CLEANUP(buf_done) Buf why = {0};
    Str text = {NULL, 0}, as_name = {NULL, 0};
    FeedDay *days = NULL;
    const Node *feed = node_member(n, "ics"), *as_node = node_member(n, "ics_makeup");
    const Node *file = node_member(n, "ics_file");
    if (file)
        complain(r, file->key_line,
                 "`ics_file` is read by `docket apply`; here, put the file's text under `ics: |`");
    if (!shape_text(r, n, "ics", FEED_BYTES_MAX, &text) || !feed || !text.n) return;
    int as = first_working_day(d);
    if (as_node && (!shape_text(r, n, "ics_makeup", NAME_BYTES_MAX, &as_name) ||
                    (as = weekday(as_name)) < 0)) {
        complain(r, as_node->line, "`ics_makeup` is one of mon ... sun");
        return;
    }
    int found = feed_read(text, CALENDAR_DATES_MAX, c->work, &days, &why);
    if (found < 0) {
        complain(r, feed->line, "its iCalendar, %s", why.p);
        return;
    }
    for (int i = 0; i < found; i++) {
        if (days[i].works ? d->spec.makeups_n == CALENDAR_DATES_MAX
                          : d->spec.holidays_n == CALENDAR_DATES_MAX) {
            complain(r, feed->line, "more than %d dates; leave past years out", CALENDAR_DATES_MAX);
            return;
        }
        if (!days[i].works)
            d->holidays[d->spec.holidays_n++] = days[i].day;
        else if (!is_makeup(d, days[i].day))
            d->makeups[d->spec.makeups_n++] =
                (Makeup){days[i].day, days[i].weekday < 0 ? as : days[i].weekday};
    }
}

static void read_calendar(Compilation *c, Str file, const Node *n) {
    Reading r = {c->problems, file, "calendar", {NULL, 0}};
    Str name = {NULL, 0}, zone = {NULL, 0}, title = {NULL, 0};
    const Str *holidays = NULL;
    size_t holidays_n = 0, mistakes;
    if (!take_name(c, &r, n, c->c->calendar_names, &name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("zone"), KEY("week"), KEY("holidays"),
               KEY("makeup"), KEY("ics"), KEY("ics_file"), KEY("ics_makeup"));
    mistakes = c->problems->n;
    Draft *d = arena_zalloc(c->work, sizeof(*d));
    d->spec = (CalendarSpec){.shifts = d->shifts, .holidays = d->holidays, .makeups = d->makeups};
    (void)shape_text(&r, n, "title", TITLE_BYTES_MAX, &title);
    if (!shape_text(&r, n, "zone", NAME_BYTES_MAX, &zone)) return;
    const Node *week = node_member(n, "week"), *dates = node_member(n, "holidays");
    if (week && week->kind != NODE_NOTHING && shape_map(&r, week))
        for (const Node *m = week->first; m; m = m->next)
            read_days(c, &r, m, d);
    if (shape_texts(&r, dates, 32, CALENDAR_DATES_MAX, c->work, &holidays, &holidays_n))
        for (size_t i = 0; i < holidays_n; i++)
            add_holidays(&r, dates->line, holidays[i], d);
    read_makeups(&r, node_member(n, "makeup"), d);
    read_feed(c, &r, n, d);
    Zone *z = zone.n ? zones_read(zone) : NULL;
    if (!z) {
        complain(&r, n->line, "%s `%.*s`; write an IANA name such as `zone: Asia/Shanghai`",
                 zone.n ? "unknown time zone" : "no `zone`", STR_ARG(zone));
        return;
    }
    CLEANUP(buf_done) Buf why = {0};
    Calendar *calendar = calendar_new(&d->spec, z, &why);
    if (!calendar && c->problems->n == mistakes)
        complain(&r, week ? week->line : n->line, "%s; mend `week`", why.p);
    c->c->calendars[c->c->calendars_n++] = (NamedCalendar){name, calendar};
}

void read_calendars(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "calendars", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > CALENDARS_MAX) {
        complain(&r, s.node->line, "%zu calendars; at most %d", s.node->n, CALENDARS_MAX);
        return;
    }
    c->c->calendars = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->calendars) + 1);
    for (const Node *n = s.node->first; n; n = n->next)
        read_calendar(c, s.file, n);
}

void calendars_done(Catalog *c) {
    for (size_t i = 0; i < c->calendars_n; i++)
        calendar_free((Calendar *)(uintptr_t)c->calendars[i].calendar);
}

size_t catalog_calendars(const Catalog *c, const NamedCalendar **ret) {
    *ret = c->calendars;
    return c->calendars_n;
}
