/* Jobs -- changes of many tickets at once. A job is a row of desk.jobs; any desk takes it, a few at
 * a time, and works it off item by item, each like a request of its own: its rights, its standards,
 * its answer. After every item the row says so; when a desk dies, another goes on behind it, and
 * what was done already is not done twice, because the job is the cause of its changes. */
#pragma once

#include "desk/desk.h"

enum { JOB_ITEMS_MAX = 100, JOBS_RUNNING_MAX = 4, JOBS_QUEUED_MAX = 30 /* of one tenant */ };

extern const DeskPart jobs_part;
/* There is a new one: take it now instead of with the next look. */
void jobs_kick(Desk *d);
