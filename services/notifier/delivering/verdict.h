/* Verdict -- what one try means for a delivery: over, or when again. Pure: the clock and the dice
 * are arguments. */
#pragma once

#include "backoff/backoff.h"
#include "backoff/circuit.h"
#include "notifier/channels/channel.h"

typedef enum VerdictState {
    VERDICT_DELIVERED,
    VERDICT_WAITING, /* tried again at due_ms */
    VERDICT_REFUSED, /* by the other side, or it can never be sent */
    VERDICT_DROPPED  /* too old, or nobody may repeat it */
} VerdictState;

typedef struct VerdictTry {
    uint32_t attempts;  /* this one included, at least 1 */
    int64_t expires_ms; /* wall clock */
    bool doubt_ends;    /* ChannelKind.doubt_ends */
} VerdictTry;

typedef struct Verdict {
    VerdictState state;
    int64_t due_ms; /* VERDICT_WAITING: wall clock */
    bool doubt;     /* nobody knows whether this try arrived */
    CircuitSaw saw; /* what it says of the destination */
} Verdict;

/* `plan`: first_ms and most_ms; its age is the delivery's own. */
Verdict verdict_of(const BackoffPlan *plan, const VerdictTry *t, const Delivered *said,
                   int64_t now_ms, uint64_t random);
/* "waiting" ..., as the table has it. */
const char *verdict_state_name(VerdictState s);
