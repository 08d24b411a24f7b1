/* Headers -- the CloudEvents attributes and the trace that an event's record carries beside its
 * envelope. They follow from the ledger row alone, so whoever publishes it, first or again, says
 * the same. Pure. */
#pragma once

#include <stddef.h>

#include "events/ledger.h"

enum { EVENT_HEADERS_MAX = 8 };

typedef struct EventHeader {
    const char *name;
    Str value;
} EventHeader;

/* How many of ret were filled; values live in the arena. */
size_t event_headers_of_row(const LedgerRow *row, Arena *arena, EventHeader ret[EVENT_HEADERS_MAX]);
/* The same from an envelope; 0 when it is not an event of a ticket: a signal has no headers. */
size_t event_headers_of_message(Str message, Arena *arena, EventHeader ret[EVENT_HEADERS_MAX]);
