/* Walks the blocks: rows that pass, what lies behind them, their cells. */
#include <errno.h>

#include "analytics/table/scan_internal.h"

enum { LIMIT_USUAL = 100, SKETCHED_AT_ONCE = 2048, ONE_PASS_FIELDS = 4 };

#define INSTANT_MAX INT64_C(253402300799) /* the end of 9999 */

/* ---- Is it a question? ---- */

static int problem(Buf *ret, int error, const char *what) {
    if (ret) buf_adds(ret, what);
    return error;
}

static int named(Buf *ret, const char *name, const char *what) {
    if (ret) buf_printf(ret, "%s: %s", name, what);
    return -EINVAL;
}

static int check(const FactQuestion *q, Buf *ret) {
    if (q->dims_n > FACT_DIMS_MAX || q->measures_n > FACT_MEASURES_MAX)
        return problem(ret, -E2BIG, "more dimensions or measures than a question may have");
    if (q->one_of_n > FACT_FILTERS_MAX || q->ranges_n > FACT_FILTERS_MAX ||
        q->between_n > FACT_FILTERS_MAX)
        return problem(ret, -E2BIG, "more filters than a question may have");
    if (q->age_classes_n > FACT_AGE_CLASSES_MAX)
        return problem(ret, -E2BIG, "more classes of age than a question may have");
    if (q->limit > FACT_SERIES_MAX)
        return problem(ret, -E2BIG, "more rows than an answer may have");
    for (size_t i = 0; i < q->dims_n; i++)
        if (!fact_dim_has(q->source, q->dims[i]))
            return named(ret, fact_dim_name(q->dims[i]), "is not there with these rows");
    for (size_t i = 0; i < q->measures_n; i++) {
        const FactMeasure *m = &q->measures[i];
        if (m->kind <= MEASURE_PERCENTILE && !fact_number_has(q->source, m->number))
            return named(ret, fact_number_name(m->number), "is not there with these rows");
        if (m->kind == MEASURE_PERCENTILE && !(m->share >= 0 && m->share <= 1))
            return named(ret, fact_number_name(m->number), "no share from 0 to 1");
    }
    if (q->order_by < -1 || q->order_by >= (int)q->measures_n ||
        (q->order_by >= 0 && q->measures[q->order_by].kind > MEASURE_MOST))
        return problem(ret, -EINVAL, "ordered by the count, a sum, average, least or most");
    return 0;
}

static bool by_clock(const FactQuestion *q) {
    bool is = false;
    for (size_t i = 0; i < q->dims_n; i++)
        is |= q->dims[i] == FACT_WEEKDAY || q->dims[i] == FACT_HOUR;
    return is;
}

/* Instants there are, + 1; false: none. */
static bool there_is(const FactTable *t, FactTimeField f, uint32_t *ret_least, uint32_t *ret_most) {
    *ret_least = UINT32_MAX;
    *ret_most = 0;
    for (size_t i = 0; i < t->blocks_n; i++) {
        if (t->blocks[i]->least[f] < *ret_least) *ret_least = t->blocks[i]->least[f];
        if (t->blocks[i]->most[f] > *ret_most) *ret_most = t->blocks[i]->most[f];
    }
    return *ret_least <= *ret_most;
}

/* Parts of time, and the clock of the zone, cover what can pass; nothing else does. */
static int cover(FactScan *s, Buf *ret_problem) {
    const FactQuestion *q = s->q;
    Filters *f = &s->filters;
    FactTimeField time = q->time;
    uint32_t least, most;
    if (q->cut == CUT_NONE && !by_clock(q)) return cuts_make(&s->cuts, CUT_NONE, NULL, 0, 0);
    bool any = there_is(s->table, time, &least, &most);
    if (f->timed[time] && any) {
        if (f->least[time] > least) least = f->least[time];
        if (f->most[time] < most) most = f->most[time];
        any = least <= most;
    }
    if (!any) least = 1, most = 0; /* nothing passes */
    f->timed[time] = true;
    f->least[time] = least;
    f->most[time] = most;
    if (by_clock(q) && any) week_hours_make(&s->reading.hours, q->zone, (int64_t)least - 1, most);
    int64_t from = q->from_ms > 0 ? q->from_ms / 1000 : (int64_t)least - 1;
    int64_t to = q->to_ms < INT64_MAX ? q->to_ms / 1000 + (q->to_ms % 1000 > 0) : most;
    if (from > INSTANT_MAX) from = INSTANT_MAX;
    if (to > INSTANT_MAX) to = INSTANT_MAX;
    if (to <= from) to = from + 1;
    if (!any && (q->from_ms <= 0 || q->to_ms == INT64_MAX))
        return cuts_make(&s->cuts, CUT_NONE, NULL, 0, 0);
    if (cuts_make(&s->cuts, q->cut, q->zone, from, to) < 0)
        return problem(ret_problem, -E2BIG, "more parts of time than an answer may have");
    return 0;
}

