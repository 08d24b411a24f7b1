/* FollowedTickets -- the tickets of a batch, each once, in the order in which they came. Pure.
 *
 * Gives every ticket a place, 0 and up; what a service knows of it lies in an array of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct FollowedTickets FollowedTickets;

FollowedTickets *followed_tickets_new(void);
FollowedTickets *followed_tickets_free(FollowedTickets *t); /* accepts NULL, returns NULL */
DEFINE_FREEP(FollowedTickets, followed_tickets)

/* Its place; *ret_new: it was not there before. */
size_t followed_tickets_place(FollowedTickets *t, int64_t tenant_id, int64_t ticket_id,
                              bool *ret_new);
size_t followed_tickets_count(const FollowedTickets *t);
void followed_tickets_clear(FollowedTickets *t);
