/* Spans are learned once and only grow; catalogs come and go. */
#include "store/revisions_internal.h"

#include <stdlib.h>

#include "log/log.h"
#include "store/catalog_rows_internal.h"

enum {
    TENANTS_MAX = 20000, /* more: all are forgotten and learned again */
    TRIES = 8            /* revisions of a span */
};

const PostgresStatement revisions_statement = {
    "histories_revisions",
    "SELECT r.tenant_id, r.revision, r.applied_at,"
    "       coalesce((SELECT string_agg(d.kind || md5(d.body), ',' ORDER BY d.kind)"
    "         FROM config.documents d WHERE d.tenant_id = r.tenant_id AND d.revision = r.revision"
    "         AND d.kind IN ('calendars', 'policies')), '') AS promises"
    " FROM unnest($1::bigint[], $2::bigint[]) w (tenant_id, known)"
    " JOIN config.revisions r ON r.tenant_id = w.tenant_id AND r.revision > w.known"
    " ORDER BY r.tenant_id, r.revision"};

const PostgresStatement revision_documents_statement = {
    "histories_documents",
    "SELECT d.tenant_id, d.revision, d.body, d.source, d.first_line"
    " FROM unnest($1::bigint[], $2::bigint[]) w (tenant_id, revision)"
    " JOIN config.documents d ON d.tenant_id = w.tenant_id AND d.revision = w.revision"
    " ORDER BY d.tenant_id, d.revision, d.kind"};

const PostgresStatement revision_names_statement = {
    "histories_names",
    "SELECT tenant_id, kind, name, id FROM config.names WHERE tenant_id = ANY ($1::bigint[])"
    " ORDER BY tenant_id"};

typedef struct Span {
    int64_t from_ms;
    int64_t first, last; /* revisions */
} Span;

typedef struct TenantSpans {
    int64_t id, known; /* youngest revision learned */
    char *promises;    /* of the last span */
    Span *spans;
    size_t n, room;
} TenantSpans;

typedef struct Kept {
    RevisionName name;
    const Catalog *catalog; /* NULL: it does not compile */
    uint64_t used;
} Kept;

struct Revisions {
    TenantSpans *tenants; /* by id */
    size_t n, room;
    Kept kept[REVISIONS_CATALOGS_MAX];
    size_t kept_n;
    uint64_t turn;
};

Revisions *revisions_new(void) {
    return xcalloc(1, sizeof(Revisions));
}

static void forget_tenants(Revisions *r) {
    for (size_t i = 0; i < r->n; i++) {
        free(r->tenants[i].spans);
        free(r->tenants[i].promises);
    }
    r->n = 0;
}

Revisions *revisions_free(Revisions *r) {
    if (!r) return NULL;
    forget_tenants(r);
    for (size_t i = 0; i < r->kept_n; i++)
        (void)catalog_unref(r->kept[i].catalog);
    free(r->tenants);
    free(r);
    return NULL;
}

void revisions_trim(Revisions *r) {
    if (r->n > TENANTS_MAX) forget_tenants(r);
}

/* ---- Spans ---- */

static size_t place_of(const Revisions *r, int64_t tenant) { /* where it is, or would be */
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->tenants[middle].id < tenant)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const TenantSpans *tenant_of(const Revisions *r, int64_t tenant) {
    size_t at = place_of(r, tenant);
    return at < r->n && r->tenants[at].id == tenant ? &r->tenants[at] : NULL;
}

static TenantSpans *tenant_add(Revisions *r, int64_t tenant) {
    size_t at = place_of(r, tenant);
    if (at < r->n && r->tenants[at].id == tenant) return &r->tenants[at];
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 8;
        r->tenants = xrealloc(r->tenants, r->room * sizeof(*r->tenants));
    }
    memmove(&r->tenants[at + 1], &r->tenants[at], (r->n - at) * sizeof(*r->tenants));
    r->tenants[at] = (TenantSpans){.id = tenant};
    r->n++;
    return &r->tenants[at];
}

void revisions_params(const Revisions *r, const int64_t *tenants, size_t n, Params *p) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, tenants[i]);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++) {
        const TenantSpans *t = tenant_of(r, tenants[i]);
        params_element_i64(p, t ? t->known : 0);
    }
}

