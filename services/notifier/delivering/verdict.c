/* Outcome, age and doubt, in this order. */
#include "notifier/delivering/verdict.h"

const char *verdict_state_name(VerdictState s) {
    static const char *const names[] = {
        [VERDICT_DELIVERED] = "delivered",
        [VERDICT_WAITING] = "waiting",
        [VERDICT_REFUSED] = "refused",
        [VERDICT_DROPPED] = "dropped",
    };
    return names[s];
}

Verdict verdict_of(const BackoffPlan *plan, const VerdictTry *t, const Delivered *said,
                   int64_t now_ms, uint64_t random) {
    Verdict v = {.state = VERDICT_DELIVERED, .saw = CIRCUIT_SAW_LIFE};
    if (said->outcome == OUTGOING_DELIVERED) return v;
    v.doubt = said->doubtful;
    if (said->outcome == OUTGOING_REFUSED) {
        v.state = VERDICT_REFUSED;
        /* Without an answer nobody has seen life: an address that may not be reached. */
        v.saw = said->status > 0 ? CIRCUIT_SAW_LIFE : CIRCUIT_SAW_NOTHING;
        return v;
    }
    v.saw = said->destination_fine ? CIRCUIT_SAW_LIFE : CIRCUIT_SAW_FAILURE;
    v.state = VERDICT_DROPPED;
    if (said->doubtful && t->doubt_ends) return v;
    BackoffPlan own = *plan;
    /* The first moment from which this age counts is not kept: what is left of it is. */
    own.age_ms = t->expires_ms > now_ms ? t->expires_ms - now_ms : 0;
    v.due_ms = backoff_next(&own, t->attempts, now_ms, now_ms, said->retry_after_ms, random);
    if (v.due_ms != BACKOFF_OVER && own.age_ms > 0) v.state = VERDICT_WAITING;
    return v;
}
