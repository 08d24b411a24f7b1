/* Paging -- both of Zendesk's paginations. Offset: page, per_page (at most 100) with next_page,
 * previous_page, count. Cursor: chosen iff page[size] is there (at most 100), with meta and links;
 * links.next is null on the last page. A cursor is sealed (HMAC over the tenant, the route, the
 * sort and every filter of its query): one that is forged or from another query is 400. */
#pragma once

#include "desk/api/request.h"

typedef struct Paging {
    bool by_cursor;
    int64_t size;      /* rows of a page */
    int64_t page;      /* offset pages: from 1; (page - 1) * size < 10,000 or 400 */
    bool descending;   /* of the sort asked for, turned around when reading backwards */
    bool backwards;    /* page[before] */
    bool has_position; /* of a cursor: start behind (position, id) */
    int64_t position;  /* the sort key: an id or milliseconds */
    int64_t id;
    Str sort; /* as asked: "created_at" "updated_at" "id" */
} Paging;

/* `sorts` NULL-terminated, the first the default ("-updated_at" descending). False, having answered
 * 400. */
bool paging_read(Request *r, const char *const *sorts, Paging *ret);
/* Ask PostgreSQL for one row more than `size`: whether there is more. */
int64_t paging_limit(const Paging *p);

typedef struct PagingEnds { /* sort keys of the first and last row that are shown */
    int64_t first_position, first_id, last_position, last_id;
} PagingEnds;
/* The closing part of a list's JSON, beginning with ',' : next_page ... or meta and links. count
 * -1: unknown (offset pages: null). `shown` rows, `more`: at least one more was there. */
void paging_write(Request *r, const Paging *p, size_t shown, bool more, const PagingEnds *ends,
                  int64_t count, Buf *ret);
