/* The tables of definitions.c and words.c, written out. */
#include "analytics/reports/listing.h"

#include "sketches/distinct.h"
#include "sketches/quantiles.h"

static void member(Buf *b, const char *name, const char *value) {
    if (b->p[b->n - 1] != '{') buf_addc(b, ',');
    buf_add_json(b, str(name));
    buf_addc(b, ':');
    buf_add_json(b, str(value));
}

static void titled(Buf *b, bool first, const char *name, const char *zh, const char *en) {
    buf_adds(b, first ? "{" : ",\n{");
    member(b, "name", name);
    member(b, "title", zh);
    if (en) member(b, "title_en", en);
}

static void write_report(Buf *b, const Report *r) {
    titled(b, r == reports, r->name, r->zh, r->en);
    member(b, "about", r->about_zh);
    member(b, "about_en", r->about_en);
    member(b, "counts", fact_source_name(r->source));
    member(b, "time", fact_time_name(r->time));
    member(b, "cut", fact_cut_name(r->cut));
    buf_adds(b, ",\"by\":[");
    for (size_t i = 0; i < r->by_n; i++) {
        if (i) buf_addc(b, ',');
        buf_add_json(b, str(fact_dim_name(r->by[i])));
    }
    buf_printf(b, "],\"limit\":%zu,\"compare\":\"%s\",\"measures\":[", r->limit,
               r->compares ? "previous" : "none");
    for (size_t i = 0; i < REPORT_MEASURES_MAX && r->measures[i].name; i++) {
        const ReportMeasure *m = &r->measures[i];
        titled(b, i == 0, m->name, m->zh, m->en);
        member(b, "unit", report_unit_name(m->unit));
        buf_addc(b, '}');
    }
    buf_adds(b, "]}");
}

static void write_sources(Buf *b, FactDim d, FactNumber n, bool of_dim) {
    buf_adds(b, ",\"of\":[");
    for (int s = 0, shown = 0; s < FACT_SOURCES; s++) {
        bool has = of_dim ? fact_dim_has((FactSource)s, d) : fact_number_has((FactSource)s, n);
        if (!has) continue;
        if (shown++) buf_addc(b, ',');
        buf_add_json(b, str(fact_source_name((FactSource)s)));
    }
    buf_adds(b, "]}");
}

void report_write_list(Buf *b) {
    buf_adds(b, "{\"reports\":[");
    for (const Report *r = reports; r->name; r++)
        write_report(b, r);
    buf_adds(b, "],\n\"dimensions\":[");
    for (int i = 0; i < FACT_DIMS; i++) {
        FactDim d = (FactDim)i;
        titled(b, i == 0, fact_dim_name(d), report_dim_zh(d), report_dim_en(d));
        buf_printf(b, ",\"filters\":%s",
                   d >= FACT_WEEKDAY && d < FACT_TICKET_DIMS ? "false" : "true");
        write_sources(b, d, (FactNumber)0, true);
    }
    buf_adds(b, "],\n\"numbers\":[");
    for (int i = 0; i < FACT_NUMBERS; i++) {
        FactNumber n = (FactNumber)i;
        titled(b, i == 0, fact_number_name(n), report_number_zh(n), NULL);
        member(b, "unit",
               fact_number_is_duration(n) ? "seconds"
               : fact_number_is_yes_no(n) ? "share"
                                          : "count");
        write_sources(b, (FactDim)0, n, false);
    }
    buf_adds(b, "],\n\"flags\":[");
    for (int i = 0; i < FACT_FLAGS; i++) {
        titled(b, i == 0, fact_flag_name((FactFlag)i), report_flag_zh((FactFlag)i), NULL);
        buf_addc(b, '}');
    }
    buf_adds(b, "],\n\"times\":[");
    for (int i = 0; i < FACT_TIMES_OF; i++) {
        titled(b, i == 0, fact_time_name((FactTimeField)i), report_time_zh((FactTimeField)i), NULL);
        buf_addc(b, '}');
    }
    buf_adds(b, "],\n\"cuts\":[\"none\",\"quarter\",\"hour\",\"day\",\"week\",\"month\"],"
                "\"figures\":[\"sum\",\"avg\",\"min\",\"max\",\"n\",\"share\",\"p50\",\"p90\","
                "\"p95\",\"p99\"],\"formats\":[\"json\",\"csv\"],");
    buf_printf(b, "\"percentile_error\":%.6f,\"distinct_error\":%.6f}\n", QUANTILES_ERROR,
               DISTINCT_STANDARD_ERROR);
}
