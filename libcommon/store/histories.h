/* Histories -- lives of tickets, read from the ledger: what a follower asks that has lost its
 * state, what the router checks a signal by, what the desk shows. Ledgers of many tickets in one
 * query, with the revisions of their tenants' documents told in between at their instants.
 * Non-blocking; one thread.
 *
 * Documents of old revisions are compiled when first needed and kept: the 64 used last. Revisions
 * that promise the same as the one before them are passed over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lives/ticket_life.h"
#include "loop/loop.h"
#include "postgres/pool.h"

typedef struct Histories Histories;

enum { HISTORIES_TICKETS_MAX = 1000, HISTORIES_CATALOGS_MAX = 64 };

typedef enum HistoryFate {
    HISTORY_TOLD,      /* `life` is there */
    HISTORY_NO_TICKET, /* no ledger of that number in that tenant, as far as the role may see */
    HISTORY_BROKEN     /* its ledger cannot be told: `problem` */
} HistoryFate;

/* Whoever tells something else by the same rows: called just before each of them is told to `life`,
 * as it is then, and again right behind. It may have been called although it all ends
 * with HISTORIES_AGAIN or HISTORY_BROKEN. The row lives until the second call has
 * returned. */
typedef void (*HistoryRow)(void *arg, const TicketLife *life, const Event *row, bool told);

typedef struct History {
    /* in */
    int64_t tenant_id, ticket_id; /* a ticket's own number: aliases are not followed */
    int64_t upto_ms;  /* rows and revisions after this instant are left out; NEVER: none is */
    int64_t judge_ms; /* then judged at this instant (or its last row's, if later); 0: not */
    bool history;     /* keep everything, for explaining */
    HistoryRow row;   /* NULL: nobody */
    void *row_arg;
    /* out */
    HistoryFate fate;
    TicketLife *life; /* the caller's: ticket_life_free() */
    const char *problem;
} History;

typedef enum HistoriesOutcome {
    HISTORIES_DONE,
    HISTORIES_AGAIN /* PostgreSQL is away, or too much waits: nothing was told */
} HistoriesOutcome;

/* Exactly once, never inside the call that asked. */
typedef void (*HistoriesTold)(void *arg, HistoriesOutcome outcome, const char *problem);

/* The pool is the caller's and outlives it; its role reads ticket.ledger and config.*. */
Histories *histories_new(Loop *loop, PostgresPool *pool);
/* Whoever still waits is told HISTORIES_AGAIN first. */
Histories *histories_free(Histories *h); /* accepts NULL, returns NULL */

/* At most HISTORIES_TICKETS_MAX, of any tenants, each at most once; `asked` lives, unmoved, until
 * `told`. Several may be under way at once. */
void histories_lives(Histories *h, History *asked, size_t n, HistoriesTold told, void *arg);
/* A revision's documents, referenced for the caller; NULL with HISTORIES_DONE in the callback of
 * whoever asked for a life by it: they do not compile. Only what is remembered: no I/O. */
const Catalog *histories_catalog(const Histories *h, int64_t tenant_id, int64_t revision);
