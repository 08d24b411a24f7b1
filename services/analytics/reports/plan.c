/* The main table: figures of the measures, by key and by part of time, beside those of the period
 * before. */
#include "analytics/reports/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "analytics/reports/tables_internal.h"
#include "analytics/reports/wall.h"

/* ---- questions ---- */

static bool measure_needs(const ReportMeasure *m, int which) {
    if (m->form == FORM_COUNT || m->form == FORM_PART || m->form == FORM_JOINED) return false;
    return which == 0 || m->form == FORM_LESS || m->form == FORM_LESS_PART;
}

static int measure_place(FactQuestion *q, const FactMeasure *m) {
    size_t i = 0;
    while (i < q->measures_n &&
           (q->measures[i].kind != m->kind || q->measures[i].number != m->number ||
            q->measures[i].share != m->share))
        i++;
    if (i == q->measures_n) {
        assert(i < FACT_MEASURES_MAX); /* twelve measures, two of which have a second figure */
        q->measures[q->measures_n++] = *m;
    }
    return (int)i;
}

static void ask_main(ReportPlan *p) {
    const ReportRequest *r = p->request;
    FactQuestion *q = &p->question;
    *q = r->question;
    q->who = p->who;
    for (size_t i = 0; i < r->measures_n; i++) {
        const ReportMeasure *m = &r->measures[i];
        if (measure_needs(m, 0)) p->places[i][0] = measure_place(q, &m->measure);
        if (measure_needs(m, 1)) p->places[i][1] = measure_place(q, &m->second);
    }
    q->order_by = r->order >= 0 ? p->places[r->order][0] : -1;
}

/* Of the values that the main answer names, and perhaps of some more. */
static void ask_before(ReportPlan *p) {
    const ReportRequest *r = p->request;
    const FactAnswer *now = p->answers[PLAN_MAIN];
    FactQuestion *q = &p->question;
    ask_main(p);
    q->from_ms = r->before_from_ms;
    q->to_ms = r->before_to_ms;
    q->order_by = -1;
    q->least_first = false;
    if (!q->dims_n || !now->others_series) {
        q->limit = q->cut == CUT_NONE ? FACT_SERIES_MAX : 4 * r->question.limit;
        if (q->limit > FACT_SERIES_MAX) q->limit = FACT_SERIES_MAX;
        return;
    }
    for (size_t d = 0; d < q->dims_n && q->one_of_n < FACT_FILTERS_MAX; d++) {
        if (q->dims[d] >= FACT_WEEKDAY && q->dims[d] < FACT_TICKET_DIMS) continue;
        Str *texts = arena_alloc(p->arena, (now->rows_n + 1) * sizeof(*texts));
        int64_t *ids = arena_alloc(p->arena, (now->rows_n + 1) * sizeof(*ids));
        size_t n = 0;
        for (size_t i = 0; i < now->rows_n; i++) {
            const FactKey *k = &now->rows[i].keys[d];
            if (i && now->rows[i - 1].keys[d].id == k->id &&
                str_eq(now->rows[i - 1].keys[d].text, k->text))
                continue;
            texts[n] = k->text;
            ids[n++] = k->id;
        }
        FactOneOf f = {.dim = q->dims[d], .n = n};
        if (fact_dim_is_text(f.dim))
            f.texts = texts;
        else
            f.ids = ids;
        q->one_of[q->one_of_n++] = f;
    }
    q->limit = r->question.limit * 4 > FACT_SERIES_MAX ? FACT_SERIES_MAX : r->question.limit * 4;
}

static void ask_before_total(ReportPlan *p) {
    ask_main(p);
    p->question.from_ms = p->request->before_from_ms;
    p->question.to_ms = p->request->before_to_ms;
    p->question.dims_n = 0;
    p->question.cut = CUT_NONE;
    p->question.order_by = -1;
}

/* False: the request narrows by what tickets alone do not have. */
static bool of_tickets(const ReportPlan *p, FactQuestion *q) {
    *q = p->request->question;
    for (size_t i = 0; i < q->one_of_n; i++)
        if (!fact_dim_has(FACT_TICKETS, q->one_of[i].dim)) return false;
    for (size_t i = 0; i < q->ranges_n; i++)
        if (!fact_number_has(FACT_TICKETS, q->ranges[i].number)) return false;
    q->source = FACT_TICKETS;
    q->who = p->who;
    q->dims_n = 0;
    q->cut = CUT_NONE;
    q->order_by = -1;
    return true;
}

