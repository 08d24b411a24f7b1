/* Order of work, and patience. */
#include "desk/tickets/gathering.h"

GatheringStep gathering_next(const GatheringLoad *l) {
    if (l->deletes >= GATHERING_DELETES) return GATHERING_DELETE;
    if (l->sweep_due && l->producer_healthy) return GATHERING_SWEEP;
    if (l->waiting) return GATHERING_STORE;
    if (l->deletes && l->delete_due) return GATHERING_DELETE;
    return GATHERING_NOTHING;
}

GatheringVerdict gathering_after(StoreOutcome outcome, size_t n, int64_t tried_ms) {
    switch (outcome) {
    case STORE_DONE:
        return GATHERING_ANSWER;
    case STORE_REFUSED:
        return n > 1 ? GATHERING_ONE_BY_ONE : GATHERING_REFUSE;
    case STORE_AGAIN:
    case STORE_BUSY:
    case STORE_LATE:
        break;
    }
    return tried_ms < GATHERING_PATIENCE_MS ? GATHERING_AGAIN : GATHERING_GIVE_UP;
}
