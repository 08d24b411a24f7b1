/* Migrations -- the numbered SQL files, and how far a database is behind them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef struct Migration {
    int32_t number; /* of "0003_tickets.sql" */
    char *name;     /* the file's */
    char *text;
    uint8_t checksum[32]; /* SHA-256 of the text */
} Migration;

typedef struct Migrations {
    Migration *files; /* by number, from 1, without gaps */
    size_t n;
} Migrations;

/* 0, or -errno with a sentence in *ret_problem: no such directory, a name that is none, a gap, a
 * number twice. */
int migrations_read(const char *directory, Migrations *ret, Buf *ret_problem);
void migrations_done(Migrations *m); /* also the CLEANUP function */

/* Where the files lie: beside the program's build or installation. False when they are not found.
 */
bool migrations_find(Buf *ret_directory);

/* 0 when a database that holds this one may be continued by these files: known, and unchanged.
 * -EINVAL with what to do in *ret_problem. */
int migrations_match(const Migrations *m, int32_t number, Str name, Str checksum, Buf *ret_problem);
