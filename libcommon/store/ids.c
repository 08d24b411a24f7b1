/* Leases blocks of ticket ids, the next one while the present one is being used. */
#include "store/ids.h"

#include "postgres/connection.h"

enum { BLOCK = 100000, RETRY_MS = 500 };

static const PostgresStatement lease = {"lease_ids", "SELECT ticket.lease_ids()"};

struct Ids {
    Connection *postgres;
    LoopTimer *retry;
    int64_t next, end; /* of the present block; empty when equal */
    int64_t ahead;     /* first of the next block; 0: not leased yet */
    bool asking;
};

static void ask(void *arg);

static void leased(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                   const PostgresProblem *problem) {
    Ids *ids = arg;
    (void)problem;
    ids->asking = false;
    if (outcome !=
        POSTGRES_COMMITTED) { /* a block that was leased all the same is a gap, and gaps are free */
        loop_timer_arm(ids->retry, RETRY_MS);
        return;
    }
    int64_t first = rows_int(results[0], 0, 0);
    if (ids->next == ids->end) {
        ids->next = first;
        ids->end = first + BLOCK;
        ask(ids);
    } else
        ids->ahead = first;
}

/* Wanted: a present block, and the next one once half of it is gone. */
static void ask(void *arg) {
    Ids *ids = arg;
    bool wanted = ids->next == ids->end || (!ids->ahead && ids->end - ids->next <= BLOCK / 2);
    if (ids->asking || !wanted) return;
    int r = connection_run(ids->postgres, 0, &(PostgresQuery){.statement = &lease}, 1, leased, ids);
    if (r < 0)
        loop_timer_arm(ids->retry, RETRY_MS);
    else
        ids->asking = true;
}

static void connected(void *arg) {
    Ids *ids = arg;
    loop_timer_arm(ids->retry, 0);
}

Ids *ids_new(Loop *loop, const char *postgres_url, const char *application_name, Buf *ret_problem) {
    Ids *ids = xcalloc(1, sizeof(*ids));
    ids->retry = loop_timer_new(loop, ask, ids);
    ids->postgres = connection_new(
        loop, &(PostgresSettings){.url = postgres_url, .application_name = application_name},
        &(ConnectionEvents){.ready = connected}, ids, ret_problem);
    return ids->postgres ? ids : ids_free(ids);
}

Ids *ids_free(Ids *ids) {
    if (!ids) return NULL;
    ids->postgres = connection_free(ids->postgres);
    ids->retry = loop_timer_free(ids->retry);
    free(ids);
    return NULL;
}

int64_t ids_next(Ids *ids) {
    if (ids->next == ids->end) {
        if (!ids->ahead) {
            if (!loop_timer_armed(ids->retry)) ask(ids);
            return 0;
        }
        ids->next = ids->ahead;
        ids->end = ids->ahead + BLOCK;
        ids->ahead = 0;
    }
    int64_t id = ids->next++;
    if (ids->end - ids->next == BLOCK / 2) ask(ids);
    return id;
}

int64_t ids_left(const Ids *ids) {
    return ids->end - ids->next + (ids->ahead ? BLOCK : 0);
}
