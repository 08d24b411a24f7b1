/* Asks for the schema's number after every connect, again every second while it is too old. */
#include "postgres/connection.h"

#include <errno.h>

static const PostgresStatement schema_statement = {
    "store_schema", "SELECT coalesce(max(number), 0) FROM docket.migrations"};

enum { ASK_AGAIN_MS = 1000 };

struct Connection {
    Loop *loop;
    PostgresClient *client;
    LoopTimer *ask_again;
    ConnectionEvents events;
    void *arg;
    bool known, dead;
    Buf trouble;
};

static void on_schema(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Connection *c = arg;
    if (c->dead) return;
    buf_clear(&c->trouble);
    if (outcome == POSTGRES_COMMITTED && rows_int(results[0], 0, 0) >= SCHEMA_NEEDED) {
        c->known = true;
        if (c->events.ready) c->events.ready(c->arg);
        return;
    }
    if (outcome == POSTGRES_COMMITTED)
        buf_printf(&c->trouble,
                   "the schema is at migration %04d, this program needs %04d: run docket migrate",
                   (int)rows_int(results[0], 0, 0), SCHEMA_NEEDED);
    else
        buf_printf(&c->trouble, "the schema is not there (%s): run docket migrate", problem->text);
    loop_timer_arm(c->ask_again, ASK_AGAIN_MS);
}

static void ask(void *arg) {
    Connection *c = arg;
    static const PostgresQuery query = {&schema_statement, NULL};
    /* Not connected any more: the next connect asks. */
    if (!c->dead) (void)postgres_client_run(c->client, POSTGRES_READ_ONLY, &query, 1, on_schema, c);
}

static void on_lost(void *arg) {
    Connection *c = arg;
    c->known = false;
    loop_timer_disarm(c->ask_again);
}

static void on_notified(void *arg, Str channel, Str payload) {
    Connection *c = arg;
    if (c->known && c->events.notified) c->events.notified(c->arg, channel, payload);
}

static void free_memory(void *p) {
    Connection *c = p;
    buf_done(&c->trouble);
    free(c);
}

Connection *connection_free(Connection *c) {
    if (!c || c->dead) return NULL;
    c->dead = true;
    postgres_client_free(c->client);
    loop_timer_free(c->ask_again);
    loop_free_later(c->loop, c, free_memory);
    return NULL;
}

Connection *connection_new(Loop *loop, const PostgresSettings *settings,
                           const ConnectionEvents *events, void *arg, Buf *ret_problem) {
    static const PostgresEvents ours = {.connected = ask, .lost = on_lost, .notified = on_notified};
    Connection *c = xcalloc(1, sizeof(*c));
    c->client = postgres_client_new(loop, settings, &ours, c, ret_problem);
    if (!c->client) {
        free(c);
        return NULL;
    }
    c->loop = loop;
    c->ask_again = loop_timer_new(loop, ask, c);
    if (events) c->events = *events;
    c->arg = arg;
    return c;
}

bool connection_ready(const Connection *c) {
    return c->known && postgres_client_connected(c->client);
}

bool connection_busy(const Connection *c) {
    return postgres_client_busy(c->client);
}

const char *connection_trouble(const Connection *c) {
    if (connection_ready(c)) return "";
    if (!postgres_client_connected(c->client)) return postgres_client_trouble(c->client);
    return c->trouble.n ? c->trouble.p : "the schema is not known yet";
}

int connection_run(Connection *c, unsigned flags, const PostgresQuery *queries, size_t n,
                   PostgresDone done, void *arg) {
    if (!c->known) return -ENOTCONN;
    return postgres_client_run(c->client, flags, queries, n, done, arg);
}
