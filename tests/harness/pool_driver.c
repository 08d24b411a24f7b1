/* Drives libcommon/postgres/pool for tests: one run, its outcomes counted on standard output.
 *
 *   pool_driver URL CONNECTIONS WAITING PATIENCE-MS N WHAT
 * WHAT: `sleep` or `sleep-read` (half a second, the latter read-only), `cross` (two rows updated,
 * every second time in the other order: deadlocks), `wrong` (a division by zero).
 * "begun" is printed once all are asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "postgres/pool.h"

static const PostgresStatement sleep_half = {"pool_sleep", "SELECT pg_sleep(0.5)::text"};
static const PostgresStatement first = {"pool_first",
                                        "UPDATE pool_test.rows SET n = n + 1 WHERE id = 1"};
static const PostgresStatement second = {"pool_second",
                                         "UPDATE pool_test.rows SET n = n + 1 WHERE id = 2"};
static const PostgresStatement between = {"pool_between", "SELECT pg_sleep(0.01)::text"};
static const PostgresStatement zero = {"pool_zero", "SELECT 1 / (random() * 0)::integer"};

static Loop *loop;
static int counts[4], refused, left;

static void on_done(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    (void)arg;
    if ((results == NULL) != (outcome != POSTGRES_COMMITTED)) abort();
    if ((problem == NULL) != (outcome == POSTGRES_COMMITTED)) abort();
    counts[outcome]++;
    if (--left == 0) loop_stop(loop);
}

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    static const PostgresQuery sleeping[] = {{&sleep_half, NULL}}, wrong[] = {{&zero, NULL}};
    static const PostgresQuery there[] = {{&first, NULL}, {&between, NULL}, {&second, NULL}};
    static const PostgresQuery back[] = {{&second, NULL}, {&between, NULL}, {&first, NULL}};
    CLEANUP(buf_done) Buf problem = {0};
    PostgresPoolSettings settings = {
        .postgres = {.url = argv[1], .application_name = "pool_driver"},
        .connections = (size_t)atoi(argv[2]),
        .waiting = (size_t)atoi(argv[3]),
        .patience_ms = atoi(argv[4])};
    Str what = str(argv[6]);
    loop = loop_new();
    PostgresPool *pool = postgres_pool_new(loop, &settings, &problem);
    if (!pool) return 1;
    while (!postgres_pool_ready(pool, NULL))
        loop_run_for(loop, 10);
    loop_run_for(loop, 300); /* the others as well */
    for (int i = 0; i < atoi(argv[5]); i++) {
        const PostgresQuery *queries = str_is(what, "cross")   ? (i % 2 ? there : back)
                                       : str_is(what, "wrong") ? wrong
                                                               : sleeping;
        unsigned flags = str_is(what, "sleep-read") ? POSTGRES_READ_ONLY : 0;
        int r =
            postgres_pool_run(pool, flags, queries, str_is(what, "cross") ? 3 : 1, on_done, NULL);
        if (r == -ENOBUFS)
            refused++;
        else
            left++;
    }
    (void)printf("begun\n");
    (void)fflush(stdout);
    if (left) loop_run(loop);
    (void)printf("{\"committed\":%d,\"retry\":%d,\"refused\":%d,\"away\":%d,\"full\":%d}\n",
                 counts[POSTGRES_COMMITTED], counts[POSTGRES_RETRY], counts[POSTGRES_REFUSED],
                 counts[POSTGRES_AWAY], refused);
    postgres_pool_free(pool);
    loop_run_for(loop, 10);
    loop_free(loop);
    return 0;
}