static void learn(TenantSpans *t, int64_t revision, int64_t at_ms, Str promises) {
    Span *last = t->n ? &t->spans[t->n - 1] : NULL;
    t->known = revision;
    if (last && str_is(promises, t->promises)) {
        last->last = revision;
        return;
    }
    if (last && at_ms < last->from_ms) at_ms = last->from_ms; /* asked for later, begun earlier */
    if (!t->spans || t->n == t->room) {
        t->room = t->room ? t->room * 2 : 4;
        t->spans = xrealloc(t->spans, t->room * sizeof(*t->spans));
    }
    t->spans[t->n++] = (Span){at_ms, revision, revision};
    free(t->promises);
    t->promises = xstrndup(promises.p, promises.n);
}

void revisions_learn(Revisions *r, const PostgresRows *rows) {
    for (size_t i = 0; i < rows_count(rows); i++) {
        TenantSpans *t = tenant_add(r, rows_int(rows, i, 0));
        if (rows_int(rows, i, 1) > t->known)
            learn(t, rows_int(rows, i, 1), rows_time_ms(rows, i, 2), rows_str(rows, i, 3));
    }
}

size_t revisions_spans(const Revisions *r, int64_t tenant) {
    const TenantSpans *t = tenant_of(r, tenant);
    return t ? t->n : 0;
}

int64_t revisions_span_ms(const Revisions *r, int64_t tenant, size_t span) {
    return tenant_of(r, tenant)->spans[span].from_ms;
}

/* ---- Catalogs ---- */

static Kept *kept_of(const Revisions *r, RevisionName name) {
    for (size_t i = 0; i < r->kept_n; i++)
        if (r->kept[i].name.tenant == name.tenant && r->kept[i].name.revision == name.revision)
            return (Kept *)(uintptr_t)&r->kept[i];
    return NULL;
}

/* The youngest of the span that is known to compile: all of them promise the same. */
int revisions_catalog(Revisions *r, int64_t tenant, size_t span, const Catalog **ret,
                      RevisionName *ret_missing) {
    const Span *s = &tenant_of(r, tenant)->spans[span];
    for (int64_t revision = s->last; revision >= s->first && revision > s->last - TRIES;
         revision--) {
        RevisionName name = {tenant, revision};
        Kept *k = kept_of(r, name);
        if (!k) {
            *ret_missing = name;
            return 0;
        }
        k->used = ++r->turn;
        if (k->catalog) {
            *ret = k->catalog;
            return 1;
        }
    }
    *ret = NULL;
    return 1;
}

const Catalog *revisions_known(const Revisions *r, int64_t tenant, int64_t revision) {
    const Kept *k = kept_of(r, (RevisionName){tenant, revision});
    return k ? k->catalog : NULL;
}

void revision_documents_params(const RevisionName *names, size_t n, Params *p) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, names[i].tenant);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, names[i].revision);
}

void revision_names_params(const RevisionName *names, size_t n, Params *p) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, names[i].tenant);
}

static Kept *room_for_one(Revisions *r) {
    if (r->kept_n < REVISIONS_CATALOGS_MAX) return &r->kept[r->kept_n++];
    Kept *oldest = &r->kept[0];
    for (size_t i = 1; i < r->kept_n; i++)
        if (r->kept[i].used < oldest->used) oldest = &r->kept[i];
    (void)catalog_unref(oldest->catalog);
    return oldest;
}

void revisions_keep(Revisions *r, const RevisionName *names, size_t n,
                    const PostgresRows *documents, const PostgresRows *rows) {
    for (size_t i = 0; i < n; i++) {
        size_t from = 0, to;
        CLEANUP(buf_done) Buf problems = {0};
        if (kept_of(r, names[i])) continue; /* somebody else asked for it too */
        while (from < rows_count(documents) && (rows_int(documents, from, 0) != names[i].tenant ||
                                                rows_int(documents, from, 1) != names[i].revision))
            from++;
        to = from;
        while (to < rows_count(documents) && rows_int(documents, to, 0) == names[i].tenant &&
               rows_int(documents, to, 1) == names[i].revision)
            to++;
        const Catalog *c = catalog_rows_compile(documents, from, to, 2, rows, names[i].tenant,
                                                names[i].revision, &problems);
        if (!c)
            log_error(ABOUT(names[i].tenant, 0),
                      "revision %lld does not compile, clocks go on by the one before: %s",
                      (long long)names[i].revision, problems.p ? problems.p : "");
        *room_for_one(r) = (Kept){names[i], c, ++r->turn};
    }
}
