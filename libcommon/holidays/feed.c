/* Lines are unfolded and counted here, so that every complaint has its line; what a rule of
 * repetition or a duration means is libical's business. */
#include "holidays/feed.h"

#include <ctype.h>
#include <errno.h>
#include <libical/ical.h>

#include "promise/days.h"

enum {
    LINE_BYTES_MAX = 16384, /* unfolded: descriptions are long */
    RULE_BYTES_MAX = 300,
    DEPTH_MAX = 4,
    EVENT_DAYS_MAX = 400,
    OCCURRENCES_MAX = 400,
    EXCEPTIONS_MAX = 400,
    YEAR_LAST = 2099
};

typedef struct Line {
    long number;
    Str name, parameters, value; /* NAME;PARAMETERS:VALUE; letters of the name as they came */
} Line;

typedef struct Event {
    long line, rule_line;
    bool all_day, cancelled, observance, special, works;
    int weekday;
    int64_t start, end; /* days; end 0: not said */
    char rule[RULE_BYTES_MAX + 1];
    int64_t exceptions[EXCEPTIONS_MAX];
    size_t exceptions_n;
} Event;

typedef struct Feed {
    Str rest;
    long number; /* of the line read last */
    Buf unfolded;
    FeedDay *days;
    bool *marked; /* of each day: X-APPLE-SPECIAL-DAY */
    size_t n, max, events, rules;
    bool any_marked;
    Buf *problem;
} Feed;

static int broken(Feed *f, long line, const char *what) {
    if (f->problem) buf_printf(f->problem, "line %ld: %s", line, what);
    return -EINVAL;
}

/* ---- Lines ---- */

