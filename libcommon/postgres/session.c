/* libpq, blocking, one statement at a time. */
#include "postgres/session.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "postgres/problem_internal.h"

struct PostgresSession {
    PGconn *connection;
    PGresult *result; /* of the last run, kept for its caller */
    char state[6];
};

int postgres_session_open(const char *url, const char *application_name, int timeout_ms,
                          PostgresSession **ret, Buf *ret_problem) {
    char seconds[16];
    if (!problem_check_url(url, ret_problem)) return -EINVAL;
    int ms = timeout_ms > 0 ? timeout_ms : 5000;
    (void)snprintf(seconds, sizeof(seconds), "%d", ms < 2000 ? 2 : (ms + 999) / 1000);
    const char *const names[] = {"connect_timeout", "dbname", "application_name", "client_encoding",
                                 NULL};
    const char *const values[] = {seconds, url, application_name, "UTF8", NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    if (!connection || PQstatus(connection) != CONNECTION_OK) {
        problem_of_connection(connection, ret_problem);
        PQfinish(connection);
        return -ENOTCONN;
    }
    (void)PQsetNoticeReceiver(connection, problem_ignore_notice, NULL);
    PostgresSession *s = xcalloc(1, sizeof(*s));
    s->connection = connection;
    *ret = s;
    return 0;
}

PostgresSession *postgres_session_free(PostgresSession *s) {
    if (!s) return NULL;
    PQclear(s->result);
    PQfinish(s->connection);
    free(s);
    return NULL;
}

/* Keeps the result if it is a good one. */
static int judge(PostgresSession *s, PGresult *result, Buf *ret_problem) {
    PQclear(s->result);
    s->result = NULL;
    s->state[0] = 0;
    ExecStatusType status = result ? PQresultStatus(result) : PGRES_FATAL_ERROR;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
        s->result = result;
        return 0;
    }
    bool gone = PQstatus(s->connection) != CONNECTION_OK;
    if (gone)
        problem_of_connection(s->connection, ret_problem);
    else
        problem_of_result(result, s->state, ret_problem);
    PQclear(result);
    return gone ? -ENOTCONN : -EIO;
}

int postgres_session_run(PostgresSession *s, const char *sql, const Params *params,
                         const PostgresRows **ret, Buf *ret_problem) {
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    size_t n = params ? params->n : 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = params->values[i].length < 0 ? NULL : params->bytes.p + params->values[i].at;
        lengths[i] = params->values[i].length;
        formats[i] = 1;
    }
    assert(!params || params->elements_left == 0);
    PGresult *result = PQexecParams(s->connection, sql, (int)n, NULL, values, lengths, formats, 1);
    int r = judge(s, result, ret_problem);
    if (r == 0 && ret) *ret = (const PostgresRows *)(const void *)s->result;
    return r;
}

/* Where in a long script it went wrong. */
static void add_line(const PGresult *result, const char *sql, Buf *ret_problem) {
    const char *at = result ? PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION) : NULL;
    int64_t characters;
    if (!at || str_to_i64(str(at), &characters) < 0) return;
    int line = 1;
    for (; *sql && characters > 1; sql++) { /* counted in characters of UTF-8 */
        if (((unsigned char)sql[1] & 0xc0) != 0x80) characters--;
        if (*sql == '\n') line++;
    }
    buf_printf(ret_problem, "line %d: ", line);
}

int postgres_session_script(PostgresSession *s, const char *sql, Buf *ret_problem) {
    PGresult *result = PQexec(s->connection, sql);
    add_line(result, sql, ret_problem);
    return judge(s, result, ret_problem);
}

const char *postgres_session_state(const PostgresSession *s) {
    return s->state;
}

void postgres_session_quote_literal(PostgresSession *s, Str text, Buf *ret) {
    char *quoted = PQescapeLiteral(s->connection, text.p ? text.p : "", text.n);
    assert(quoted); /* not UTF-8: checked by whoever took the text in */
    buf_adds(ret, quoted);
    PQfreemem(quoted);
}

void postgres_session_quote_name(PostgresSession *s, Str text, Buf *ret) {
    char *quoted = PQescapeIdentifier(s->connection, text.p ? text.p : "", text.n);
    assert(quoted);
    buf_adds(ret, quoted);
    PQfreemem(quoted);
}
