/* Gathering -- the tickets of a surge, and those of the weeks before, out of the tenant's facts.
 * Pure. */
#pragma once

#include "analytics/radar/account.h"
#include "analytics/table/fact_table.h"

/* Fills ids, groups_of, values, n, before and before_n of an account whose category and moment are
 * set; at most as many as account.h says, of more every so-manyth. *ret_before_ids has those of the
 * weeks before. `table` NULL: there are none. */
void gathering_fill(Account *a, const FactTable *table, Arena *arena,
                    const int64_t **ret_before_ids);
/* What a value is called, as Account.value asks: `arg` is the table. */
Str gathering_value(void *arg, AccountDim dim, uint32_t value);
