/* Keeping -- follows docket.events and keeps what reports are made of: analytics.tickets (a row of
 * figures a ticket), analytics.windows (what happened in each quarter of an hour) and
 * analytics.changes (whose figures changed), each event once.
 *
 * A batch of events is one transaction, fenced by the epoch of each partition and by its count of
 * changes, so that a process that slept, or does not know whether its commit arrived, adds nothing
 * twice. What cannot be told from what is kept (gaps, events that cannot be read, documents that
 * are newer, tickets that were there before the first analytics) is told anew from the ledger, and
 * comes to the same bytes (record.h). */
#pragma once

#include "analytics/parts.h"

typedef struct Keeper Keeper;

/* The share of tickets that have figures, 0 to 1, as far as PostgreSQL was asked last: reports
 * before 1 are not complete. */
double keeper_filled(const Keeper *k);
/* Do we follow the partition tenant_id % partitions? Whoever does sees to what is to be done once
 * for a tenant. */
bool keeper_has_tenant(Keeper *k, int64_t tenant_id);
/* What happened before this instant in our partitions is kept: follower_followed_ms(). */
int64_t keeper_kept_ms(const Keeper *k, int64_t now_ms);
/* Everything that is kept of our partitions is known here, and nothing waits to be claimed. */
bool keeper_ready(const Keeper *k);
