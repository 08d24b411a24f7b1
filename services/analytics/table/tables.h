/* FactTables -- the table of each tenant. Pure. */
#pragma once

#include "analytics/table/fact_table.h"

typedef struct FactTables FactTables;

FactTables *fact_tables_new(void);
FactTables *fact_tables_free(FactTables *ts); /* accepts NULL, returns NULL */
DEFINE_FREEP(FactTables, fact_tables)

/* NULL: nothing is known of this tenant. It stays where it is until fact_tables_free(). */
FactTable *fact_tables_find(const FactTables *ts, int64_t tenant_id);
FactTable *fact_tables_of(FactTables *ts, int64_t tenant_id); /* found or made */

/* The tenants there are, ascending by id: i from 0; NULL: no more. */
FactTable *fact_tables_at(const FactTables *ts, size_t i, int64_t *ret_tenant_id);

size_t fact_tables_count(const FactTables *ts); /* tickets, together */
size_t fact_tables_bytes(const FactTables *ts);
