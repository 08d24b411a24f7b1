/* What a row is of, in cells: a text, or an id and what people call it. */
#include "analytics/reports/tables_internal.h"
#include "promise/life.h"

ReportCell cell_number(double v) {
    return (ReportCell){true, v, {NULL, 0}};
}

ReportCell cell_none(void) {
    return (ReportCell){0};
}

ReportCell cell_text(Str s) {
    return (ReportCell){s.n > 0, 0, s};
}

static bool is_group(FactDim d) {
    return d == FACT_GROUP || d == FACT_LAST_GROUP || d == FACT_PASSED_GROUP ||
           d == FACT_PROMISE_GROUP || d == FACT_MOVED_FROM || d == FACT_MOVED_TO;
}

static bool is_agent(FactDim d) {
    return d == FACT_ASSIGNEE || d == FACT_LAST_ASSIGNEE || d == FACT_PASSED_AGENT ||
           d == FACT_PROMISE_AGENT;
}

size_t dim_columns(FactDim d, ReportColumn ret[DIM_COLUMNS_MAX], Arena *arena) {
    const char *name = fact_dim_name(d), *zh = report_dim_zh(d), *en = report_dim_en(d);
    ret[0] = (ReportColumn){name, zh, en, UNIT_TEXT, true};
    if (d == FACT_HOUR) ret[0].unit = UNIT_COUNT;
    if (d == FACT_SOURCE || d == FACT_FORM) {
        ret[0].unit = UNIT_ID;
        return 1;
    }
    if (!is_group(d) && !is_agent(d)) return 1;
    ret[1] = (ReportColumn){arena_printf(arena, "%s_id", name), arena_printf(arena, "%s编号", zh),
                            arena_printf(arena, "%s id", en), UNIT_ID, true};
    return 2;
}

void dim_cells(const ReportContext *c, FactDim d, const FactKey *key, ReportCell ret[],
               Arena *arena) {
    if (fact_dim_is_text(d)) {
        ret[0] = cell_text(key->text.n ? arena_str(arena, key->text) : (Str){NULL, 0});
        return;
    }
    if (is_group(d) || is_agent(d)) {
        Str title = {NULL, 0};
        if (is_group(d) && c->catalog) {
            const Group *g = catalog_group(c->catalog, key->id);
            if (g) title = arena_str(arena, g->title);
        }
        if (is_agent(d) && c->catalog) {
            const Agent *g = catalog_agent(c->catalog, key->id);
            if (g) title = arena_str(arena, g->title);
        }
        if (!title.p && key->id) title = str(arena_printf(arena, "#%lld", (long long)key->id));
        ret[0] = cell_text(title);
        ret[1] = key->id ? cell_number((double)key->id) : cell_none();
        return;
    }
    switch ((int)d) {
    case FACT_STATUS:
        ret[0] = cell_text(str(ticket_status_name((TicketStatus)key->id)));
        return;
    case FACT_PRIORITY:
        ret[0] = cell_text(str(ticket_priority_name((TicketPriority)key->id)));
        return;
    case FACT_METRIC:
        ret[0] = cell_text(str(metric_name((ClockMetric)key->id)));
        return;
    case FACT_OUTCOME:
        ret[0] = cell_text(str(report_outcome_name((OutcomeState)key->id)));
        return;
    case FACT_WEEKDAY:
        ret[0] = cell_text(str(report_weekday_name(key->id)));
        return;
    case FACT_AGE_CLASS:
    case FACT_WAIT_CLASS:
        ret[0] = cell_text(str(report_age_class_name(key->id)));
        return;
    case FACT_HOUR:
        ret[0] = cell_number((double)key->id);
        return;
    default:
        ret[0] = key->id ? cell_number((double)key->id) : cell_none();
        return;
    }
}
