/* A sorted list: tenants are few and come seldom. */
#include "analytics/table/tables.h"

typedef struct Entry {
    int64_t tenant_id;
    FactTable *table;
} Entry;

struct FactTables {
    Entry *p;
    size_t n, room;
};

FactTables *fact_tables_new(void) {
    return xcalloc(1, sizeof(FactTables));
}

FactTables *fact_tables_free(FactTables *ts) {
    if (!ts) return NULL;
    for (size_t i = 0; i < ts->n; i++)
        fact_table_free(ts->p[i].table);
    free(ts->p);
    free(ts);
    return NULL;
}

/* The first that is not below it. */
static size_t place(const FactTables *ts, int64_t tenant_id) {
    size_t from = 0, to = ts->n;
    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (ts->p[at].tenant_id < tenant_id)
            from = at + 1;
        else
            to = at;
    }
    return from;
}

FactTable *fact_tables_find(const FactTables *ts, int64_t tenant_id) {
    size_t at = place(ts, tenant_id);
    return at < ts->n && ts->p[at].tenant_id == tenant_id ? ts->p[at].table : NULL;
}

FactTable *fact_tables_of(FactTables *ts, int64_t tenant_id) {
    size_t at = place(ts, tenant_id);
    if (at < ts->n && ts->p[at].tenant_id == tenant_id) return ts->p[at].table;
    if (ts->n == ts->room) {
        ts->room = ts->room ? ts->room * 2 : 16;
        ts->p = xrealloc(ts->p, ts->room * sizeof(*ts->p));
    }
    memmove(&ts->p[at + 1], &ts->p[at], (ts->n - at) * sizeof(*ts->p));
    ts->n++;
    ts->p[at] = (Entry){tenant_id, fact_table_new()};
    return ts->p[at].table;
}

FactTable *fact_tables_at(const FactTables *ts, size_t i, int64_t *ret_tenant_id) {
    if (i >= ts->n) return NULL;
    *ret_tenant_id = ts->p[i].tenant_id;
    return ts->p[i].table;
}

size_t fact_tables_count(const FactTables *ts) {
    size_t n = 0;
    for (size_t i = 0; i < ts->n; i++)
        n += fact_table_count(ts->p[i].table);
    return n;
}

size_t fact_tables_bytes(const FactTables *ts) {
    size_t n = sizeof(*ts) + ts->room * sizeof(*ts->p);
    for (size_t i = 0; i < ts->n; i++)
        n += fact_table_bytes(ts->p[i].table);
    return n;
}
