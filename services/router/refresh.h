/* Refresh -- makes Redis's view of what some agents hold, and of some tickets, equal to
 * PostgreSQL's: whoever changed a ticket (solved, released, handed over, put back) tells the router
 * only whom and what it concerns (docket.signals). What is read is newer than the signal, so a
 * signal that comes twice, late or behind another one settles the same. */
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

typedef struct TicketRef {
    int64_t tenant_id, ticket_id;
} TicketRef;

enum { REFRESH_AGENTS_MAX = 16 };

/* `store` is the caller's to share: nobody else uses it between refresh_run() and its done. */
Refresh *refresh_new(Loop *loop, Store *store, Roster *roster, Settler *settler);
Refresh *refresh_free(Refresh *r);

/* At most REFRESH_AGENTS_MAX of each, each at most once. done(arg) comes once PostgreSQL has
 * answered, never inside this call; what Redis did not hear is told to it later (settler.h). */
void refresh_run(Refresh *r, const AgentRef *agents, size_t agents_n, const TicketRef *tickets,
                 size_t tickets_n, LoopCallback done, void *arg);
