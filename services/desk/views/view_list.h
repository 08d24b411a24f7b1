/* View list -- the sources of a view's tickets, and its count. */
#pragma once

#include "desk/views/listing.h"

/* May this subject see the view at all? */
bool view_shown(Request *r, const View *v);
/* The orders that its tickets come in, for paging_read(); the first is the view's own. Views with
 * solved or closed tickets come by updated_at only: by id, nothing would say where those are. */
const char *const *view_sorts(const View *v);
/* Where its tickets are found. */
void view_sources(Listing *l, const View *v);

/* How many tickets a view has of those that the subject reaches: exact where the view asks only for
 * what desk.counters knows, else counted as far as COUNT_MAX. */
enum { COUNT_MAX = 1000 };
typedef struct ViewCount {
    int64_t value;
    bool exact; /* false: that many at least */
} ViewCount;
typedef void (*ViewCounted)(Request *r, ViewCount count);
/* `done` comes with r->context as it was; when PostgreSQL is away the request is answered. */
void view_count(Request *r, const View *v, ViewCounted done);
