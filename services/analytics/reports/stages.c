/* The funnel: of all tickets, those that came to each stage, how often, and how long they stayed.
 */
#include "analytics/reports/tables_internal.h"

enum { FIGURES = 5 }; /* of a stage: times, sum, business sum, P50, P90 */

void report_stages_question(const ReportPlan *p, size_t first, FactQuestion *q) {
    (void)p;
    q->measures_n = 0;
    for (size_t s = first; s < first + PLAN_STAGES_EACH && s < SHEET_STAGES; s++) {
        FactNumber time = (FactNumber)(FACT_STAGE_TIME + s);
        FactMeasure *m = &q->measures[q->measures_n];
        m[0] = (FactMeasure){MEASURE_SUM, (FactNumber)(FACT_STAGE_TIMES_ENTERED + s), 0};
        m[1] = (FactMeasure){MEASURE_SUM, time, 0};
        m[2] = (FactMeasure){MEASURE_SUM, (FactNumber)(FACT_STAGE_TIME_BUSINESS + s), 0};
        m[3] = (FactMeasure){MEASURE_PERCENTILE, time, 0.5};
        m[4] = (FactMeasure){MEASURE_PERCENTILE, time, 0.9};
        q->measures_n += FIGURES;
    }
}

static const ReportColumn columns[] = {
    {"stage", "阶段", "Stage", UNIT_TEXT, true},
    {"tickets", "到达工单", "Tickets", UNIT_COUNT, false},
    {"share", "到达率", "Share", UNIT_SHARE, false},
    {"entered", "进入次数", "Entered", UNIT_COUNT, false},
    {"time", "总停留", "Time", UNIT_SECONDS, false},
    {"time_mean", "平均停留", "Mean", UNIT_SECONDS, false},
    {"time_p50", "停留 P50", "P50", UNIT_SECONDS, false},
    {"time_p90", "停留 P90", "P90", UNIT_SECONDS, false},
    {"business_mean", "平均停留（工时）", "Mean, business time", UNIT_SECONDS, false},
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

void report_stages(const ReportPlan *p, ReportAnswer *ret, ReportTable *to) {
    (void)ret;
    ReportCell *cells = arena_zalloc(p->arena, (size_t)SHEET_STAGES * COLUMNS * sizeof(*cells));
    for (size_t s = 0; s < SHEET_STAGES; s++) {
        const FactAnswer *a = p->answers[s < PLAN_STAGES_EACH ? PLAN_STAGES : PLAN_STAGES_REST];
        const FactValue *v = a->total.values + s % PLAN_STAGES_EACH * FIGURES;
        ReportCell *c = cells + s * COLUMNS;
        double n = (double)v[1].n;
        c[0] = cell_text(str(ticket_status_name((TicketStatus)s)));
        c[1] = cell_number(n);
        c[2] = a->total.count ? cell_number(n / (double)a->total.count) : cell_none();
        c[3] = cell_number(v[0].value);
        c[4] = cell_number(v[1].value);
        c[5] = n > 0 ? cell_number(v[1].value / n) : cell_none();
        c[6] = n > 0 ? cell_number(v[3].value) : cell_none();
        c[7] = n > 0 ? cell_number(v[4].value) : cell_none();
        c[8] = n > 0 ? cell_number(v[2].value / n) : cell_none();
    }
    to->columns = columns;
    to->columns_n = COLUMNS;
    to->cells = cells;
    to->rows_n = SHEET_STAGES;
}
