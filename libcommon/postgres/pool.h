/* PostgresPool -- a bounded number of connections for many short transactions: each runs on the
 * next that is free, in the order in which they came.
 *
 * A transaction that met a serialization failure, a deadlock or a lock timeout (40001, 40P01,
 * 55P03) is repeated, a read-only one also when its connection broke under it, both until its
 * patience is over. Other transactions whose connection broke are not: nobody knows whether they
 * committed. */
#pragma once

#include "postgres/client.h"

typedef struct PostgresPool PostgresPool;

typedef struct PostgresPoolSettings {
    PostgresSettings postgres; /* of each connection */
    size_t connections;        /* 0: 8 */
    size_t waiting;            /* for a connection, at most; 0: 1024 */
    int64_t patience_ms;       /* from the call to the last beginning of a try; 0: 2 s */
} PostgresPoolSettings;

PostgresPool *postgres_pool_new(Loop *loop, const PostgresPoolSettings *settings, Buf *ret_problem);
/* What waits or runs gets POSTGRES_AWAY first. */
PostgresPool *postgres_pool_free(PostgresPool *p);
DEFINE_FREEP(PostgresPool, postgres_pool)

/* 0: `done` will come, exactly once, never inside this call; `queries` and their Params must live
 * until then. Outcomes are a client's; POSTGRES_RETRY: still refused when the patience was over,
 * POSTGRES_AWAY: also when no connection became free in time. -ENOBUFS: too many wait; no callback
 * comes. */
int postgres_pool_run(PostgresPool *p, unsigned flags, const PostgresQuery *queries, size_t n,
                      PostgresDone done, void *arg);

/* Is one connection at least usable? If not, appends why. */
bool postgres_pool_ready(const PostgresPool *p, Buf *ret_reason);
size_t postgres_pool_running(const PostgresPool *p);
size_t postgres_pool_waiting(const PostgresPool *p);
int64_t postgres_pool_oldest_ms(const PostgresPool *p); /* how long the oldest waits; 0: nobody */
