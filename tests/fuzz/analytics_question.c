/* Whatever stands in a query: it is read or refused, and what is read can be asked. The first byte
 * chooses the report. */
#include "analytics/reports/plan.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { PAIRS = 64 };
    if (!size || size > 4096) return 0;
    size_t kinds = 0;
    while (reports[kinds].name)
        kinds++;
    const Report *report = &reports[data[0] % kinds];
    Str rest = {(const char *)data + 1, size - 1}, name, value;
    Arena *arena = arena_new(0);
    FactTable *table = fact_table_new();
    ReportPair pairs[PAIRS];
    size_t n = 0;
    while (n < PAIRS && url_next_pair(&rest, &name, &value)) {
        CLEANUP(buf_done) Buf a = {0};
        CLEANUP(buf_done) Buf b = {0};
        if (url_decode(name, true, &a) < 0 || url_decode(value, true, &b) < 0) continue;
        pairs[n++] = (ReportPair){a.n ? arena_str(arena, buf_str(&a)) : STR(""),
                                  b.n ? arena_str(arena, buf_str(&b)) : STR("")};
    }
    ReportContext context = {.zone_name = STR("UTC"), .now_ms = INT64_C(1795341600000)};
    ReportRequest request;
    ReportProblem problem = {0};
    if (report_request_read(report, pairs, n, &context, arena, &request, &problem) < 0) {
        if (!problem.field || !problem.reason || !problem.remedy) abort();
    } else {
        ReportPlan plan;
        ReportAnswer answer;
        const FactQuestion *q;
        bool told = true;
        report_plan_begin(&plan, &request, NULL, arena);
        while (told && (q = report_plan_next(&plan))) {
            const FactAnswer *a;
            told = fact_ask(table, q, arena, &a, NULL) == 0;
            if (told) report_plan_heard(&plan, a);
        }
        if (told) {
            CLEANUP(buf_done) Buf json = {0};
            report_plan_finish(&plan, &answer);
            report_write_json(&answer, &json);
        }
    }
    fact_table_free(table);
    arena_free(arena);
    return 0;
}
