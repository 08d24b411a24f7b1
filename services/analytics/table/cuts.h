/* Cuts -- time in parts: quarter hours, hours, days, weeks, months of a time zone, and which part
 * an instant lies in. Pure.
 *
 * A part begins at the first instant that belongs to it by the local clock and ends where the next
 * one does: a day has 23, 24 or 25 hours, and of an hour that the local clock shows twice each is a
 * part of its own. Weeks begin on Monday. Instants are whole seconds, as a table has them. */
#pragma once

#include "analytics/table/question.h"

typedef struct Cuts {
    int64_t *begins; /* seconds; n + 1 of them: the last is the end */
    size_t n;
    /* By quarter of an hour from `from` on, where every part begins on one: no search. */
    uint16_t *of_quarter;
    int64_t from; /* seconds */
    size_t quarters;
} Cuts;

/* Parts that cover [from, to), seconds; to > from. -E2BIG: more than FACT_CUTS_MAX. */
int cuts_make(Cuts *c, FactCut cut, const Zone *zone, int64_t from, int64_t to);
void cuts_done(Cuts *c);
/* Of those within [from, to): instants as a table keeps them, + 1. */
void cuts_of(const Cuts *c, const uint32_t *instants, size_t n, uint32_t *ret);

/* By the local clock: 0 Monday 00 ... 167 Sunday 23. */
typedef struct WeekHours {
    uint8_t *of_quarter;
    int64_t from;
    size_t quarters;
    const Zone *zone;
    bool odd; /* some offset is no whole number of quarters: each is looked up */
} WeekHours;

void week_hours_make(WeekHours *w, const Zone *zone, int64_t from, int64_t to);
void week_hours_done(WeekHours *w);
void week_hours_of(const WeekHours *w, const uint32_t *instants, size_t n, uint32_t *ret);
