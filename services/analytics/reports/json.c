/* A report as one JSON object. */
#include "analytics/reports/answer.h"
#include "analytics/reports/instants.h"
#include "sketches/distinct.h"
#include "sketches/quantiles.h"

#include <math.h>

#define OUT(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)

static void key(Buf *b, const char *name) {
    if (b->n && b->p[b->n - 1] != '{') buf_addc(b, ',');
    buf_add_json(b, str(name));
    buf_addc(b, ':');
}

static void text(Buf *b, const char *name, Str value) {
    key(b, name);
    if (value.p)
        buf_add_json(b, value);
    else
        OUT(b, "null");
}

static void flag(Buf *b, const char *name, bool value) {
    key(b, name);
    buf_adds(b, value ? "true" : "false");
}

static void instant(Buf *b, const char *name, int64_t at_ms, const Zone *zone) {
    key(b, name);
    if (at_ms == INT64_MAX || at_ms <= 0) {
        OUT(b, "null");
        return;
    }
    OUT(b, "\"");
    instant_write(at_ms, zone, b);
    OUT(b, "\"");
}

void report_write_number(ReportUnit unit, double value, Buf *ret) {
    double places = unit == UNIT_SHARE ? 1e6 : unit == UNIT_COUNT || unit == UNIT_ID ? 1 : 1e3;
    if (!isfinite(value)) value = 0;
    double rounded = fabs(value) < 1e12 ? round(value * places) / places : round(value);
    if (rounded == 0) rounded = 0; /* no -0 */
    if (rounded == round(rounded) && fabs(rounded) < 9.1e15) {
        buf_add_i64(ret, (int64_t)rounded);
        return;
    }
    buf_printf(ret, unit == UNIT_SHARE ? "%.6f" : "%.3f", rounded);
    while (ret->p[ret->n - 1] == '0')
        ret->p[--ret->n] = 0;
}

static void cell(Buf *b, const ReportColumn *c, const ReportCell *v, const Zone *zone) {
    if (!v->there) {
        OUT(b, "null");
    } else if (c->unit == UNIT_TEXT) {
        buf_add_json(b, v->text);
    } else if (c->unit == UNIT_INSTANT) {
        OUT(b, "\"");
        instant_write((int64_t)v->number, zone, b);
        OUT(b, "\"");
    } else {
        report_write_number(c->unit, v->number, b);
    }
}

static void row(Buf *b, const ReportTable *t, const ReportCell *cells, const Zone *zone,
                bool keys) {
    OUT(b, "{");
    for (size_t i = 0; i < t->columns_n; i++) {
        if (!keys && t->columns[i].key) continue;
        key(b, t->columns[i].name);
        cell(b, &t->columns[i], &cells[i], zone);
    }
    OUT(b, "}");
}

static void rows(Buf *b, const char *name, const ReportTable *t, const ReportCell *cells, size_t n,
                 const Zone *zone) {
    key(b, name);
    OUT(b, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) OUT(b, ",\n");
        row(b, t, cells + i * t->columns_n, zone, true);
    }
    OUT(b, "]");
}

static void table(Buf *b, const ReportTable *t, const Zone *zone) {
    key(b, "columns");
    OUT(b, "[");
    for (size_t i = 0; i < t->columns_n; i++) {
        const ReportColumn *c = &t->columns[i];
        buf_adds(b, i ? ",{" : "{");
        text(b, "name", str(c->name));
        text(b, "title", str(c->zh));
        text(b, "title_en", str(c->en));
        text(b, "unit", str(report_unit_name(c->unit)));
        flag(b, "key", c->key);
        OUT(b, "}");
    }
    OUT(b, "]");
    rows(b, "rows", t, t->cells, t->rows_n, zone);
    if (t->total) {
        key(b, "total");
        row(b, t, t->total, zone, false);
    }
}

void report_write_json(const ReportAnswer *a, Buf *ret) {
    const ReportRequest *q = a->request;
    const Zone *zone = q->context.zone;
    OUT(ret, "{");
    text(ret, "report", str(q->report->name));
    text(ret, "title", str(q->report->zh));
    text(ret, "title_en", str(q->report->en));
    text(ret, "time", str(fact_time_name(q->question.time)));
    text(ret, "time_zone", q->context.zone_name);
    instant(ret, "from", q->question.from_ms, zone);
    instant(ret, "to", q->question.to_ms, zone);
    text(ret, "cut", str(fact_cut_name(q->question.cut)));
    key(ret, "by");
    OUT(ret, "[");
    for (size_t i = 0; i < q->question.dims_n; i++) {
        if (i) OUT(ret, ",");
        buf_add_json(ret, str(fact_dim_name(q->question.dims[i])));
    }
    OUT(ret, "]");
    key(ret, "filters");
    OUT(ret, "{");
    for (size_t i = 0; i < q->filters_n; i++) {
        if (i) OUT(ret, ",");
        buf_add_json(ret, q->filters[i].name);
        OUT(ret, ":");
        buf_add_json(ret, q->filters[i].value);
    }
    OUT(ret, "}");
    if (q->compare) {
        key(ret, "compared_with");
        OUT(ret, "{");
        instant(ret, "from", q->before_from_ms, zone);
        instant(ret, "to", q->before_to_ms, zone);
        OUT(ret, "}");
    }
    flag(ret, "narrowed", a->narrowed);
    flag(ret, "complete", a->complete);
    key(ret, "filled");
    report_write_number(UNIT_SHARE, a->filled, ret);
    if (a->has_percentiles) {
        key(ret, "percentile_error");
        report_write_number(UNIT_SHARE, QUANTILES_ERROR, ret);
    }
    if (a->has_distinct) {
        key(ret, "distinct_error");
        report_write_number(UNIT_SHARE, DISTINCT_STANDARD_ERROR, ret);
    }
    if (a->matrix) flag(ret, "matrix", true);
    if (a->approximate) flag(ret, "approximate", true);
    if (a->note) text(ret, "note", str(a->note));
    for (size_t i = 0; i < a->tables_n; i++) {
        const ReportTable *t = &a->tables[i];
        if (i == 0) {
            table(ret, t, zone);
            if (!t->others_n) continue;
            key(ret, "others_series");
            buf_add_u64(ret, a->others_series);
            rows(ret, "others", t, t->others, t->others_n, zone);
            continue;
        }
        if (i == 1) {
            key(ret, "sections");
            OUT(ret, "[{");
        } else {
            OUT(ret, ",{");
        }
        text(ret, "name", str(t->name));
        text(ret, "title", str(t->zh));
        text(ret, "title_en", str(t->en));
        table(ret, t, zone);
        OUT(ret, "}");
    }
    if (a->tables_n > 1) OUT(ret, "]");
    OUT(ret, "}\n");
}

const ReportTable *report_table(const ReportAnswer *a, Str name) {
    for (size_t i = 0; i < a->tables_n; i++)
        if (!name.p || str_is(name, a->tables[i].name)) return &a->tables[i];
    return NULL;
}
