/* The slow answer: plain loops over a list of sheets, with the C library's clock for local time.
 * What services/analytics/table answers is compared with it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "analytics/table/question.h"
#include "promise/days.h"
#include "sketches/distinct.h"
#include "sketches/quantiles.h"

/* ---- Random numbers that are the same everywhere ---- */

static uint64_t dice_state;

static uint64_t dice(uint64_t sides) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % sides;
}

/* ---- Tickets of few different values ---- */

typedef struct Truth {
    int64_t id;
    FactSheet *sheet;
    int64_t due_ms;
} Truth;

static const char *const some_texts[SHEET_TEXTS][5] = {
    {"", "web", "app", "phone", "mail"},
    {"", "故障", "退款", "咨询", "建议"},
    {"", "跨境/清关", "跨境/清关/税", "跨境", "物流/破损"},
    {"", "P-7", "P-8", "P-9", "=P"},
    {"", "B1", "B2", "B3", "B4"},
    {"", "ios", "android", "web", "其它"},
    {"", "华东", "华南", "华北", "西南"},
    {"", "gold", "silver", "bronze", "none"},
    {"", "zh", "en", "de", "ja"},
    {"", "good", "bad", "offered", "good"}};

static FactTime random_time(void) {
    int64_t calendar = (int64_t)dice(dice(3) ? 5000000 : 900000000);
    return (FactTime){calendar, dice(2) ? calendar : (int64_t)dice((uint64_t)calendar + 1)};
}

static void random_places(Places *p, int64_t first, size_t different) {
    p->n = dice(4);
    p->p = xcalloc(p->n + 1, sizeof(*p->p));
    int64_t from = (int64_t)dice(different);
    for (size_t i = 0; i < p->n; i++)
        p->p[i] = (Place){.id = first + (from + (int64_t)i) % (int64_t)different,
                          .times = (int32_t)dice(4),
                          .replies = (int32_t)dice(5),
                          .touches = (int32_t)dice(300),
                          .held = random_time(),
                          .worked = random_time()};
}

static void random_promises(FactSheet *f) {
    f->outcomes_n = dice(4);
    f->outcomes = xcalloc(f->outcomes_n + 1, sizeof(*f->outcomes));
    for (size_t i = 0; i < f->outcomes_n; i++)
        f->outcomes[i] = (Outcome){.metric = (ClockMetric)(i * 3 + dice(3)),
                                   .instance = 1,
                                   .state = (OutcomeState)dice(OUTCOME_STATES),
                                   .target_ms = (int64_t)dice(9000000),
                                   .elapsed_ms = (int64_t)dice(9000000),
                                   .group_id = dice(4) ? 1001 + (int64_t)dice(6) : 0,
                                   .assignee_id = dice(4) ? 1 + (int64_t)dice(9) : 0};
    f->folded[METRIC_NEXT_REPLY] = (OutcomeSum){.kept = (int32_t)dice(2), .broken = !dice(5)};
}

