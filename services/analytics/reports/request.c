/* One pass over the pairs for what has a name of its own, one for the filters; then what follows
 * from both. */
#include "analytics/reports/request.h"

#include <errno.h>
#include <stdio.h>

#include "analytics/reports/instants.h"
#include "analytics/reports/request_internal.h"
#include "analytics/reports/wall.h"

#define YEAR_MS (INT64_C(366) * 86400000)

int reading_refuse(Reading *r, const char *field, const char *reason, const char *remedy) {
    r->problem->status = 400;
    r->problem->field = field;
    r->problem->reason = reason;
    r->problem->remedy = remedy;
    return -EINVAL;
}

const char *reading_text(Reading *r, Str s) {
    return arena_strndup(r->arena, s.n ? s.p : "", s.n > 80 ? 80 : s.n);
}

int reading_unknown(Reading *r, const char *field, const char *what, Str name,
                    const char *const *names, size_t n) {
    const char *nearest = report_nearest(name, names, n);
    const char *reason =
        arena_printf(r->arena, "names an unknown %s `%s`", what, reading_text(r, name));
    CLEANUP(buf_done) Buf remedy = {0};
    if (nearest) buf_printf(&remedy, "did you mean `%s`? ", nearest);
    buf_adds(&remedy, "possible are ");
    for (size_t i = 0, shown = 0; i < n; i++)
        if (names[i]) buf_printf(&remedy, "%s%s", shown++ ? ", " : "", names[i]);
    return reading_refuse(r, field, reason, arena_strndup(r->arena, remedy.p, remedy.n));
}

static Str value_of(const Reading *r, const char *name) {
    for (size_t i = 0; i < r->pairs_n; i++)
        if (str_is(r->pairs[i].name, name)) return r->pairs[i].value;
    return (Str){NULL, 0};
}

static const char *const own_names[] = {"from",      "to",      "by",      "cut",    "time",
                                        "time_zone", "compare", "limit",   "format", "bom",
                                        "measures",  "order",   "section", "at",     "handle",
                                        "patience",  "in_time", "goal",    "ahead"};
enum { OWN_NAMES = sizeof(own_names) / sizeof(*own_names) };

static bool is_own(Str name) {
    for (size_t i = 0; i < OWN_NAMES; i++)
        if (str_is(name, own_names[i])) return true;
    return false;
}

static int refuse_doubles(Reading *r) {
    for (size_t i = 1; i < r->pairs_n; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(r->pairs[i].name, r->pairs[j].name))
                return reading_refuse(r, reading_text(r, r->pairs[i].name), "is there twice",
                                      "send it once, with commas between its values");
    return 0;
}

/* ---- numbers, words ---- */

static int read_int(Reading *r, const char *name, int64_t low, int64_t high, int64_t *ret) {
    Str text = value_of(r, name);
    if (!text.p) return 0;
    if (str_to_i64(text, ret) < 0 || *ret < low || *ret > high)
        return reading_refuse(
            r, name, "is not a whole number within its bounds",
            arena_printf(r->arena, "send one from %lld to %lld", (long long)low, (long long)high));
    return 0;
}

static int read_word(Reading *r, const char *name, const char *const *words, size_t n,
                     size_t *ret) {
    Str text = value_of(r, name);
    if (!text.p) return 0;
    for (size_t i = 0; i < n; i++)
        if (str_is(text, words[i])) {
            *ret = i;
            return 0;
        }
    return reading_unknown(r, name, "value", text, words, n);
}

static int read_goal(Reading *r) {
    Str text = value_of(r, "goal");
    if (!text.p) return 0;
    char *end, *copy = arena_strndup(r->arena, text.p, text.n);
    bool plain = text.n && text.n <= 8;
    for (size_t i = 0; plain && i < text.n; i++)
        plain = (text.p[i] >= '0' && text.p[i] <= '9') || text.p[i] == '.';
    r->to->goal = plain ? strtod(copy, &end) : 0;
    if (!plain || *end || r->to->goal < 0.01 || r->to->goal > 0.9999)
        return reading_refuse(r, "goal", "is not a share", "send one from 0.01 to 0.9999");
    return 0;
}

/* ---- time ---- */

static int read_instant(Reading *r, const char *name, int64_t *ret) {
    if (instant_parse(value_of(r, name), r->to->context.zone, r->to->context.now_ms, ret) < 0)
        return reading_refuse(r, name, "is no instant",
                              "send 2026-11-01, 2026-11-01T08:00, 2026-11-01T08:00:00Z, now, "
                              "today, -30d, -12h or -4w");
    return 0;
}

