/* Tenants -- by which documents each tenant's promises are judged now, and since when. Pure; fed by
 * what store/configuration.h and config.revisions say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "documents/promises.h"

typedef struct Tenants Tenants;

typedef struct SlaTenant {
    int64_t tenant_id;
    const Catalog *catalog; /* in force; NULL: none yet */
    /* The instant from which on it holds, or documents with the same promises; NEVER: not asked
     * yet. What happened before it is for the ledger to tell. */
    int64_t since_ms;
    bool asked;      /* since_ms is what PostgreSQL says of `catalog` */
    bool revise;     /* some of its lives may still be judged by older promises */
    uint32_t cursor; /* of clocks_page(), how far that has come */
} SlaTenant;

Tenants *tenants_new(void);
Tenants *tenants_free(Tenants *t);
DEFINE_FREEP(Tenants, tenants)

/* New documents; a reference is kept. True: they promise something else than those before. */
bool tenants_put(Tenants *t, int64_t tenant_id, const Catalog *catalog);
SlaTenant *tenants_find(Tenants *t, int64_t tenant_id); /* NULL: no documents; until the next put */
size_t tenants_all(Tenants *t, SlaTenant **ret);