static bool ask_open_now(ReportPlan *p) {
    const FactQuestion *main = &p->request->question;
    FactQuestion *q = &p->question;
    if (main->dims_n != 1 || main->cut != CUT_NONE) return false;
    if (main->dims[0] != FACT_PASSED_AGENT && main->dims[0] != FACT_PASSED_GROUP) return false;
    *q = fact_question(FACT_TICKETS);
    q->who = p->who;
    q->zone = main->zone;
    q->now_ms = main->now_ms;
    q->flags_set = 1U << FLAG_OPEN;
    q->dims[0] = main->dims[0] == FACT_PASSED_AGENT ? FACT_ASSIGNEE : FACT_GROUP;
    q->dims_n = 1;
    q->limit = FACT_SERIES_MAX;
    return true;
}

static bool ask_history(ReportPlan *p) {
    FactQuestion *q = &p->question;
    const ReportContext *c = &p->request->context;
    if (!of_tickets(p, q)) return false;
    q->time = FACT_AT_CREATED;
    q->cut = CUT_HOUR;
    q->to_ms = wall_floor(c->zone, CUT_HOUR, c->now_ms);
    q->from_ms =
        wall_step(c->zone, CUT_WEEK, wall_floor(c->zone, CUT_WEEK, q->to_ms), -PLAN_HISTORY_WEEKS);
    if (q->from_ms < 0) q->from_ms = 0;
    q->measures[0] = (FactMeasure){MEASURE_AVERAGE, FACT_WORKED_BY_ALL, 0};
    q->measures_n = 1;
    return q->from_ms < q->to_ms;
}

/* True: p->question is that step's. */
static bool ask(ReportPlan *p, PlanStep step) {
    const ReportRequest *r = p->request;
    unsigned extra = r->report->extra;
    switch (step) {
    case PLAN_MAIN:
        ask_main(p);
        return true;
    case PLAN_BEFORE:
        if (!r->compare) return false;
        ask_before(p);
        return true;
    case PLAN_BEFORE_TOTAL:
        if (!r->compare || (!r->question.dims_n && r->question.cut == CUT_NONE)) return false;
        ask_before_total(p);
        return true;
    case PLAN_STAGES:
    case PLAN_STAGES_REST:
        if (!(extra & (EXTRA_STAGES | EXTRA_STAGES_BESIDE)) || !of_tickets(p, &p->question))
            return false;
        report_stages_question(p, step == PLAN_STAGES ? 0 : PLAN_STAGES_EACH, &p->question);
        return true;
    case PLAN_OPEN_NOW:
        return extra & EXTRA_OPEN_NOW && ask_open_now(p);
    case PLAN_HISTORY:
        return extra & EXTRA_FORECAST && ask_history(p);
    case PLAN_STEPS:
        break;
    }
    return false;
}

void report_plan_begin(ReportPlan *p, const ReportRequest *request, const Subject *who,
                       Arena *arena) {
    *p = (ReportPlan){.request = request, .who = who, .arena = arena};
}

const FactQuestion *report_plan_next(ReportPlan *p) {
    int step = p->began ? (int)p->step + 1 : 0;
    p->began = true;
    for (; step < PLAN_STEPS; step++) {
        p->step = (PlanStep)step;
        if (ask(p, p->step)) return &p->question;
    }
    p->step = PLAN_STEPS;
    return NULL;
}

void report_plan_heard(ReportPlan *p, const FactAnswer *answer) {
    p->answers[p->step] = answer;
}

FactQuestion report_comments_question(const ReportRequest *request, const Subject *who) {
    FactQuestion q = request->question;
    q.dims_n = 0;
    q.cut = CUT_NONE;
    q.order_by = -1;
    q.time = FACT_AT_RATED;
    q.flags_set |= 1U << FLAG_RATED_NOTE;
    q.who = who;
    return q;
}

/* ---- figures ---- */