/* As many days, or months, where it begins and ends with such; else as many milliseconds. */
static void find_before(ReportRequest *q) {
    const Zone *z = q->context.zone;
    int64_t from = q->question.from_ms, to = q->question.to_ms, n = 0;
    FactCut unit = CUT_NONE;
    if (wall_floor(z, CUT_DAY, from) == from && wall_floor(z, CUT_DAY, to) == to) unit = CUT_DAY;
    if (unit == CUT_DAY && wall_floor(z, CUT_MONTH, from) == from &&
        wall_floor(z, CUT_MONTH, to) == to)
        unit = CUT_MONTH;
    q->before_to_ms = from;
    q->before_from_ms = from - (to - from);
    if (unit == CUT_NONE) return;
    for (int64_t at = from; at < to; at = wall_step(z, unit, at, 1))
        n++;
    q->before_from_ms = wall_step(z, unit, from, -n);
}

static int read_range(Reading *r) {
    ReportRequest *q = r->to;
    FactQuestion *f = &q->question;
    Str from = value_of(r, "from"), to = value_of(r, "to");
    const ReportContext *c = &q->context;
    if (!from.p && !to.p) {
        if (r->report->now) return 0; /* whenever it was created */
        int64_t today = wall_floor(c->zone, CUT_DAY, c->now_ms);
        f->to_ms = wall_step(c->zone, CUT_DAY, today, 1);
        f->from_ms = wall_step(c->zone, CUT_DAY, today, 1 - REPORT_DAYS);
    } else if (!from.p || !to.p) {
        return reading_refuse(
            r, from.p ? "to" : "from",
            from.p ? "is missing: a range without end" : "is missing: a range without beginning",
            from.p ? "send to=now, or an instant" : "send from=-30d, or an instant");
    } else {
        int e = read_instant(r, "from", &f->from_ms);
        if (e == 0) e = read_instant(r, "to", &f->to_ms);
        if (e < 0) return e;
    }
    if (f->from_ms >= f->to_ms)
        return reading_refuse(r, "from", "is not before to", "`to` is the end, itself excluded");
    if (f->from_ms < 0) return reading_refuse(r, "from", "is before 1970", "send a later one");
    if (f->to_ms - f->from_ms > REPORT_YEARS_MAX * YEAR_MS)
        return reading_refuse(r, "from", "makes a range longer than 20 years",
                              "ask for a shorter one");
    find_before(q);
    return 0;
}

static int read_cut(Reading *r) {
    static const char *const cuts[] = {"none", "quarter", "hour", "day", "week", "month"};
    FactQuestion *f = &r->to->question;
    Str text = value_of(r, "cut");
    f->cut = r->report->cut;
    bool unknown = text.p && fact_cut_parse(text, &f->cut) < 0;
    FactCut asked = unknown ? CUT_QUARTER : f->cut;
    if (f->to_ms == INT64_MAX) {
        if (f->cut == CUT_NONE && !unknown) return 0;
        if (!unknown)
            return reading_refuse(r, "cut", "needs a range", "send from and to, or cut=none");
        return reading_unknown(r, "cut", "cut", text, cuts, 6);
    }
    FactCut nearest = cut_nearest(asked, f->from_ms, f->to_ms);
    bool finer = unknown && (str_is(text, "minute") || str_is(text, "second") ||
                             str_is(text, "5m") || str_is(text, "1m"));
    if (unknown && !finer) return reading_unknown(r, "cut", "cut", text, cuts, 6);
    if (f->cut != CUT_NONE && (finer || nearest != asked))
        return reading_refuse(
            r, "cut",
            arena_printf(r->arena, "cuts %lld days by the %s: more than %d parts",
                         (long long)((f->to_ms - f->from_ms) / 86400000),
                         reading_text(r, finer ? text : str(fact_cut_name(asked))), FACT_CUTS_MAX),
            arena_printf(r->arena, "the nearest allowed is cut=%s", fact_cut_name(nearest)));
    if (finer)
        return reading_refuse(
            r, "cut", "is finer than a quarter of an hour",
            arena_printf(r->arena, "the nearest allowed is cut=%s", fact_cut_name(nearest)));
    return 0;
}

static int read_time(Reading *r) {
    Str text = value_of(r, "time");
    static const char *names[FACT_TIMES_OF];
    for (int i = 0; i < FACT_TIMES_OF; i++)
        names[i] = fact_time_name((FactTimeField)i);
    r->to->question.time = r->report->time;
    if (!text.p || fact_time_parse(text, &r->to->question.time) == 0) return 0;
    return reading_unknown(r, "time", "time", text, names, FACT_TIMES_OF);
}

/* ---- dimensions and measures ---- */

