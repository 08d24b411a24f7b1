/* NewTickets -- the job between the caller's batch and PostgreSQL. */
#pragma once

#include "store/store_internal.h"

typedef struct NewTicketsJob {
    NewTicket *batch;
    size_t n;
    Arena *arena;
    uint32_t *order;       /* indexes of the batch by (tenant, id), each id once; the repetitions */
    size_t order_n;        /* are read back as the replays they are */
    Str *created, *placed; /* payloads, by index of the batch */
    bool *stored;          /* by index of the batch: in, by this transaction, and told */
    uint32_t *back;        /* indexes to be read back */
    size_t back_n;
    size_t keys_n;
    int rereads;
    Attempt insert;
} NewTicketsJob;

extern const PostgresStatement keys_statement, requesters_statement, tickets_statement;

/* Sorts and writes the payloads. */
void new_tickets_prepare(NewTicketsJob *job);
/* Fills s->params[0..2] for the three statements, and the tenants. Takes at most n of the store's
 * numbers for requesters. */
void new_tickets_params(Store *s, NewTicketsJob *job);
