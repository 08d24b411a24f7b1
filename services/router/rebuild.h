/* Rebuild -- fills a cold Redis from PostgreSQL, tenant by tenant (correctness.md 23): a few
 * seconds after it came back everybody is assigned again, however many tenants there are. Routers
 * go on storing and publishing meanwhile; only assignment pauses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "router/roster.h"
#include "router/settler.h"
#include "router/turn.h"
#include "store/configuration.h"

typedef struct Rebuild Rebuild;

typedef struct RebuildParts { /* all of them outlive the rebuild */
    Loop *loop;
    Turn *turn;
    Roster *roster;
    Settler *settler;
    const Configuration *configuration;
    void (*warm)(void *arg, int64_t tenant_id); /* by us or by somebody else */
    void *arg;
} RebuildParts;

Rebuild *rebuild_new(const RebuildParts *parts);
Rebuild *rebuild_free(Rebuild *r);

/* The tenant is cold, or (force) what Redis holds of it cannot be relied upon. Twice is once. */
void rebuild_request(Rebuild *r, int64_t tenant_id, bool force);
/* Redis has begun another life: whoever is there now may have had one before, and decisions made
 * then may be on their way. Tenants that come later are new, and warm at once. */
void rebuild_meet_everybody(Rebuild *r);
bool rebuild_waiting(const Rebuild *r, int64_t tenant_id);
