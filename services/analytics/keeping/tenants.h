/* KeepTenants -- by which documents each tenant's tickets are told now, since when those hold, and
 * whether PostgreSQL knows of newer ones. Pure; fed by what store/configuration.h and
 * config.revisions say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "documents/promises.h"

typedef struct KeepTenants KeepTenants;

typedef struct KeepTenant {
    int64_t tenant_id;
    const Catalog *catalog; /* in force; NULL: none yet */
    /* The revision, and the instant, from which on it holds, or documents with the same promises,
     * without others in between; NEVER: not asked yet. What happened before it, and what was told
     * by a revision before it, is for the ledger to tell. */
    int64_t since_revision, since_ms;
    bool asked;   /* that is what PostgreSQL says of `catalog` */
    bool recheck; /* of what was told about that instant some may have been told too early */
    bool behind;  /* PostgreSQL has newer documents, as the batch at hand found */
} KeepTenant;

KeepTenants *keep_tenants_new(void);
KeepTenants *keep_tenants_free(KeepTenants *t); /* accepts NULL, returns NULL */
DEFINE_FREEP(KeepTenants, keep_tenants)

/* New documents; a reference is kept. True: they promise something else than those before, or did
 * so for a while: revisions between the two were not seen here. */
bool keep_tenants_put(KeepTenants *t, int64_t tenant_id, const Catalog *catalog);
/* What PostgreSQL says of that revision of its documents. */
void keep_tenants_answer(KeepTenants *t, int64_t tenant_id, int64_t revision,
                         int64_t since_revision, int64_t since_ms);
/* Is what was told by that revision still so? */
bool keep_tenant_holds(const KeepTenant *t, int64_t revision);
/* NULL: no documents; until the next put. */
KeepTenant *keep_tenants_find(const KeepTenants *t, int64_t tenant_id);
size_t keep_tenants_all(const KeepTenants *t, KeepTenant **ret);
