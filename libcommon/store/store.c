/* The life of a store, and of the one request that it works on: attempts until committed, refused
 * for good, or nobody knows. */
#include "store/store.h"

#include <errno.h>

#include "base/cause.h"
#include "base/clock.h"
#include "store/store_internal.h"

enum {
    TRIES_MAX = 6,           /* of 40001, 40P01, 55P03 */
    RETRY_MS = 20,           /* times the try's number, with some luck in it */
    AWAY_PATIENCE_MS = 1000, /* waiting for a connection before the caller is asked to come again */
    AWAY_PAUSE_MS = 100,
};

/* Every table is reached by its index, whatever the planner knew when the statement was prepared:
 * an empty table grows by thousands of rows before it is first analysed. */
static const char setup[] = "SET enable_seqscan = off; SET enable_hashjoin = off;"
                            "SET enable_mergejoin = off; SET jit = off;"
                            "SET plan_cache_mode = force_generic_plan";

static const PostgresStatement tenants_statement = {
    "store_tenants", "SELECT set_config('docket.tenants', $1::text, true)"};
/* With nested loops off, LATERAL and sub-selects still use their index, and what has none is
 * hashed. */
static const PostgresStatement tenants_bulk_statement = {
    "store_tenants_bulk", "SELECT set_config('docket.tenants', $1::text, true),"
                          " set_config('enable_nestloop', 'off', true),"
                          " set_config('enable_hashjoin', 'on', true)"};

static const PostgresStatement tenants_clock_statement = {
    "store_tenants_clock", "SELECT set_config('docket.tenants', $1::text, true),"
                           " set_config('docket.clock', $2::text, true)"};
static const PostgresStatement tenants_bulk_clock_statement = {
    "store_tenants_bulk_clock", "SELECT set_config('docket.tenants', $1::text, true),"
                                " set_config('enable_nestloop', 'off', true),"
                                " set_config('enable_hashjoin', 'on', true),"
                                " set_config('docket.clock', $2::text, true)"};

static void attempt_now(Store *s);

/* ---- Tenants ---- */

void tenants_clear(Store *s) {
    params_clear(&s->tenants);
    buf_clear(&s->tenants_text);
    s->tenants_last = 0;
}

void tenants_add(Store *s, int64_t tenant_id) {
    if (tenant_id == s->tenants_last) return;
    buf_addc(&s->tenants_text, s->tenants_text.n ? ',' : '{');
    buf_add_i64(&s->tenants_text, tenant_id);
    s->tenants_last = tenant_id;
}

