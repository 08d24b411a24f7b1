/* Loading -- keeps every tenant's table (table/tables.h) at what analytics.tickets says, whoever
 * wrote it: all of it at the start, page by page; then what this process keeps itself, as soon as
 * it is committed, and what others keep, by analytics.changes, asked every second.
 *
 * The numbers of changes are gap-free in each partition. Who finds a gap (it slept longer than they
 * are kept) reads all pages again; a row is never replaced by an earlier one. */
#pragma once

#include "analytics/keeping/statements.h"
#include "analytics/parts.h"

typedef struct FactLoading FactLoading;

/* Every page was read, and all changes up to a second or two ago. */
bool loading_ready(const FactLoading *l);
/* Of the first reading: so many tickets are here. */
size_t loading_tickets(const FactLoading *l);

/* Committed by this process: stories that were told, of these partitions, each with its last
 * change. Accepts NULL. */
void loading_kept(FactLoading *l, const KeptPartition *partitions, size_t partitions_n,
                  const Story *const *stories, size_t n);
