/* Rows -- what one statement gave back, read by row and column from 0. Values are binary: a column
 * read as one type must be of it in the statement ("count(*)::bigint", "id::text"). A wrong column
 * number or width is our own mistake and aborts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/text.h"

typedef struct PostgresRows PostgresRows;

size_t rows_count(const PostgresRows *r);
int64_t
rows_affected(const PostgresRows *r); /* by INSERT, UPDATE, DELETE; as the command tag says */
bool rows_null(const PostgresRows *r, size_t row, size_t column);
/* NULL reads as false, 0, an absent Str, an all-zero Cause. */
bool rows_bool(const PostgresRows *r, size_t row, size_t column);
int64_t rows_int(const PostgresRows *r, size_t row, size_t column); /* smallint, integer, bigint */
/* text, varchar, name, bytea, json, jsonb (as its text); borrowed, NUL-terminated. */
Str rows_str(const PostgresRows *r, size_t row, size_t column);
int64_t rows_time_ms(const PostgresRows *r, size_t row,
                     size_t column); /* timestamptz; rounds down */
Cause rows_uuid(const PostgresRows *r, size_t row, size_t column);
double rows_double(const PostgresRows *r, size_t row, size_t column); /* double precision */

/* A one-dimensional array of text without NULLs: up to max slices, returns how many it has. */
size_t rows_text_array(const PostgresRows *r, size_t row, size_t column, Str *ret, size_t max);
