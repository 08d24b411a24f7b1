/* Connection -- a PostgresClient that is usable only on a schema we know (correctness.md 32); what
 * the store, ids, tokens, configuration and every member of a pool have one of. */
#pragma once

#include <stdbool.h>

#include "loop/loop.h"
#include "postgres/client.h"

/* The migration that this code was written for; newer ones only add. */
enum { SCHEMA_NEEDED = 16 };

typedef struct Connection Connection;

typedef struct ConnectionEvents {
    void (*ready)(void *arg); /* with every (re)connect, once the schema is known */
    void (*notified)(void *arg, Str channel, Str payload);
} ConnectionEvents; /* either may be NULL */

Connection *connection_new(Loop *loop, const PostgresSettings *settings,
                           const ConnectionEvents *events, void *arg, Buf *ret_problem);
Connection *connection_free(Connection *c);
bool connection_ready(const Connection *c);
bool connection_busy(const Connection *c);
const char *connection_trouble(const Connection *c); /* "" while ready */

/* As postgres_client_run(); -ENOTCONN also while the schema is not known. */
int connection_run(Connection *c, unsigned flags, const PostgresQuery *queries, size_t n,
                   PostgresDone done, void *arg);
