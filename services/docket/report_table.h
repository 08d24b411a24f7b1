/* ReportTable -- a report of docket-analytics (its JSON) as a table for a terminal: Chinese first,
 * English beside, aligned by what stands on the screen, with small bars; from and to as a matrix.
 * Pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/text.h"

typedef struct ReportLook {
    size_t columns; /* of the terminal; bars get what is left of it */
    bool colour;
} ReportLook;

/* 0, or -EINVAL: that is no report. */
int report_table_write(const cJSON *report, const ReportLook *look, Buf *ret);
/* 90 s, 2h05m, 3d04h: at most seven columns. */
void report_duration_write(double seconds, Buf *ret);