static int compare_tenants(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void tenants_add_all(Store *s, int64_t *tenants, size_t n) {
    if (n) qsort(tenants, n, sizeof(*tenants), compare_tenants);
    for (size_t i = 0; i < n; i++)
        tenants_add(s, tenants[i]);
}

/* May be asked for again by the request's next transaction. */
static PostgresQuery tenants(Store *s, const PostgresStatement *statement,
                             const PostgresStatement *with_clock) {
    if (!str_ends(buf_str(&s->tenants_text), STR("}")))
        buf_adds(&s->tenants_text, s->tenants_text.n ? "}" : "{}");
    params_clear(&s->tenants);
    params_text(&s->tenants, buf_str(&s->tenants_text));
    if (!clock_is_injected()) return (PostgresQuery){statement, &s->tenants};
    char now[25];
    clock_format_ms(clock_wall_ms(), now);
    params_text(&s->tenants, str(now));
    return (PostgresQuery){with_clock, &s->tenants};
}

PostgresQuery tenants_query(Store *s) {
    return tenants(s, &tenants_statement, &tenants_clock_statement);
}

PostgresQuery tenants_query_bulk(Store *s) {
    return tenants(s, &tenants_bulk_statement, &tenants_bulk_clock_statement);
}

/* ---- The request ---- */

typedef struct Busy {
    StoreDone done;
    void *arg;
} Busy;

static void answer_busy(void *arg) {
    Busy *b = arg;
    b->done(b->arg, STORE_BUSY, "a transaction is already running here");
    free(b);
}

bool store_request_begin(Store *s, StoreDone done, void *arg) {
    if (s->busy) {
        Busy *b = xmalloc(sizeof(*b));
        *b = (Busy){done, arg};
        loop_defer(s->loop, answer_busy, b);
        return false;
    }
    s->busy = true;
    s->done = done;
    s->done_arg = arg;
    s->ending = false;
    buf_clear(&s->problem);
    tenants_clear(s);
    for (size_t i = 0; i < STORE_PARAMS; i++)
        params_clear(&s->params[i]);
    return true;
}

void store_request_end(Store *s, StoreOutcome outcome, const char *problem) {
    CLEANUP(buf_done) Buf text = {0}; /* ours: the callback may begin the next request */
    if (problem) buf_adds(&text, problem);
    s->busy = false;
    loop_timer_disarm(s->timer);
    s->done(s->done_arg, outcome, text.p);
}

static void end_later(Store *s, StoreOutcome outcome, const char *problem, int64_t ms) {
    s->ending = true;
    s->outcome = outcome;
    buf_clear(&s->problem);
    if (problem) buf_adds(&s->problem, problem);
    loop_timer_arm(s->timer, ms);
}

void store_request_end_soon(Store *s, StoreOutcome outcome, const char *problem) {
    end_later(s, outcome, problem, 0);
}

static void on_timer(void *arg) {
    Store *s = arg;
    if (s->dead || !s->busy) return;
    if (s->ending)
        store_request_end(s, s->outcome, s->problem.n ? s->problem.p : NULL);
    else
        attempt_now(s);
}

static void on_outcome(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Store *s = arg;
    if (s->dead) return; /* store_free() has answered */
    CLEANUP(buf_done) Buf text = {0};
    if (outcome != POSTGRES_COMMITTED) {
        if (problem->statement < s->attempt.n)
            buf_printf(&text, "%s: ", s->attempt.queries[problem->statement].statement->name);
        buf_adds(&text, problem->text);
    }
    switch (outcome) {
    case POSTGRES_COMMITTED:
        deadline_learn(s, results);
        s->attempt.committed(s, results);
        break;
    case POSTGRES_RETRY:
        if (++s->tries >= TRIES_MAX) {
            store_request_end(s, STORE_AGAIN, text.p);
        } else {
            uint8_t dice;
            random_bytes(&dice, 1); /* two that met must not meet again */
            loop_timer_arm(s->timer, (int64_t)s->tries * RETRY_MS * dice / 255);
        }
        break;
    case POSTGRES_REFUSED:
        store_request_end(s, deadline_missed(s, problem) ? STORE_LATE : STORE_REFUSED, text.p);
        break;
    case POSTGRES_AWAY:
        end_later(s, STORE_AGAIN, text.p, AWAY_PAUSE_MS);
        break;
    }
}

static void attempt_now(Store *s) {
    const Attempt *a = &s->attempt;
    int r = connection_run(s->connection, a->flags, a->queries, a->n, on_outcome, s);
    if (r == 0) return;
    int64_t now = clock_monotonic_ms();
    if (s->since_ms == 0) s->since_ms = now;
    if (now - s->since_ms < AWAY_PATIENCE_MS) {
        loop_timer_arm(s->timer, AWAY_PAUSE_MS);
        return;
    }
    CLEANUP(buf_done) Buf text = {0};
    buf_printf(&text, "PostgreSQL is away: %s", connection_trouble(s->connection));
    end_later(s, STORE_AGAIN, text.p, 0);
}

void store_request_attempt(Store *s, const Attempt *attempt) {
    s->attempt = *attempt;
    s->tries = 0;
    s->since_ms = 0;
    attempt_now(s);
}

/* ---- A life ---- */

static void on_ready(void *arg) {
    Store *s = arg;
    s->clock_known = false; /* perhaps another server's */
    if (!s->busy || s->ending || s->since_ms == 0) return;
    loop_timer_arm(s->timer, 0); /* somebody waits for this connection */
}

Store *store_new(Loop *loop, const StoreSettings *settings, Buf *ret_problem) {
    static const ConnectionEvents events = {.ready = on_ready};
    Store *s = xcalloc(1, sizeof(*s));
    s->connection =
        connection_new(loop,
                       &(PostgresSettings){.url = settings->postgres_url,
                                           .application_name = settings->application_name,
                                           .setup = setup},
                       &events, s, ret_problem);
    if (!s->connection) {
        free(s);
        return NULL;
    }
    s->loop = loop;
    s->row_level_security = settings->row_level_security;
    s->timer = loop_timer_new(loop, on_timer, s);
    return s;
}

static void free_memory(void *p) {
    Store *s = p;
    params_done(&s->tenants);
    params_done(&s->deadline);
    for (size_t i = 0; i < STORE_PARAMS; i++)
        params_done(&s->params[i]);
    buf_done(&s->tenants_text);
    buf_done(&s->problem);
    free(s);
}

Store *store_free(Store *s) {
    if (!s || s->dead) return NULL;
    s->dead = true;
    connection_free(s->connection);
    loop_timer_free(s->timer);
    if (s->busy) s->done(s->done_arg, STORE_AGAIN, "the store was closed");
    loop_free_later(s->loop, s, free_memory);
    return NULL;
}

bool store_connected(const Store *s, Buf *ret_reason) {
    if (connection_ready(s->connection)) return true;
    if (ret_reason) buf_adds(ret_reason, connection_trouble(s->connection));
    return false;
}

bool store_busy(const Store *s) {
    return s->busy;
}
