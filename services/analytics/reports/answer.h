/* ReportAnswer -- what a report comes to: tables of cells with named columns, and how they are
 * written: JSON, and CSV (RFC 4180, UTF-8) row by row. Pure. Everything lives in the arena it was
 * made in.
 *
 * In CSV a text that begins with = + - @ tab or CR would be a formula to a spreadsheet: it gets an
 * apostrophe ahead. */
#pragma once

#include "analytics/reports/request.h"

typedef struct ReportColumn {
    const char *name, *zh, *en;
    ReportUnit unit;
    bool key; /* what the row is of; else a figure */
} ReportColumn;

typedef struct ReportCell {
    bool there; /* else null, empty */
    double number;
    Str text; /* of UNIT_TEXT */
} ReportCell;

typedef struct ReportTable {
    const char *name; /* "main" "comments" "stages" "forecast" */
    const char *zh, *en;
    const ReportColumn *columns;
    size_t columns_n;
    const ReportCell *cells; /* rows_n times columns_n */
    size_t rows_n;
    const ReportCell *others; /* likewise: what the limit left out, by time */
    size_t others_n;
    const ReportCell *total; /* one row, or NULL */
} ReportTable;

enum { REPORT_TABLES_MAX = 4 };

typedef struct ReportAnswer {
    const ReportRequest *request;
    int64_t tenant_id;
    bool narrowed; /* only what the asker reaches */
    bool complete; /* every ticket of the tenant is in it */
    double filled; /* that share of them */
    bool matrix;
    ReportTable tables[REPORT_TABLES_MAX]; /* the main one first */
    size_t tables_n;
    size_t others_series;
    bool approximate;
    bool has_percentiles, has_distinct;
    const char *note; /* a sentence: why something is not there; or NULL */
} ReportAnswer;

void report_write_json(const ReportAnswer *a, Buf *ret);
/* The table by name, absent: the main one. NULL: it is not there. */
const ReportTable *report_table(const ReportAnswer *a, Str name);

void report_csv_head(const ReportTable *t, bool bom, Buf *ret);
void report_csv_row(const ReportTable *t, const Zone *zone, size_t row, Buf *ret);
/* One field, quoted where it must be. */
void report_csv_text(Str text, Buf *ret);
/* As both write them: 12, 12.5, 0.333333. */
void report_write_number(ReportUnit unit, double value, Buf *ret);
