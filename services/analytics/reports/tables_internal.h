/* What plan.c and those that build single tables share. */
#pragma once

#include "analytics/reports/plan.h"

ReportTable *report_add_table(ReportAnswer *a, const char *name, const char *zh, const char *en);
ReportCell cell_number(double v);
ReportCell cell_none(void);
ReportCell cell_text(Str s); /* none where it is absent */

/* Key columns of a dimension: one, or two where it goes by id; and their cells. */
enum { DIM_COLUMNS_MAX = 2 };
size_t dim_columns(FactDim d, ReportColumn ret[DIM_COLUMNS_MAX], Arena *arena);
void dim_cells(const ReportContext *c, FactDim d, const FactKey *key, ReportCell ret[],
               Arena *arena);

/* Both fill the request's tables where they have been asked for. */
void report_stages(const ReportPlan *p, ReportAnswer *ret, ReportTable *to);
void report_forecast(const ReportPlan *p, ReportAnswer *ret);
void report_stages_question(const ReportPlan *p, size_t first, FactQuestion *q);
