/* Organization -- a row of access.organizations as it is shown. */
#pragma once

#include "desk/api/request.h"

#define ORGANIZATION_COLUMNS                                                                       \
    "o.organization_id, o.name, coalesce(o.external_id, ''), o.domains, o.tags, o.details,"        \
    " o.notes, o.created_at, o.updated_at"
enum { ORGANIZATION_LIST_MAX = 100 /* domains, tags */ };

/* The whole object. */
void organization_write(Request *r, const PostgresRows *rows, size_t row, Buf *ret);
/* All rows, a comma between. */
void organization_write_all(Request *r, const PostgresRows *rows, Buf *ret);