static ReportCell figure(const ReportPlan *p, size_t i, const FactRow *row, uint64_t all) {
    const ReportMeasure *m = &p->request->measures[i];
    FactValue a = {0, 0}, b = {0, 0};
    double rate = (double)p->request->context.agent_rate;
    if (measure_needs(m, 0)) a = row->values[p->places[i][0]];
    if (measure_needs(m, 1)) b = row->values[p->places[i][1]];
    switch (m->form) {
    case FORM_COUNT:
        return cell_number((double)row->count);
    case FORM_PART:
        return all ? cell_number((double)row->count / (double)all) : cell_none();
    case FORM_VALUE:
        if (m->measure.kind >= MEASURE_AVERAGE && m->measure.kind <= MEASURE_PERCENTILE && !a.n)
            return cell_none();
        return cell_number(a.value);
    case FORM_HAVING:
        return cell_number((double)a.n);
    case FORM_NOT:
        return cell_number((double)a.n - a.value);
    case FORM_WITHOUT:
        return cell_number((double)row->count - (double)a.n);
    case FORM_LESS:
        return cell_number(a.value - b.value);
    case FORM_LESS_PART:
        return a.value > 0 ? cell_number((a.value - b.value) / a.value) : cell_none();
    case FORM_COST:
        return rate > 0 ? cell_number(a.value / 3600 * rate) : cell_none();
    case FORM_COST_EACH:
        return rate > 0 && row->count ? cell_number(a.value / 3600 * rate / (double)row->count)
                                      : cell_none();
    case FORM_JOINED:
        break;
    }
    return cell_none();
}

static int by_key(const FactRow *x, const FactRow *y) {
    for (int i = 0; i < FACT_DIMS_MAX; i++) {
        const FactKey *a = &x->keys[i], *b = &y->keys[i];
        if (a->id != b->id) return a->id < b->id ? -1 : 1;
        size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
        int c = n ? memcmp(a->text.p, b->text.p, n) : 0;
        if (c) return c;
        if (a->text.n != b->text.n) return a->text.n < b->text.n ? -1 : 1;
    }
    return x->cut - y->cut;
}

static int compare_rows(const void *a, const void *b) {
    return by_key(*(const FactRow *const *)a, *(const FactRow *const *)b);
}

static const FactRow **sorted(const ReportPlan *p, const FactAnswer *a) {
    const FactRow **all = arena_alloc(p->arena, (a->rows_n + 1) * sizeof(*all));
    for (size_t i = 0; i < a->rows_n; i++)
        all[i] = &a->rows[i];
    if (a->rows_n) qsort(all, a->rows_n, sizeof(*all), compare_rows);
    return all;
}

static const FactRow *find_row(const FactRow *const *all, size_t n, const FactRow *like) {
    const FactRow **found = n ? bsearch(&like, all, n, sizeof(*all), compare_rows) : NULL;
    return found ? *found : NULL;
}

/* A row in which nothing was. */
static const FactRow *empty_row(const ReportPlan *p, int32_t cut) {
    FactRow *row = arena_zalloc(p->arena, sizeof(*row));
    row->cut = cut;
    row->values = arena_zalloc(p->arena, FACT_MEASURES_MAX * sizeof(FactValue));
    return row;
}

/* ---- the main table ---- */

enum { MAIN_COLUMNS_MAX = 1 + FACT_DIMS_MAX * DIM_COLUMNS_MAX + 3 * REPORT_MEASURES_MAX };

typedef struct Main {
    const ReportPlan *plan;
    const FactRow *const *before; /* sorted; NULL: not compared */
    size_t before_n;
    const FactRow *const *open; /* likewise, of PLAN_OPEN_NOW */
    size_t open_n;
    uint64_t all, before_all;
    ReportColumn columns[MAIN_COLUMNS_MAX];
    size_t columns_n;
} Main;

static void add_column(Main *m, ReportColumn c) {
    assert(m->columns_n < MAIN_COLUMNS_MAX);
    m->columns[m->columns_n++] = c;
}

static void add_columns(Main *m) {
    const ReportRequest *r = m->plan->request;
    Arena *arena = m->plan->arena;
    if (r->question.cut != CUT_NONE)
        add_column(m, (ReportColumn){"time", "时间", "Time", UNIT_INSTANT, true});
    for (size_t i = 0; i < r->question.dims_n; i++) {
        ReportColumn of_dim[DIM_COLUMNS_MAX];
        size_t n = dim_columns(r->question.dims[i], of_dim, arena);
        for (size_t j = 0; j < n; j++)
            add_column(m, of_dim[j]);
    }
    for (size_t i = 0; i < r->measures_n; i++) {
        const ReportMeasure *x = &r->measures[i];
        add_column(m, (ReportColumn){x->name, x->zh, x->en, x->unit, false});
        if (!r->compare || x->form == FORM_JOINED) continue;
        add_column(m, (ReportColumn){arena_printf(arena, "%s_before", x->name),
                                     arena_printf(arena, "%s（前期）", x->zh),
                                     arena_printf(arena, "%s before", x->en), x->unit, false});
        add_column(m, (ReportColumn){arena_printf(arena, "%s_change", x->name),
                                     arena_printf(arena, "%s变化", x->zh),
                                     arena_printf(arena, "%s change", x->en), UNIT_SHARE, false});
    }
}

