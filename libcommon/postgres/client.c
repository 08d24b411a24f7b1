/* One libpq connection as a state machine: wait, connect, set up, then transaction by transaction.
 *
 * A transaction is written as one pipeline: [prepare] BEGIN, [prepare] query ..., [prepare] COMMIT,
 * sync. Each of these operations gives exactly one result, in order, then the sync gives its own.
 * After an error the server skips to the sync; what it left open is then rolled back. */
#include "postgres/client.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "base/cause.h"
#include "log/log.h"
#include "postgres/problem_internal.h"

enum {
    RETRY_FIRST_MS = 100,
    RETRY_LAST_MS = 3000,
    OPERATIONS_MAX = 2 * (POSTGRES_QUERIES_MAX + 2),
    NO_QUERY = -1
};

typedef enum ClientState {
    CLIENT_WAITING, /* for the time of the next try */
    CLIENT_CONNECTING,
    CLIENT_SETTING_UP, /* session settings, LISTEN */
    CLIENT_READY,
    CLIENT_RUNNING,      /* a pipeline is on its way */
    CLIENT_ROLLING_BACK, /* what a refused one left open */
} ClientState;

static const char *const state_names[] = {"waiting", "connecting", "setting up",
                                          "ready",   "running",    "rolling back"};

static const PostgresStatement begin_statement = {"docket_begin",
                                                  "BEGIN ISOLATION LEVEL READ COMMITTED"};
static const PostgresStatement begin_read_only = {"docket_begin_read_only",
                                                  "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"};
static const PostgresStatement commit_statement = {"docket_commit", "COMMIT"};

typedef struct Operation {
    const PostgresStatement *prepares; /* NULL: it executes */
    int query;                         /* index of the caller's query, or NO_QUERY */
} Operation;

struct PostgresClient {
    Loop *loop;
    char *url, *application_name, *setup;
    PostgresSettings settings;
    PostgresEvents events;
    void *arg;
    bool dead; /* freed inside a callback: the memory goes at the end of the turn */

    ClientState state;
    PGconn *connection;
    LoopFd *fd;
    LoopTimer *timer; /* next try, or the patience with what runs */
    int retry_ms;
    bool broken; /* libpq refused to send: the timer, due at once, drops the connection */
    Buf trouble;

    const PostgresStatement **prepared; /* what this connection knows */
    size_t prepared_n, prepared_room;

    Operation operations[OPERATIONS_MAX];
    size_t operations_n, operations_seen;
    PGresult *results[POSTGRES_QUERIES_MAX];
    size_t queries_n;
    bool committed, refused;
    char refused_state[6];
    size_t refused_query;
    Buf refused_text;
    PostgresDone done;
    void *done_arg;
};

static void disconnect(PostgresClient *c, const char *why);
static void on_socket(int fd, unsigned what, void *arg);

static void enter(PostgresClient *c, ClientState to) {
    log_debug(NULL, "postgres: %s -> %s", state_names[c->state], state_names[to]);
    c->state = to;
}

/* ---- The outcome ---- */

static bool in_class(const char *state, const char *classes) {
    for (const char *at = classes; *at; at += 2)
        if (state[0] == at[0] && state[1] == at[1]) return true;
    return false;
}

static PostgresOutcome outcome_of(const char *state) {
    if (!strcmp(state, "40001") || !strcmp(state, "40P01") || !strcmp(state, "55P03"))
        return POSTGRES_RETRY;
    return in_class(state, "222354") ? POSTGRES_REFUSED : POSTGRES_AWAY;
}

/* Gives the running transaction its answer. The client may be dead afterwards. */
static void finish(PostgresClient *c, PostgresOutcome outcome) {
    CLEANUP(buf_done) Buf text = c->refused_text; /* `done` may run the next one, which needs it */
    PostgresDone done = c->done;
    PGresult *results[POSTGRES_QUERIES_MAX];
    const PostgresRows *rows[POSTGRES_QUERIES_MAX] = {NULL};
    size_t n = c->queries_n;
    PostgresProblem problem = {.statement = c->refused_query, .text = text.n ? text.p : ""};
    memcpy(problem.state, c->refused_state, sizeof(problem.state));
    for (size_t i = 0; i < n; i++) {
        results[i] = TAKE(c->results[i]);
        rows[i] = (const PostgresRows *)(const void *)results[i];
    }
    c->refused_text = (Buf){0};
    c->done = NULL;
    c->queries_n = 0;
    done(c->done_arg, outcome, outcome == POSTGRES_COMMITTED ? rows : NULL,
         outcome == POSTGRES_COMMITTED ? NULL : &problem);
    for (size_t i = 0; i < n; i++)
        PQclear(results[i]);
}