static FactSheet *random_sheet(int64_t from_ms, int64_t days) {
    FactSheet *f = fact_sheet_new();
    f->seq = 1 + (int32_t)dice(300);
    f->status = (TicketStatus)dice(TICKET_STATUSES);
    f->priority = (TicketPriority)dice(PRIORITIES);
    f->created_ms = from_ms + (int64_t)dice((uint64_t)days * DAY_MS);
    f->entered_ms = f->created_ms + (int64_t)dice(900000000);
    f->row_ms = f->entered_ms + (int64_t)dice(900000000);
    f->source_id = (int64_t)dice(3);
    f->requester_id = dice(20) ? 1 + (int64_t)dice(dice(2) ? 40 : 5000) : 0;
    f->form_id = (int64_t)dice(3) * 77;
    f->followup_of = dice(9) ? 0 : 5;
    f->last_group_id = 1001 + (int64_t)dice(6);
    f->group_id = dice(3) ? f->last_group_id : 0;
    f->last_assignee_id = dice(5) ? 1 + (int64_t)dice(9) : 0;
    f->assignee_id = dice(3) ? f->last_assignee_id : 0;
    for (int t = 0; t < SHEET_TEXTS; t++) {
        const char *text = some_texts[t][dice(5)];
        f->texts[t] = (Str){*text ? xstrdup(text) : NULL, strlen(text)};
    }
    int64_t *at[] = {&f->assigned_ms, &f->replied_ms, &f->solved_ms, &f->resolved_ms, &f->rated_ms};
    FactTime *took[] = {&f->to_assigned, &f->to_reply, &f->to_solved, &f->to_resolved};
    for (int i = 0; i < 5; i++) {
        if (!dice(3)) continue;
        *at[i] = f->created_ms + (int64_t)dice(900000000);
        if (i < 4) *took[i] = random_time();
    }
    f->rated_note = dice(2);
    for (int s = 0; s < SHEET_STAGES; s++)
        if (dice(2)) f->stages[s] = (Stage){(int32_t)dice(4), random_time()};
    int32_t *counts[] = {
        &f->replies,        &f->requester_comments, &f->private_comments, &f->machine_comments,
        &f->touches,        &f->transfers,          &f->handovers,        &f->reopenings,
        &f->priority_raises};
    for (int i = 0; i < 9; i++)
        *counts[i] = (int32_t)dice(dice(50) ? 3 : 70000);
    f->worked = random_time();
    random_places(&f->groups, 1001, 6);
    random_places(&f->agents, 1, 9);
    f->moves.n = dice(3);
    f->moves.p = xcalloc(f->moves.n + 1, sizeof(*f->moves.p));
    for (size_t i = 0; i < f->moves.n; i++)
        f->moves.p[i] = (Move){1001 + (int64_t)i, 1003 + (int64_t)dice(4), 1 + (int32_t)dice(3)};
    random_promises(f);
    return f;
}

/* ---- What a row says, by the words of question.h ---- */

#define NONE INT64_MIN

static int64_t in_seconds(int64_t ms) {
    return ms / 1000;
}

static int64_t slow_time(const Truth *t, FactTimeField field) {
    const FactSheet *f = t->sheet;
    const int64_t at[FACT_TIMES_OF] = {f->created_ms,  f->assigned_ms, f->replied_ms, f->solved_ms,
                                       f->resolved_ms, f->rated_ms,    f->entered_ms, t->due_ms};
    return at[field] == SHEET_NEVER ? NONE : in_seconds(at[field]);
}

static bool is_open(const FactSheet *f) {
    return f->status < TICKET_SOLVED;
}

static int32_t promises(const FactSheet *f, OutcomeState state) {
    int32_t n = 0;
    for (int m = 0; m < METRICS; m++)
        n += state == OUTCOME_KEPT     ? f->folded[m].kept
             : state == OUTCOME_BROKEN ? f->folded[m].broken
             : state == OUTCOME_OPEN   ? f->folded[m].open
                                       : f->folded[m].cancelled;
    for (size_t i = 0; i < f->outcomes_n; i++)
        n += f->outcomes[i].state == state;
    return n;
}

static bool slow_flag(const FactSheet *f, FactFlag flag) {
    bool promised = false;
    for (int s = 0; s < OUTCOME_STATES; s++)
        promised |= promises(f, (OutcomeState)s) > 0;
    const bool flags[FACT_FLAGS] = {fact_sheet_one_touch(f),
                                    f->reopenings > 0,
                                    f->rated_ms != SHEET_NEVER && f->rated_note,
                                    f->followup_of != 0,
                                    f->assigned_ms != SHEET_NEVER,
                                    f->replied_ms != SHEET_NEVER,
                                    f->solved_ms != SHEET_NEVER,
                                    f->resolved_ms != SHEET_NEVER,
                                    f->rated_ms != SHEET_NEVER,
                                    promises(f, OUTCOME_BROKEN) > 0,
                                    promised,
                                    is_open(f)};
    return flags[flag];
}

static int64_t if_there(bool there, int64_t value) {
    return there ? value : NONE;
}

static int64_t took(int64_t at, FactTime t, bool business) {
    return if_there(at != SHEET_NEVER, in_seconds(business ? t.business_ms : t.calendar_ms));
}

