/* Inside -- a request that the desk asks itself: an item of a job that is to be what the same
 * request from outside would be. Its handler sees a Request like any other, which only has no
 * exchange; what it answers is heard instead of sent. */
#pragma once

#include "desk/api/request.h"

typedef struct InsideAsk { /* all it points to must live until the answer is heard */
    Desk *desk;
    Arena *arena;
    const Subject *who;
    int64_t token_id; /* of a program */
    Str by;           /* who acts for her; absent: nobody */
    const Catalog *catalog;
    const cJSON *body;
    Cause cause;  /* the job */
    int32_t step; /* its item */
} InsideAsk;

/* Comes exactly once, perhaps inside inside_ask(); the body lives until it returns. */
typedef void (*InsideHeard)(void *arg, int status, Str body);
void inside_ask(const InsideAsk *ask, void (*handle)(Request *r), InsideHeard heard, void *arg);