/* Relative; of shares the difference. */
static ReportCell change(ReportUnit unit, ReportCell now, ReportCell before) {
    if (!now.there || !before.there) return cell_none();
    if (unit == UNIT_SHARE) return cell_number(now.number - before.number);
    if (before.number == 0) return cell_none();
    return cell_number((now.number - before.number) / before.number);
}

static ReportCell joined(const Main *m, const FactRow *row) {
    if (!m->open) return cell_none();
    FactRow like = *row;
    like.cut = 0;
    const FactRow *found = find_row(m->open, m->open_n, &like);
    return cell_number(found ? (double)found->count : 0);
}

/* `before` NULL: nothing was. `keyed`: its keys are filled. */
static void fill_row(const Main *m, const FactRow *row, const FactRow *before, bool keyed,
                     ReportCell *cells) {
    const ReportRequest *r = m->plan->request;
    const FactAnswer *a = m->plan->answers[PLAN_MAIN];
    size_t c = 0;
    if (r->question.cut != CUT_NONE) {
        cells[c++] = keyed ? cell_number((double)a->cuts[row->cut]) : cell_none();
    }
    for (size_t i = 0; i < r->question.dims_n; i++) {
        ReportColumn unused[DIM_COLUMNS_MAX];
        size_t n = dim_columns(r->question.dims[i], unused, m->plan->arena);
        for (size_t j = 0; j < n; j++)
            cells[c + j] = cell_none();
        if (keyed)
            dim_cells(&r->context, r->question.dims[i], &row->keys[i], &cells[c], m->plan->arena);
        c += n;
    }
    const FactRow *was = before ? before : empty_row(m->plan, 0);
    for (size_t i = 0; i < r->measures_n; i++) {
        const ReportMeasure *x = &r->measures[i];
        if (x->form == FORM_JOINED) {
            cells[c++] = keyed ? joined(m, row) : cell_none();
            continue;
        }
        ReportCell now = figure(m->plan, i, row, m->all);
        cells[c++] = now;
        if (!r->compare) continue;
        cells[c] = figure(m->plan, i, was, m->before_all);
        cells[c + 1] = change(x->unit, now, cells[c]);
        c += 2;
    }
}

static bool in_order_of_keys(const FactQuestion *q) {
    if (!q->dims_n || q->cut != CUT_NONE) return false;
    FactDim d = q->dims[0];
    return (d >= FACT_WEEKDAY && d < FACT_TICKET_DIMS) || d == FACT_STATUS || d == FACT_PRIORITY ||
           d == FACT_METRIC;
}

static void fill_main(Main *m, ReportTable *t) {
    const ReportPlan *p = m->plan;
    const FactQuestion *q = &p->request->question;
    const FactAnswer *a = p->answers[PLAN_MAIN];
    bool fills = q->cut != CUT_NONE && !q->dims_n; /* a trend has no holes */
    const FactRow **rows = fills ? arena_alloc(p->arena, (a->cuts_n + 1) * sizeof(*rows)) : NULL;
    size_t n = fills ? a->cuts_n : a->rows_n;
    if (fills) {
        for (size_t i = 0; i < n; i++)
            rows[i] = NULL;
        for (size_t i = 0; i < a->rows_n; i++)
            rows[a->rows[i].cut] = &a->rows[i];
        for (size_t i = 0; i < n; i++)
            if (!rows[i]) rows[i] = empty_row(p, (int32_t)i);
    } else if (in_order_of_keys(q)) {
        rows = sorted(p, a);
    } else {
        rows = arena_alloc(p->arena, (n + 1) * sizeof(*rows));
        for (size_t i = 0; i < n; i++)
            rows[i] = &a->rows[i];
    }
    if (!n && !q->dims_n) { /* nothing, counted */
        rows = arena_alloc(p->arena, sizeof(*rows));
        rows[0] = &a->total;
        n = 1;
    }
    ReportCell *cells = arena_zalloc(p->arena, (n * m->columns_n + 1) * sizeof(*cells));
    for (size_t i = 0; i < n; i++) {
        const FactRow *before = m->before ? find_row(m->before, m->before_n, rows[i]) : NULL;
        fill_row(m, rows[i], before, true, cells + i * m->columns_n);
    }
    t->cells = cells;
    t->rows_n = n;
}

