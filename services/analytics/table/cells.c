/* What is added up, by cell. Counting the same cell again and again waits for itself, so the few
 * cells of most questions are counted in four copies at once. */
#include "analytics/table/scan_internal.h"

static bool reads_number(FactMeasureKind k) {
    return k <= MEASURE_PERCENTILE;
}

Field *cells_field(Cells *c, const FactMeasure *m) {
    for (size_t i = 0; i < c->fields_n && reads_number(m->kind); i++)
        if (c->fields[i].number == m->number) return &c->fields[i];
    return NULL;
}

void cells_fields(Cells *c, const FactQuestion *q, bool order_only) {
    for (size_t i = 0; i < q->measures_n; i++) {
        const FactMeasure *m = &q->measures[i];
        if (order_only && (int)i != q->order_by) continue;
        if (!reads_number(m->kind)) continue;
        Field *f = cells_field(c, m);
        if (!f) {
            f = &c->fields[c->fields_n++];
            *f = (Field){.number = m->number};
        }
        f->sum |= m->kind == MEASURE_SUM || m->kind == MEASURE_AVERAGE;
        f->ends |= m->kind == MEASURE_LEAST || m->kind == MEASURE_MOST;
        f->percentiles |= m->kind == MEASURE_PERCENTILE;
    }
}

static void *wider(void *p, size_t had, size_t n, size_t size, int fill) {
    char *new = xrealloc(p, n * size);
    memset(new + had *size, fill, (n - had) * size);
    return new;
}

/* May be called again with more series, as long as there is one part of time. */
void cells_room(Cells *c, size_t series, size_t cuts) {
    size_t had = c->n, n = series * cuts;
    c->series = series;
    c->cuts = cuts;
    c->n = n;
    c->counts = wider(c->counts, had, n, sizeof(*c->counts), 0);
    for (size_t i = 0; i < c->fields_n; i++) {
        Field *f = &c->fields[i];
        f->ns = wider(f->ns, had, n, sizeof(*f->ns), 0);
        if (f->sum) f->sums = wider(f->sums, had, n, sizeof(*f->sums), 0);
        if (f->ends) {
            f->least = wider(f->least, had, n, sizeof(*f->least), 0xff);
            f->most = wider(f->most, had, n, sizeof(*f->most), 0);
        }
        if (f->percentiles) f->sketches = wider(f->sketches, had, n, sizeof(void *), 0);
    }
}

void cells_done(Cells *c) {
    free(c->counts);
    for (size_t i = 0; i < c->fields_n; i++) {
        Field *f = &c->fields[i];
        free(f->sums);
        free(f->ns);
        free(f->least);
        free(f->most);
        for (size_t k = 0; f->sketches && k < c->n; k++)
            quantiles_free(f->sketches[k]);
        free(f->sketches);
    }
    for (int k = 0; k < MEASURE_KINDS; k++) {
        for (size_t i = 0; c->distinct[k] && i < c->n; i++)
            distinct_free(c->distinct[k][i]);
        free(c->distinct[k]);
    }
    *c = (Cells){0};
}

/* ---- Adding ---- */

static void count(Cells *c, const uint32_t *cell, uint32_t n) {
    enum { FEW = 1024 };
    uint32_t i = 0;
    if (!cell) {
        c->counts[0] += n;
        return;
    }
    if (c->n <= FEW && n >= LANES / 2) {
        uint16_t four[4][FEW];
        for (int k = 0; k < 4; k++)
            memset(four[k], 0, c->n * sizeof(**four));
        for (; i + 4 <= n; i += 4)
            for (uint32_t k = 0; k < 4; k++)
                four[k][cell[i + k]]++;
        for (size_t k = 0; k < c->n; k++)
            c->counts[k] += (uint64_t)four[0][k] + four[1][k] + four[2][k] + four[3][k];
    }
    for (; i < n; i++)
        c->counts[cell[i]]++;
}

/* All in the first cell. */
static void add_alone(Field *f, const uint32_t *v, uint32_t n) {
    uint64_t sum = 0;
    uint32_t there = 0, least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool is = v[i] != NO_NUMBER;
        there += is;
        sum += is ? v[i] : 0;
    }
    f->ns[0] += there;
    if (f->sum) f->sums[0] += sum;
    if (!f->ends) return;
    for (uint32_t i = 0; i < n; i++) {
        least = v[i] < least ? v[i] : least;
        most = v[i] != NO_NUMBER && v[i] > most ? v[i] : most;
    }
    if (least < f->least[0]) f->least[0] = least;
    if (most > f->most[0]) f->most[0] = most;
}

