/* Edits from JSON and to JSON, for the drivers of tests. */
#pragma once

#include "store/edits.h"
#include "json/json.h"

Str text_of(const cJSON *o, const char *key);
int64_t int_of(const cJSON *o, const char *key, int64_t fallback);
Str bytes_of(Arena *arena, const cJSON *o, const char *key); /* of hex digits */
Str *texts_of(Arena *arena, const cJSON *o, const char *key, size_t *ret_n);
Cause cause_of(const cJSON *o);

const char *change_fate_name(ChangeFate fate);
void print_place(const TicketPlace *p);
void print_row(Arena *arena, const LedgerRow *r);
void fill_edit(Arena *arena, TicketEdit *e, const cJSON *o);
void print_edit(Arena *arena, const TicketEdit *e);
