/* Signal -- what others ask the router to act on (docket.signals). Pure. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"

typedef enum SignalKind {
    SIGNAL_CAPACITY_CHANGED, /* somebody has more room, or less */
    SIGNAL_TICKET_WAITING /* a person put a ticket into a queue, elsewhere in it, or out of it: read
                             what it is now */
} SignalKind;

typedef struct Signal {
    SignalKind kind;
    int64_t tenant_id;
    Cause cause;
    int64_t at_ms;
    int64_t agent_id; /* capacity_changed */
    Str why;          /* duty capacity solved transferred released applied updated */
    /* The ticket by which it came, and its version after that; of capacity_changed 0 where no
     * ticket is the reason. */
    int64_t ticket_id;
    int32_t version;
} Signal;

/* The key of its record: what orders signals. "tenant:agent", "tenant:t<ticket>". */
void signal_key(const Signal *s, Buf *ret);

void signal_encode(const Signal *s, Buf *ret);
int signal_decode(Str message, Arena *arena, Signal *ret, const char **ret_problem); /* -EBADMSG */
