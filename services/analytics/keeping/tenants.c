#include "analytics/keeping/tenants.h"

#include <stdlib.h>
#include <string.h>

struct KeepTenants {
    KeepTenant *all; /* by number */
    size_t n, room;
};

KeepTenants *keep_tenants_new(void) {
    return xcalloc(1, sizeof(KeepTenants));
}

KeepTenants *keep_tenants_free(KeepTenants *t) {
    if (!t) return NULL;
    for (size_t i = 0; i < t->n; i++)
        (void)catalog_unref(t->all[i].catalog);
    free(t->all);
    free(t);
    return NULL;
}

/* The place of the first one that is not below. */
static size_t place_of(const KeepTenants *t, int64_t tenant_id) {
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t->all[middle].tenant_id < tenant_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

KeepTenant *keep_tenants_find(const KeepTenants *t, int64_t tenant_id) {
    size_t at = place_of(t, tenant_id);
    return at < t->n && t->all[at].tenant_id == tenant_id ? &t->all[at] : NULL;
}

bool keep_tenants_put(KeepTenants *t, int64_t tenant_id, const Catalog *catalog) {
    size_t at = place_of(t, tenant_id);
    if (at == t->n || t->all[at].tenant_id != tenant_id) {
        if (t->n == t->room) {
            t->room = t->room ? t->room * 2 : 16;
            t->all = xrealloc(t->all, t->room * sizeof(*t->all));
        }
        memmove(&t->all[at + 1], &t->all[at], (t->n - at) * sizeof(*t->all));
        t->all[at] =
            (KeepTenant){.tenant_id = tenant_id, .since_revision = NEVER, .since_ms = NEVER};
        t->n++;
    }
    KeepTenant *tenant = &t->all[at];
    const Catalog *before = tenant->catalog;
    bool other = !before || catalog_revision(catalog) != catalog_revision(before) + 1 ||
                 catalog_promises_mark(before) != catalog_promises_mark(catalog);
    tenant->catalog = catalog_ref(catalog);
    (void)catalog_unref(before);
    if (other) {
        tenant->since_revision = tenant->since_ms = NEVER;
        tenant->asked = false;
    }
    return other;
}

void keep_tenants_answer(KeepTenants *t, int64_t tenant_id, int64_t revision,
                         int64_t since_revision, int64_t since_ms) {
    KeepTenant *tenant = keep_tenants_find(t, tenant_id);
    /* Otherwise others came meanwhile: they are asked for next. */
    if (!tenant || tenant->asked || catalog_revision(tenant->catalog) != revision) return;
    tenant->since_revision = since_revision;
    tenant->since_ms = since_ms;
    tenant->asked = tenant->recheck = true;
}

bool keep_tenant_holds(const KeepTenant *t, int64_t revision) {
    if (!t || !t->catalog) return true; /* no documents, then or now: the life itself knows */
    return revision >= t->since_revision || revision == catalog_revision(t->catalog);
}

size_t keep_tenants_all(const KeepTenants *t, KeepTenant **ret) {
    *ret = t->all;
    return t->n;
}
