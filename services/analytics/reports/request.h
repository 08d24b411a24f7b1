/* ReportRequest -- a report as it was asked for: read from the pairs of a query, everything in it
 * checked, nothing guessed. Pure: `now_ms` is an argument, the zone was read by the caller.
 *
 *   from, to      [from, to). 2026-11-01 (local midnight), 2026-11-01T08:00 (local), ...T08:00Z,
 *                 ...T08:00+08:00, `now`, `today`, -30d, -12h, -4w (before now; days and weeks from
 *                 local midnight). None of both: the last 30 days, today included. One alone is
 *                 refused, but for reports of what is open now
 *   time          created assigned replied solved resolved rated entered
 *   cut           none quarter hour day week month
 *   by            up to two dimensions, comma between
 *   measures      names of the report's own, or sum:touches p95:to_reply ... (report.h)
 *   order         a measure, `-` before it: the least first
 *   limit         1 to 10000 rows (pairs of values)
 *   compare       previous | none
 *   time_zone     an IANA name; the caller's business, only passed over here
 *   format, bom, section     json | csv, 1, which table the CSV holds
 *   handle, patience, in_time, goal, ahead    of forecasts: seconds, seconds, seconds, share, days
 *   at            reports of what is open: as it was open at that instant
 *
 * Everything else is a filter: DIMENSION=a,b (`\,` is a comma; empty: none), DIMENSION!=a,
 * NUMBER=2..5, NUMBER=..3600, NUMBER=3, FLAG=true, TIME=from..to, requester=7,8. Groups and agents
 * go by number, name or title. Every name may come once. */
#pragma once

#include "analytics/reports/report.h"
#include "documents/catalog.h"

typedef struct ReportPair {
    Str name, value; /* decoded */
} ReportPair;

typedef enum ReportFormat { REPORT_JSON, REPORT_CSV } ReportFormat;

enum {
    REPORT_LIMIT_MAX = 10000,
    REPORT_YEARS_MAX = 20,   /* of a range */
    REPORT_VALUES_MAX = 1000 /* of one filter */
};

typedef struct ReportContext {
    const Catalog *catalog; /* for names of groups and agents; may be NULL */
    const Zone *zone;       /* kept by reference */
    Str zone_name;
    int64_t now_ms;
    int64_t agent_rate; /* an hour */
} ReportContext;

typedef struct ReportRequest {
    const Report *report;
    ReportContext context;
    FactQuestion question; /* without measures and who: those are plan.h's */
    const ReportMeasure *measures;
    size_t measures_n;
    int order; /* place among measures; -1: by count */
    bool compare;
    int64_t before_from_ms; /* the period before ends where this one begins, or a cut earlier */
    int64_t before_to_ms;
    ReportFormat format;
    bool bom;
    Str section;               /* absent: the main table */
    const ReportPair *filters; /* as they were given */
    size_t filters_n;
    int64_t handle_s, patience_s, in_time_s, ahead_days; /* handle 0: as it was */
    double goal;
} ReportRequest;

typedef struct ReportProblem { /* texts in the arena, or static */
    int status;                /* 400, 404, 422 */
    const char *field, *reason, *remedy;
} ReportProblem;

/* Everything lives in the arena. 0, or -EINVAL and what is wrong. */
int report_request_read(const Report *report, const ReportPair *pairs, size_t n,
                        const ReportContext *context, Arena *arena, ReportRequest *ret,
                        ReportProblem *ret_problem);