static void note_refusal(PostgresClient *c, const PGresult *result, size_t query) {
    if (c->refused) return; /* the first one is the reason */
    c->refused = true;
    c->refused_query = query;
    buf_clear(&c->refused_text);
    problem_of_result(result, c->refused_state, &c->refused_text);
}

/* ---- The connection ---- */

static void connection_drop(PostgresClient *c) {
    c->fd = loop_fd_free(c->fd); /* before libpq closes the descriptor */
    PQfinish(c->connection);
    c->connection = NULL;
    c->prepared_n = 0;
    c->broken = false;
    loop_timer_disarm(c->timer);
}

/* Ends the connection, answers what ran, and tries again later. The client may be dead afterwards.
 */
static void disconnect(PostgresClient *c, const char *why) {
    bool was_up = c->state >= CLIENT_READY, was_running = c->state >= CLIENT_RUNNING;
    buf_clear(&c->trouble);
    if (why)
        buf_adds(&c->trouble, why);
    else
        problem_of_connection(c->connection, &c->trouble);
    connection_drop(c);
    enter(c, CLIENT_WAITING);
    uint8_t dice;
    random_bytes(&dice, 1); /* so that many clients do not come back in step */
    loop_timer_arm(c->timer, c->retry_ms * 3 / 4 + c->retry_ms * dice / 512);
    c->retry_ms = c->retry_ms * 2 > RETRY_LAST_MS ? RETRY_LAST_MS : c->retry_ms * 2;
    if (was_running && c->committed) {
        finish(c, POSTGRES_COMMITTED); /* it said so before it went */
    } else if (was_running) {
        if (!c->refused) {
            c->refused_state[0] = 0;
            c->refused_query = SIZE_MAX;
            buf_clear(&c->refused_text);
            buf_add_str(&c->refused_text, buf_str(&c->trouble));
        }
        finish(c, POSTGRES_AWAY);
    }
    if (was_up && !c->dead && c->events.lost) c->events.lost(c->arg);
}

static void want(PostgresClient *c, unsigned what) {
    if (!c->fd) c->fd = loop_fd_new(c->loop, PQsocket(c->connection), on_socket, c);
    loop_fd_want(c->fd, what);
}

/* What libpq could not send at once waits for the socket. */
static void flush(PostgresClient *c) {
    int left = PQflush(c->connection);
    if (left < 0) {
        c->broken = true;
        loop_timer_arm(c->timer, 0);
        return;
    }
    want(c, LOOP_READ | (left ? LOOP_WRITE : 0u));
}

static void connect_begin(PostgresClient *c) {
    const char *const names[] = {"tcp_user_timeout", "keepalives_idle", "dbname",
                                 "application_name", "client_encoding", NULL};
    const char *const values[] = {"10000", "10", c->url, c->application_name, "UTF8", NULL};
    c->connection = PQconnectStartParams(names, values, 1);
    enter(c, CLIENT_CONNECTING);
    if (!c->connection || PQstatus(c->connection) == CONNECTION_BAD) {
        disconnect(c, NULL);
        return;
    }
    (void)PQsetNoticeReceiver(c->connection, problem_ignore_notice, NULL);
    loop_timer_arm(c->timer, c->settings.connect_timeout_ms);
    want(c, LOOP_WRITE); /* as if PQconnectPoll had said so */
}

static void set_up(PostgresClient *c) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "SET lock_timeout = %d; SET statement_timeout = %d;"
               "SET idle_in_transaction_session_timeout = 5000; %s",
               c->settings.lock_timeout_ms, c->settings.statement_timeout_ms,
               c->setup ? c->setup : "");
    enter(c, CLIENT_SETTING_UP);
    if (PQsetnonblocking(c->connection, 1) < 0 || !PQsendQuery(c->connection, sql.p)) {
        disconnect(c, NULL);
        return;
    }
    flush(c);
}

static void connect_poll(PostgresClient *c) {
    c->fd = loop_fd_free(c->fd); /* libpq may go on with another socket under the same number */
    switch (PQconnectPoll(c->connection)) {
    case PGRES_POLLING_READING:
        want(c, LOOP_READ);
        break;
    case PGRES_POLLING_WRITING:
        want(c, LOOP_WRITE);
        break;
    case PGRES_POLLING_OK:
        set_up(c);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
    default:
        disconnect(c, NULL);
    }
}

static void set_up_results(PostgresClient *c) {
    while (!PQisBusy(c->connection)) {
        PGresult *result = PQgetResult(c->connection);
        if (!result) {
            if (!PQenterPipelineMode(c->connection)) {
                disconnect(c, NULL);
                return;
            }
            loop_timer_disarm(c->timer);
            c->retry_ms = RETRY_FIRST_MS;
            buf_clear(&c->trouble);
            enter(c, CLIENT_READY);
            if (c->events.connected) c->events.connected(c->arg);
            return;
        }
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            CLEANUP(buf_done) Buf why = {0};
            char state[6];
            buf_adds(&why, "setting up the session: ");
            problem_of_result(result, state, &why);
            PQclear(result);
            disconnect(c, why.p);
            return;
        }
        PQclear(result);
    }
}

