/* Cells become rows: the first of the order are named, everything else is together. */
#include "analytics/table/scan_internal.h"

typedef struct Ranked {
    uint64_t count;
    FactValue value; /* by which is ordered, when it is not the count */
    uint64_t key;    /* pair of codes */
    uint32_t series;
} Ranked;

static uint64_t pair_of(const FactScan *s, uint32_t series) {
    if (!s->at_once) return s->keys[series];
    return (uint64_t)(series / s->width[1]) << 32 | series % s->width[1];
}

static FactKey key_of(const FactScan *s, uint64_t pair, size_t dim) {
    uint32_t code = (uint32_t)(dim ? pair : pair >> 32);
    if (dim >= s->q->dims_n) return (FactKey){0};
    return fact_code_value(s->table, s->q->dims[dim], code);
}

/* The order of keys: by bytes, by number. */
static int compare_keys(const FactScan *s, uint64_t a, uint64_t b) {
    for (size_t d = 0; d < s->q->dims_n; d++) {
        FactKey x = key_of(s, a, d), y = key_of(s, b, d);
        size_t n = x.text.n < y.text.n ? x.text.n : y.text.n;
        int c = n ? memcmp(x.text.p, y.text.p, n) : 0;
        if (!c) c = (x.text.n > y.text.n) - (x.text.n < y.text.n);
        if (!c) c = (x.id > y.id) - (x.id < y.id);
        if (c) return c;
    }
    return 0;
}

/* Below 0: x comes first. What has no value comes last. */
static int compare(const FactScan *s, const Ranked *x, const Ranked *y) {
    int c;
    if (s->q->order_by < 0) {
        c = (x->count < y->count) - (x->count > y->count);
    } else {
        if (!x->value.n != !y->value.n) return x->value.n ? -1 : 1;
        c = (x->value.value < y->value.value) - (x->value.value > y->value.value);
    }
    if (s->q->least_first) c = -c;
    return c ? c : compare_keys(s, x->key, y->key);
}

static int compare_ranked(const void *x, const void *y, void *scan) {
    return compare(scan, x, y);
}

/* A heap whose top is the last of those that are in. */
static void sink(const FactScan *s, Ranked *heap, size_t n, size_t at) {
    for (;;) {
        size_t last = at;
        for (size_t k = 2 * at + 1; k <= 2 * at + 2 && k < n; k++)
            if (compare(s, &heap[k], &heap[last]) > 0) last = k;
        if (last == at) return;
        Ranked up = heap[last];
        heap[last] = heap[at];
        heap[at] = up;
        at = last;
    }
}

/* The first `limit` of the n, in order; how many. */
static size_t first_of(FactScan *s, Ranked *r, size_t n) {
    size_t kept = n < s->limit ? n : s->limit;
    if (kept < n) {
        for (size_t i = kept; i-- > 0;)
            sink(s, r, kept, i);
        for (size_t i = kept; i < n; i++) {
            if (compare(s, &r[i], &r[0]) >= 0) continue;
            Ranked out = r[0];
            r[0] = r[i];
            r[i] = out;
            sink(s, r, kept, 0);
        }
    }
    qsort_r(r, kept, sizeof(*r), compare_ranked, s);
    return kept;
}

/* Of all its parts of time. */
static FactValue order_value(const FactScan *s, const Cells *c, size_t series) {
    FactValue v = {0, 0};
    if (s->q->order_by < 0) return v;
    const FactMeasure *m = &s->q->measures[s->q->order_by];
    const Field *f = cells_field((Cells *)c, m);
    uint64_t sum = 0;
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = series * c->cuts; i < (series + 1) * c->cuts; i++) {
        v.n += f->ns[i];
        if (f->sum) sum += f->sums[i];
        if (f->ends && f->least[i] < least) least = f->least[i];
        if (f->ends && f->most[i] > most) most = f->most[i];
    }
    if (!v.n) return v;
    v.value = m->kind == MEASURE_SUM       ? (double)sum
              : m->kind == MEASURE_AVERAGE ? (double)sum / (double)v.n
              : m->kind == MEASURE_LEAST   ? least
                                           : most;
    return v;
}

/* ---- Between the passes ---- */