static int read_by(Reading *r) {
    FactQuestion *f = &r->to->question;
    Str rest = value_of(r, "by");
    const char *names[FACT_DIMS] = {NULL};
    for (int i = 0; i < FACT_DIMS; i++)
        if (fact_dim_has(f->source, (FactDim)i)) names[i] = fact_dim_name((FactDim)i);
    if (!rest.p) {
        memcpy(f->dims, r->report->by, sizeof(f->dims));
        f->dims_n = r->report->by_n;
        return 0;
    }
    if (r->report->extra & EXTRA_STAGES)
        return reading_refuse(r, "by", "is not for this report: its rows are the stages",
                              "leave it out, and filter by what you like");
    f->dims_n = 0;
    if (!rest.n || str_is(rest, "none")) return 0;
    while (rest.p) {
        Str name = str_trim(str_cut(rest, ',', &rest));
        FactDim d;
        if (fact_dim_parse(name, &d) < 0 || !names[d])
            return reading_unknown(r, "by", "dimension", name, names, FACT_DIMS);
        if (f->dims_n == FACT_DIMS_MAX)
            return reading_refuse(r, "by", "names more than two dimensions",
                                  "send two, and filter by the others");
        if (f->dims_n && f->dims[0] == d)
            return reading_refuse(r, "by", "names a dimension twice", "send it once");
        f->dims[f->dims_n++] = d;
    }
    return 0;
}

static const struct {
    const char *name;
    FactMeasureKind kind;
} kinds[] = {{"sum", MEASURE_SUM},   {"avg", MEASURE_AVERAGE}, {"share", MEASURE_AVERAGE},
             {"min", MEASURE_LEAST}, {"max", MEASURE_MOST},    {"n", MEASURE_SUM}};

/* "p95:to_reply" */
static bool read_figure(Reading *r, Str text, ReportMeasure *ret) {
    Str number, how = str_cut(text, ':', &number);
    int64_t percent;
    FactNumber n;
    *ret = (ReportMeasure){.form = FORM_VALUE};
    if (!number.p || fact_number_parse(number, &n) < 0 ||
        !fact_number_has(r->to->question.source, n))
        return false;
    const char *word = report_number_zh(n);
    ret->name = arena_strndup(r->arena, text.p, text.n);
    ret->measure.number = n;
    ret->unit = fact_number_is_duration(n) ? UNIT_SECONDS : UNIT_NUMBER;
    ret->zh = arena_printf(r->arena, "%s %.*s", word, STR_ARG(how));
    ret->en = ret->name;
    if (how.n > 1 && how.p[0] == 'p' && str_to_i64((Str){how.p + 1, how.n - 1}, &percent) == 0) {
        if (percent < 1 || percent > 99 || fact_number_is_yes_no(n)) return false;
        ret->measure.kind = MEASURE_PERCENTILE;
        ret->measure.share = (double)percent / 100;
        return true;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!str_is(how, kinds[i].name)) continue;
        if (str_is(how, "share") && !fact_number_is_yes_no(n)) return false;
        ret->measure.kind = kinds[i].kind;
        if (str_is(how, "n")) ret->form = FORM_HAVING;
        if (str_is(how, "n") || (str_is(how, "sum") && ret->unit == UNIT_NUMBER))
            ret->unit = UNIT_COUNT;
        if (kinds[i].kind == MEASURE_AVERAGE && fact_number_is_yes_no(n)) ret->unit = UNIT_SHARE;
        return true;
    }
    return false;
}

static int read_measures(Reading *r) {
    ReportRequest *q = r->to;
    Str rest = value_of(r, "measures");
    const char *names[REPORT_MEASURES_MAX] = {NULL};
    size_t own = 0;
    while (own < REPORT_MEASURES_MAX && r->report->measures[own].name) {
        names[own] = r->report->measures[own].name;
        own++;
    }
    if (!rest.p) {
        q->measures = r->report->measures;
        q->measures_n = own;
        return 0;
    }
    ReportMeasure *all = arena_alloc(r->arena, REPORT_MEASURES_MAX * sizeof(*all));
    q->measures = all;
    while (rest.p) {
        Str name = str_trim(str_cut(rest, ',', &rest));
        ReportMeasure *m = &all[q->measures_n];
        if (q->measures_n == REPORT_MEASURES_MAX)
            return reading_refuse(r, "measures", "are too many", "send at most 12");
        size_t i = 0;
        while (i < own && !str_is(name, names[i]))
            i++;
        if (i < own)
            *m = r->report->measures[i];
        else if (!read_figure(r, name, m)) {
            (void)reading_unknown(r, "measures", "measure", name, names, own);
            r->problem->remedy = arena_printf(
                r->arena,
                "%s; or sum: avg: min: max: n: p50: ... p99: share: before a number, as "
                "p95:to_reply (GET /api/v1/reports lists them)",
                r->problem->remedy);
            return -EINVAL;
        }
        for (size_t j = 0; j < q->measures_n; j++)
            if (!strcmp(all[j].name, m->name))
                return reading_refuse(r, "measures", "name one twice", "send it once");
        q->measures_n++;
    }
    return 0;
}

