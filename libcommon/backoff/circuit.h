/* Circuit -- is this destination worth a try just now? After some failures in a row it is left
 * alone for a while, then asked with one request at a time, until one goes well. Pure: the clock
 * and the dice are arguments.
 *
 * A Circuit of zeros is closed: requests pass. Its owner keeps one for each destination and may
 * forget one that circuit_is_quiet(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct CircuitPlan {
    uint32_t failures; /* in a row, until it opens; at least 1 */
    int64_t first_ms;  /* open for about this long; twice as long each time it opens again */
    int64_t most_ms;   /* ... but never longer, unless the other side asks for it */
    int64_t probe_ms;  /* after so long without a word, a probe counts as lost */
} CircuitPlan;

typedef enum CircuitState {
    CIRCUIT_CLOSED,
    CIRCUIT_OPEN,   /* nothing passes before until_ms */
    CIRCUIT_PROBING /* one is on its way, nothing else passes before until_ms */
} CircuitState;

typedef struct Circuit {
    CircuitState state;
    uint32_t failures;        /* in a row */
    uint32_t opened;          /* in a row */
    int64_t until_ms;         /* monotonic, like every time here */
    int64_t failing_since_ms; /* of the first failure in this row; 0: there is none */
} Circuit;

typedef enum CircuitSaw {
    CIRCUIT_SAW_LIFE,    /* delivered, or refused for reasons of the request */
    CIRCUIT_SAW_FAILURE, /* no connection, no answer, 5xx, 429 */
    CIRCUIT_SAW_NOTHING  /* the request was never sent, or cancelled */
} CircuitSaw;

/* May one request be sent? True takes the turn: circuit_saw() must follow. */
bool circuit_take(Circuit *c, const CircuitPlan *plan, int64_t now_ms);
/* How long until it is worth asking again; 0: now. */
int64_t circuit_wait_ms(const Circuit *c, int64_t now_ms);
/* How a request ended. retry_after_ms: with a failure, what the other side asked for (then it opens
 * at once, for that long at least); negative: nothing. random: 64 random bits. True when the state
 * is now another one. */
bool circuit_saw(Circuit *c, const CircuitPlan *plan, CircuitSaw saw, int64_t retry_after_ms,
                 int64_t now_ms, uint64_t random);
static inline bool circuit_is_quiet(const Circuit *c) {
    return c->state == CIRCUIT_CLOSED && c->failures == 0;
}
