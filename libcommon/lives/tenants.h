/* Tenants -- by which documents each tenant's promises are judged now, since when, and whether some
 * of its lives were judged by others. Pure; fed by what store/configuration.h and config.revisions
 * say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "documents/promises.h"

typedef struct Tenants Tenants;

typedef struct JudgedTenant {
    int64_t tenant_id;
    const Catalog *catalog; /* in force; NULL: none yet */
    /* The revision, and the instant, from which on it holds, or documents with the same promises,
     * without others in between; NEVER: not asked yet. What happened before it, and what was judged
     * by a revision before it, is for the ledger to tell. */
    int64_t since_revision, since_ms;
    bool asked;      /* that is what PostgreSQL says of `catalog` */
    int64_t oldest;  /* no life known here was judged by an older revision; NEVER: none is known */
    uint32_t cursor; /* the caller's: how far the looking for such lives has come */
} JudgedTenant;

Tenants *tenants_new(void);
Tenants *tenants_free(Tenants *t);
DEFINE_FREEP(Tenants, tenants)

/* New documents; a reference is kept. True: they promise something else than those before, or did
 * so for a while: revisions between the two were not seen here. */
bool tenants_put(Tenants *t, int64_t tenant_id, const Catalog *catalog);
/* What PostgreSQL says of that revision of its documents. */
void tenants_answer(Tenants *t, int64_t tenant_id, int64_t revision, int64_t since_revision,
                    int64_t since_ms);
/* A life judged by that revision is known here. */
void tenants_met(Tenants *t, int64_t tenant_id, int64_t revision);
/* Is what was judged by that revision still so? */
bool tenant_holds(const JudgedTenant *t, int64_t revision);
/* May some of its lives, as far as can be said, have to follow other promises? */
bool tenant_revises(const JudgedTenant *t);
void tenant_revised(JudgedTenant *t); /* none has, any more */
JudgedTenant *tenants_find(Tenants *t,
                           int64_t tenant_id); /* NULL: no documents; until the next put */
size_t tenants_all(Tenants *t, JudgedTenant **ret);
