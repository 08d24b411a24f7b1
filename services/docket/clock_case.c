/* A case's documents become terms; its events are told to a Life; the clocks are written out. */
#include "docket/clock_case.h"

#include <errno.h>

#include "documents/zones.h"
#include "promise/days.h"
#include "promise/life.h"
#include "json/json.h"

/* What one case may ask of us: far more than any ticket's life, and still judged in a second. */
enum {
    CALENDARS_MAX = 64,
    REVISIONS_MAX = 64, /* of each */
    SHIFTS_MAX = 1000,  /* of all calendars together */
    EVENTS_MAX = 5000,
    TARGET_MINUTES_MAX = 5256000 /* ten years */
};
#define INSTANT_MAX INT64_C(7258118400000) /* the year 2200, as far as calendars go */
#define SPAN_MAX    (INT64_C(20) * 366 * DAY_MS)

static const JsonLimits case_limits = {.bytes = 4 << 20, .depth = 16, .members = 5000};

typedef struct CaseCalendar { /* one revision */
    const char *id;
    int rev;
    Calendar *calendar; /* NULL: around the clock */
} CaseCalendar;

typedef struct Case {
    const cJSON *policies;
    CaseCalendar *calendars;
    size_t calendars_n, calendars_room;
    struct {
        const char *id;
        int rev;
    } in_force[CALENDARS_MAX]; /* of each calendar */
    size_t in_force_n;
    const cJSON *policy; /* NULL: none */
    Str priority;        /* absent: none */
    uint8_t shares[SHARES_MAX];
    size_t shares_n;
    Arena *arena;
} Case;

static void case_done(Case *c) {
    for (size_t i = 0; i < c->calendars_n; i++)
        calendar_free(c->calendars[i].calendar);
    free(c->calendars);
    arena_free(c->arena);
}

/* ---- Calendars ---- */

/* False: one of its dates or shifts cannot be read. */
static bool spec_read(const cJSON *json, Arena *arena, CalendarSpec *ret) {
    const cJSON *week = cJSON_GetObjectItemCaseSensitive(json, "week");
    const cJSON *holidays = cJSON_GetObjectItemCaseSensitive(json, "holidays");
    const cJSON *makeup = cJSON_GetObjectItemCaseSensitive(json, "makeup"), *item;
    Shift *shifts = arena_zalloc(arena, sizeof(*shifts) * (size_t)(cJSON_GetArraySize(week) + 1));
    int64_t *days = arena_zalloc(arena, sizeof(*days) * (size_t)(cJSON_GetArraySize(holidays) + 1));
    Makeup *makeups =
        arena_zalloc(arena, sizeof(*makeups) * (size_t)(cJSON_GetArraySize(makeup) + 1));
    *ret = (CalendarSpec){.shifts = shifts, .holidays = days, .makeups = makeups};
    cJSON_ArrayForEach(item, week) {
        int64_t start, end;
        if (cJSON_GetArraySize(item) != 2 ||
            json_as_int(cJSON_GetArrayItem(item, 0), &start) <= 0 ||
            json_as_int(cJSON_GetArrayItem(item, 1), &end) <= 0 || start < -1000000 ||
            start > 1000000 || end < -1000000 || end > 1000000)
            return false;
        shifts[ret->shifts_n++] = (Shift){(int32_t)start, (int32_t)end};
    }
    cJSON_ArrayForEach(item, holidays) {
        Str text;
        if (json_as_string(item, &text) <= 0 || days_parse(text, &days[ret->holidays_n++]) < 0)
            return false;
    }
    cJSON_ArrayForEach(item, makeup) {
        int64_t weekday;
        Makeup *m = &makeups[ret->makeups_n++];
        if (days_parse(str(item->string), &m->day) < 0 || json_as_int(item, &weekday) <= 0 ||
            weekday < 0 || weekday > 6)
            return false;
        m->weekday = (int)weekday;
    }
    return true;
}

static void calendar_read(Case *c, const cJSON *json, CaseCalendar *ret) {
    CalendarSpec spec;
    Str zone = {0};
    bool always = false;
    if (json_get_bool(json, "always", &always) > 0 && always) {
        return;
    }
    if (spec_read(json, c->arena, &spec) && json_get_string(json, "zone", &zone) > 0)
        ret->calendar = calendar_new(&spec, zones_read(zone), NULL);
    if (!ret->calendar) ret->calendar = calendar_fallback();
}

