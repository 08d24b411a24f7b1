/* Counters -- sums over desk.counters, of what the subject reaches. */
#pragma once

#include "desk/views/view_list.h"

/* A filter that needs no more than PREDICATE_COUNTERS; NULL: every ticket. What is assigned to the
 * subject herself is counted wherever it lies, as lists show it; always exact. */
void counters_sum(Request *r, const Filter *filter, ViewCounted done);

enum CountersBy {
    COUNTERS_STATUS = 1,
    COUNTERS_GROUP = 2,
    COUNTERS_KIND = 4,
    COUNTERS_CATEGORY = 8,
    COUNTERS_REGION = 16
};
enum { COUNTERS_ROWS_MAX = 5000 };
/* GET /counts?by=...: one row each of what they have in common. */
void counters_answer(Request *r, unsigned by);
