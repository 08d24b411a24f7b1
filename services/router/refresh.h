/* Refresh -- makes Redis's view of what some agents hold equal to PostgreSQL's: whoever changed a
 * ticket (solved, released, handed over) tells the router only whom it concerns (docket.signals).
 */
#pragma once

#include <stdint.h>

#include "loop/loop.h"
#include "router/roster.h"
#include "router/settler.h"
#include "store/store.h"

typedef struct Refresh Refresh;

typedef struct AgentRef {
    int64_t tenant_id, agent_id;
} AgentRef;

enum { REFRESH_AGENTS_MAX = 16 };

/* `store` is the caller's to share: nobody else uses it between refresh_run() and its done. */
Refresh *refresh_new(Loop *loop, Store *store, Roster *roster, Settler *settler);
Refresh *refresh_free(Refresh *r);

/* At most REFRESH_AGENTS_MAX, each of them at most once. done(arg) comes whatever happened, never
 * inside this call; what could not be read now is found by the reconciler. */
void refresh_run(Refresh *r, const AgentRef *agents, size_t n, LoopCallback done, void *arg);
