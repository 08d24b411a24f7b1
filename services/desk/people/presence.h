/* Presence -- who at the desk is there: every request of a member of staff is a sign of life, kept
 * in Redis and written there at most every few seconds. A sweep takes off duty whom the desk put on
 * it and of whom nothing was heard for the tenant's time (settings: presence_timeout), and gives
 * the tickets that she had not begun back to the queue.
 *
 * Nobody is taken off because we could not listen: after a time without a sweep (no desk ran, or
 * Redis was away), or in a Redis that is another process than before, everybody has the whole time
 * again. Redis away: no signs of life, and no sweep. */
#pragma once

#include "desk/desk.h"

extern const DeskPart presence_part;

/* A request of this subject was taken: cheap, for each. */
void presence_heard(Desk *d, const Subject *who);
/* She was put on duty by somebody: her time begins now. */
void presence_began(Desk *d, int64_t tenant_id, int64_t agent_id);