static int64_t ticket_number(const FactQuestion *q, const Truth *t, FactNumber n) {
    const FactSheet *f = t->sheet;
    int64_t now = in_seconds(q->now_ms), age;
    if (n < FACT_STAGE_TIME) {
        const int64_t at[] = {f->assigned_ms, f->replied_ms, f->solved_ms, f->resolved_ms};
        const FactTime times[] = {f->to_assigned, f->to_reply, f->to_solved, f->to_resolved};
        return took(at[n / 2], times[n / 2], n % 2);
    }
    if (n < FACT_STAGE_TIMES_ENTERED) {
        bool business = n >= FACT_STAGE_TIME_BUSINESS;
        const Stage *s = &f->stages[n - (business ? FACT_STAGE_TIME_BUSINESS : FACT_STAGE_TIME)];
        return took(s->entered ? 0 : SHEET_NEVER, s->time, business);
    }
    if (n < FACT_WORKED_BY_ALL) return f->stages[n - FACT_STAGE_TIMES_ENTERED].entered;
    if (n >= FACT_REPLIES && n <= FACT_PRIORITY_RAISES) {
        const int32_t counts[] = {
            f->replies,        f->requester_comments, f->private_comments, f->machine_comments,
            f->touches,        f->transfers,          f->handovers,        f->reopenings,
            f->priority_raises};
        return counts[n - FACT_REPLIES];
    }
    switch ((int)n) {
    case FACT_WORKED_BY_ALL:
        return in_seconds(f->worked.calendar_ms);
    case FACT_WORKED_BY_ALL_BUSINESS:
        return in_seconds(f->worked.business_ms);
    case FACT_PROMISES_KEPT:
        return promises(f, OUTCOME_KEPT);
    case FACT_PROMISES_BROKEN:
        return promises(f, OUTCOME_BROKEN);
    case FACT_PROMISES_OPEN:
        return promises(f, OUTCOME_OPEN);
    case FACT_AGE_NOW:
        age = now - slow_time(t, FACT_AT_CREATED);
        return age < 0 ? 0 : age;
    case FACT_IN_STATE_NOW:
        age = now - slow_time(t, FACT_AT_ENTERED);
        return age < 0 ? 0 : age;
    case FACT_IS_ASSIGNED:
        return slow_flag(f, FLAG_ASSIGNED);
    case FACT_IS_REPLIED:
        return slow_flag(f, FLAG_REPLIED);
    case FACT_IS_SOLVED:
        return slow_flag(f, FLAG_SOLVED);
    case FACT_IS_RESOLVED:
        return slow_flag(f, FLAG_RESOLVED);
    case FACT_IS_REOPENED:
        return if_there(slow_flag(f, FLAG_SOLVED), f->reopenings > 0);
    case FACT_IS_ONE_TOUCH:
        return if_there(slow_flag(f, FLAG_RESOLVED), fact_sheet_one_touch(f));
    case FACT_IS_RATED:
        return if_there(slow_flag(f, FLAG_RESOLVED) || slow_flag(f, FLAG_RATED),
                        slow_flag(f, FLAG_RATED));
    case FACT_IS_GOOD:
        return str_is(f->texts[SHEET_SATISFACTION], "good")  ? 1
               : str_is(f->texts[SHEET_SATISFACTION], "bad") ? 0
                                                             : NONE;
    default:
        return if_there(slow_flag(f, FLAG_PROMISED), slow_flag(f, FLAG_BREACHED));
    }
}

static int64_t slow_number(const FactQuestion *q, const Truth *t, size_t behind, FactNumber n) {
    const FactSheet *f = t->sheet;
    if (n < FACT_TICKET_NUMBERS) return ticket_number(q, t, n);
    if (q->source == FACT_MOVES) return f->moves.p[behind].count;
    if (q->source == FACT_PROMISES) {
        const Outcome *o = &f->outcomes[behind];
        if (n == FACT_TARGET) return in_seconds(o->target_ms);
        if (n == FACT_ELAPSED) return in_seconds(o->elapsed_ms);
        if (n == FACT_KEPT)
            return if_there(o->state == OUTCOME_KEPT || o->state == OUTCOME_BROKEN,
                            o->state == OUTCOME_KEPT);
        int64_t over = o->elapsed_ms - o->target_ms;
        return if_there(o->state == OUTCOME_BROKEN, over > 0 ? in_seconds(over) : 0);
    }
    const Place *p = q->source == FACT_AGENT_PASSAGES ? &f->agents.p[behind] : &f->groups.p[behind];
    const int64_t numbers[] = {p->times,
                               p->replies,
                               p->touches,
                               in_seconds(p->held.calendar_ms),
                               in_seconds(p->held.business_ms),
                               in_seconds(p->worked.calendar_ms),
                               in_seconds(p->worked.business_ms)};
    return numbers[n - FACT_TIMES];
}

