/* Waiting -- the promise that a client which has just created a ticket at the gate and asks the
 * desk for it gets it, on every route with ROUTE_TICKET.
 *
 * A handler that finds no ticket says answer_not_found(). Then, before the client hears of it:
 *   - is the id an alias, or has the ticket come meanwhile? The handler is called once more, with
 *     the id that is good.
 *   - is it of no block in use, nor of one used up within 10 minutes? 404, at once.
 *   - otherwise it is waited for, `ticket_wait` (2 s) at most, together with everybody else's. When
 *     it does not come: 404, or 503 with Retry-After while the routers have submissions waiting
 *     that are older than that.
 * At most WAITING_PER_TOKEN of one token or session wait; beyond it 503 at once. What another
 * tenant has is not there, so its ids go the same way as any. */
#pragma once

#include "desk/api/request.h"

enum { WAITING_PER_TOKEN = 100, WAITING_LIMIT = 5000 };

extern const struct DeskPart waiting_part;