void answering_choose(FactScan *s) {
    size_t n = s->pairs.n;
    Ranked *ranked = xcalloc(n ? n : 1, sizeof(*ranked));
    for (size_t i = 0; i < n; i++)
        ranked[i] = (Ranked){.count = s->order.counts[i + 1],
                             .value = order_value(s, &s->order, i + 1),
                             .key = s->pairs.key[i],
                             .series = (uint32_t)i};
    size_t kept = first_of(s, ranked, n);
    s->kept = xmalloc((n ? n : 1) * sizeof(*s->kept));
    s->keys = xcalloc(kept + 1, sizeof(*s->keys));
    s->left_out = n - kept;
    for (size_t i = 0; i < n; i++)
        s->kept[i] = (uint32_t)kept;
    for (size_t i = 0; i < kept; i++) {
        s->kept[ranked[i].series] = (uint32_t)i;
        s->keys[i] = ranked[i].key;
    }
    free(ranked);
    scan_cells(s, &s->cells, kept + 1, s->cuts.n);
    if (!s->one_pass) return;
    cells_merge(&s->cells, kept, &s->order, 0);
    for (size_t i = 0; i < n; i++)
        cells_merge(&s->cells, s->kept[i], &s->order, i + 1);
}

/* ---- At the end ---- */

static FactRow row_of(FactScan *s, const Cells *c, size_t cell, size_t cut) {
    size_t n = s->q->measures_n;
    FactValue *values = arena_alloc(s->arena, (n ? n : 1) * sizeof(*values));
    for (size_t i = 0; i < n; i++)
        values[i] = cells_value(c, cell, &s->q->measures[i]);
    return (FactRow){.cut = (int32_t)cut, .count = c->counts[cell], .values = values};
}

/* One row for each part of time in which there is something. */
static size_t rows_of(FactScan *s, size_t series, const FactKey keys[FACT_DIMS_MAX], FactRow *ret) {
    size_t n = 0;
    for (size_t cut = 0; cut < s->cells.cuts; cut++) {
        size_t cell = series * s->cells.cuts + cut;
        if (!s->cells.counts[cell]) continue;
        ret[n] = row_of(s, &s->cells, cell, cut);
        for (size_t d = 0; keys && d < s->q->dims_n; d++)
            ret[n].keys[d] = keys[d];
        n++;
    }
    return n;
}

static uint64_t count_of(const Cells *c, size_t series) {
    uint64_t n = 0;
    for (size_t i = series * c->cuts; i < (series + 1) * c->cuts; i++)
        n += c->counts[i];
    return n;
}

static void total(FactScan *s, FactAnswer *a) {
    Cells all = {0};
    scan_cells(s, &all, 1, 1);
    for (size_t i = 0; i < s->cells.n; i++)
        cells_merge(&all, 0, &s->cells, i);
    a->total = row_of(s, &all, 0, 0);
    cells_done(&all);
}

static void cuts_out(FactScan *s, FactAnswer *a) {
    int64_t *cuts = arena_alloc(s->arena, (s->cuts.n + 1) * sizeof(*cuts));
    for (size_t i = 0; i <= s->cuts.n; i++)
        cuts[i] = s->cuts.begins[i] * 1000;
    if (s->q->cut == CUT_NONE) {
        cuts[0] = s->q->from_ms;
        cuts[1] = s->q->to_ms;
    }
    a->cuts = cuts;
    a->cuts_n = s->q->cut == CUT_NONE || cuts[0] < cuts[1] ? s->cuts.n : 0; /* no instant */
}

void answering_finish(FactScan *s) {
    FactAnswer *a = arena_zalloc(s->arena, sizeof(*a));
    Cells *c = &s->cells;
    size_t others = c->series - 1, n = 0;
    Ranked *ranked = xcalloc(c->series, sizeof(*ranked));
    total(s, a); /* before anything is put together */
    for (size_t i = 0; i < others; i++) {
        uint64_t count = count_of(c, i);
        if (count)
            ranked[n++] =
                (Ranked){count, order_value(s, c, i), pair_of(s, (uint32_t)i), (uint32_t)i};
    }
    size_t kept = first_of(s, ranked, n);
    for (size_t i = kept; i < n; i++)
        for (size_t cut = 0; cut < c->cuts; cut++)
            cells_merge(c, others * c->cuts + cut, c, ranked[i].series * c->cuts + cut);
    FactRow *rows = arena_alloc(s->arena, (kept * c->cuts + 1) * sizeof(*rows));
    FactRow *rest = arena_alloc(s->arena, c->cuts * sizeof(*rest));
    for (size_t i = 0; i < kept; i++) {
        FactKey keys[FACT_DIMS_MAX] = {{{NULL, 0}, 0}};
        for (size_t d = 0; d < s->q->dims_n; d++) {
            keys[d] = key_of(s, ranked[i].key, d);
            if (keys[d].text.n) keys[d].text = arena_str(s->arena, keys[d].text);
        }
        a->rows_n += rows_of(s, ranked[i].series, keys, &rows[a->rows_n]);
    }
    a->others_n = rows_of(s, others, NULL, rest);
    a->rows = rows;
    a->others = rest;
    a->series_n = kept;
    a->others_series = n - kept + s->left_out;
    a->scanned = s->scanned;
    a->approximate = s->pairs.full;
    cuts_out(s, a);
    free(ranked);
    s->answer = a;
}
