/* ReportFetch -- one GET of docket-analytics, read to its end over a blocking connection. */
#pragma once

#include "base/text.h"

typedef struct ReportReply {
    int status;
    Buf body; /* the caller's */
} ReportReply;

/* `path` with its query, escaped. `piece` (may be NULL: all of it goes to the body) gets the body
 * of an answer with status 200 as it comes. 0, or -EINVAL (the URL) or -EIO with a sentence in
 * *ret_problem. */
int report_fetch(Str url, Str token, Str path, void (*piece)(void *arg, Str bytes), void *arg,
                 ReportReply *ret, Buf *ret_problem);
