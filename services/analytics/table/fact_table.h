/* FactTable -- every ticket of one tenant as a row of columns in memory, so that any report is one
 * scan (table/question.h). Pure: no clock, no I/O; one thread.
 *
 * A row is what the ticket's sheet says (facts/sheet.h); its passages (agents and groups it came
 * to), promises and moves are rows of their own behind it. Texts and ids are kept once and coded;
 * instants and durations are whole seconds (floor), instants from 1970 to 2106. A block is 65,536
 * rows; a column of it is as wide as its largest value needs, nothing when all are 0. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "facts/sheet.h"

typedef struct FactTable FactTable;

#define FACT_NEVER INT64_MAX /* no due instant */

FactTable *fact_table_new(void);
FactTable *fact_table_free(FactTable *t); /* accepts NULL, returns NULL; no scan is under way */
DEFINE_FREEP(FactTable, fact_table)

/* Inserts or replaces the ticket's row and everything behind it; nothing of the sheet is kept.
 * `due_ms`: earliest due instant of its running promises; FACT_NEVER: none. False, with nothing
 * changed: the row at hand is of a later seq. */
bool fact_table_put(FactTable *t, int64_t ticket_id, const FactSheet *sheet, int64_t due_ms);
bool fact_table_remove(FactTable *t, int64_t ticket_id); /* false: it was not there */
/* Everything; a scan under way ends with -ESTALE. */
void fact_table_empty(FactTable *t);

size_t fact_table_count(const FactTable *t);
size_t fact_table_bytes(const FactTable *t);     /* everything it holds */
uint64_t fact_table_version(const FactTable *t); /* another after every change */
/* Last row told of it; 0: it is not here. */
int32_t fact_table_seq(const FactTable *t, int64_t ticket_id);
