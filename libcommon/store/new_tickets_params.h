/* The job between the caller's batch and PostgreSQL, and what it gives to the statements. */
#pragma once

#include "store/store_internal.h"

typedef struct NewTicketsJob {
    NewTicket *batch;
    size_t n;
    Arena *arena;
    uint32_t *order;       /* indexes of the batch by (tenant, id), each id once; the repetitions */
    size_t order_n;        /* are read back as the replays they are */
    Str *created, *placed; /* payloads, by index of the batch */
    Str *noted;            /* what the caller wants noted; absent: nothing */
    bool *stored;          /* by index of the batch: in, by this request */
    uint32_t *back;        /* indexes to be read back */
    int64_t *back_id;      /* by place in `back`: the id to read */
    size_t back_n;
    size_t keys_n, moved_n;
    uint32_t *follows; /* indexes of those that continue another ticket, by their tickets' ids */
    size_t follows_n, follows_at; /* at: whose result it is */
    LedgerRow *noted_rows; /* by place in `follows`: in the other one's ledger; seq 0: none */
    int rereads;
    int64_t use_by_ms; /* the earliest, 0: none */
    Attempt insert;
} NewTicketsJob;

extern const PostgresStatement keys_statement, requesters_statement, tickets_statement;
/* For those that come again under a fresh id: a note in the ledger of the ticket that has the first
 * one, and how to find it. Not under the bulk settings: nested_statement ends those. */
extern const PostgresStatement nested_statement, moved_statement, find_moved_statement;
/* Notes in the ledgers of the tickets that these continue, as rows_statement gives rows: those
 * written now and those that are there already. Not under the bulk settings either. */
extern const PostgresStatement follows_statement;
enum { MOVED_STEP = 2, FIND_MOVED_STORED_AS = 12 };

/* Sorts and writes the payloads. */
void new_tickets_prepare(NewTicketsJob *job);
/* Fills s->params[0..3] and [6] for these statements, and the tenants. Takes at most n of the
 * store's numbers for requesters. */
void new_tickets_params(Store *s, NewTicketsJob *job);
