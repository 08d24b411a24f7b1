/* What request.c and filters.c share while a request is read. */
#pragma once

#include "analytics/reports/request.h"

typedef struct Reading {
    const Report *report;
    const ReportPair *pairs;
    size_t pairs_n;
    Arena *arena;
    ReportRequest *to;
    ReportProblem *problem;
} Reading;

/* -EINVAL. */
int reading_refuse(Reading *r, const char *field, const char *reason, const char *remedy);
/* ... naming the nearest of `names` (NULL ones are passed over), and all of them. */
int reading_unknown(Reading *r, const char *field, const char *what, Str name,
                    const char *const *names, size_t n);
const char *reading_text(Reading *r, Str s); /* cut, with its end */

int reading_filter(Reading *r, Str name, Str value);