static int no_case(Buf *problem, const char *why) {
    buf_adds(problem, why);
    return -EINVAL;
}

static int calendars_read(Case *c, const cJSON *json, Buf *problem) {
    const cJSON *all = NULL, *of_one, *revision;
    size_t n = 0, shifts = 0;
    if (json_get_object(json, "calendars", &all) < 0)
        return no_case(problem, "calendars: an object of lists is expected");
    if (cJSON_GetArraySize(all) > CALENDARS_MAX) return no_case(problem, "calendars: at most 64");
    cJSON_ArrayForEach(of_one, all) {
        if (!cJSON_IsArray(of_one) || cJSON_GetArraySize(of_one) > REVISIONS_MAX)
            return no_case(problem, "calendars: of each a list of at most 64 revisions");
        n += (size_t)cJSON_GetArraySize(of_one);
        cJSON_ArrayForEach(revision, of_one) shifts +=
            (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(revision, "week"));
    }
    if (shifts > SHIFTS_MAX) return no_case(problem, "calendars: at most 1,000 intervals in all");
    c->calendars_room = n + 1;
    c->calendars = xcalloc(c->calendars_room, sizeof(*c->calendars));
    cJSON_ArrayForEach(of_one, all) {
        int rev = 0;
        c->in_force[c->in_force_n].id = of_one->string;
        c->in_force[c->in_force_n++].rev = 1;
        cJSON_ArrayForEach(revision, of_one) {
            CaseCalendar *calendar = &c->calendars[c->calendars_n++];
            calendar->id = of_one->string;
            calendar->rev = ++rev;
            calendar_read(c, revision, calendar);
        }
    }
    return 0;
}

/* One that is missing is like one that is broken. */
static const Calendar *calendar_in_force(Case *c, Str id) {
    int rev = 1;
    for (size_t i = 0; i < c->in_force_n; i++)
        if (str_is(id, c->in_force[i].id)) rev = c->in_force[i].rev;
    for (size_t i = 0; i < c->calendars_n; i++) {
        const CaseCalendar *calendar = &c->calendars[i];
        if (str_is(id, calendar->id) && calendar->rev == rev) return calendar->calendar;
    }
    if (c->calendars_n == c->calendars_room) {
        c->calendars_room = c->calendars_room ? c->calendars_room * 2 : 8;
        c->calendars = xrealloc(c->calendars, c->calendars_room * sizeof(*c->calendars));
    }
    c->calendars[c->calendars_n] =
        (CaseCalendar){arena_str(c->arena, id).p, rev, calendar_fallback()};
    return c->calendars[c->calendars_n++].calendar;
}

/* ---- Terms ---- */

static bool status_read(Str name, TicketStatus *ret) {
    if (str_is(name, "open")) name = STR("in_progress");
    if (str_is(name, "hold")) name = STR("on_hold");
    return ticket_status_parse(name, ret) == 0;
}

static void target_read(Case *c, const cJSON *policy, ClockMetric m, Terms *t) {
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(policy, "targets");
    const cJSON *of_metric = cJSON_GetObjectItemCaseSensitive(targets, metric_name(m));
    int64_t minutes = 0;
    Str hours = {0};
    if (!c->priority.p) return;
    const cJSON *target = cJSON_GetObjectItemCaseSensitive(of_metric, c->priority.p);
    if (!target || json_get_int(target, "minutes", &minutes) <= 0) return;
    t->target_ms[m] = minutes * MINUTE_MS;
    if (json_get_string(target, "hours", &hours) > 0 && !str_is(hours, "calendar"))
        t->hours[m] = calendar_in_force(c, hours);
}