static void add_field(Field *f, const uint32_t *v, const uint32_t *cell, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        f->ns[cell[i]] += v[i] != NO_NUMBER;
    if (f->sum)
        for (uint32_t i = 0; i < n; i++)
            f->sums[cell[i]] += v[i] != NO_NUMBER ? v[i] : 0;
    if (!f->ends) return;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i] < f->least[cell[i]]) f->least[cell[i]] = v[i];
        if (v[i] != NO_NUMBER && v[i] > f->most[cell[i]]) f->most[cell[i]] = v[i];
    }
}

static void add_sketch(Field *f, const uint32_t *v, const uint32_t *cell, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (v[i] == NO_NUMBER) continue;
        Quantiles **q = &f->sketches[cell ? cell[i] : 0];
        if (!*q) *q = quantiles_new();
        quantiles_add(*q, v[i], 1);
    }
}

static void add_distinct(Cells *c, FactMeasureKind kind, const Reading *r, const Lanes *l,
                         const uint32_t *cell) {
    uint32_t codes[LANES_ROOM];
    FactDim dim = r->source == FACT_AGENT_PASSAGES ? FACT_PASSED_AGENT : FACT_LAST_ASSIGNEE;
    const Column *wide = kind == MEASURE_REQUESTERS ? &l->block->requester : &l->block->id;
    if (kind == MEASURE_AGENTS) reading_codes(r, l, dim, codes);
    for (uint32_t i = 0; i < l->n; i++) {
        int64_t id = kind == MEASURE_AGENTS ? r->table->agents.ids[codes[i]]
                                            : (int64_t)reading_wide(l, wide, i);
        if (!id) continue;
        Distinct **d = &c->distinct[kind][cell ? cell[i] : 0];
        if (!*d) *d = distinct_new();
        distinct_add_id(*d, id);
    }
}

void cells_add(Cells *c, const Reading *r, const Lanes *l, const uint32_t *cell) {
    uint32_t v[LANES_ROOM];
    count(c, cell, l->n);
    for (size_t i = 0; i < c->fields_n; i++) {
        Field *f = &c->fields[i];
        reading_number(r, l, f->number, v);
        if (!cell)
            add_alone(f, v, l->n);
        else
            add_field(f, v, cell, l->n);
        if (f->percentiles) add_sketch(f, v, cell, l->n);
    }
    for (int k = MEASURE_REQUESTERS; k < MEASURE_KINDS; k++)
        if (c->distinct[k]) add_distinct(c, (FactMeasureKind)k, r, l, cell);
}

/* ---- Together ---- */

void cells_merge(Cells *c, size_t to, const Cells *other, size_t from) {
    c->counts[to] += other->counts[from];
    for (size_t i = 0; i < c->fields_n; i++) {
        Field *f = &c->fields[i];
        const Field *o = &other->fields[i];
        f->ns[to] += o->ns[from];
        if (f->sum) f->sums[to] += o->sums[from];
        if (f->ends && o->least[from] < f->least[to]) f->least[to] = o->least[from];
        if (f->ends && o->most[from] > f->most[to]) f->most[to] = o->most[from];
        if (!f->percentiles || !o->sketches[from]) continue;
        if (!f->sketches[to]) f->sketches[to] = quantiles_new();
        quantiles_merge(f->sketches[to], o->sketches[from]);
    }
    for (int k = MEASURE_REQUESTERS; k < MEASURE_KINDS; k++) {
        if (!c->distinct[k] || !other->distinct[k][from]) continue;
        if (!c->distinct[k][to]) c->distinct[k][to] = distinct_new();
        distinct_merge(c->distinct[k][to], other->distinct[k][from]);
    }
}

static FactValue of_field(const Field *f, size_t cell, const FactMeasure *m) {
    FactValue v = {0, f->ns[cell]};
    if (!v.n) return v;
    if (m->kind == MEASURE_SUM) v.value = (double)f->sums[cell];
    if (m->kind == MEASURE_AVERAGE) v.value = (double)f->sums[cell] / (double)v.n;
    if (m->kind == MEASURE_LEAST) v.value = f->least[cell];
    if (m->kind == MEASURE_MOST) v.value = f->most[cell];
    if (m->kind == MEASURE_PERCENTILE) v.value = quantiles_at(f->sketches[cell], m->share);
    return v;
}

FactValue cells_value(const Cells *c, size_t cell, const FactMeasure *m) {
    const Field *f = cells_field((Cells *)c, m);
    if (f) return of_field(f, cell, m);
    FactValue v = {0, c->counts[cell]};
    if (c->distinct[m->kind]) {
        const Distinct *d = c->distinct[m->kind][cell];
        v.value = d ? (double)distinct_count(d) : 0;
    } else {
        v.value = (double)v.n; /* different tickets among tickets */
    }
    return v;
}
