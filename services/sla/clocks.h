/* Clocks -- which ticket was told up to which ledger row, and which of them may have something to
 * say next? One entry a ticket, found by its number; what falls due comes out by importance.
 * Pure: the caller passes `now`.
 *
 * About 50 bytes a ticket: 24 its entry, 16 its node of the wheel, 4 to 10 of the look-up (open
 * addressing, linear probing). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct Clocks Clocks;

typedef struct TicketClock {
    int64_t tenant_id, ticket_id;
    int32_t seq; /* last ledger row told */
    uint16_t partition;
    uint8_t priority; /* TicketPriority */
    int64_t next_ms;  /* INT64_MAX: nothing will come by itself */
} TicketClock;

enum {
    CLOCKS_MAX = 1 << 30,
    CLOCKS_READY_MAX = 1 << 18 /* so many of what is due are put into an order among themselves */
};

Clocks *clocks_new(int64_t now_ms);
Clocks *clocks_free(Clocks *c); /* accepts NULL, returns NULL */
DEFINE_FREEP(Clocks, clocks)

/* Adds, or replaces what is known of that ticket. -ENOSPC: CLOCKS_MAX tickets. */
int clocks_put(Clocks *c, const TicketClock *clock);
/* next_ms is INT64_MAX as well for one that has been taken and not put again. */
bool clocks_get(const Clocks *c, int64_t tenant_id, int64_t ticket_id, TicketClock *ret);
void clocks_drop(Clocks *c, int64_t tenant_id, int64_t ticket_id);
/* Forgets every ticket of partitions that `kept` (bit 1 << partition % 64 of word partition / 64,
 * `words` of them) does not name. How many went. */
size_t clocks_keep_partitions(Clocks *c, const uint64_t *kept, size_t words);

/* Up to max tickets whose instant has come: higher priority first, then what fell due earlier.
 * They stay known; put them again. Nothing comes before its instant, however `now` jumps. */
size_t clocks_take(Clocks *c, int64_t now_ms, TicketClock *ret, size_t max);
/* Nothing comes before this instant; INT64_MAX: nothing at all. It may be in the past. */
int64_t clocks_next_ms(const Clocks *c);
/* How many have been due and not been taken (after a clocks_take()), of those put in order. */
size_t clocks_ready(const Clocks *c);

size_t clocks_count(const Clocks *c); /* tickets */
size_t clocks_armed(const Clocks *c); /* of them those with an instant ahead or due */
size_t clocks_bytes(const Clocks *c);
/* Up to max tickets of a tenant (0: of all), from *cursor on, which begins at 0 and is UINT32_MAX
 * after the last one. Entries that come or go meanwhile may be missed or met twice. */
size_t clocks_page(const Clocks *c, int64_t tenant_id, uint32_t *cursor, TicketClock *ret,
                   size_t max);
