/* What a name of a filter means follows from the name, and for those that mean two things from the
 * value: solved=true is a flag, solved=2026-11-01..2026-11-08 an instant. */
#include <errno.h>

#include "analytics/reports/instants.h"
#include "analytics/reports/request_internal.h"
#include "promise/life.h"

/* ---- values ---- */

/* Up to the next comma that has no backslash before it. */
static Str take_value(Reading *r, Str *rest) {
    size_t end = 0;
    bool escaped = false;
    while (end < rest->n && rest->p[end] != ',') {
        if (rest->p[end] == '\\' && end + 1 < rest->n) {
            escaped = true;
            end++;
        }
        end++;
    }
    Str raw = {rest->p, end};
    *rest = end < rest->n ? (Str){rest->p + end + 1, rest->n - end - 1} : (Str){NULL, 0};
    if (!escaped) return raw;
    char *clear = arena_alloc(r->arena, end + 1);
    size_t n = 0;
    for (size_t i = 0; i < end; i++) {
        if (raw.p[i] == '\\' && i + 1 < end) i++;
        clear[n++] = raw.p[i];
    }
    return (Str){clear, n};
}

static size_t count_values(Str rest) {
    size_t n = 1;
    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == ',';
    return n;
}

static bool is_group(FactDim d) {
    return d == FACT_GROUP || d == FACT_LAST_GROUP || d == FACT_PASSED_GROUP ||
           d == FACT_PROMISE_GROUP || d == FACT_MOVED_FROM || d == FACT_MOVED_TO;
}

static bool is_agent(FactDim d) {
    return d == FACT_ASSIGNEE || d == FACT_LAST_ASSIGNEE || d == FACT_PASSED_AGENT ||
           d == FACT_PROMISE_AGENT;
}

static bool find_named(const Catalog *c, FactDim d, Str name, int64_t *ret) {
    const Group *groups;
    const Agent *agents;
    if (!c) return false;
    if (is_group(d)) {
        size_t n = catalog_groups(c, &groups);
        for (size_t i = 0; i < n; i++)
            if (str_eq(groups[i].name, name) || str_eq(groups[i].title, name)) {
                *ret = groups[i].id;
                return true;
            }
    }
    if (is_agent(d)) {
        size_t n = catalog_agents(c, &agents);
        for (size_t i = 0; i < n; i++)
            if (str_eq(agents[i].name, name) || str_eq(agents[i].title, name)) {
                *ret = agents[i].id;
                return true;
            }
    }
    return false;
}

static bool find_id(Reading *r, FactDim d, Str text, int64_t *ret) {
    TicketStatus status;
    TicketPriority priority;
    ClockMetric metric;
    OutcomeState outcome;
    bool found = false;
    if (d == FACT_STATUS) {
        found = ticket_status_parse(text, &status) == 0;
        if (found) *ret = status;
    } else if (d == FACT_PRIORITY) {
        found = ticket_priority_parse(text, &priority) == 0;
        if (found) *ret = priority;
    } else if (d == FACT_METRIC) {
        found = metric_parse(text, &metric) == 0;
        if (found) *ret = metric;
    } else if (d == FACT_OUTCOME) {
        found = report_outcome_parse(text, &outcome) == 0;
        if (found) *ret = outcome;
    } else if (!text.n) {
        *ret = 0; /* none */
        found = true;
    } else {
        found = (str_to_i64(text, ret) == 0 && *ret >= 0 && *ret <= TICKET_ID_MAX) ||
                find_named(r->to->context.catalog, d, text, ret);
    }
    return found;
}

static int filter_dim(Reading *r, const char *field, FactDim d, bool none_of, Str value) {
    FactQuestion *q = &r->to->question;
    if (d == FACT_WEEKDAY || d == FACT_HOUR || d == FACT_AGE_CLASS || d == FACT_WAIT_CLASS)
        return reading_refuse(r, field, "is worked out, and not for filters",
                              "use by, or age=..3600");
    size_t room = count_values(value), n = 0;
    if (room > REPORT_VALUES_MAX)
        return reading_refuse(r, field, "names too many values", "send at most 1000");
    if (q->one_of_n == FACT_FILTERS_MAX)
        return reading_refuse(r, field, "is one filter too many", "send at most 32");
    Str *texts = arena_alloc(r->arena, room * sizeof(*texts));
    int64_t *ids = arena_alloc(r->arena, room * sizeof(*ids));
    for (Str rest = value.p ? value : STR(""); rest.p; n++) {
        Str one = take_value(r, &rest);
        texts[n] = one;
        if (!fact_dim_is_text(d) && !find_id(r, d, one, &ids[n]))
            return reading_refuse(
                r, field,
                arena_printf(r->arena, "names an unknown value `%s`", reading_text(r, one)),
                is_group(d) || is_agent(d) ? "send a number, a name or a title of the documents"
                                           : "GET /api/v1/reports lists what is possible");
    }
    FactOneOf *f = &q->one_of[q->one_of_n++];
    *f = (FactOneOf){.dim = d, .none_of = none_of, .n = n};
    if (fact_dim_is_text(d))
        f->texts = texts;
    else
        f->ids = ids;
    return 0;
}

/* "2..5" "..5" "2.." "3"; false: it is none of these. */
static bool cut_range(Str value, Str *ret_from, Str *ret_to) {
    for (size_t i = 0; i + 1 < value.n; i++) {
        if (value.p[i] != '.' || value.p[i + 1] != '.') continue;
        *ret_from = (Str){value.p, i};
        *ret_to = (Str){value.p + i + 2, value.n - i - 2};
        return true;
    }
    return false;
}

