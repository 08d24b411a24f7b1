/* Documents and names as they come from PostgreSQL, compiled: for this room. */
#pragma once

#include "documents/catalog.h"
#include "postgres/rows.h"

/* Rows of one tenant lie together, by their first column: the range [*from, *to). */
void catalog_rows_range(const PostgresRows *rows, int64_t tenant, size_t *from, size_t *to);
/* `documents` (body, source, first_line from column `column` on) in [from, to), `names` (tenant,
 * kind, name, id). NULL, with what is wrong: they do not compile. */
Catalog *catalog_rows_compile(const PostgresRows *documents, size_t from, size_t to, size_t column,
                              const PostgresRows *names, int64_t tenant, int64_t revision,
                              Buf *ret_problems);