static Terms terms_in_force(Case *c) {
    Terms t = terms_default();
    const cJSON *pause, *item;
    Str text = {0};
    for (size_t i = 0; i < c->shares_n; i++)
        t.warnings[i] = (Warning){.percent = c->shares[i]};
    t.warnings_n = (uint8_t)c->shares_n;
    if (!c->policy) return t;
    t.restart = json_get_string(c->policy, "reopen", &text) > 0 && str_is(text, "restart");
    (void)json_get_bool(c->policy, "private_replies", &t.private_replies);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(
                                 c->policy, "replies_by")) if (json_as_string(item, &text) > 0 &&
                                                               str_is(text, "bot")) t.bots_reply =
        true;
    pause = cJSON_GetObjectItemCaseSensitive(c->policy, "pause");
    for (int m = 0; m < METRICS; m++) {
        const cJSON *states = cJSON_GetObjectItemCaseSensitive(pause, metric_name((ClockMetric)m));
        target_read(c, c->policy, (ClockMetric)m, &t);
        if (!states) continue;
        t.pauses[m] = 0;
        cJSON_ArrayForEach(item, states) {
            TicketStatus s;
            if (json_as_string(item, &text) > 0 && status_read(text, &s))
                t.pauses[m] |= (uint16_t)(1u << s);
        }
    }
    return t;
}

/* What is promised must be a time; all else of a policy has a default. */
static int policies_check(const cJSON *json, Case *c, Buf *problem) {
    const cJSON *policy, *of_metric, *target;
    int64_t minutes = 0;
    Str hours;
    if (json_get_array(json, "policies", &c->policies) < 0)
        return no_case(problem, "policies: a list is expected");
    if (cJSON_GetArraySize(c->policies) > REVISIONS_MAX)
        return no_case(problem, "policies: at most 64 revisions");
    cJSON_ArrayForEach(policy, c->policies) {
        cJSON_ArrayForEach(of_metric, cJSON_GetObjectItemCaseSensitive(policy, "targets")) {
            cJSON_ArrayForEach(target, of_metric) {
                if (json_get_int(target, "minutes", &minutes) > 0 && minutes >= 1 &&
                    minutes <= TARGET_MINUTES_MAX && json_get_string(target, "hours", &hours) > 0)
                    continue;
                buf_printf(problem,
                           "target %s of %s: `minutes` from 1 to %d and `hours` are expected",
                           target->string ? target->string : "?",
                           of_metric->string ? of_metric->string : "?", TARGET_MINUTES_MAX);
                return -EINVAL;
            }
        }
    }
    return 0;
}

static void policy_choose(Case *c, int64_t revision) {
    c->policy = revision > 0 && revision <= REVISIONS_MAX
                    ? cJSON_GetArrayItem(c->policies, (int)revision - 1)
                    : NULL;
}

/* ---- Events ---- */

static int event_problem(Buf *problem, size_t number, const char *what) {
    buf_printf(problem, "event %zu: %s", number, what);
    return -EINVAL;
}

static bool speaker_read(const cJSON *event, Speaker *ret) {
    Str by = {0};
    if (json_get_string(event, "by", &by) <= 0) return false;
    if (str_is(by, "end_user"))
        *ret = SPEAKER_REQUESTER;
    else if (str_is(by, "agent"))
        *ret = SPEAKER_AGENT;
    else if (str_is(by, "bot"))
        *ret = SPEAKER_BOT;
    else
        return false;
    return true;
}

static int create(Case *c, const cJSON *event, int64_t at, Life **ret, Buf *problem) {
    Speaker by;
    bool is_public = false;
    int64_t policy = cJSON_GetArraySize(c->policies) ? 1 : 0;
    Str state = STR("new");
    TicketStatus status;
    (void)json_get_bool(event, "public", &is_public);
    (void)json_get_int(event, "policy", &policy);
    (void)json_get_string(event, "state", &state);
    (void)json_get_string(event, "priority", &c->priority);
    if (!speaker_read(event, &by) || !status_read(state, &status))
        return event_problem(problem, 1, "by or state is not known");
    policy_choose(c, policy);
    Terms terms = terms_in_force(c);
    *ret = life_new(&terms, true);
    life_create(*ret, at, by, is_public, status);
    return 0;
}

static int change_terms(Case *c, const cJSON *event, Str type) {
    int64_t rev = 0;
    Str id = {0};
    if (str_is(type, "priority")) {
        c->priority = (Str){0};
        return json_get_string(event, "priority", &c->priority) < 0 ? -EINVAL : 0;
    }
    if (json_get_int(event, "rev", &rev) <= 0) return -EINVAL;
    if (str_is(type, "policy")) {
        policy_choose(c, rev);
        return 0;
    }
    if (json_get_string(event, "calendar", &id) <= 0) return -EINVAL;
    for (size_t i = 0; i < c->in_force_n; i++)
        if (str_is(id, c->in_force[i].id)) c->in_force[i].rev = (int)rev;
    return 0;
}

