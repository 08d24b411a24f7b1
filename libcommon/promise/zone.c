/* A table of transitions, and the footer's rule written out behind it. */
#include "promise/zone.h"

#include <stdbool.h>

#include "promise/days.h"

enum { YEAR_LAST = 2200, TYPES_MAX = 256, TRANSITIONS_MAX = 20000 };

typedef struct Transition {
    int64_t at_ms;
    int64_t offset_ms; /* from here on */
} Transition;

struct Zone {
    int64_t before_ms; /* the offset before the first transition */
    Transition *transitions;
    size_t n, room;
};

Zone *zone_free(Zone *z) {
    if (!z) return NULL;
    free(z->transitions);
    free(z);
    return NULL;
}

bool zone_name_ok(Str name) {
    if (name.n == 0 || name.n > 64) return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '+' || c == '-';
        bool slash = c == '/' && i > 0 && i + 1 < name.n && name.p[i - 1] != '/';
        if (!word && !slash) return false;
    }
    return true;
}

static void transition_add(Zone *z, int64_t at_ms, int64_t offset_ms) {
    if (z->n == z->room) {
        z->room = z->room ? z->room * 2 : 64;
        z->transitions = xrealloc(z->transitions, z->room * sizeof(*z->transitions));
    }
    z->transitions[z->n++] = (Transition){at_ms, offset_ms};
}

/* ---- The footer: a POSIX TZ string ---- */

typedef struct Reader {
    const char *p, *end;
    bool bad;
} Reader;

static bool reader_take(Reader *r, char c) {
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static int64_t reader_number(Reader *r, int64_t max) {
    int64_t v = 0;
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && v <= max)
        v = v * 10 + (*r->p++ - '0');
    if (r->p == from || v > max) r->bad = true;
    return v;
}

/* "CST" or "<+0545>" */
static void reader_name(Reader *r) {
    const char *from = r->p;
    if (reader_take(r, '<')) {
        while (r->p < r->end && *r->p != '>')
            r->p++;
        if (!reader_take(r, '>')) r->bad = true;
        return;
    }
    while (r->p < r->end && ((*r->p >= 'a' && *r->p <= 'z') || (*r->p >= 'A' && *r->p <= 'Z')))
        r->p++;
    if (r->p - from < 3) r->bad = true;
}

/* [+-]hh[:mm[:ss]] in seconds; RFC 8536 allows hours up to 167 in rules. */
static int64_t reader_time(Reader *r) {
    int64_t sign = reader_take(r, '-') ? -1 : 1;
    if (sign > 0) (void)reader_take(r, '+');
    int64_t seconds = reader_number(r, 167) * 3600;
    if (reader_take(r, ':')) {
        seconds += reader_number(r, 59) * 60;
        if (reader_take(r, ':')) seconds += reader_number(r, 59);
    }
    return sign * seconds;
}

typedef enum RuleKind { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY } RuleKind;

typedef struct Rule { /* "M3.5.0/2", "J60", "59" */
    RuleKind kind;
    int month, week, day;
    int64_t time_s;
} Rule;

static Rule reader_rule(Reader *r) {
    Rule rule = {.time_s = 7200};
    if (reader_take(r, 'M')) {
        rule.kind = RULE_WEEKDAY;
        rule.month = (int)reader_number(r, 12);
        r->bad = r->bad || !reader_take(r, '.');
        rule.week = (int)reader_number(r, 5);
        r->bad = r->bad || !reader_take(r, '.');
        rule.day = (int)reader_number(r, 6);
        if (rule.month < 1 || rule.week < 1) r->bad = true;
    } else {
        rule.kind = reader_take(r, 'J') ? RULE_JULIAN : RULE_DAY;
        rule.day = (int)reader_number(r, 365);
        if (rule.kind == RULE_JULIAN && rule.day < 1) r->bad = true;
    }
    if (reader_take(r, '/')) rule.time_s = reader_time(r);
    return rule;
}

/* Local seconds of the rule in that year, since 1970 on the wall. */
static int64_t rule_local_s(const Rule *rule, int64_t year) {
    int64_t first = days_from_date(year, 1, 1), day = 0;
    bool leap = days_from_date(year + 1, 1, 1) - first == 366;
    switch (rule->kind) {
    case RULE_JULIAN:
        day = first + rule->day - 1 + (leap && rule->day >= 60);
        break;
    case RULE_DAY:
        day = first + rule->day;
        break;
    case RULE_WEEKDAY: {
        int64_t month = days_from_date(year, rule->month, 1);
        int64_t next = rule->month == 12 ? days_from_date(year + 1, 1, 1)
                                         : days_from_date(year, rule->month + 1, 1);
        int wanted = (rule->day + 6) % 7; /* POSIX counts from Sunday */
        day = month + (wanted - days_weekday(month) + 7) % 7 + (int64_t)(rule->week - 1) * 7;
        while (day >= next)
            day -= 7;
        break;
    }
    }
    return day * 86400 + rule->time_s;
}

static int64_t zone_last_ms(const Zone *z) {
    return z->n ? z->transitions[z->n - 1].at_ms : INT64_MIN;
}