/* ---- A transaction ---- */

static bool is_prepared(const PostgresClient *c, const PostgresStatement *s) {
    for (size_t i = 0; i < c->prepared_n; i++)
        if (c->prepared[i] == s) return true;
    for (size_t i = 0; i < c->operations_n; i++) /* on its way in this pipeline */
        if (c->operations[i].prepares == s) return true;
    return false;
}

static bool send(PostgresClient *c, const PostgresStatement *s, const Params *params, int query) {
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    size_t n = params ? params->n : 0;
    if (!is_prepared(c, s)) {
        if (!PQsendPrepare(c->connection, s->name, s->sql, 0, NULL)) return false;
        c->operations[c->operations_n++] = (Operation){s, query};
    }
    assert(!params || params->elements_left == 0);
    for (size_t i = 0; i < n; i++) {
        values[i] = params->values[i].length < 0 ? NULL : params->bytes.p + params->values[i].at;
        lengths[i] = params->values[i].length;
        formats[i] = 1;
    }
    c->operations[c->operations_n++] = (Operation){NULL, query};
    return PQsendQueryPrepared(c->connection, s->name, (int)n, values, lengths, formats, 1) == 1;
}

int postgres_client_run(PostgresClient *c, unsigned flags, const PostgresQuery *queries, size_t n,
                        PostgresDone done, void *arg) {
    assert(n <= POSTGRES_QUERIES_MAX);
    if (c->state < CLIENT_READY || c->dead) return -ENOTCONN;
    if (c->state != CLIENT_READY || c->broken) return -EBUSY;
    c->operations_n = c->operations_seen = 0;
    c->queries_n = n;
    c->committed = c->refused = false;
    c->refused_state[0] = 0;
    c->refused_query = SIZE_MAX;
    buf_clear(&c->refused_text);
    c->done = done;
    c->done_arg = arg;
    enter(c, CLIENT_RUNNING);
    loop_timer_arm(c->timer, c->settings.transaction_timeout_ms);

    bool sent =
        send(c, flags & POSTGRES_READ_ONLY ? &begin_read_only : &begin_statement, NULL, NO_QUERY);
    for (size_t i = 0; sent && i < n; i++)
        sent = send(c, queries[i].statement, queries[i].params, (int)i);
    sent = sent && send(c, &commit_statement, NULL, NO_QUERY) && PQpipelineSync(c->connection);
    if (sent) {
        flush(c);
    } else {
        c->broken = true;
        loop_timer_arm(c->timer, 0);
    }
    return 0;
}

static void on_operation(PostgresClient *c, PGresult *result) {
    if (c->operations_seen == c->operations_n) { /* instead of the sync: the server is going away */
        note_refusal(c, result, SIZE_MAX);
        PQclear(result);
        return;
    }
    size_t at = c->operations_seen++;
    const Operation *o = &c->operations[at];
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_ABORTED) {
        PQclear(result); /* skipped because of an earlier one */
    } else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        note_refusal(c, result, o->query == NO_QUERY ? SIZE_MAX : (size_t)o->query);
        PQclear(result);
    } else if (o->prepares) {
        if (c->prepared_n == c->prepared_room) {
            c->prepared_room = c->prepared_room ? c->prepared_room * 2 : 16;
            c->prepared =
                xrealloc(c->prepared, c->prepared_room * sizeof(*c->prepared)); /* pointers */
        }
        c->prepared[c->prepared_n++] = o->prepares;
        PQclear(result);
    } else if (o->query == NO_QUERY) {
        if (at + 1 == c->operations_n) c->committed = !strcmp(PQcmdStatus(result), "COMMIT");
        PQclear(result);
    } else {
        c->results[o->query] = result;
    }
}

static void conclude(PostgresClient *c) {
    PostgresOutcome outcome = c->committed ? POSTGRES_COMMITTED
                              : c->refused ? outcome_of(c->refused_state)
                                           : POSTGRES_AWAY;
    /* A session that went stale (statement unknown, read only since a failover) is of no more use.
     */
    if (!c->committed && in_class(c->refused_state, "0A2526")) {
        disconnect(c, NULL);
        return;
    }
    if (!c->broken) loop_timer_disarm(c->timer);
    enter(c, CLIENT_READY);
    finish(c, outcome);
}

static void on_sync(PostgresClient *c) {
    if (c->state == CLIENT_RUNNING && PQtransactionStatus(c->connection) != PQTRANS_IDLE) {
        enter(c, CLIENT_ROLLING_BACK);
        if (!PQsendQueryParams(c->connection, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) ||
            !PQpipelineSync(c->connection)) {
            disconnect(c, NULL);
            return;
        }
        flush(c);
        return;
    }
    conclude(c);
}