static uint64_t width_of(const FactTable *t, const FactQuestion *q, size_t dim) {
    if (dim >= q->dims_n) return 1;
    FactDim d = q->dims[dim];
    if (d == FACT_WEEKDAY) return 7;
    if (d == FACT_HOUR) return 24;
    if (d == FACT_AGE_CLASS || d == FACT_WAIT_CLASS) return q->age_classes_n + 1;
    return fact_codes(t, d);
}

static bool asks_distinct(const FactQuestion *q, FactMeasureKind k) {
    bool is = false;
    for (size_t i = 0; i < q->measures_n; i++)
        is |= q->measures[i].kind == k;
    return is && !(k == MEASURE_TICKETS && q->source == FACT_TICKETS);
}

static size_t sketched(const FactScan *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->cells.fields_n; i++)
        n += s->cells.fields[i].percentiles;
    for (int k = MEASURE_REQUESTERS; k < MEASURE_KINDS; k++)
        n += asks_distinct(s->q, (FactMeasureKind)k);
    return n;
}

static void distinct_room(Cells *c, const FactQuestion *q) {
    for (int k = MEASURE_REQUESTERS; k < MEASURE_KINDS; k++)
        if (asks_distinct(q, (FactMeasureKind)k))
            c->distinct[k] = xcalloc(c->n, sizeof(*c->distinct[k]));
}

void scan_cells(const FactScan *s, Cells *c, size_t series, size_t cuts) {
    if (!c->fields_n) cells_fields(c, s->q, false);
    cells_room(c, series, cuts);
    distinct_room(c, s->q);
}

static int plan(FactScan *s, Buf *ret_problem) {
    const FactQuestion *q = s->q;
    for (size_t i = 0; i < FACT_DIMS_MAX; i++)
        s->width[i] = width_of(s->table, q, i);
    uint64_t pairs = s->width[0] * s->width[1], cuts = s->cuts.n;
    uint64_t rows = ((pairs < s->limit ? pairs : s->limit) + 1) * cuts;
    cells_fields(&s->cells, q, false);
    size_t sketches = sketched(s);
    if (rows > FACT_CELLS_MAX)
        return problem(ret_problem, -E2BIG, "more rows than an answer may have");
    if (rows * sketches > FACT_SKETCHES_MAX)
        return problem(ret_problem, -E2BIG, "more percentiles than an answer may have");
    s->at_once = (pairs + 1) * cuts <= (sketches ? SKETCHED_AT_ONCE : CELLS_AT_ONCE);
    s->pass = s->at_once ? 2 : 1;
    if (s->at_once) {
        scan_cells(s, &s->cells, (size_t)pairs + 1, (size_t)cuts);
        return 0;
    }
    s->one_pass = cuts == 1 && !sketches && s->cells.fields_n <= ONE_PASS_FIELDS;
    pairs_init(&s->pairs, s->width);
    cells_fields(&s->order, q, !s->one_pass);
    cells_room(&s->order, 1, 1);
    return 0;
}

int fact_scan_new(const FactTable *t, const FactQuestion *q, Arena *arena, FactScan **ret,
                  Buf *ret_problem) {
    int r = check(q, ret_problem);
    if (r < 0) return r;
    CLEANUP(fact_scan_freep) FactScan *s = xcalloc(1, sizeof(*s));
    s->table = t;
    s->q = q;
    s->arena = arena;
    s->emptied = t->emptied;
    s->limit = q->limit ? q->limit : LIMIT_USUAL;
    s->reading = (Reading){.table = t,
                           .source = q->source,
                           .time = q->time,
                           .now_s = q->now_ms / 1000,
                           .classes = q->age_classes,
                           .classes_n = q->age_classes_n};
    r = filters_make(&s->filters, t, q, ret_problem);
    if (r >= 0) r = cover(s, ret_problem);
    if (r >= 0) r = plan(s, ret_problem);
    if (r < 0) return r;
    *ret = TAKE(s);
    return 0;
}

FactScan *fact_scan_free(FactScan *s) {
    if (!s) return NULL;
    filters_done(&s->filters);
    week_hours_done(&s->reading.hours);
    cuts_done(&s->cuts);
    pairs_done(&s->pairs);
    cells_done(&s->order);
    cells_done(&s->cells);
    free(s->kept);
    free(s->keys);
    free(s);
    return NULL;
}

/* ---- Lanes ---- */

/* Codes of both dims; one that is not there is 0. */
static void codes(FactScan *s, const Lanes *l) {
    const FactQuestion *q = s->q;
    if (q->dims_n > 0) reading_codes(&s->reading, l, q->dims[0], s->a);
    if (q->dims_n > 1) reading_codes(&s->reading, l, q->dims[1], s->b);
    if (q->dims_n < 1) memset(s->a, 0, l->n * sizeof(*s->a));
    if (q->dims_n < 2) memset(s->b, 0, l->n * sizeof(*s->b));
}

