/* Reports under way -- what the port does with them when it closes. */
#pragma once

struct Api;
typedef struct ReportRun ReportRun;

/* Whoever still waits for a report is told that there is none. */
void report_runs_stop(struct Api *api);
