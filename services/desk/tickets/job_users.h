/* Job users -- making one user as an item of a job: what POST /api/v2/users does with her. */
#pragma once

#include "desk/desk.h"

typedef struct JobUser {
    Desk *desk;
    Arena *arena; /* of the item */
    const Subject *who;
    Str asker; /* "agent:1012" "token:1033" */
    Str by;    /* who acts for her; absent: nobody */
    const Catalog *catalog;
    Cause job;
    int32_t item;
    const cJSON *user;
} JobUser;

/* user_id > 0: she was made. Else why not, in `error` and `details`; `error` NULL: it is not known,
 * ask again. Texts live until the callback returns. */
typedef void (*JobUserDone)(void *arg, int64_t user_id, const char *error, Str details);
void job_user_make(const JobUser *ask, JobUserDone done, void *arg);

/* Has this item been done, by a desk that could not say so any more? Its one row has her number.
 * $1 tenant, $2 the job's id as text, $3 the item. */
extern const PostgresStatement job_user_made;