static void fill_rest(Main *m, ReportTable *t) {
    const ReportPlan *p = m->plan;
    const FactAnswer *a = p->answers[PLAN_MAIN];
    ReportCell *others = arena_zalloc(p->arena, (a->others_n * m->columns_n + 1) * sizeof(*others));
    for (size_t i = 0; i < a->others_n; i++) {
        ReportCell *cells = others + i * m->columns_n;
        fill_row(m, &a->others[i], NULL, false, cells);
        if (p->request->question.cut != CUT_NONE)
            cells[0] = cell_number((double)a->cuts[a->others[i].cut]);
        for (size_t c = 0; p->request->compare && c < m->columns_n; c++) {
            Str name = str(m->columns[c].name);
            if (str_ends(name, STR("_before")) || str_ends(name, STR("_change")))
                cells[c] = cell_none(); /* of others nothing before is known */
        }
    }
    t->others = others;
    t->others_n = a->others_n;
    ReportCell *total = arena_zalloc(p->arena, m->columns_n * sizeof(*total));
    const FactAnswer *whole =
        p->answers[PLAN_BEFORE_TOTAL] ? p->answers[PLAN_BEFORE_TOTAL] : p->answers[PLAN_BEFORE];
    fill_row(m, &a->total, whole ? &whole->total : NULL, false, total);
    t->total = total;
}

ReportTable *report_add_table(ReportAnswer *a, const char *name, const char *zh, const char *en) {
    assert(a->tables_n < REPORT_TABLES_MAX);
    ReportTable *t = &a->tables[a->tables_n++];
    *t = (ReportTable){.name = name, .zh = zh, .en = en};
    return t;
}

static void note_sketches(const ReportPlan *p, ReportAnswer *ret) {
    for (size_t i = 0; i < p->request->measures_n; i++) {
        const ReportMeasure *m = &p->request->measures[i];
        if (m->form != FORM_VALUE) continue;
        ret->has_percentiles |= m->measure.kind == MEASURE_PERCENTILE;
        ret->has_distinct |= m->measure.kind >= MEASURE_REQUESTERS;
    }
}

void report_plan_finish(ReportPlan *p, ReportAnswer *ret) {
    const ReportRequest *r = p->request;
    *ret = (ReportAnswer){.request = r, .narrowed = p->who, .complete = true, .filled = 1};
    ReportTable *t = report_add_table(ret, "main", r->report->zh, r->report->en);
    ret->matrix = r->report->extra & EXTRA_MATRIX && r->question.dims_n == 2;
    if (r->report->extra & EXTRA_STAGES) {
        report_stages(p, ret, t);
        ret->has_percentiles = true;
        return;
    }
    Main *m = arena_zalloc(p->arena, sizeof(*m));
    const FactAnswer *a = p->answers[PLAN_MAIN], *before = p->answers[PLAN_BEFORE];
    m->plan = p;
    m->all = a->total.count;
    if (before) {
        const FactAnswer *whole =
            p->answers[PLAN_BEFORE_TOTAL] ? p->answers[PLAN_BEFORE_TOTAL] : before;
        m->before = sorted(p, before);
        m->before_n = before->rows_n;
        m->before_all = whole->total.count;
    }
    if (p->answers[PLAN_OPEN_NOW]) {
        m->open = sorted(p, p->answers[PLAN_OPEN_NOW]);
        m->open_n = p->answers[PLAN_OPEN_NOW]->rows_n;
    }
    add_columns(m);
    t->columns = m->columns;
    t->columns_n = m->columns_n;
    fill_main(m, t);
    fill_rest(m, t);
    ret->others_series = a->others_series;
    ret->approximate = a->approximate;
    note_sketches(p, ret);
    if (r->report->extra & EXTRA_STAGES_BESIDE && p->answers[PLAN_STAGES]) {
        report_stages(p, ret, report_add_table(ret, "stages", "各阶段", "Stages"));
        ret->has_percentiles = true;
    }
    if (r->report->extra & EXTRA_FORECAST && p->answers[PLAN_HISTORY]) report_forecast(p, ret);
    if (!r->context.agent_rate && !strcmp(r->report->name, "cost"))
        ret->note = "文档 settings 中没有 agent_rate，故无金额。The documents' settings name no "
                    "agent_rate: there is no money to be told.";
}
