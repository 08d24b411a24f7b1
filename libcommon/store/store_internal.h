/* The one request that a Store is working on, and what its kinds share. */
#pragma once

#include "postgres/connection.h"
#include "postgres/params.h"
#include "postgres/rows.h"
#include "store/store.h"

enum {
    STORE_PARAMS = 7,
    REQUESTER_BLOCK = 10000, /* ticket.requester_ids' increment */
};

/* One attempt's transaction. The parameters are built once and serve every attempt. */
typedef struct Attempt {
    PostgresQuery queries[POSTGRES_QUERIES_MAX];
    size_t n;
    unsigned flags;
    /* Reads what was committed: either goes on with another attempt (store_request_attempt()) or
     * ends the request (store_request_end()). */
    void (*committed)(Store *s, const PostgresRows *const *results);
} Attempt;

struct Store {
    Loop *loop;
    Connection *connection;
    LoopTimer *timer; /* the next try, or the end that must not come inside a call */
    bool row_level_security, dead;

    /* The request. */
    bool busy;
    StoreDone done;
    void *done_arg;
    int tries;        /* refused by a lock, a deadlock or a conflict */
    int64_t since_ms; /* monotonic: without a connection since */
    Attempt attempt;
    bool ending;
    StoreOutcome outcome;
    Buf problem;
    Params tenants, params[STORE_PARAMS];
    Buf tenants_text;
    int64_t tenants_last;
    Params deadline;
    void *job; /* of the request's kind, in its arena */

    /* Numbers for requesters, leased ahead. */
    int64_t requester_next, requester_end, requester_spare; /* spare: the first of a whole block */

    /* When we last read PostgreSQL's clock: what it said, and when we had it (monotonic). */
    bool clock_known;
    int64_t clock_server_ms, clock_ours_ms;
};

/* False, with `done` on its way, when another request is running. */
bool store_request_begin(Store *s, StoreDone done, void *arg);
void store_request_attempt(Store *s, const Attempt *attempt);
/* The callback comes at once: the last thing a function does with the store. */
void store_request_end(Store *s, StoreOutcome outcome, const char *problem);
/* The same from inside the caller's call: the callback comes in the next turn. */
void store_request_end_soon(Store *s, StoreOutcome outcome, const char *problem);

/* `SET LOCAL docket.tenants` to the sorted distinct tenants added. The hot statements come with the
 * planner told to hash what has no index, and only that. */
void tenants_clear(Store *s);
void tenants_add(Store *s, int64_t tenant_id);              /* ascending, repetitions allowed */
void tenants_add_all(Store *s, int64_t *tenants, size_t n); /* sorts them */
PostgresQuery tenants_query(Store *s);
PostgresQuery tenants_query_bulk(Store *s);
/* The transaction's instant: PostgreSQL's, unless the clock is the tests' (base/clock.h), which the
 * tenants' query has then told it. */
#define STORE_NOW "coalesce(nullif(current_setting('docket.clock', true), '')::timestamptz, now())"

/* Deadlines (deadline.c). The query stands last in its attempt; while it is not possible, an
 * attempt with clock_statement comes first. */
extern const PostgresStatement clock_statement;
bool deadline_possible(const Store *s);
PostgresQuery deadline_query(Store *s, int64_t use_by_ms);
void deadline_learn(Store *s, const PostgresRows *const *results); /* of a committed attempt */
bool deadline_missed(Store *s, const PostgresProblem *problem);    /* was it that which refused? */
/* The earlier of two, 0 being never. */
static inline int64_t deadline_earlier(int64_t a, int64_t b) {
    return a && (!b || a < b) ? a : b;
}

/* Reading places and ledger rows by (tenant, id), through aliases. */
extern const PostgresStatement places_statement, rows_statement;
void places_params(Params *p, const int64_t *tenants, const int64_t *ids, size_t n);
/* Row `row` of places_statement; version 0 when there is no such ticket. */
TicketPlace place_read(const PostgresRows *rows, size_t row, Arena *arena);
LedgerRow ledger_row_read(const PostgresRows *rows, size_t row,
                          Arena *arena); /* of rows_statement */
/* Joined by ',', sorted, each once: what a queue is named by. */
Str skills_join(const Str *skills, size_t n, Arena *arena);
enum { TRACE_BYTES = 25 };
void trace_bytes(const Trace *t, char ret[TRACE_BYTES]); /* as in the envelope */
/* {"a","b\"c"}: an array as the text that PostgreSQL reads. */
void array_literal(const Str *values, size_t n, Buf *ret);
