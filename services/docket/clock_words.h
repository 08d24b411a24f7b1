/* ClockWords -- a told life of a ticket as a page or as JSON. Pure but for printing. */
#pragma once

#include "lives/spans.h"

typedef struct ClockPage {
    const TicketLife *life; /* with history, judged */
    int64_t ticket, asked_for;
} ClockPage;

void clock_page_print(const ClockPage *p, Arena *arena); /* to standard output */
void clock_page_json(const ClockPage *p, Arena *arena, Buf *ret);
