/* Side-loads -- the people, groups and organizations that a list's rows name, as top-level arrays
 * beside it (?include=users,groups,organizations). */
#pragma once

#include "desk/api/request.h"

typedef struct Sideload { /* what the rows name; ids may stand several times, 0 is nobody */
    const int64_t *users, *groups, *organizations;
    size_t users_n, groups_n, organizations_n;
} Sideload;

/* Appends `,"users":[...]`, `,"groups":[...]`, `,"organizations":[...]` to *body, those that
 * ?include= asks for and no others, each entry once, of the requester's tenant and as she may see
 * it; then `done`, at once when PostgreSQL need not be asked. When it answers 503 itself, `done`
 * does not come. *body must live until then (r->context). */
void sideload_add(Request *r, const Sideload *what, Buf *body, void (*done)(Request *r));
