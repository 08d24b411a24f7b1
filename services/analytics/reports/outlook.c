/* What the days to come will bring, hour by hour, and how many agents that asks for. */
#include <math.h>

#include "analytics/reports/tables_internal.h"
#include "analytics/reports/wall.h"
#include "forecast/profile.h"
#include "staffing/staffing.h"

enum { HOUR_MS = 3600000, MONDAY = 3 * 24 /* 1970 began on a Thursday */ };
#define HANDLE_LEAST_S 1.0
#define OCCUPANCY      0.85
#define WIDE           1.645 /* standard deviations: nine hours of ten lie within */

static const ReportColumn columns[] = {
    {"time", "时间", "Time", UNIT_INSTANT, true},
    {"expected", "预计到达", "Expected", UNIT_NUMBER, false},
    {"low", "下限", "Low", UNIT_NUMBER, false},
    {"high", "上限", "High", UNIT_NUMBER, false},
    {"agents", "所需客服", "Agents", UNIT_COUNT, false},
    {"in_time", "及时率", "Answered in time", UNIT_SHARE, false},
    {"occupancy", "占用率", "Occupancy", UNIT_SHARE, false},
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

/* Hours of the local clock, that go on by one each: 0 is a Monday 00:00. */
static int64_t hour_number(const Zone *z, int64_t utc_ms) {
    int64_t local = wall_local(z, utc_ms);
    return (local - (local % HOUR_MS + HOUR_MS) % HOUR_MS) / HOUR_MS + MONDAY;
}

/* Counts from the first hour with a ticket on; an hour that was skipped is unknown. */
static int fit(const ReportPlan *p, Profile *ret) {
    const FactAnswer *a = p->answers[PLAN_HISTORY];
    const Zone *z = p->request->context.zone;
    if (!a->rows_n) return -1;
    size_t from = SIZE_MAX;
    for (size_t i = 0; i < a->rows_n; i++)
        if ((size_t)a->rows[i].cut < from) from = (size_t)a->rows[i].cut;
    int64_t first = hour_number(z, a->cuts[from]),
            n = hour_number(z, a->cuts[a->cuts_n - 1]) - first + 1;
    if (n < 1 || n > PROFILE_HOURS_MAX) return -1;
    int32_t *counts = arena_alloc(p->arena, (size_t)n * sizeof(*counts));
    for (int64_t i = 0; i < n; i++)
        counts[i] = PROFILE_UNKNOWN;
    for (size_t i = from; i < a->cuts_n; i++)
        counts[hour_number(z, a->cuts[i]) - first] = 0;
    for (size_t i = 0; i < a->rows_n; i++) {
        int32_t *at = &counts[hour_number(z, a->cuts[a->rows[i].cut]) - first];
        *at = a->rows[i].count > 1000000 ? 1000000 : *at + (int32_t)a->rows[i].count;
    }
    return profile_fit(counts, (size_t)n, first, ret);
}

static void staff(const ReportRequest *r, double per_hour, double handle_s, ReportCell *c) {
    Workload w = {per_hour, handle_s, (double)r->patience_s};
    StaffingGoal goal = {r->goal, (double)r->in_time_s, OCCUPANCY};
    int agents = workload_ok(&w) ? staffing_agents(&w, &goal) : -1;
    if (agents < 0) return;
    ServiceLevel level = staffing_level(&w, agents, goal.in_time_s);
    c[4] = cell_number(agents);
    c[5] = cell_number(level.answered_in_time);
    c[6] = cell_number(level.occupancy);
}

void report_forecast(const ReportPlan *p, ReportAnswer *ret) {
    const ReportRequest *r = p->request;
    const ReportContext *c = &r->context;
    Profile *profile = arena_alloc(p->arena, sizeof(*profile));
    if (fit(p, profile) < 0) {
        ret->note = "不足两周的历史，暂无预测。A forecast needs two weeks of arrivals.";
        return;
    }
    FactValue worked = p->answers[PLAN_HISTORY]->total.values[0];
    double handle_s = r->handle_s ? (double)r->handle_s : worked.value;
    size_t room = (size_t)r->ahead_days * 25 + 1, n = 0;
    ReportCell *cells = arena_zalloc(p->arena, room * COLUMNS * sizeof(*cells));
    int64_t at = wall_step(c->zone, CUT_HOUR, wall_floor(c->zone, CUT_HOUR, c->now_ms), 1);
    int64_t end = at + r->ahead_days * INT64_C(24) * HOUR_MS;
    for (; at < end && n < room; at = wall_step(c->zone, CUT_HOUR, at, 1), n++) {
        ReportCell *row = cells + n * COLUMNS;
        Outlook o = profile_outlook(profile, hour_number(c->zone, at));
        double far = WIDE * sqrt(o.mean + o.dispersion * o.mean * o.mean);
        row[0] = cell_number((double)at);
        row[1] = cell_number(o.mean);
        row[2] = cell_number(o.mean > far ? o.mean - far : 0);
        row[3] = cell_number(o.mean + far);
        if (handle_s >= HANDLE_LEAST_S) staff(r, o.mean, handle_s, row);
    }
    ReportTable *t = report_add_table(ret, "forecast", "预测与人力", "Forecast and staffing");
    t->columns = columns;
    t->columns_n = COLUMNS;
    t->cells = cells;
    t->rows_n = n;
    if (handle_s < HANDLE_LEAST_S)
        ret->note = "没有处理时长，无法计算人力；请给 handle=秒。Nothing was worked on yet: name "
                    "handle=SECONDS to see the agents it asks for.";
}
