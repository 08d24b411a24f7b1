/* Job work -- what a job asks of each of its items, one after the other: tickets that are changed,
 * deleted or merged, or users that are made. Out of the JSON that its asker's request became:
 *
 *   {"ids": [...], "ticket": {...}}   {"tickets": [{"id", ...}]}   {"ids": [...]} to be deleted
 *   {"ids": [...], "into": 7, "source_comment": {...}, "target_comment": {...}}: the sources, then
 *     the target
 *   {"users": [{...}]} */
#pragma once

#include "desk/tickets/work.h"

typedef enum JobKind { JOB_UPDATE, JOB_DESTROY, JOB_MERGE, JOB_USERS } JobKind;

typedef struct JobWork {
    JobKind kind;
    int32_t total;
    const cJSON *ids, *ticket, *tickets, *users, *source_comment, *target_comment;
    int64_t into;
} JobWork;

/* -EBADMSG when it is none, or not of `total` items. `destroys`: ids alone are to be deleted. */
int job_work_read(const cJSON *json, bool destroys, int32_t total, JobWork *ret);

/* What is shown as job_type: "update_many" ... */
const char *job_kind_name(JobKind kind);
/* Of an item: its ticket (0: it has none), and what is said of it in the results. */
int64_t job_item_id(const JobWork *w, int32_t item);
bool job_item_is_target(const JobWork *w, int32_t item);
const char *job_item_action(const JobWork *w, int32_t item); /* "update" "delete" ... */
const char *job_item_done(const JobWork *w, int32_t item);   /* "Updated" "Deleted" ... */

typedef struct JobItem { /* a ticket's turn; lives until its work is done */
    const JobWork *work;
    int32_t at;
    const int64_t *merged; /* for a merge's target: the sources that were merged */
    size_t merged_n;
} JobItem;
/* Completes an ask with what the item wants. */
void job_item_ask(JobItem *item, Arena *arena, WorkAsk *ask);
