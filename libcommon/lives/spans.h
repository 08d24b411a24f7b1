/* Spans -- every minute of one clock explained: when it ran, when it stood, and what was in force.
 * Pure. */
#pragma once

#include "lives/ticket_life.h"

typedef enum SpanKind {
    SPAN_COUNTED, /* it ran, and the time was counted */
    SPAN_CLOSED,  /* it ran outside of the hours of its promise */
    SPAN_PAUSED,  /* the ticket's state stops it */
    SPAN_ENDED,   /* solved, until it was reopened */
    SPAN_KINDS
} SpanKind;

const char *span_kind_name(SpanKind k); /* "counted" */

typedef struct Span {
    SpanKind kind;
    int64_t from_ms, to_ms; /* [from, to): without a gap from its start to its end, or to now */
    const LifeStep *step;   /* the last one before or at `from`: state, policy, revision */
} Span;

/* Of a clock of a life with history, as far as it is judged. In the arena. */
size_t clock_spans(const TicketLife *l, const Clock *c, Arena *arena, Span **ret);
/* What was in force at an instant: the last step at or before it; NULL: none. */
const LifeStep *life_step_before(const TicketLife *l, int64_t at_ms);
/* What ended it, or made the promise that it was broken by: the last step at that instant; NULL:
 * none. */
const LifeStep *life_step_at(const TicketLife *l, int64_t at_ms);
