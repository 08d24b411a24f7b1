/* PromisedSince -- asks PostgreSQL since when what the tenants' documents promise has held: what
 * lives/tenants.h has not been told yet. */
#pragma once

#include "lives/tenants.h"
#include "postgres/client.h"

enum { PROMISED_SINCE_MAX = 1000 }; /* tenants asked about at once */

/* Parameters: those of promised_since_params(). The transaction's fence (docket.tenants) must hold
 * these tenants. */
extern const PostgresStatement promised_since_statement;
/* The tenants of which it is to be asked, into `ret_tenants` (room for PROMISED_SINCE_MAX; for the
 * fence), how many; 0: all is known, and nothing is to be asked. */
size_t promised_since_params(Tenants *tenants, Params *p, int64_t *ret_tenants);
void promised_since_answer(Tenants *tenants, const PostgresRows *rows);