static int64_t class_of(const FactQuestion *q, int64_t seconds) {
    size_t c = 0;
    while (c < q->age_classes_n && seconds >= q->age_classes[c])
        c++;
    return (int64_t)c;
}

/* The process's zone is the question's: see slow_compare(). */
static struct tm local(int64_t seconds) {
    time_t at = (time_t)seconds;
    struct tm tm;
    (void)localtime_r(&at, &tm);
    return tm;
}

static FactKey slow_key(const FactQuestion *q, const Truth *t, size_t behind, FactDim d) {
    const FactSheet *f = t->sheet;
    Str rest;
    if ((int)d < SHEET_TEXTS) return (FactKey){.text = f->texts[d]};
    switch ((int)d) {
    case FACT_CATEGORY_TOP:
        return (FactKey){.text = str_cut(f->texts[SHEET_CATEGORY], '/', &rest)};
    case FACT_SOURCE:
        return (FactKey){.id = f->source_id};
    case FACT_FORM:
        return (FactKey){.id = f->form_id};
    case FACT_GROUP:
        return (FactKey){.id = f->group_id};
    case FACT_ASSIGNEE:
        return (FactKey){.id = f->assignee_id};
    case FACT_LAST_GROUP:
        return (FactKey){.id = f->last_group_id};
    case FACT_LAST_ASSIGNEE:
        return (FactKey){.id = f->last_assignee_id};
    case FACT_STATUS:
        return (FactKey){.id = f->status};
    case FACT_PRIORITY:
        return (FactKey){.id = f->priority};
    case FACT_WEEKDAY:
        return (FactKey){.id = (local(slow_time(t, q->time)).tm_wday + 6) % 7};
    case FACT_HOUR:
        return (FactKey){.id = local(slow_time(t, q->time)).tm_hour};
    case FACT_AGE_CLASS:
        return (FactKey){.id = class_of(q, ticket_number(q, t, FACT_AGE_NOW))};
    case FACT_WAIT_CLASS:
        return (FactKey){.id = class_of(q, ticket_number(q, t, FACT_IN_STATE_NOW))};
    case FACT_PASSED_AGENT:
        return (FactKey){.id = f->agents.p[behind].id};
    case FACT_PASSED_GROUP:
        return (FactKey){.id = f->groups.p[behind].id};
    case FACT_METRIC:
        return (FactKey){.id = f->outcomes[behind].metric};
    case FACT_OUTCOME:
        return (FactKey){.id = f->outcomes[behind].state};
    case FACT_PROMISE_GROUP:
        return (FactKey){.id = f->outcomes[behind].group_id};
    case FACT_PROMISE_AGENT:
        return (FactKey){.id = f->outcomes[behind].assignee_id};
    case FACT_MOVED_FROM:
        return (FactKey){.id = f->moves.p[behind].from};
    default:
        return (FactKey){.id = f->moves.p[behind].to};
    }
}

/* ---- Which rows ---- */

static size_t slow_behind(const FactQuestion *q, const Truth *t) {
    const size_t n[FACT_SOURCES] = {1, t->sheet->agents.n, t->sheet->groups.n, t->sheet->outcomes_n,
                                    t->sheet->moves.n};
    return n[q->source];
}

static bool below(Str category, Str top) {
    return str_eq(category, top) || (top.n && category.n > top.n &&
                                     !memcmp(category.p, top.p, top.n) && category.p[top.n] == '/');
}

static bool within(int64_t at, int64_t from_ms, int64_t to_ms) {
    int64_t to = to_ms / 1000 + (to_ms % 1000 > 0);
    return at != NONE && at >= from_ms / 1000 && (to_ms == INT64_MAX || at < to);
}

