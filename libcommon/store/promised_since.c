#include "store/promised_since.h"

/* Backwards, until one promises something else: what of a revision promises is as in
 * revisions.c. */
#define PROMISES(revision)                                                                         \
    "coalesce((SELECT string_agg(d.kind || md5(d.body), ',' ORDER BY d.kind)"                      \
    " FROM config.documents d WHERE d.tenant_id = i.tenant_id AND d.revision = " revision          \
    " AND d.kind IN ('calendars', 'policies')), '')"
const PostgresStatement promised_since_statement = {
    "promised_since",
    "SELECT i.tenant_id, i.rev, r.revision, r.applied_at"
    " FROM (SELECT i.tenant_id, i.rev, " PROMISES(
        "i.rev") " AS promises"
                 "  FROM unnest($1::bigint[], $2::bigint[]) i (tenant_id, rev)) i"
                 " CROSS JOIN LATERAL (SELECT coalesce((SELECT o.revision FROM config.revisions o"
                 "  WHERE o.tenant_id = i.tenant_id AND o.revision < i.rev"
                 "   AND " PROMISES(
                     "o.revision") " <> i.promises"
                                   "  ORDER BY o.revision DESC LIMIT 1), 0) AS revision) other"
                                   " CROSS JOIN LATERAL (SELECT r.revision, r.applied_at FROM "
                                   "config.revisions r"
                                   "  WHERE r.tenant_id = i.tenant_id AND r.revision > "
                                   "other.revision AND r.revision <= i.rev"
                                   "  ORDER BY r.revision LIMIT 1) r"};
#undef PROMISES

size_t promised_since_params(Tenants *tenants, Params *p, int64_t *ret_tenants) {
    JudgedTenant *all;
    size_t n = tenants_all(tenants, &all), asked = 0;
    int64_t revisions[PROMISED_SINCE_MAX];
    for (size_t i = 0; i < n && asked < PROMISED_SINCE_MAX; i++) {
        if (all[i].asked) continue;
        ret_tenants[asked] = all[i].tenant_id;
        revisions[asked++] = catalog_revision(all[i].catalog);
    }
    params_clear(p);
    params_array(p, PARAM_INT8, asked);
    for (size_t i = 0; i < asked; i++)
        params_element_i64(p, ret_tenants[i]);
    params_array(p, PARAM_INT8, asked);
    for (size_t i = 0; i < asked; i++)
        params_element_i64(p, revisions[i]);
    return asked;
}

void promised_since_answer(Tenants *tenants, const PostgresRows *rows) {
    for (size_t row = 0; row < rows_count(rows); row++)
        tenants_answer(tenants, rows_int(rows, row, 0), rows_int(rows, row, 1),
                       rows_int(rows, row, 2), rows_time_ms(rows, row, 3));
}