static int tell(Case *c, Life *l, const cJSON *event, int64_t at) {
    Str type = {0}, text = {0};
    Speaker by;
    bool is_public = false;
    TicketStatus status;
    if (json_get_string(event, "type", &type) <= 0) return -EINVAL;
    if (str_is(type, "comment")) {
        if (!speaker_read(event, &by) || json_get_bool(event, "public", &is_public) <= 0)
            return -EINVAL;
        life_comment(l, at, by, is_public);
    } else if (str_is(type, "state")) {
        if (json_get_string(event, "state", &text) <= 0 || !status_read(text, &status))
            return -EINVAL;
        life_status(l, at, status);
    } else if (str_is(type, "ack")) {
        life_acknowledge(l, at);
    } else if (str_is(type, "merge")) {
        life_merge(l, at);
    } else if (str_is(type, "delete")) {
        life_delete(l, at);
    } else if (str_is(type, "priority") || str_is(type, "policy") || str_is(type, "calendar")) {
        if (change_terms(c, event, type) < 0) return -EINVAL;
        Terms terms = terms_in_force(c);
        life_terms(l, at, &terms);
    } else {
        return -EINVAL;
    }
    return 0;
}

static int live(Case *c, const cJSON *json, Life **ret, Buf *problem) {
    const cJSON *events = NULL, *event;
    int64_t now = 0, before = INT64_MIN;
    size_t number = 0;
    CLEANUP(life_freep) Life *l = NULL;
    if (json_get_array(json, "events", &events) <= 0 || json_get_int(json, "now", &now) <= 0)
        return no_case(problem, "a list `events` and a number `now` are expected");
    if (now < 0 || now >= INSTANT_MAX) return no_case(problem, "now: from 1970 to 2200");
    if (cJSON_GetArraySize(events) > EVENTS_MAX)
        return no_case(problem, "events: at most 5,000 of them");
    cJSON_ArrayForEach(event, events) {
        int64_t at;
        Str type = {0};
        number++;
        if (json_get_int(event, "at", &at) <= 0 || at < before || at > now || at < 0)
            return event_problem(problem, number, "`at` is missing, not in order, or beyond `now`");
        if (now - at > SPAN_MAX) return event_problem(problem, number, "over 20 years before now");
        before = at;
        bool creates = json_get_string(event, "type", &type) > 0 && str_is(type, "create");
        if (creates != (number == 1))
            return event_problem(problem, number,
                                 "the first event creates the ticket, and no other");
        if (creates) {
            if (create(c, event, at, &l, problem) < 0) return -EINVAL;
        } else if (tell(c, l, event, at) < 0) {
            return event_problem(problem, number, "its type or a member is not known");
        }
    }
    if (!l) return event_problem(problem, 1, "there is none");
    life_settle(l, now);
    *ret = TAKE(l);
    return 0;
}

/* ---- Writing ---- */

static void add_instant(Buf *b, const char *key, int64_t at) {
    buf_adds(b, key);
    if (at == NEVER)
        buf_adds(b, "null");
    else
        buf_add_i64(b, at);
}

static void add_stretches(Buf *b, const char *key, const Stretches *first,
                          const Stretches *second /* may be NULL; later ones */) {
    int64_t from = NEVER, to = NEVER;
    bool any = false;
    buf_adds(b, key);
    buf_addc(b, '[');
    for (size_t i = 0; i < first->n + (second ? second->n : 0); i++) {
        const Stretch *s = i < first->n ? &first->p[i] : &second->p[i - first->n];
        if (any && s->from == to) {
            to = s->to;
            continue;
        }
        if (any) {
            buf_printf(b, "[%lld,%lld],", (long long)from, (long long)to);
        }
        from = s->from;
        to = s->to;
        any = true;
    }
    if (any) buf_printf(b, "[%lld,%lld]", (long long)from, (long long)to);
    buf_addc(b, ']');
}

