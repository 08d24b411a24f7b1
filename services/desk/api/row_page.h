/* Row page -- a page of what PostgreSQL lists by number: {"users":[...], paging}. */
#pragma once

#include "desk/api/request.h"

typedef void (*RowWrite)(Request *r, const PostgresRows *rows, size_t row, Buf *b);

typedef struct RowPage {
    const char *plural;       /* "users" */
    const char *const *sorts; /* as paging_read() */
    /* Both give their rows by number, which is their first column, upwards and downwards from $2,
     * as many as $3 behind $4; $1 is the tenant. `down` NULL: it is read forwards only. */
    const PostgresStatement *up, *down;
    RowWrite write; /* one element, without a comma */
} RowPage;

/* The query's own parameters may be added behind those four. NULL, having answered 400. */
Params *row_page_params(Request *r, const RowPage *page);
/* Asks and answers. `page` lives as long as the program. r->context is ours. */
void row_page_run(Request *r, const RowPage *page, const Params *p);

/* All rows at once, as show_many and searches answer: next_page null, and their count. */
void row_page_all(Request *r, const char *plural, const PostgresRows *rows, RowWrite write);
