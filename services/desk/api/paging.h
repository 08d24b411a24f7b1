/* Paging -- both of Zendesk's paginations. Offset: page, per_page (at most 100) with next_page,
 * previous_page, count. Cursor: chosen iff page[size] is there (at most 100), with meta and links;
 * links.next is null on the last page. A cursor is sealed (HMAC over the tenant, the route, the
 * sort and every filter of its query): one that is forged or from another query is 400. */
#pragma once

#include "desk/api/request.h"

typedef struct Paging {
    bool by_cursor;
    int64_t size;      /* rows of a page; page[size] above 100 is 400, per_page above 100 is 100 */
    int64_t page;      /* offset pages: from 1; (page - 1) * size < 10,000 or 400 */
    bool descending;   /* of the sort asked for, turned around when reading backwards */
    bool backwards;    /* page[before] */
    bool has_position; /* of a cursor: start behind (position, id) */
    int64_t position;  /* the sort key: an id or milliseconds */
    int64_t id;
    Str sort; /* as asked, without its sign: "created_at" "updated_at" "id" */
} Paging;

/* `sorts` NULL-terminated, the first the default ("-updated_at" descending). False, having answered
 * 400. */
bool paging_read(Request *r, const char *const *sorts, Paging *ret);
/* Ask PostgreSQL for one row more than `size`: whether there is more. */
int64_t paging_limit(const Paging *p);
int64_t paging_offset(const Paging *p); /* of offset pages; 0 with a cursor */
/* Row i of `shown` as people see it is this one of PostgreSQL's: backwards pages come turned
 * around. */
size_t paging_row(const Paging *p, size_t shown, size_t i);

typedef struct PagingEnds { /* sort keys of the first and last row as they are shown */
    int64_t first_position, first_id, last_position, last_id;
} PagingEnds;
/* The closing part of a list's JSON, beginning with ',' : next_page ... or meta and links. count
 * -1: unknown (offset pages: null). `shown` rows, `more`: at least one more was there. */
void paging_write(Request *r, const Paging *p, size_t shown, bool more, const PagingEnds *ends,
                  int64_t count, Buf *ret);
