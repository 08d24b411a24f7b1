/* Escalation -- what a moment of a promise makes of its ticket: raised, moved to another group,
 * given to somebody else; and the words that the ledger keeps about it. Pure: the catalog and
 * Redis's answer are given.
 *
 * {"why":"escalated","from_priority":"normal","from_group":12,"from_assignee":1012, ...}; what was
 * asked for and not done says why:
 *   "raise"     "highest"
 *   "move"      "there_already" "no_such_group"
 *   "reassign"  "nobody_has_room" "paused" "nobody_has_it" "not_in_work" "ran_out"
 *   "withheld"  "acknowledged" "over": the record alone */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "documents/catalog.h"
#include "events/signal.h"
#include "router/placement.h"
#include "router/roster.h"
#include "store/promises.h"

typedef enum Withheld {
    WITHHELD_NOTHING,
    WITHHELD_ACKNOWLEDGED, /* somebody is on it since */
    WITHHELD_OVER          /* its clock has ended since */
} Withheld;

typedef struct EscalationFacts {
    const TicketPlace *place; /* at the version that is expected */
    const Catalog *catalog;   /* NULL: the tenant has no documents */
    Staffing staffing;        /* of the group moved to */
    Withheld withheld;
    const Another *another; /* of escalation_wants_another(); NULL: its hold ran out too often */
} EscalationFacts;

static inline bool signal_is_promise(const Signal *s) {
    return s->kind >= SIGNAL_PROMISE_WARNED && s->kind <= SIGNAL_PROMISE_ESCALATED;
}
static inline PromiseAct signal_act(const Signal *s) {
    return (PromiseAct)(s->kind - SIGNAL_PROMISE_WARNED);
}

/* Is Redis to be asked for somebody else? */
bool escalation_wants_another(const Signal *s, const EscalationFacts *f);
/* The group that it goes to; 0: it stays. */
int64_t escalation_group(const Signal *s, const EscalationFacts *f);

/* All of `ret` that is the store's to read, but for use_by_ms. Points into the signal and the
 * arena. */
void escalation_decide(const Signal *s, const EscalationFacts *f, Arena *arena, PromiseChange *ret);
