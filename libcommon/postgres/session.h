/* PostgresSession -- one statement after the other, blocking: for the operator's tool and the
 * migrations. Services use postgres/client.h. */
#pragma once

#include <stddef.h>

#include "base/text.h"
#include "postgres/params.h"
#include "postgres/rows.h"

typedef struct PostgresSession PostgresSession;

/* Connects, within timeout_ms (0: 5 s). 0, -EINVAL (no such URL) or -ENOTCONN, with a sentence in
 * *ret_problem that never holds the password. */
int postgres_session_open(const char *url, const char *application_name, int timeout_ms,
                          PostgresSession **ret, Buf *ret_problem);
PostgresSession *postgres_session_free(PostgresSession *s);
DEFINE_FREEP(PostgresSession, postgres_session)

/* One statement with its parameters (NULL: none); BEGIN, COMMIT and ROLLBACK are statements too.
 * 0 and *ret (may be NULL; lives until the next call on this session); -EIO when PostgreSQL said no
 * (see postgres_session_state()), -ENOTCONN when the connection is gone. */
int postgres_session_run(PostgresSession *s, const char *sql, const Params *params,
                         const PostgresRows **ret, Buf *ret_problem);
/* Many statements in one text, no parameters, no rows; outside BEGIN all of it is one transaction.
 */
int postgres_session_script(PostgresSession *s, const char *sql, Buf *ret_problem);
/* SQLSTATE of the last refusal ("23505"), "" after success. */
const char *postgres_session_state(const PostgresSession *s);
/* Notices ("already exists, skipping") are dropped; `text` as a quoted SQL literal or identifier.
 */
void postgres_session_quote_literal(PostgresSession *s, Str text, Buf *ret);
void postgres_session_quote_name(PostgresSession *s, Str text, Buf *ret);
