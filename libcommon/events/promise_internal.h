/* Promises on the wire: for events and signals alike. */
#pragma once

#include "events/promise.h"
#include "events/wire_internal.h"

/* `set` may be NULL. What it writes lives in the arena. */
void promise_to_wire(const Promise *p, const TicketUpdate *set, Arena *a, Docket__Promise *ret);
/* What is wrong with it, NULL: nothing. `ret_set` may be NULL. */
const char *promise_of_wire(const Docket__Promise *m, Promise *ret, TicketUpdate *ret_set);
/* Puts it into an envelope, or takes it out: NULL when there is none of these inside. */
void promise_into(Docket__Envelope *e, PromiseAct act, Docket__Promise *m);
const Docket__Promise *promise_inside(const Docket__Envelope *e, PromiseAct *ret_act);
