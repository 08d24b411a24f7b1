/* FollowedRows -- the ledger rows of one ticket that a batch of events brought, in order. Pure. */
#pragma once

#include "events/event.h"

typedef struct FollowedRow {
    const Event *event;
    struct FollowedRow *next; /* seq ascending */
} FollowedRow;

/* Adds a row; one of that seq that is there already stays. In the arena. */
void followed_rows_add(FollowedRow **rows, const Event *event, Arena *arena);
/* The first seq that is missing behind `known`, the last one told before (0: none): it is for the
 * ledger to tell. 0: the rows that are newer than `known` follow it without a gap, or there are
 * none. */
int32_t followed_rows_gap(const FollowedRow *rows, int32_t known);
int32_t followed_rows_last(const FollowedRow *rows); /* seq; 0: none */