static int filter_number(Reading *r, const char *field, FactNumber n, Str value) {
    FactQuestion *q = &r->to->question;
    FactRange f = {n, INT64_MIN, INT64_MAX};
    Str from = value, to = value;
    (void)cut_range(value, &from, &to);
    if ((!from.n && !to.n) || (from.n && str_to_i64(from, &f.least) < 0) ||
        (to.n && str_to_i64(to, &f.most) < 0) || f.least > f.most)
        return reading_refuse(r, field, "is no range of whole numbers",
                              "send 2..5, 2.., ..5 or 3; durations are seconds");
    if (q->ranges_n == FACT_FILTERS_MAX)
        return reading_refuse(r, field, "is one filter too many", "send at most 32");
    q->ranges[q->ranges_n++] = f;
    return 0;
}

static int filter_flag(Reading *r, const char *field, FactFlag f, Str value) {
    FactQuestion *q = &r->to->question;
    bool yes = str_is(value, "true") || str_is(value, "1");
    if (!yes && !str_is(value, "false") && !str_is(value, "0"))
        return reading_refuse(r, field, "is neither true nor false", "send true or false");
    if (yes)
        q->flags_set |= 1U << f;
    else
        q->flags_clear |= 1U << f;
    return 0;
}

static int filter_time(Reading *r, const char *field, FactTimeField t, Str from, Str to) {
    FactQuestion *q = &r->to->question;
    const ReportContext *c = &r->to->context;
    FactBetween f = {t, 0, INT64_MAX};
    if ((!from.n && !to.n) || (from.n && instant_parse(from, c->zone, c->now_ms, &f.from_ms) < 0) ||
        (to.n && instant_parse(to, c->zone, c->now_ms, &f.to_ms) < 0) || f.from_ms >= f.to_ms)
        return reading_refuse(r, field, "is no range of time",
                              "send 2026-11-01..2026-11-08, ..now or -7d..");
    if (q->between_n == FACT_FILTERS_MAX)
        return reading_refuse(r, field, "is one filter too many", "send at most 32");
    q->between[q->between_n++] = f;
    return 0;
}

static int filter_requesters(Reading *r, Str value) {
    FactQuestion *q = &r->to->question;
    size_t room = count_values(value), n = 0;
    int64_t *ids = arena_alloc(r->arena, room * sizeof(*ids));
    if (room > REPORT_VALUES_MAX)
        return reading_refuse(r, "requester", "names too many", "send at most 1000");
    for (Str rest = value.p ? value : STR(""); rest.p; n++)
        if (str_to_i64(str_cut(rest, ',', &rest), &ids[n]) < 0 || ids[n] <= 0)
            return reading_refuse(r, "requester", "is no id",
                                  "send positive numbers, commas between");
    q->requesters = ids;
    q->requesters_n = n;
    return 0;
}

/* ---- names ---- */

static int unknown(Reading *r, Str name) {
    enum { ALL = FACT_DIMS + FACT_NUMBERS + FACT_FLAGS + FACT_TIMES_OF + 21 };
    static const char *const own[] = {"from",      "to",      "by",      "cut",    "time",
                                      "time_zone", "compare", "limit",   "format", "bom",
                                      "measures",  "order",   "section", "at",     "handle",
                                      "patience",  "in_time", "goal",    "ahead",  "requester"};
    const char *names[ALL];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        names[n++] = own[i];
    for (int i = 0; i < FACT_DIMS; i++)
        names[n++] = fact_dim_name((FactDim)i);
    for (int i = 0; i < FACT_NUMBERS; i++)
        names[n++] = fact_number_name((FactNumber)i);
    for (int i = 0; i < FACT_FLAGS; i++)
        names[n++] = fact_flag_name((FactFlag)i);
    for (int i = 0; i < FACT_TIMES_OF; i++)
        names[n++] = fact_time_name((FactTimeField)i);
    const char *nearest = report_nearest(name, names, n);
    return reading_refuse(r, reading_text(r, name), "is no parameter and no filter of this report",
                          nearest ? arena_printf(r->arena, "did you mean `%s`?", nearest)
                                  : "GET /api/v1/reports lists them");
}

int reading_filter(Reading *r, Str name, Str value) {
    FactSource source = r->to->question.source;
    const char *field = reading_text(r, name);
    FactDim d;
    FactNumber n;
    FactFlag f;
    FactTimeField t;
    Str from, to, plain = name;
    bool none_of = name.n && name.p[name.n - 1] == '!';
    if (none_of) plain.n--;
    if (str_is(name, "requester")) return filter_requesters(r, value);
    if (fact_dim_parse(plain, &d) == 0) {
        if (!fact_dim_has(source, d))
            return reading_refuse(r, field, "is not a dimension of this report",
                                  "GET /api/v1/reports lists them");
        return filter_dim(r, field, d, none_of, value);
    }
    if (none_of) return unknown(r, name);
    if (fact_time_parse(name, &t) == 0 && cut_range(value, &from, &to))
        return filter_time(r, field, t, from, to);
    if (fact_flag_parse(name, &f) == 0) return filter_flag(r, field, f, value);
    if (fact_number_parse(name, &n) == 0) {
        if (!fact_number_has(source, n))
            return reading_refuse(r, field, "is not a number of this report",
                                  "GET /api/v1/reports lists them");
        return filter_number(r, field, n, value);
    }
    if (fact_time_parse(name, &t) == 0)
        return reading_refuse(r, field, "is no range of time",
                              "send 2026-11-01..2026-11-08, ..now or -7d..");
    return unknown(r, name);
}