static void run_results(PostgresClient *c) {
    int nothing = 0; /* PQgetResult() separates queries by one NULL; more of them mean it is lost */
    while (c->state >= CLIENT_RUNNING && !PQisBusy(c->connection)) {
        PGresult *result = PQgetResult(c->connection);
        if (!result) {
            if (++nothing > 2) {
                disconnect(c, "PostgreSQL's answers do not fit the questions");
                return;
            }
            continue;
        }
        nothing = 0;
        if (PQstatus(c->connection) == CONNECTION_BAD) {
            PQclear(result);
            disconnect(c, NULL);
            return;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            on_sync(c);
        } else if (c->state == CLIENT_RUNNING) {
            on_operation(c, result);
        } else {
            PQclear(result);
        }
    }
}

static void notifications(PostgresClient *c) {
    PGnotify *n;
    while (c->connection && (n = PQnotifies(c->connection))) {
        if (c->events.notified) c->events.notified(c->arg, str(n->relname), str(n->extra));
        PQfreemem(n);
    }
}

static void on_socket(int fd, unsigned what, void *arg) {
    PostgresClient *c = arg;
    (void)fd;
    if (c->dead) return;
    if (c->state == CLIENT_CONNECTING) {
        connect_poll(c);
        return;
    }
    if (what & LOOP_READ && !PQconsumeInput(c->connection)) {
        disconnect(c, NULL);
        return;
    }
    flush(c);
    if (c->state == CLIENT_SETTING_UP)
        set_up_results(c);
    else
        run_results(c);
    notifications(c);
}

static void on_timer(void *arg) {
    PostgresClient *c = arg;
    if (c->dead) return;
    switch (c->state) {
    case CLIENT_WAITING:
        connect_begin(c);
        break;
    case CLIENT_CONNECTING:
    case CLIENT_SETTING_UP:
        disconnect(c, c->broken ? NULL : "no answer while connecting");
        break;
    case CLIENT_READY:
    case CLIENT_RUNNING:
    case CLIENT_ROLLING_BACK:
        disconnect(c, c->broken ? NULL : "no answer to a transaction");
        break;
    }
}

/* ---- A life ---- */

static int default_ms(int ms, int fallback) {
    return ms > 0 ? ms : fallback;
}

PostgresClient *postgres_client_new(Loop *loop, const PostgresSettings *settings,
                                    const PostgresEvents *events, void *arg, Buf *ret_problem) {
    if (!problem_check_url(settings->url, ret_problem)) return NULL;
    PostgresClient *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    c->url = xstrdup(settings->url);
    c->application_name =
        xstrdup(settings->application_name ? settings->application_name : "docket");
    c->setup = settings->setup ? xstrdup(settings->setup) : NULL;
    c->settings = (PostgresSettings){
        .connect_timeout_ms = default_ms(settings->connect_timeout_ms, 5000),
        .lock_timeout_ms = default_ms(settings->lock_timeout_ms, 2000),
        .statement_timeout_ms = default_ms(settings->statement_timeout_ms, 10000),
        .transaction_timeout_ms = default_ms(settings->transaction_timeout_ms, 15000)};
    if (events) c->events = *events;
    c->arg = arg;
    c->retry_ms = RETRY_FIRST_MS;
    buf_adds(&c->trouble, "not connected yet");
    c->timer = loop_timer_new(loop, on_timer, c);
    loop_timer_arm(c->timer, 0);
    return c;
}

static void free_memory(void *p) {
    PostgresClient *c = p;
    free(c->url);
    free(c->application_name);
    free(c->setup);
    free(c->prepared);
    buf_done(&c->trouble);
    buf_done(&c->refused_text);
    free(c);
}

PostgresClient *postgres_client_free(PostgresClient *c) {
    if (!c || c->dead) return NULL;
    c->dead = true;
    bool was_running = c->state >= CLIENT_RUNNING && c->done;
    connection_drop(c);
    c->state = CLIENT_WAITING;
    c->timer = loop_timer_free(c->timer);
    if (was_running) {
        buf_clear(&c->refused_text);
        buf_adds(&c->refused_text, "the client was freed");
        c->refused_state[0] = 0;
        c->refused_query = SIZE_MAX;
        finish(c, POSTGRES_AWAY);
    }
    loop_free_later(c->loop, c, free_memory);
    return NULL;
}

bool postgres_client_connected(const PostgresClient *c) {
    return c->state >= CLIENT_READY;
}

bool postgres_client_busy(const PostgresClient *c) {
    return c->state >= CLIENT_RUNNING;
}

const char *postgres_client_trouble(const PostgresClient *c) {
    return c->trouble.n ? c->trouble.p : "";
}