static int read_order(Reading *r) {
    ReportRequest *q = r->to;
    Str text = value_of(r, "order");
    q->order = -1;
    if (!text.p) return 0;
    if (text.n && text.p[0] == '-') {
        q->question.least_first = true;
        text = (Str){text.p + 1, text.n - 1};
    }
    const char *names[REPORT_MEASURES_MAX] = {NULL};
    for (size_t i = 0; i < q->measures_n; i++) {
        const ReportMeasure *m = &q->measures[i];
        bool ordered = m->form == FORM_COUNT || m->form == FORM_PART ||
                       (m->form == FORM_VALUE && m->measure.kind <= MEASURE_MOST);
        if (!ordered) continue;
        names[i] = m->name;
        if (!str_is(text, m->name)) continue;
        if (m->form == FORM_VALUE) q->order = (int)i;
        return 0;
    }
    return reading_unknown(r, "order", "measure to order by", text, names, q->measures_n);
}

static int read_rest(Reading *r) {
    static const char *const compares[] = {"none", "previous"}, *const formats[] = {"json", "csv"},
                             *const noes[] = {"0", "1"},
                             *const sections[] = {"main", "stages", "comments", "forecast"};
    ReportRequest *q = r->to;
    size_t compare = r->report->compares, format = 0, bom = 0, section = 0;
    int64_t limit = (int64_t)r->report->limit;
    int e = read_word(r, "compare", compares, 2, &compare);
    if (e == 0) e = read_word(r, "format", formats, 2, &format);
    if (e == 0) e = read_word(r, "bom", noes, 2, &bom);
    if (e == 0) e = read_word(r, "section", sections, 4, &section);
    if (e == 0) e = read_int(r, "limit", 1, REPORT_LIMIT_MAX, &limit);
    if (e == 0) e = read_int(r, "handle", 1, 1000000, &q->handle_s);
    if (e == 0) e = read_int(r, "patience", 1, 100000000, &q->patience_s);
    if (e == 0) e = read_int(r, "in_time", 0, 1000000, &q->in_time_s);
    if (e == 0) e = read_int(r, "ahead", 1, 28, &q->ahead_days);
    if (e == 0) e = read_goal(r);
    if (e < 0) return e;
    if (section) q->section = value_of(r, "section");
    q->format = (ReportFormat)format;
    q->bom = bom;
    q->compare = compare && !(r->report->extra & EXTRA_STAGES);
    q->question.limit = (size_t)limit;
    if (compare && q->question.to_ms == INT64_MAX) {
        if (value_of(r, "compare").p)
            return reading_refuse(r, "compare", "needs a range", "send from and to");
        q->compare = false;
    }
    if (!value_of(r, "at").p) return 0;
    if (!r->report->now) return reading_refuse(r, "at", "is for the backlog only", "leave it out");
    e = read_instant(r, "at", &q->question.open_at_ms);
    if (e == 0) { /* its age then */
        q->question.now_ms = q->question.open_at_ms;
        q->question.flags_set &= ~(1U << FLAG_OPEN);
    }
    return e;
}

int report_request_read(const Report *report, const ReportPair *pairs, size_t n,
                        const ReportContext *context, Arena *arena, ReportRequest *ret,
                        ReportProblem *ret_problem) {
    ReportRequest q = {.report = report,
                       .context = *context,
                       .question = fact_question(report->source),
                       .in_time_s = 300,
                       .ahead_days = 7,
                       .goal = 0.8};
    Reading r = {report, pairs, n, arena, &q, ret_problem};
    q.question.zone = context->zone;
    q.question.now_ms = context->now_ms;
    q.question.flags_set = report->flags;
    q.question.age_classes = report_age_classes;
    q.question.age_classes_n = REPORT_AGE_CLASSES;
    int e = refuse_doubles(&r);
    if (e == 0) e = read_range(&r);
    if (e == 0) e = read_cut(&r);
    if (e == 0) e = read_time(&r);
    if (e == 0) e = read_by(&r);
    if (e == 0) e = read_measures(&r);
    if (e == 0) e = read_order(&r);
    if (e == 0) e = read_rest(&r);
    ReportPair *filters = arena_alloc(arena, (n + 1) * sizeof(*filters));
    for (size_t i = 0; e == 0 && i < n; i++) {
        if (is_own(pairs[i].name)) continue;
        e = reading_filter(&r, pairs[i].name, pairs[i].value);
        filters[q.filters_n++] = pairs[i];
    }
    q.filters = filters;
    if (e == 0) *ret = q;
    return e;
}
