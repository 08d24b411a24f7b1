/* Requests that were on their way when it opened come back late: their failures are no news, but
 * life is life whenever it is seen. */
#include "backoff/circuit.h"

#include "backoff/backoff.h"

bool circuit_take(Circuit *c, const CircuitPlan *plan, int64_t now_ms) {
    if (c->state == CIRCUIT_CLOSED) return true;
    if (now_ms < c->until_ms) return false;
    c->state = CIRCUIT_PROBING;
    c->until_ms = now_ms + plan->probe_ms;
    return true;
}

int64_t circuit_wait_ms(const Circuit *c, int64_t now_ms) {
    return c->state == CIRCUIT_CLOSED || now_ms >= c->until_ms ? 0 : c->until_ms - now_ms;
}

/* Half of its time for certain, the other half by the dice: many senders do not probe as one. */
static void open_for(Circuit *c, const CircuitPlan *plan, int64_t now_ms, uint64_t random) {
    int64_t ms = plan->first_ms;
    for (uint32_t i = 0; i < c->opened && ms < plan->most_ms; i++)
        ms = ms > plan->most_ms / 2 ? plan->most_ms : ms * 2;
    if (ms > plan->most_ms) ms = plan->most_ms;
    c->state = CIRCUIT_OPEN;
    if (c->opened < UINT32_MAX) c->opened++;
    c->until_ms = now_ms + (ms - ms / 2) + backoff_jitter(ms / 2, random);
}

static void failed(Circuit *c, const CircuitPlan *plan, int64_t retry_after_ms, int64_t now_ms,
                   uint64_t random) {
    if (!c->failing_since_ms) c->failing_since_ms = now_ms;
    if (c->failures < UINT32_MAX) c->failures++;
    bool opens = c->state == CIRCUIT_PROBING || c->failures >= plan->failures || retry_after_ms > 0;
    if (c->state != CIRCUIT_OPEN && opens) open_for(c, plan, now_ms, random);
    if (retry_after_ms > 0 && c->until_ms < now_ms + retry_after_ms)
        c->until_ms = now_ms + retry_after_ms;
}

bool circuit_saw(Circuit *c, const CircuitPlan *plan, CircuitSaw saw, int64_t retry_after_ms,
                 int64_t now_ms, uint64_t random) {
    CircuitState before = c->state;
    switch (saw) {
    case CIRCUIT_SAW_LIFE:
        *c = (Circuit){.state = CIRCUIT_CLOSED};
        break;
    case CIRCUIT_SAW_FAILURE:
        failed(c, plan, retry_after_ms, now_ms, random);
        break;
    case CIRCUIT_SAW_NOTHING: /* the turn goes to the next one */
        if (c->state == CIRCUIT_PROBING) {
            c->state = CIRCUIT_OPEN;
            c->until_ms = now_ms;
        }
        break;
    }
    return c->state != before;
}
