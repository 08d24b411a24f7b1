/* Problem -- libpq's error texts as one line for people; shared by client.c and session.c. */
#pragma once

#include <libpq-fe.h>

#include "base/text.h"

/* False, with a sentence that does not repeat the URL (it may hold a password). */
bool problem_check_url(const char *url, Buf *ret);
/* "connection to server at "127.0.0.1", port 5432 failed: Connection refused" */
void problem_of_connection(const PGconn *c, Buf *ret);
/* Primary message, constraint, SQLSTATE: never DETAIL or CONTEXT, which hold values of rows. */
void problem_of_result(const PGresult *r, char ret_state[6], Buf *ret);
void problem_ignore_notice(void *arg, const PGresult *r);
