/* Parts -- what the parts of docket-analytics know of each other: each has a folder, one line in
 * the table of analytics.c, and its own pointer here, which its start sets and its stop clears.
 *
 *   docket.events ─▶ keeping ─▶ analytics.tickets, .windows
 *                       └─────▶ table ◀─ reports ◀─ api        board, radar, export read it too */
#pragma once

#include "analytics/settings.h"
#include "loop/loop.h"
#include "postgres/pool.h"
#include "runtime/runtime.h"
#include "store/configuration.h"

typedef struct Analytics {
    Runtime *runtime;
    Loop *loop;
    const AnalyticsSettings *settings;
    const char *instance;
    PostgresPool *pool;           /* as docket_analytics, for short transactions of every part */
    Configuration *configuration; /* documents of all tenants */
    bool draining;                /* nothing new is begun */
    /* Parts; NULL before their start and after their stop. */
    struct FactTables *tables;   /* table/ */
    struct FactLoading *loading; /* table/: what fills them */
    struct Keeper *keeper;       /* keeping/ */
    struct Radars *radars;       /* radar/ */
    struct Board *board;         /* board/ */
    struct Exporter *exporter;   /* export/ */
    struct Api *api;             /* api/: last, so that what it answers from is there */
} Analytics;

/* Members may be NULL, but for name. Started in the order of the table in analytics.c, stopped in
 * reverse, also after a start that failed. */
typedef struct AnalyticsPart {
    const char *name;
    int (*start)(Analytics *a, Buf *ret_problem); /* <0 and why: the service does not start. It adds
                                                   * its own runtime_ready_check() */
    void (*documents)(Analytics *a, int64_t tenant_id, const Catalog *catalog); /* new ones */
    void (*tick)(Analytics *a);    /* every second, not while draining */
    bool (*drained)(Analytics *a); /* takes nothing more; true: nothing is under way */
    void (*stop)(Analytics *a);    /* with nothing to stop it does nothing */
} AnalyticsPart;

/* Each is defined in its folder. */
extern const AnalyticsPart table_part, keeping_part, radar_part, board_part, export_part, api_part;
