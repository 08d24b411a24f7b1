/* Decision -- what one message of a batch becomes: a ticket with its facts and its place, or a dead
 * letter. Pure: catalogs, duties and Redis's answers are given. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "documents/catalog.h"
#include "events/submission.h"
#include "router/placement.h"
#include "router/roster.h"
#include "store/store.h"

typedef struct Decision {
    Submission submission;
    NewTicket *ticket;       /* where the store's part lies */
    Reservation reservation; /* asked of Redis when `asks` */
    Staffing staffing;
    bool asks;        /* a group, and nobody named by the sender */
    const char *dead; /* why it cannot be processed, or NULL */
} Decision;

/* What the rules and the sender say. `catalog` NULL: the tenant has no documents; the ticket is
 * stored all the same, without a group. Fills d->ticket but for its place. */
void decision_classify(Decision *d, const Catalog *catalog, const AgentDuty *duties,
                       size_t duties_n, Arena *arena);

/* Its place, from what Redis said. */
void decision_place(Decision *d, Arena *arena);

/* The same submission under another id, because its own is taken by another cause (correctness.md
 * 6); the store leads a replay to it. */
void decision_renumber(const Decision *old, int64_t fresh_id, Decision *ret, Arena *arena);
