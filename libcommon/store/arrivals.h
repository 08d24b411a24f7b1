/* Arrivals -- is this id a ticket that is only just on its way from the gate? What the desk asks
 * before it says "not found" (every gate and router writes down what this reads). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct Arrivals Arrivals;
typedef struct ArrivalsWait ArrivalsWait;

enum { ARRIVALS_WAITING_MAX = 4096 };

Arrivals *arrivals_new(Loop *loop, const char *postgres_url, const char *application_name,
                       Buf *ret_problem);
Arrivals *arrivals_free(Arrivals *a); /* callbacks that are due come with false */

/* done(arg, recent): is the id in a block that is in use, or was used up within 10 minutes? Comes
 * once, never inside this call; usually in the next turn, after one round trip for an id beyond all
 * blocks known. PostgreSQL away: false for those. NULL: too many wait already, take it as false. */
typedef void (*ArrivalsDone)(void *arg, bool recent);
ArrivalsWait *arrivals_ask(Arrivals *a, int64_t ticket_id, ArrivalsDone done, void *arg);
void arrivals_forget(ArrivalsWait *w); /* before its callback */

/* Has some submission waited for a router longer than `ms`, or does nobody know? Then a recent id
 * that is not there may yet come: 503 with Retry-After instead of 404. As of the last second. */
bool arrivals_late(const Arrivals *a, int64_t ms);
