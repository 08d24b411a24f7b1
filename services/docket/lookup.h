/* Lookup -- what the commands about tenants, sources, tokens and tickets share: the connection, a
 * tenant by its name, tables and JSON for their answers.
 *
 * Functions that can fail return 0, or the exit code after saying on stderr what is wrong: 1 when
 * there is no such thing, 2 when it is not possible. `command` is "docket token", for that
 * sentence. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "postgres/session.h"

typedef enum LookupPurpose {
    LOOKUP_READING, /* DOCKET_POSTGRES */
    LOOKUP_WRITING  /* DOCKET_POSTGRES_ADMIN */
} LookupPurpose;

/* `url` NULL: from the environment (which exits 2 when it is not set). */
int lookup_open(const char *command, const char *url, LookupPurpose purpose, PostgresSession **ret);
int lookup_run(const char *command, PostgresSession *s, const char *sql, const Params *params,
               const PostgresRows **ret);
/* NULL or "" is a name that was forgotten. */
int lookup_tenant(const char *command, PostgresSession *s, const char *name, int64_t *ret_id);

/* A ticket by any of its ids, of the tenant named, or (`tenant` NULL) of the only one that has it.
 */
int lookup_ticket(const char *command, PostgresSession *s, const char *tenant, int64_t id,
                  int64_t *ret_tenant, int64_t *ret_ticket);

/* Says that there is no such thing, and the nearest of the names in column 0 of `rows`; returns 1.
 * `remedy` may be NULL. */
int lookup_unknown(const char *command, const char *what, const char *name,
                   const PostgresRows *rows, const char *remedy);

/* Lower case letters, digits and hyphens, up to 63, no hyphen first: what tenants and sources are
 * called. 0, or 2 after saying what is wrong with it. */
int lookup_check_name(const char *command, const char *what, const char *name);
/* "a,b,c" into slices of it: how many, or -1 for an empty or repeated word or more than max. */
int lookup_words(const char *text, Str *ret, int max);

/* Members of a JSON object; a comma goes before every one but the first. */
void lookup_json_text(Buf *b, const char *key, Str value);
void lookup_json_number(Buf *b, const char *key, int64_t value);
void lookup_json_bool(Buf *b, const char *key, bool value);
void lookup_json_raw(Buf *b, const char *key, Str json);
void lookup_json_texts(Buf *b, const char *key, const Str *values, size_t n);
void lookup_json_time(Buf *b, const char *key, const PostgresRows *rows, size_t row, size_t column);

/* "2026-11-22 13:43:00", where we are. */
void lookup_local_time(int64_t wall_ms, char ret[20]);

/* Rows of cells, aligned by what a terminal shows (Chinese is two columns wide). Control characters
 * become spaces: people's texts do not steer the operator's terminal. */
typedef struct Table {
    Buf text;
    size_t *ends; /* of each cell in text */
    size_t n, room;
} Table;

void table_add(Table *t, Str cell);
void table_addf(Table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(const Table *t, size_t columns);
/* colours[i]: what the terminal is told before row i ("\033[31m"), or NULL. */
void table_print_coloured(const Table *t, size_t columns, const char *const *colours);
void table_done(Table *t); /* also the CLEANUP function */
