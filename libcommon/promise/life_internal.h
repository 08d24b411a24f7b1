/* What a Life is made of: for this room. */
#pragma once

#include "promise/life.h"

struct Life {
    Terms terms;
    bool history, ended;
    bool answered; /* a first reply or a solve: from here on next_reply may run */
    bool unheard;  /* a customer wrote while it was solved: next_reply starts when it reopens */
    TicketStatus status;
    int64_t entered_ms; /* the state */
    int64_t now;        /* the instant being applied; INT64_MIN: not created yet */
    Clock *clocks;      /* of each metric the latest instance, by metric: no other one changes */
    size_t n;           /* at most METRICS */
    Clock *past;        /* the earlier ones, in the order in which they were followed */
    size_t past_n, past_room;
    Clock *all; /* both, put together for whoever asked last */
    size_t all_room;
    bool together; /* and nothing has changed since */
};

void life_add_past(Life *l, const Clock *c); /* what it points to goes over to the past */
void stretch_add(Stretches *s, int64_t from, int64_t to); /* joined with a neighbour */
