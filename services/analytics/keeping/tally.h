/* Tally -- what a row of a ledger adds to the quarter of an hour in which it happened. Pure.
 *
 * Of the ledger alone: neither hours nor documents have a say in it, so it may be told anew. */
#pragma once

#include "facts/sheet.h"

typedef enum WindowCount { /* columns of analytics.windows, in their order */
                           WINDOW_ARRIVED,
                           WINDOW_ASSIGNED,      /* to another agent than before, or again */
                           WINDOW_FIRST_REPLIED, /* an agent's first public comment */
                           WINDOW_REPLIED,       /* any of them */
                           WINDOW_SOLVED,        /* also closed without ever having been */
                           WINDOW_REOPENED,
                           WINDOW_TRANSFERRED, /* from one group to another */
                           WINDOW_RATED_GOOD,
                           WINDOW_RATED_BAD,
                           WINDOW_WARNED, /* as recorded */
                           WINDOW_BREACHED,
                           WINDOW_COUNTS
} WindowCount;

enum { WINDOW_MS = 15 * 60 * 1000 };

typedef struct Tally {
    int64_t starts_ms; /* of the window, UTC */
    unsigned adds;     /* bits 1 << WindowCount, one each */
    Str category;      /* after the row; borrowed from the sheet */
} Tally;

/* Of the row that was told to the sheet last, with its step. */
Tally tally_of(const FactSheet *sheet, const FactStep *step, const Event *row);