static void add_clock(Buf *b, const Case *c, const Clock *k, int64_t now) {
    static const char *const statuses[] = {"running", "paused", "fulfilled", "cancelled"};
    static const char *const causes[] = {"null", "\"time\"", "\"policy_change\""};
    buf_printf(b, "{\"metric\":\"%s\",\"instance\":%d,\"start\":%lld,\"status\":\"%s\"",
               metric_name(k->metric), k->instance, (long long)k->start_ms, statuses[k->status]);
    add_stretches(b, ",\"runs\":", &k->runs, NULL);
    add_stretches(b, ",\"counted\":", &k->counted, &k->unjudged);
    add_instant(b, ",\"elapsed\":", clock_elapsed(k));
    add_instant(b, ",\"target\":", k->target_ms ? k->target_ms / MINUTE_MS : NEVER);
    add_instant(b, ",\"due\":", clock_reach(k, now, k->target_ms));
    buf_adds(b, ",\"warnings\":{");
    for (size_t i = 0; i < c->shares_n; i++) {
        buf_printf(b, "%s\"%u\"", i ? "," : "", c->shares[i]);
        add_instant(b, ":",
                    clock_reach(k, now, clock_warning_ms(k, &(Warning){.percent = c->shares[i]})));
    }
    add_instant(b, "},\"breached_at\":", k->breached_ms);
    buf_printf(b, ",\"breach_cause\":%s",
               k->breached_ms == NEVER ? "null" : causes[k->breach_cause]);
    add_instant(b, ",\"fulfilled_at\":", k->status == CLOCK_FULFILLED ? k->ended_ms : NEVER);
    add_instant(b, ",\"cancelled_at\":", k->status == CLOCK_CANCELLED ? k->ended_ms : NEVER);
    buf_adds(b, ",\"warned_at\":{");
    for (size_t i = 0; i < c->shares_n; i++) {
        buf_printf(b, "%s\"%u\"", i ? "," : "", c->shares[i]);
        add_instant(b, ":", k->warned_ms[i]);
    }
    buf_adds(b, "}}");
}

static int compare_calendars(const void *a, const void *b) {
    const CaseCalendar *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : (x->rev > y->rev) - (x->rev < y->rev);
}

static void write_result(Case *c, const Life *l, int64_t now, Buf *b) {
    const Clock *clocks;
    size_t n = life_clocks(l, &clocks), alarms = 0;
    buf_adds(b, "{\"clocks\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(b, ',');
        add_clock(b, c, &clocks[i], now);
    }
    buf_adds(b, "],\"touches\":[],\"alarms\":[");
    qsort(c->calendars, c->calendars_n, sizeof(*c->calendars), compare_calendars);
    for (size_t i = 0; i < c->calendars_n; i++) {
        CLEANUP(buf_done) Buf name = {0};
        if (!c->calendars[i].calendar || !calendar_fallback_asked(c->calendars[i].calendar))
            continue;
        if (alarms++) buf_addc(b, ',');
        buf_printf(&name, "%s/%d", c->calendars[i].id, c->calendars[i].rev);
        buf_add_json(b, buf_str(&name));
    }
    buf_adds(b, "]}");
}

int clock_case_judge(Str text, Buf *ret, Buf *ret_problem) {
    CLEANUP(cjson_freep) cJSON *json = NULL;
    CLEANUP(case_done) Case c = {.arena = arena_new(0)};
    CLEANUP(life_freep) Life *l = NULL;
    const cJSON *share, *shares = NULL;
    int64_t now = 0, percent;
    if (json_parse(text, &case_limits, &json, ret_problem) < 0) return -EINVAL;
    if (!cJSON_IsObject(json)) return no_case(ret_problem, "an object is expected");
    if (json_get_array(json, "shares", &shares) < 0)
        return no_case(ret_problem, "shares: a list is expected");
    cJSON_ArrayForEach(share, shares) {
        if (json_as_int(share, &percent) <= 0 || percent < 1 || percent > 99 ||
            c.shares_n == SHARES_MAX)
            return no_case(ret_problem, "shares: at most 4 whole percents from 1 to 99");
        if (memchr(c.shares, (int)percent, c.shares_n))
            return no_case(ret_problem, "shares: each of them once");
        c.shares[c.shares_n++] = (uint8_t)percent;
    }
    if (calendars_read(&c, json, ret_problem) < 0 || policies_check(json, &c, ret_problem) < 0 ||
        live(&c, json, &l, ret_problem) < 0)
        return -EINVAL;
    (void)json_get_int(json, "now", &now);
    write_result(&c, l, now, ret);
    return 0;
}