static bool slow_passes(const FactQuestion *q, const Truth *t, size_t behind) {
    const FactSheet *f = t->sheet;
    bool all = q->from_ms <= 0 && q->to_ms == INT64_MAX, clock = q->cut != CUT_NONE;
    for (size_t i = 0; i < q->dims_n; i++)
        clock |= q->dims[i] == FACT_WEEKDAY || q->dims[i] == FACT_HOUR;
    int64_t at = slow_time(t, q->time);
    if (all ? clock && at == NONE : !within(at, q->from_ms, q->to_ms)) return false;
    for (size_t i = 0; i < q->between_n; i++)
        if (!within(slow_time(t, q->between[i].field), q->between[i].from_ms, q->between[i].to_ms))
            return false;
    for (int i = 0; i < FACT_FLAGS; i++) {
        if (q->flags_set >> i & 1 && !slow_flag(f, (FactFlag)i)) return false;
        if (q->flags_clear >> i & 1 && slow_flag(f, (FactFlag)i)) return false;
    }
    for (size_t i = 0; i < q->one_of_n; i++) {
        const FactOneOf *o = &q->one_of[i];
        FactKey key = slow_key(q, t, behind, o->dim);
        bool is = false;
        for (size_t k = 0; k < o->n; k++)
            is |= o->dim == FACT_CATEGORY    ? below(key.text, o->texts[k])
                  : fact_dim_is_text(o->dim) ? str_eq(key.text, o->texts[k])
                                             : key.id == o->ids[k];
        if (is == o->none_of) return false;
    }
    for (size_t i = 0; i < q->ranges_n; i++) {
        int64_t v = slow_number(q, t, behind, q->ranges[i].number);
        if (v == NONE || v < q->ranges[i].least || v > q->ranges[i].most) return false;
    }
    bool asked = !q->requesters;
    for (size_t i = 0; i < q->requesters_n; i++)
        asked |= q->requesters[i] == f->requester_id;
    if (!asked) return false;
    if (q->open_at_ms) {
        int64_t then = in_seconds(q->open_at_ms), resolved = slow_time(t, FACT_AT_RESOLVED);
        if (slow_time(t, FACT_AT_CREATED) > then) return false;
        if (resolved != NONE && resolved <= then) return false;
        if (f->status >= TICKET_CLOSED && slow_time(t, FACT_AT_ENTERED) <= then) return false;
    }
    if (!q->who) return true;
    TicketScope scope = {.tenant_id = q->who->tenant_id,
                         .group_id = f->group_id,
                         .assignee_id = f->assignee_id,
                         .requester_id = f->requester_id,
                         .kind = f->texts[SHEET_KIND],
                         .category = f->texts[SHEET_CATEGORY],
                         .region = f->texts[SHEET_REGION]};
    return rights_reach(q->who, &scope);
}

/* ---- Parts of time ---- */

