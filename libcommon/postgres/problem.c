/* libpq's error texts as one line for people. */
#include "postgres/problem_internal.h"

#include <string.h>

/* Line ends and tabs become a space, runs of them one, none at the end. */
static void add_line(Buf *ret, const char *text) {
    size_t n = strlen(text);
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++) {
        bool space = strchr(" \t\r\n", text[i]) != NULL;
        if (!space)
            buf_addc(ret, text[i]);
        else if (i && !strchr(" \t\r\n", text[i - 1]))
            buf_addc(ret, ' ');
    }
}

bool problem_check_url(const char *url, Buf *ret) {
    PQconninfoOption *options = url && *url ? PQconninfoParse(url, NULL) : NULL;
    if (!options) {
        buf_adds(ret, url && *url ? "this is no PostgreSQL URL; it looks like "
                                  : "there is no PostgreSQL URL; it looks like ");
        buf_adds(ret, "postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
        return false;
    }
    PQconninfoFree(options);
    return true;
}

void problem_of_connection(const PGconn *c, Buf *ret) {
    const char *text = c ? PQerrorMessage(c) : "out of memory";
    add_line(ret, *text ? text : "the connection was closed");
}

void problem_of_result(const PGresult *r, char ret_state[6], Buf *ret) {
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *constraint = r ? PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME) : NULL;
    ret_state[0] = 0;
    if (state && strlen(state) == 5) memcpy(ret_state, state, 6);
    add_line(ret, message ? message : r ? PQresultErrorMessage(r) : "no answer");
    if (constraint && (!message || !strstr(message, constraint)))
        buf_printf(ret, " (constraint %s)", constraint);
    if (ret_state[0]) buf_printf(ret, " [%s]", ret_state);
}

void problem_ignore_notice(void *arg, const PGresult *r) {
    (void)arg;
    (void)r;
}
