/* PostgresClient -- one connection to PostgreSQL on the loop; one transaction at a time, each a
 * single pipeline with its BEGIN and COMMIT inside, so that a process that freezes holds nothing
 * open (correctness.md 12).
 *
 * Connects and reconnects by itself (100 ms to 3 s between tries). Statements are prepared the
 * first time a connection meets them. Every session has lock_timeout, statement_timeout,
 * idle_in_transaction_session_timeout (5 s) and tcp_user_timeout set. Host names are looked up by
 * libpq, which blocks: give addresses, or a resolver that is near.
 *
 * One thread: everything is called, and every callback comes, on the loop's thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"
#include "postgres/params.h"
#include "postgres/rows.h"

typedef struct PostgresClient PostgresClient;

typedef struct PostgresSettings {
    const char *url; /* postgresql://user:password@host:port/database?..., or key=value pairs */
    const char *application_name;
    const char *setup;        /* SQL run on every new connection ("LISTEN x; SET y = z"), or NULL */
    int connect_timeout_ms;   /* 0: 5 s */
    int lock_timeout_ms;      /* 0: 2 s */
    int statement_timeout_ms; /* 0: 10 s */
    int transaction_timeout_ms; /* the client's own patience, then it reconnects; 0: 15 s */
} PostgresSettings;

typedef struct PostgresEvents {
    void (*connected)(void *arg); /* with every (re)connect, after `setup` */
    void (*lost)(void *arg);      /* after a running transaction got its outcome */
    void (*notified)(void *arg, Str channel, Str payload);
} PostgresEvents; /* any may be NULL; none may come inside a call of ours */

/* NULL and a sentence in *ret_problem when the URL is no good. Does not wait for the server. */
PostgresClient *postgres_client_new(Loop *loop, const PostgresSettings *settings,
                                    const PostgresEvents *events, void *arg, Buf *ret_problem);
/* A running transaction gets POSTGRES_AWAY first. Safe inside its own callbacks. */
PostgresClient *postgres_client_free(PostgresClient *c);
DEFINE_FREEP(PostgresClient, postgres_client)

bool postgres_client_connected(const PostgresClient *c);
bool postgres_client_busy(const PostgresClient *c);
/* Why it is not connected ("connection refused"), "" while it is. Never holds the password. */
const char *postgres_client_trouble(const PostgresClient *c);

typedef struct PostgresStatement { /* a static: its address is its identity */
    const char *name;              /* unique in the process */
    const char *sql;               /* one statement */
} PostgresStatement;

typedef struct PostgresQuery {
    const PostgresStatement *statement;
    const Params *params; /* NULL: none */
} PostgresQuery;

typedef enum PostgresOutcome {
    POSTGRES_COMMITTED,
    POSTGRES_RETRY,   /* 40001, 40P01, 55P03: rolled back, the same may succeed now */
    POSTGRES_REFUSED, /* classes 22, 23 and 54: rolled back, this data can never be stored */
    POSTGRES_AWAY /* anything else; when the connection broke, nobody knows whether it committed */
} PostgresOutcome;

typedef struct PostgresProblem {
    char state[6];    /* SQLSTATE, "" when the connection broke */
    size_t statement; /* which query refused, from 0; SIZE_MAX: none of them */
    const char *text; /* primary message and constraint: no values of rows */
} PostgresProblem;

/* results[i] belongs to queries[i]; they, and `problem`, live until the callback returns. results
 * is NULL unless committed, problem is NULL if so. May run the next transaction, or free the
 * client. */
typedef void (*PostgresDone)(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                             const PostgresProblem *problem);

enum {
    POSTGRES_QUERIES_MAX = 16,
    POSTGRES_READ_ONLY = 1 /* BEGIN READ ONLY */
};

/* 0: `done` will come, exactly once, never inside this call; queries and params may go as soon as
 * it returns. -ENOTCONN, -EBUSY: nothing was sent and no callback comes. */
int postgres_client_run(PostgresClient *c, unsigned flags, const PostgresQuery *queries, size_t n,
                        PostgresDone done, void *arg);
