/* Signal -- what others ask the router to act on (docket.signals). Pure. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"

typedef enum SignalKind { SIGNAL_CAPACITY_CHANGED } SignalKind;

typedef struct Signal {
    SignalKind kind;
    int64_t tenant_id;
    Cause cause;
    int64_t at_ms;
    int64_t agent_id; /* capacity_changed */
    Str why;          /* duty capacity solved transferred released applied */
} Signal;

void signal_encode(const Signal *s, Buf *ret);
int signal_decode(Str message, Arena *arena, Signal *ret, const char **ret_problem); /* -EBADMSG */