/* The same for two instants of one part. */
static int64_t part_name(FactCut cut, int64_t seconds) {
    struct tm tm = local(seconds);
    int64_t day = days_from_date(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    int64_t hour = (day * 24 + tm.tm_hour) * 4;
    switch (cut) {
    case CUT_QUARTER:
        return (hour + tm.tm_min / 15) * 100000 + tm.tm_gmtoff;
    case CUT_HOUR:
        return hour * 100000 + tm.tm_gmtoff;
    case CUT_DAY:
        return day;
    case CUT_WEEK:
        return day - (tm.tm_wday + 6) % 7;
    case CUT_MONTH:
        return tm.tm_year * 12 + tm.tm_mon;
    case CUT_NONE:
        break;
    }
    return 0;
}

static int64_t part_of_time(const FactAnswer *a, const FactQuestion *q, int64_t seconds) {
    if (q->cut == CUT_NONE) return 0;
    for (size_t i = 0; i < a->cuts_n; i++)
        if (seconds * 1000 >= a->cuts[i] && seconds * 1000 < a->cuts[i + 1]) return (int64_t)i;
    fail_msg("no part of time has %lld", (long long)seconds);
    return 0;
}

static void check_cuts(const FactAnswer *a, const FactQuestion *q) {
    for (size_t i = 0; q->cut != CUT_NONE && i < a->cuts_n; i++) {
        int64_t name = part_name(q->cut, a->cuts[i] / 1000);
        assert_true(part_name(q->cut, a->cuts[i + 1] / 1000 - 1) == name);
        assert_true(part_name(q->cut, a->cuts[i + 1] / 1000) != name);
        assert_true(part_name(q->cut, a->cuts[i] / 1000 - 1) != name);
    }
}

/* ---- Together ---- */

typedef struct SlowItem {
    const FactQuestion *q;
    const Truth *truth;
    size_t behind;
    FactKey keys[FACT_DIMS_MAX];
    int64_t part;
} SlowItem;

typedef struct SlowSeries {
    const FactQuestion *q;
    SlowItem *from;
    size_t n;
    double order;
    bool valued;
} SlowSeries;

static int compare_texts(Str a, Str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int compare_keys(const FactKey *a, const FactKey *b) {
    for (int i = 0; i < FACT_DIMS_MAX; i++) {
        int c = compare_texts(a[i].text, b[i].text);
        if (!c) c = (a[i].id > b[i].id) - (a[i].id < b[i].id);
        if (c) return c;
    }
    return 0;
}

static int compare_items(const void *x, const void *y) {
    const SlowItem *a = x, *b = y;
    int c = compare_keys(a->keys, b->keys);
    return c ? c : (a->part > b->part) - (a->part < b->part);
}

static int compare_series(const void *x, const void *y) {
    const SlowSeries *a = x, *b = y;
    if (a->valued != b->valued) return a->valued ? -1 : 1;
    double d = a->q->least_first ? a->order - b->order : b->order - a->order;
    if (d < 0) return -1;
    if (d > 0) return 1;
    return compare_keys(a->from->keys, b->from->keys);
}

static int compare_numbers(const void *x, const void *y) {
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

/* Sorted: those with a value, or the ids of whom is asked for. */
static size_t values_of(const FactMeasure *m, const SlowItem *items, size_t n, int64_t *ret) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const FactQuestion *q = items[i].q;
        const FactSheet *f = items[i].truth->sheet;
        int64_t v = m->kind <= MEASURE_PERCENTILE
                        ? slow_number(q, items[i].truth, items[i].behind, m->number)
                    : m->kind == MEASURE_REQUESTERS ? if_there(f->requester_id, f->requester_id)
                    : m->kind == MEASURE_TICKETS    ? items[i].truth->id
                    : q->source == FACT_AGENT_PASSAGES
                        ? f->agents.p[items[i].behind].id
                        : if_there(f->last_assignee_id, f->last_assignee_id);
        if (v != NONE) ret[found++] = v;
    }
    qsort(ret, found, sizeof(*ret), compare_numbers);
    return found;
}

static double exact(const FactMeasure *m, const SlowItem *items, size_t n, uint64_t *ret_n) {
    int64_t *v = xmalloc((n + 1) * sizeof(*v));
    double sum = 0, value = 0;
    size_t found = values_of(m, items, n, v), different = 0;
    *ret_n = m->kind <= MEASURE_PERCENTILE ? found : n;
    for (size_t i = 0; i < found; i++) {
        sum += (double)v[i];
        different += !i || v[i] != v[i - 1];
    }
    size_t rank = (size_t)(m->share * (double)found);
    if ((double)rank < m->share * (double)found) rank++;
    if (m->kind > MEASURE_PERCENTILE) value = (double)different;
    if (found && m->kind == MEASURE_SUM) value = sum;
    if (found && m->kind == MEASURE_AVERAGE) value = sum / (double)found;
    if (found && m->kind == MEASURE_LEAST) value = (double)v[0];
    if (found && m->kind == MEASURE_MOST) value = (double)v[found - 1];
    if (found && m->kind == MEASURE_PERCENTILE) value = (double)v[rank ? rank - 1 : 0];
    free(v);
    return value;
}

static void same_value(const FactMeasure *m, const FactValue *got, const SlowItem *items,
                       size_t n) {
    uint64_t found;
    double value = exact(m, items, n, &found), allowed = value * 1e-9;
    if (m->kind == MEASURE_PERCENTILE) allowed = got->value * QUANTILES_ERROR + 1e-6;
    if (m->kind > MEASURE_PERCENTILE && value > DISTINCT_EXACT)
        allowed = value * DISTINCT_STANDARD_ERROR * 5;
    assert_int_equal(got->n, found);
    if (got->value < value - allowed || got->value > value + allowed)
        fail_msg("measure %d of %s: %f and not %f", (int)m->kind, fact_number_name(m->number),
                 got->value, value);
}

static void same_row(const FactQuestion *q, const FactRow *row, const SlowItem *items, size_t n) {
    assert_int_equal(row->count, n);
    for (size_t i = 0; i < q->measures_n; i++)
        same_value(&q->measures[i], &row->values[i], items, n);
}

static void same_others(const FactQuestion *q, const FactAnswer *a, SlowSeries *series, size_t n) {
    size_t all = 0, left = 0, rows = 0;
    for (size_t i = 0; i < n; i++)
        all += series[i].n;
    SlowItem *items = xmalloc((all + 1) * sizeof(*items));
    for (size_t cut = 0; cut < a->cuts_n; cut++) {
        size_t of = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < series[i].n; k++)
                if (series[i].from[k].part == (int64_t)cut) items[of++] = series[i].from[k];
        if (!of) continue;
        assert_true(rows < a->others_n);
        assert_int_equal(a->others[rows].cut, cut);
        same_row(q, &a->others[rows++], items, of);
        left += of;
    }
    assert_int_equal(left, all);
    assert_int_equal(rows, a->others_n);
    assert_int_equal(a->others_series, n);
    free(items);
}

