/* A line of those who wait, and connections that take from its head when they are free. */
#include "postgres/pool.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "postgres/connection.h"

enum { CONNECTIONS = 8, WAITING = 1024, PATIENCE_MS = 2000, TICK_MS = 50 };

typedef struct Job {
    struct Job *next;
    unsigned flags;
    const PostgresQuery *queries;
    size_t n;
    PostgresDone done;
    void *arg;
    int64_t since_ms;
} Job;

typedef struct Member {
    PostgresPool *pool;
    Connection *connection;
    Job *job; /* running here */
} Member;

struct PostgresPool {
    Loop *loop;
    size_t connections, limit;
    int64_t patience_ms;
    Job *first, **last; /* oldest first */
    size_t waiting, running;
    Job *spare;
    Member *members;
    LoopTimer *tick; /* ends the patience of those who wait */
    bool dead;
};

static void dispatch(PostgresPool *p);

static void job_release(PostgresPool *p, Job *j) {
    j->next = p->spare;
    p->spare = j;
}

/* Ends one; its callback may ask for more. */
static void job_end(PostgresPool *p, Job *j, PostgresOutcome outcome,
                    const PostgresRows *const *results, const PostgresProblem *problem) {
    PostgresDone done = j->done;
    void *arg = j->arg;
    job_release(p, j);
    done(arg, outcome, results, problem);
}

static void to_the_front(PostgresPool *p, Job *j) {
    j->next = p->first;
    p->first = j;
    if (!j->next) p->last = &j->next;
    p->waiting++;
    if (!loop_timer_armed(p->tick)) loop_timer_arm(p->tick, TICK_MS);
}

static bool may_repeat(const PostgresPool *p, const Job *j, PostgresOutcome outcome) {
    bool harmless =
        outcome == POSTGRES_RETRY || (outcome == POSTGRES_AWAY && j->flags & POSTGRES_READ_ONLY);
    return harmless && !p->dead && clock_monotonic_ms() - j->since_ms < p->patience_ms;
}

static void on_done(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Member *m = arg;
    PostgresPool *p = m->pool;
    Job *j = m->job;
    m->job = NULL;
    p->running--;
    if (may_repeat(p, j, outcome))
        to_the_front(p, j);
    else
        job_end(p, j, outcome, results, problem);
    dispatch(p);
}

/* One that is idle and whose schema is known; NULL: none. */
static Member *member_free(PostgresPool *p) {
    for (size_t i = 0; i < p->connections; i++) {
        Member *m = &p->members[i];
        if (!m->job && connection_ready(m->connection) && !connection_busy(m->connection)) return m;
    }
    return NULL;
}

static void dispatch(PostgresPool *p) {
    Member *m;
    while (!p->dead && p->first && (m = member_free(p))) {
        Job *j = p->first;
        if (connection_run(m->connection, j->flags, j->queries, j->n, on_done, m) < 0) return;
        p->first = j->next;
        if (!p->first) p->last = &p->first;
        p->waiting--;
        p->running++;
        m->job = j;
    }
}

static void on_tick(void *arg) {
    static const PostgresProblem late = {.statement = SIZE_MAX,
                                         .text = "no connection of the pool became free in time"};
    PostgresPool *p = arg;
    int64_t now = clock_monotonic_ms();
    while (p->first && now - p->first->since_ms >= p->patience_ms) {
        Job *j = p->first;
        p->first = j->next;
        if (!p->first) p->last = &p->first;
        p->waiting--;
        job_end(p, j, POSTGRES_AWAY, NULL, &late);
    }
    dispatch(p);
    if (p->first) loop_timer_arm(p->tick, TICK_MS);
}

static void on_ready(void *arg) {
    dispatch(((Member *)arg)->pool);
}

int postgres_pool_run(PostgresPool *p, unsigned flags, const PostgresQuery *queries, size_t n,
                      PostgresDone done, void *arg) {
    assert(n <= POSTGRES_QUERIES_MAX);
    if (p->waiting >= p->limit || p->dead) return -ENOBUFS;
    Job *j = p->spare;
    if (j)
        p->spare = j->next;
    else
        j = xmalloc(sizeof(*j));
    *j = (Job){.flags = flags,
               .queries = queries,
               .n = n,
               .done = done,
               .arg = arg,
               .since_ms = clock_monotonic_ms()};
    *p->last = j;
    p->last = &j->next;
    p->waiting++;
    dispatch(p);
    if (p->first && !loop_timer_armed(p->tick)) loop_timer_arm(p->tick, TICK_MS);
    return 0;
}

PostgresPool *postgres_pool_new(Loop *loop, const PostgresPoolSettings *settings,
                                Buf *ret_problem) {
    static const ConnectionEvents events = {.ready = on_ready};
    PostgresPool *p = xcalloc(1, sizeof(*p));
    p->loop = loop;
    p->connections = settings->connections ? settings->connections : CONNECTIONS;
    p->limit = settings->waiting ? settings->waiting : WAITING;
    p->patience_ms = settings->patience_ms ? settings->patience_ms : PATIENCE_MS;
    p->last = &p->first;
    p->tick = loop_timer_new(loop, on_tick, p);
    p->members = xcalloc(p->connections, sizeof(*p->members));
    for (size_t i = 0; i < p->connections; i++) {
        Member *m = &p->members[i];
        m->pool = p;
        m->connection = connection_new(loop, &settings->postgres, &events, m, ret_problem);
        if (!m->connection) return postgres_pool_free(p);
    }
    return p;
}

static void free_memory(void *arg) {
    PostgresPool *p = arg;
    for (Job *j = p->spare, *next; j; j = next) {
        next = j->next;
        free(j);
    }
    free(p->members);
    free(p);
}

PostgresPool *postgres_pool_free(PostgresPool *p) {
    static const PostgresProblem freed = {.statement = SIZE_MAX, .text = "the pool was freed"};
    if (!p || p->dead) return NULL;
    p->dead = true;
    for (size_t i = 0; i < p->connections; i++)
        p->members[i].connection = connection_free(p->members[i].connection);
    while (p->first) {
        Job *j = p->first;
        p->first = j->next;
        job_end(p, j, POSTGRES_AWAY, NULL, &freed);
    }
    p->tick = loop_timer_free(p->tick);
    loop_free_later(p->loop, p, free_memory);
    return NULL;
}

bool postgres_pool_ready(const PostgresPool *p, Buf *ret_reason) {
    for (size_t i = 0; i < p->connections; i++)
        if (connection_ready(p->members[i].connection)) return true;
    if (ret_reason) buf_adds(ret_reason, connection_trouble(p->members[0].connection));
    return false;
}

size_t postgres_pool_running(const PostgresPool *p) {
    return p->running;
}

size_t postgres_pool_waiting(const PostgresPool *p) {
    return p->waiting;
}

int64_t postgres_pool_oldest_ms(const PostgresPool *p) {
    return p->first ? clock_monotonic_ms() - p->first->since_ms : 0;
}
