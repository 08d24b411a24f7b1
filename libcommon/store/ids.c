/* Leases blocks of ticket ids, the next one while the present one is being used; and says every
 * minute which it holds, and which it has used up (store/arrivals.h reads that). */
#include "store/ids.h"

#include "postgres/connection.h"
#include "postgres/params.h"

enum {
    BLOCK = 100000,
    RETRY_MS = 500,
    MARK_MS = 60000,
    USED_UP_MAX = 16, /* not yet marked so; beyond, they age by their last sight */
};

static const PostgresStatement lease = {"lease_ids", "SELECT ticket.lease_ids()"};
static const PostgresStatement mark = {"mark_blocks",
                                       "SELECT ticket.mark_blocks($1::bigint[], $2::bigint[])"};

struct Ids {
    Connection *postgres;
    LoopTimer *retry;
    int64_t next, end; /* of the present block; empty when equal */
    int64_t ahead;     /* first of the next block; 0: not leased yet */
    bool asking;

    LoopTimer *mark;
    Params marks;
    int64_t used_up[USED_UP_MAX];
    size_t used_up_n, marking_n; /* marking: so many of them are on their way */
    bool marking;
};

static void ask(void *arg);

/* ---- What is held ---- */

static void on_marked(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Ids *ids = arg;
    (void)results, (void)problem;
    ids->marking = false;
    if (outcome == POSTGRES_COMMITTED) {
        ids->used_up_n -= ids->marking_n;
        memmove(ids->used_up, ids->used_up + ids->marking_n,
                ids->used_up_n * sizeof(*ids->used_up));
    }
    loop_timer_arm(ids->mark, outcome != POSTGRES_COMMITTED ? RETRY_MS
                              : ids->used_up_n              ? 0
                                                            : MARK_MS);
}

static void on_mark(void *arg) {
    Ids *ids = arg;
    Params *p = &ids->marks;
    bool present = ids->next != ids->end;
    if (ids->marking) return;
    params_clear(p);
    params_array(p, PARAM_INT8, (size_t)present + (ids->ahead != 0));
    if (present) params_element_i64(p, ids->end - BLOCK);
    if (ids->ahead) params_element_i64(p, ids->ahead);
    params_array(p, PARAM_INT8, ids->used_up_n);
    for (size_t i = 0; i < ids->used_up_n; i++)
        params_element_i64(p, ids->used_up[i]);
    ids->marking_n = ids->used_up_n;
    if (connection_run(ids->postgres, 0, &(PostgresQuery){&mark, p}, 1, on_marked, ids) < 0)
        loop_timer_arm(ids->mark, RETRY_MS);
    else
        ids->marking = true;
}

static void used_up(Ids *ids) {
    if (ids->used_up_n < USED_UP_MAX) ids->used_up[ids->used_up_n++] = ids->end - BLOCK;
    loop_timer_arm(ids->mark, 0);
}

/* ---- Leasing ---- */

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
    ids->mark = loop_timer_new(loop, on_mark, ids);
    loop_timer_arm(ids->mark, MARK_MS);
    ids->postgres = connection_new(
        loop, &(PostgresSettings){.url = postgres_url, .application_name = application_name},
        &(ConnectionEvents){.ready = connected}, ids, ret_problem);
    return ids->postgres ? ids : ids_free(ids);
}

Ids *ids_free(Ids *ids) {
    if (!ids) return NULL;
    ids->postgres = connection_free(ids->postgres);
    ids->retry = loop_timer_free(ids->retry);
    ids->mark = loop_timer_free(ids->mark);
    params_done(&ids->marks);
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
    if (ids->next == ids->end) used_up(ids);
    if (ids->end - ids->next == BLOCK / 2) ask(ids);
    return id;
}

int64_t ids_left(const Ids *ids) {
    return ids->end - ids->next + (ids->ahead ? BLOCK : 0);
}