/* Fails the test where the answer is not what the list says. `zone`: its name. */
static void slow_compare(const Truth *truths, size_t truths_n, const FactQuestion *q,
                         const char *zone, const FactAnswer *a) {
    size_t n = 0, series_n = 0, row = 0, most = 0;
    (void)setenv("TZ", zone, 1);
    tzset();
    check_cuts(a, q);
    for (size_t i = 0; i < truths_n; i++)
        most += slow_behind(q, &truths[i]);
    SlowItem *items = xcalloc(most + 1, sizeof(*items));
    for (size_t i = 0; i < truths_n; i++)
        for (size_t k = 0; k < slow_behind(q, &truths[i]); k++) {
            if (!slow_passes(q, &truths[i], k)) continue;
            items[n] = (SlowItem){.q = q, .truth = &truths[i], .behind = k};
            items[n].part = part_of_time(a, q, slow_time(&truths[i], q->time));
            for (size_t d = 0; d < q->dims_n; d++)
                items[n].keys[d] = slow_key(q, &truths[i], k, q->dims[d]);
            n++;
        }
    qsort(items, n, sizeof(*items), compare_items);
    same_row(q, &a->total, items, n);
    SlowSeries *series = xcalloc(n + 1, sizeof(*series));
    for (size_t i = 0; i < n; i++) {
        if (!i || compare_keys(items[i - 1].keys, items[i].keys))
            series[series_n++] = (SlowSeries){.q = q, .from = &items[i], .valued = true};
        series[series_n - 1].n++;
    }
    for (size_t i = 0; i < series_n; i++) {
        uint64_t found = 0;
        series[i].order = (double)series[i].n;
        if (q->order_by < 0) continue;
        series[i].order = exact(&q->measures[q->order_by], series[i].from, series[i].n, &found);
        series[i].valued = found > 0;
    }
    qsort(series, series_n, sizeof(*series), compare_series);
    size_t named = q->limit && q->limit < series_n ? q->limit : series_n;
    assert_int_equal(a->series_n, named);
    for (size_t i = 0; i < named; i++)
        for (size_t k = 0, of; k < series[i].n; k += of, row++) {
            SlowItem *from = &series[i].from[k];
            for (of = 1; k + of < series[i].n && from[of].part == from->part;)
                of++;
            assert_true(row < a->rows_n);
            assert_int_equal(a->rows[row].cut, from->part);
            assert_int_equal(compare_keys(a->rows[row].keys, from->keys), 0);
            same_row(q, &a->rows[row], from, of);
        }
    assert_int_equal(row, a->rows_n);
    same_others(q, a, &series[named], series_n - named);
    free(series);
    free(items);
}