/* One year's two changes, in order of time, as far as they lie behind the table. */
static void footer_year(Zone *z, int64_t year, const Rule rules[2], const int64_t offsets_s[2]) {
    Transition t[2];
    for (int i = 0; i < 2; i++) /* rule 0 begins daylight time: said in standard time */
        t[i] = (Transition){(rule_local_s(&rules[i], year) - offsets_s[1 - i]) * 1000,
                            offsets_s[i] * 1000};
    int first = t[0].at_ms <= t[1].at_ms ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        const Transition *next = &t[i == 0 ? first : 1 - first];
        if (next->at_ms > zone_last_ms(z)) transition_add(z, next->at_ms, next->offset_ms);
    }
}

static bool footer_read(Zone *z, Str footer) {
    Reader r = {footer.p, footer.p + footer.n, false};
    Rule rules[2];
    int64_t offsets_s[2]; /* daylight, standard */
    if (footer.n == 0) return true;
    reader_name(&r);
    offsets_s[1] = -reader_time(&r);
    if (r.p == r.end) {
        if (z->n == 0) z->before_ms = offsets_s[1] * 1000;
        return !r.bad;
    }
    reader_name(&r);
    offsets_s[0] = r.p < r.end && *r.p != ',' ? -reader_time(&r) : offsets_s[1] + 3600;
    for (int i = 0; i < 2; i++) {
        if (!reader_take(&r, ',')) return false;
        rules[i] = reader_rule(&r);
    }
    if (r.bad || r.p != r.end) return false;
    int64_t year = z->n ? days_year(days_of_ms(zone_last_ms(z))) : 1970;
    for (; year <= YEAR_LAST; year++)
        footer_year(z, year, rules, offsets_s);
    return true;
}

/* ---- The table ---- */

static int64_t big_endian(const char *p, size_t n) {
    uint64_t v = (unsigned char)p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return (int64_t)v;
}

typedef struct Header {
    size_t utc, standard, leaps, times, types, chars;
} Header;

enum { HEADER_BYTES = 44 };

static bool header_read(Str file, size_t at, Header *ret, char *ret_version) {
    if (file.n < at + HEADER_BYTES || memcmp(file.p + at, "TZif", 4) != 0) return false;
    size_t *counts[] = {&ret->utc,   &ret->standard, &ret->leaps,
                        &ret->times, &ret->types,    &ret->chars};
    for (size_t i = 0; i < 6; i++) {
        int64_t count = big_endian(file.p + at + 20 + 4 * i, 4);
        if (count < 0 || count > TRANSITIONS_MAX) return false;
        *counts[i] = (size_t)count;
    }
    *ret_version = file.p[at + 4];
    return ret->types > 0 && ret->types <= TYPES_MAX;
}

static size_t data_bytes(const Header *h, size_t time_bytes) {
    return h->times * (time_bytes + 1) + h->types * 6 + h->chars + h->leaps * (time_bytes + 4) +
           h->standard + h->utc;
}

static bool table_read(Zone *z, Str file, size_t at, const Header *h) {
    const char *times = file.p + at, *indexes = times + h->times * 8, *types = indexes + h->times;
    for (size_t i = 0; i < h->types; i++) {
        int64_t offset = big_endian(types + i * 6, 4);
        if (offset < -26 * 3600 || offset > 26 * 3600) return false;
    }
    z->before_ms = big_endian(types, 4) * 1000; /* type 0 holds before the first transition */
    for (size_t i = 0; i < h->times; i++) {
        size_t type = (unsigned char)indexes[i];
        int64_t at_s = big_endian(times + i * 8, 8);
        if (type >= h->types || at_s < -((int64_t)1 << 50) || at_s > (int64_t)1 << 50) return false;
        if (z->n && at_s * 1000 <= zone_last_ms(z)) return false;
        transition_add(z, at_s * 1000, big_endian(types + type * 6, 4) * 1000);
    }
    return true;
}

static bool zone_read(Zone *z, Str file) {
    Header h;
    char version;
    if (!header_read(file, 0, &h, &version) || version < '2') return false;
    size_t second = HEADER_BYTES + data_bytes(&h, 4);
    if (!header_read(file, second, &h, &version)) return false;
    size_t at = second + HEADER_BYTES, footer = at + data_bytes(&h, 8);
    if (file.n < footer + 2 || file.p[footer] != '\n' || file.p[file.n - 1] != '\n') return false;
    return table_read(z, file, at, &h) &&
           footer_read(z, (Str){file.p + footer + 1, file.n - footer - 2});
}

Zone *zone_parse(Str tzif, Buf *ret_problem) {
    CLEANUP(zone_freep) Zone *z = xcalloc(1, sizeof(*z));
    if (!zone_read(z, tzif)) {
        if (ret_problem) buf_adds(ret_problem, "not a time zone file of version 2 or later");
        return NULL;
    }
    return TAKE(z);
}

int64_t zone_offset_ms(const Zone *z, int64_t utc_ms, int64_t *ret_from, int64_t *ret_until) {
    size_t low = 0, high = z->n; /* the first transition behind utc_ms */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (z->transitions[middle].at_ms <= utc_ms)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_from = low ? z->transitions[low - 1].at_ms : INT64_MIN;
    *ret_until = low < z->n ? z->transitions[low].at_ms : INT64_MAX;
    return low ? z->transitions[low - 1].offset_ms : z->before_ms;
}
