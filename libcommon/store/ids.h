/* Ids -- ticket ids without a round trip: blocks of 100,000 leased ahead (correctness.md 1). */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct Ids Ids;

/* Leases the first block at once and the next when half of the present one is gone; keeps trying
 * while PostgreSQL is away. Own connection, closed when idle. */
Ids *ids_new(Loop *loop, const char *postgres_url, const char *application_name, Buf *ret_problem);
Ids *ids_free(Ids *ids);

int64_t ids_next(Ids *ids); /* 0 when there is none: answer 503 */
int64_t ids_left(const Ids *ids);
