/* Settler -- writes to Redis what rows say, and never forgets one: what Redis did not confirm is
 * read from PostgreSQL again later and written then (correctness.md 18). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include "router/roster.h"
#include "store/configuration.h"
#include "store/store.h"

typedef struct Settler Settler;

Settler *settler_new(Loop *loop, Roster *roster, const Configuration *configuration);
Settler *settler_free(Settler *s);

/* Copies the places. `done` may be NULL; it comes whatever Redis said, never inside this call. */
void settler_settle(Settler *s, const TicketPlace *const *places, size_t n, unsigned flags,
                    LoopCallback done, void *arg);

/* How a place is told. Pure but for the catalog's aging. */
Settlement settlement_of(Arena *arena, const TicketPlace *place, int64_t aging_ms);
int64_t settler_aging_ms(const Settler *s, int64_t tenant_id);

/* Tickets that Redis may not know about, oldest first: up to max of them leave the list. */
size_t settler_unsettled(Settler *s, TicketPlace *ret, size_t max);
void settler_remember(Settler *s, int64_t tenant_id, int64_t ticket_id); /* puts one (back) there */
size_t settler_unsettled_count(const Settler *s);
/* A tenant of which too many were forgotten: only a rebuild helps. 0: none. Leaves the list. */
int64_t settler_overflowed(Settler *s);
/* A tenant is being rebuilt: whatever is on the list for it will be read by that. */
void settler_forget(Settler *s, int64_t tenant_id);
