/* Problem -- what a surge becomes as a ticket. Pure: the catalog is given. */
#pragma once

#include "base/arena.h"
#include "documents/catalog.h"
#include "events/signal.h"
#include "store/edits.h"
#include "store/store.h"

/* The ticket of SIGNAL_SURGE_FOUND, waiting in the group it asks for, or in the tenant's default.
 * `catalog` NULL: the tenant has no documents. Points into the signal and the arena. */
void problem_ticket(const Signal *s, const Catalog *catalog, const AgentDuty *duties,
                    size_t duties_n, Arena *arena, NewTicket *ret);

/* The change that makes the ticket at `place` one of its incidents; of the problem's own a note
 * that says how many there are, by which its lead is told also in the middle of a storm of new
 * tickets. False: it stays as it is. */
bool problem_change(const Signal *s, const TicketPlace *place, Arena *arena, TicketEdit *ret);
