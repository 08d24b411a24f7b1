/* One tenant's documents out of many tenants' rows. */
#include "store/catalog_rows_internal.h"

typedef struct NameTable { /* rows [from, to) of the names query are one tenant's */
    const PostgresRows *rows;
    size_t from, to;
} NameTable;

static int64_t look_up(void *arg, const char *kind, Str name) {
    const NameTable *t = arg;
    for (size_t i = t->from; i < t->to; i++)
        if (str_is(rows_str(t->rows, i, 1), kind) && str_eq(rows_str(t->rows, i, 2), name))
            return rows_int(t->rows, i, 3);
    return -1;
}

void catalog_rows_range(const PostgresRows *rows, int64_t tenant, size_t *from, size_t *to) {
    size_t i = 0;
    while (i < rows_count(rows) && rows_int(rows, i, 0) < tenant)
        i++;
    *from = i;
    while (i < rows_count(rows) && rows_int(rows, i, 0) == tenant)
        i++;
    *to = i;
}

Catalog *catalog_rows_compile(const PostgresRows *documents, size_t from, size_t to, size_t column,
                              const PostgresRows *names, int64_t tenant, int64_t revision,
                              Buf *ret_problems) {
    NameTable table = {.rows = names};
    catalog_rows_range(names, tenant, &table.from, &table.to);
    CLEANUP(mem_freep) DocumentSource *sources = xcalloc(to - from + 1, sizeof(*sources));
    for (size_t i = from; i < to; i++)
        sources[i - from] =
            (DocumentSource){rows_str(documents, i, column), rows_str(documents, i, column + 1),
                             (long)rows_int(documents, i, column + 2)};
    return catalog_compile(sources, to - from, revision, look_up, &table, ret_problems);
}
