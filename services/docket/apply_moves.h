/* ApplyMoves -- open tickets leave a group or an agent that a document removes (correctness.md 31).
 *
 * Each move is a change through the store: a ledger row, an event in the outbox, the ticket's state
 * as it was. Redis follows when a router next compares it with PostgreSQL, within half a minute.
 * Capacity is not asked: people decided this (correctness.md 20). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "postgres/session.h"

typedef struct ApplyMove {
    const char *kind; /* "group" or "agent" */
    Str from, to;
    int64_t from_id, to_id; /* filled by apply_find_numbers(); 0: never had one */
} ApplyMove;

/* -EIO and the like with a sentence in *ret_problem. */
int apply_find_numbers(PostgresSession *s, int64_t tenant_id, ApplyMove *moves, size_t n,
                       Buf *ret_problem);

/* Moves every open ticket that is there now; the number of them. Until none is found, at most ten
 * times: more may arrive meanwhile. `s` reads, a connection of its own writes. */
int64_t apply_move_tickets(const char *postgres_url, PostgresSession *s, int64_t tenant_id,
                           const ApplyMove *moves, size_t n, int64_t revision, Buf *ret_problem);