static void count_pairs(FactScan *s, const Lanes *l) {
    codes(s, l);
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t pair = pairs_of(&s->pairs, s->a[i], s->b[i], true);
        s->cell[i] = pair == NO_PAIR ? 0 : pair + 1;
    }
    while (s->order.n < s->pairs.n + 1)
        cells_room(&s->order, s->order.n * 2, 1);
    cells_add(&s->order, &s->reading, l, s->cell);
}

static void series_of(FactScan *s, const Lanes *l) {
    uint32_t others = (uint32_t)s->cells.series - 1;
    codes(s, l);
    if (s->at_once) {
        uint32_t wide = (uint32_t)s->width[0], narrow = (uint32_t)s->width[1];
        for (uint32_t i = 0; i < l->n; i++) {
            bool late = s->a[i] >= wide || s->b[i] >= narrow;
            s->cell[i] = late ? others : s->a[i] * narrow + s->b[i];
        }
        return;
    }
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t pair = pairs_of(&s->pairs, s->a[i], s->b[i], false);
        s->cell[i] = pair == NO_PAIR ? others : s->kept[pair];
    }
}

static void measure(FactScan *s, const Lanes *l) {
    if (!s->q->dims_n && s->cuts.n == 1) {
        cells_add(&s->cells, &s->reading, l, NULL);
        return;
    }
    series_of(s, l);
    if (s->cuts.n > 1) {
        uint32_t cuts = (uint32_t)s->cuts.n;
        reading_times(l, s->q->time, s->a);
        cuts_of(&s->cuts, s->a, l->n, s->b);
        for (uint32_t i = 0; i < l->n; i++)
            s->cell[i] = s->cell[i] * cuts + s->b[i];
    }
    cells_add(&s->cells, &s->reading, l, s->cell);
}

static void add(FactScan *s, const Lanes *l) {
    if (!l->n) return;
    if (s->pass == 1)
        count_pairs(s, l);
    else
        measure(s, l);
}

static void add_behind(FactScan *s) {
    Lanes *part = &s->part;
    filters_behind(&s->filters, part);
    add(s, part);
    part->n = 0;
}

/* Each row as often as there is something behind it. */
static void expand(FactScan *s, const Lanes *l) {
    const Behind *b = &l->block->behind[s->q->source];
    Lanes *part = &s->part;
    part->block = l->block;
    part->run = false;
    part->n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t row = l->run ? l->first + i : l->row[i];
        uint32_t n = (uint32_t)column_get(&b->n, row);
        if (!n) continue;
        uint32_t from = (uint32_t)column_get(&b->start, row);
        for (uint32_t k = 0; k < n; k++) {
            part->row[part->n] = row;
            part->behind[part->n++] = from + k;
        }
        if (part->n >= LANES) add_behind(s);
    }
    if (part->n) add_behind(s);
}

static void next_pass(FactScan *s) {
    s->block = s->row = 0;
    if (s->pass == 1) {
        answering_choose(s);
        s->pass = s->one_pass ? 3 : 2;
    } else {
        s->pass = 3;
    }
}

int fact_scan_step(FactScan *s, size_t rows) {
    const FactTable *t = s->table;
    if (t->emptied != s->emptied) return -ESTALE;
    filters_renew(&s->filters);
    while (s->pass < 3) {
        if (s->block >= t->blocks_n) {
            next_pass(s);
            continue;
        }
        const Block *b = t->blocks[s->block];
        if (s->row >= b->rows || (!s->row && filters_skip(&s->filters, b))) {
            s->block++;
            s->row = 0;
            continue;
        }
        if (!rows) return 1;
        uint32_t n = b->rows - (uint32_t)s->row;
        if (n > LANES) n = LANES;
        filters_rows(&s->filters, b, (uint32_t)s->row, n, &s->lanes);
        if (s->q->source == FACT_TICKETS)
            add(s, &s->lanes);
        else
            expand(s, &s->lanes);
        s->row += n;
        s->scanned += n;
        rows = rows > n ? rows - n : 0;
    }
    if (!s->answer) answering_finish(s);
    return 0;
}

const FactAnswer *fact_scan_answer(FactScan *s) {
    return s->answer;
}

int fact_ask(const FactTable *t, const FactQuestion *q, Arena *arena, const FactAnswer **ret,
             Buf *ret_problem) {
    CLEANUP(fact_scan_freep) FactScan *s = NULL;
    int r = fact_scan_new(t, q, arena, &s, ret_problem);
    if (r < 0) return r;
    (void)fact_scan_step(s, SIZE_MAX);
    *ret = fact_scan_answer(s);
    return 0;
}
