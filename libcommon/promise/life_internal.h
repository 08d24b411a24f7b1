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
    Clock *clocks;
    size_t n, room;
};

void stretch_add(Stretches *s, int64_t from, int64_t to); /* joined with a neighbour */