static Str physical(Feed *f) {
    Str rest, line = str_cut(f->rest, '\n', &rest);
    f->rest = rest;
    f->number++;
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

/* The next line with its continuations; 0 at the end. */
static int line_next(Feed *f, Line *ret) {
    Str line = {NULL, 0};
    while (f->rest.n && str_trim(line).n == 0)
        line = physical(f);
    if (str_trim(line).n == 0) return 0;
    ret->number = f->number;
    buf_clear(&f->unfolded);
    buf_add_str(&f->unfolded, line);
    while (f->rest.n && (*f->rest.p == ' ' || *f->rest.p == '\t')) {
        line = physical(f);
        buf_add(&f->unfolded, line.p + 1, line.n - (line.n > 0));
        if (f->unfolded.n > LINE_BYTES_MAX) break;
    }
    if (f->unfolded.n > LINE_BYTES_MAX) return broken(f, ret->number, "longer than 16 KiB");
    Str whole = buf_str(&f->unfolded);
    size_t name = 0, colon;
    while (name < whole.n && (isalnum((unsigned char)whole.p[name]) || whole.p[name] == '-'))
        name++;
    bool quoted = false;
    for (colon = name; colon < whole.n && (quoted || whole.p[colon] != ':'); colon++)
        if (whole.p[colon] == '"') quoted = !quoted;
    if (name == 0 || colon >= whole.n || (colon > name && whole.p[name] != ';'))
        return broken(f, ret->number, "no `NAME:value`; the file must be iCalendar (.ics)");
    ret->name = (Str){whole.p, name};
    ret->parameters = (Str){whole.p + name, colon - name};
    ret->value = (Str){whole.p + colon + 1, whole.n - colon - 1};
    return 1;
}

static bool is(const Line *l, const char *name) {
    return str_eq_nocase(l->name, str(name));
}

static bool has(Str text, const char *part) {
    return text.n && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* ---- What an event says ---- */

/* "20261001", that date; 0 for an instant such as 20261001T090000, -EINVAL for neither. */
static int date_read(Str value, int64_t *ret) {
    char text[11];
    for (size_t i = 0; i < 8; i++)
        if (i >= value.n || !isdigit((unsigned char)value.p[i])) return -EINVAL;
    if (value.n > 8 && value.p[8] != 'T') return -EINVAL;
    (void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", value.p, value.p + 4, value.p + 6);
    int64_t day;
    if (days_parse(str(text), &day) < 0 || days_year(day) < 1900 || days_year(day) >= 2200)
        return -EINVAL;
    *ret = day;
    return value.n == 8 ? 1 : 0;
}

/* 按周四, 补星期四: the weekday that is worked. A weekday alone tells where the date lies. */
static int weekday_named(Str text) {
    static const char *const before[] = {"按", "补", "補"};
    static const char *const week[] = {"周", "星期", "週"};
    static const char *const names[] = {"一", "二", "三", "四", "五", "六", "日", "天"};
    for (size_t b = 0; b < 3; b++)
        for (size_t w = 0; w < 3; w++)
            for (int day = 0; day < 8; day++) {
                char phrase[32];
                (void)snprintf(phrase, sizeof(phrase), "%s%s%s", before[b], week[w], names[day]);
                if (has(text, phrase)) return day < 7 ? day : 6;
            }
    return -1;
}

static bool is_makeup(Str text) {
    static const char *const work[] = {"补班",   "補班", "调班",   "上班",
                                       "（班）", "(班)", "【班】", "[班]"};
    static const char *const rest[] = {"休假", "放假", "假期", "（休）", "(休)"};
    for (size_t i = 0; i < sizeof(work) / sizeof(*work); i++)
        if (has(text, work[i])) return true;
    for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
        if (has(text, rest[i])) return false;
    return has(text, "调休") || has(text, "調休");
}

static int end_read(Feed *f, Event *e, const Line *l) {
    int kind = date_read(l->value, &e->end);
    if (kind < 0) return broken(f, l->number, "DTEND is no date; write 20261008");
    return 0;
}

static int duration_read(Feed *f, Event *e, const Line *l) {
    char text[32];
    if (l->value.n >= sizeof(text)) return broken(f, l->number, "DURATION is no time; write P3D");
    memcpy(text, l->value.p, l->value.n);
    text[l->value.n] = 0;
    for (size_t i = 0, digits = 0; i < l->value.n; i++) {
        digits = isdigit((unsigned char)text[i]) ? digits + 1 : 0;
        if (digits > 4) return broken(f, l->number, "DURATION is too long; at most 400 days");
    }
    struct icaldurationtype d = icaldurationtype_from_string(text);
    if (icaldurationtype_is_bad_duration(d) || d.is_neg)
        return broken(f, l->number, "DURATION is no time; write P3D");
    e->end = e->start + (int64_t)d.days + INT64_C(7) * d.weeks;
    return 0;
}

/* Only letters, digits and what a rule is put together with come near the library. */
static int rule_keep(Feed *f, Event *e, const Line *l) {
    size_t digits = 0;
    if (l->value.n > RULE_BYTES_MAX) return broken(f, l->number, "RRULE is too long");
    for (size_t i = 0; i < l->value.n; i++) {
        char c = l->value.p[i];
        if (!isalnum((unsigned char)c) && !strchr("=;,+-", c))
            return broken(f, l->number, "RRULE is no rule; write FREQ=YEARLY");
        digits = isdigit((unsigned char)c) ? digits + 1 : 0;
        if (digits > 8) return broken(f, l->number, "RRULE has a number that is too large");
        e->rule[i] = (char)toupper((unsigned char)c);
    }
    e->rule[l->value.n] = 0;
    if (has(str(e->rule), "RSCALE"))
        return broken(f, l->number, "RSCALE is not understood; write the dates of each year");
    e->rule_line = l->number;
    return 0;
}

static int exceptions_read(Feed *f, Event *e, const Line *l) {
    Str rest = l->value;
    while (rest.n) {
        int64_t day;
        if (date_read(str_cut(rest, ',', &rest), &day) < 0)
            return broken(f, l->number, "EXDATE is no list of dates; write 20271001,20281001");
        if (e->exceptions_n == EXCEPTIONS_MAX)
            return broken(f, l->number, "more than 400 dates in EXDATE");
        e->exceptions[e->exceptions_n++] = day;
    }
    return 0;
}

static int property(Feed *f, Event *e, const Line *l) {
    if (is(l, "DTSTART")) {
        int kind = date_read(l->value, &e->start);
        if (kind < 0) return broken(f, l->number, "DTSTART is no date; write 20261001");
        e->all_day = kind == 1;
        e->line = l->number;
        return 0;
    }
    if (is(l, "DTEND")) return end_read(f, e, l);
    if (is(l, "DURATION")) {
        if (!e->line) return broken(f, l->number, "DURATION stands before DTSTART");
        return duration_read(f, e, l);
    }
    if (is(l, "RRULE")) return rule_keep(f, e, l);
    if (is(l, "EXDATE")) return exceptions_read(f, e, l);
    if (is(l, "STATUS")) e->cancelled = str_eq_nocase(l->value, STR("CANCELLED"));
    if (is(l, "X-APPLE-SPECIAL-DAY")) {
        e->special = true;
        e->works = e->works || str_eq_nocase(l->value, STR("ALTERNATE-WORKDAY"));
    }
    bool names = is(l, "SUMMARY") || is(l, "CATEGORIES"), tells = is(l, "DESCRIPTION");
    if (names && is_makeup(l->value)) e->works = true;
    if (tells) e->observance = str_starts(l->value, STR("Observance"));
    if ((names || tells) && e->weekday < 0) e->weekday = weekday_named(l->value);
    return 0;
}

/* ---- Its days ---- */

static int add_days(Feed *f, const Event *e, int64_t start, int64_t n) {
    for (int64_t day = start; day < start + n; day++) {
        if (f->n == f->max)
            return broken(f, e->line, "more days than a calendar holds; leave past years out");
        f->marked[f->n] = e->special;
        f->days[f->n++] = (FeedDay){day, e->works, e->works ? e->weekday : -1};
    }
    return 0;
}

static bool is_excepted(const Event *e, int64_t day) {
    for (size_t i = 0; i < e->exceptions_n; i++)
        if (e->exceptions[i] == day) return true;
    return false;
}

static int repeat(Feed *f, const Event *e, int64_t n) {
    if (++f->rules > FEED_RULES_MAX)
        return broken(f, e->rule_line, "more than 100 events that repeat");
    icalerror_set_errors_are_fatal(false);
    struct icalrecurrencetype rule = icalrecurrencetype_from_string(e->rule);
    if (rule.freq == ICAL_NO_RECURRENCE)
        return broken(f, e->rule_line, "RRULE is no rule; write FREQ=YEARLY");
    if (rule.freq != ICAL_YEARLY_RECURRENCE || rule.interval < 1 || rule.interval > 100)
        return broken(f, e->rule_line, "only FREQ=YEARLY repeats; write the other dates singly");
    int64_t year = days_year(e->start);
    struct icaltimetype first = {.year = (int)year, .is_date = 1};
    int64_t left = e->start - days_from_date(year, 1, 1);
    for (first.month = 1; first.month < 12; first.month++) {
        int64_t length =
            days_from_date(year, first.month + 1, 1) - days_from_date(year, first.month, 1);
        if (left < length) break;
        left -= length;
    }
    first.day = (int)left + 1;
    icalrecur_iterator *each = icalrecur_iterator_new(rule, first);
    if (!each) return broken(f, e->rule_line, "RRULE is no rule; write FREQ=YEARLY");
    int r = 0;
    for (int i = 0; i < OCCURRENCES_MAX && r == 0; i++) {
        struct icaltimetype at = icalrecur_iterator_next(each);
        if (icaltime_is_null_time(at) || at.year > YEAR_LAST) break;
        int64_t day = days_from_date(at.year, at.month, at.day);
        if (!is_excepted(e, day)) r = add_days(f, e, day, n);
    }
    icalrecur_iterator_free(each);
    return r;
}

static int event_done(Feed *f, const Event *e, long number) {
    if (!e->line) return broken(f, number, "an event without DTSTART");
    if (e->cancelled || !e->all_day || e->observance) return 0;
    int64_t n = e->end == 0 ? 1 : e->end - e->start;
    if (n < 0 || n > EVENT_DAYS_MAX)
        return broken(f, e->line, "the event ends before it begins, or lasts more than 400 days");
    if (n == 0) n = 1; /* against the RFC, but often written */
    f->any_marked = f->any_marked || e->special;
    return *e->rule ? repeat(f, e, n) : add_days(f, e, e->start, n);
}

/* ---- The file ---- */

static bool is_event(const Str *stack, size_t depth) {
    return depth == 2 && str_is(stack[0], "C") && str_is(stack[1], "E");
}

/* Components by a letter: what is inside an event that is no event (an alarm) says nothing. */
static Str letter(Str name) {
    if (str_eq_nocase(name, STR("VCALENDAR"))) return STR("C");
    if (str_eq_nocase(name, STR("VEVENT"))) return STR("E");
    return STR("-");
}

static int read_all(Feed *f) {
    Str stack[DEPTH_MAX];
    size_t depth = 0;
    CLEANUP(mem_freep) Event *e = xcalloc(1, sizeof(*e));
    Line l = {0};
    int r;
    while ((r = line_next(f, &l)) > 0) {
        Str value = str_trim(l.value);
        if (depth == 0 && !(is(&l, "BEGIN") && str_is(letter(value), "C")))
            return broken(f, l.number, "BEGIN:VCALENDAR is expected here");
        if (is(&l, "BEGIN")) {
            if (depth == DEPTH_MAX) return broken(f, l.number, "components nested too deeply");
            stack[depth++] = letter(value);
            if (!is_event(stack, depth)) continue;
            if (++f->events > FEED_EVENTS_MAX) return broken(f, l.number, "more than 5,000 events");
            memset(e, 0, sizeof(*e));
            e->weekday = -1;
        } else if (is(&l, "END")) {
            if (!str_eq(stack[depth - 1], letter(value)))
                return broken(f, l.number, "END of something else than what began last");
            if (is_event(stack, depth) && event_done(f, e, l.number) < 0) return -EINVAL;
            depth--;
        } else if (is_event(stack, depth) && property(f, e, &l) < 0) {
            return -EINVAL;
        }
    }
    if (r < 0) return r;
    if (depth) return broken(f, f->number, "the file ends too early: END:VCALENDAR is missing");
    return 0;
}

int feed_read(Str text, size_t max, Arena *arena, FeedDay **ret, Buf *ret_problem) {
    Feed f = {.rest = text, .max = max, .problem = ret_problem};
    if (str_starts(f.rest, STR("\xef\xbb\xbf"))) f.rest = (Str){text.p + 3, text.n - 3};
    if (text.n > FEED_BYTES_MAX) return broken(&f, 1, "larger than 1 MiB");
    if (!str_is_text(text)) return broken(&f, 1, "not in UTF-8");
    f.days = arena_alloc(arena, (max + 1) * sizeof(*f.days));
    f.marked = arena_alloc(arena, (max + 1) * sizeof(*f.marked));
    int r = read_all(&f);
    buf_done(&f.unfolded);
    if (r < 0) return r;
    size_t n = 0;
    for (size_t i = 0; i < f.n; i++)
        if (!f.any_marked || f.marked[i]) f.days[n++] = f.days[i];
    if (n == 0)
        return broken(&f, f.number > 0 ? f.number : 1,
                      "no all-day event; holidays are written DTSTART;VALUE=DATE:20261001");
    *ret = f.days;
    return (int)n;
}
