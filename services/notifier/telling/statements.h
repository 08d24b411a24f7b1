/* Statements -- everything that telling asks of PostgreSQL. */
#pragma once

#include "notifier/telling/plan.h"
#include "postgres/connection.h"

/* $1: tenants, for the fence of the rows. Also lets the planner use keys only: what it believes of
 * the size of a table may be a thousandfold old. */
extern const PostgresStatement telling_tenants_statement;

/* Of $1, $2, $3 (tenants, tickets, seqs): the ledger's rows before those, without comments. n from
 * 0, then as telling_ledger_row() reads them. */
extern const PostgresStatement telling_ledger_statement;
LedgerRow telling_ledger_row(const PostgresRows *rows, size_t row);

/* Staff of $1: tenant, user, role, name, has an e-mail address. */
extern const PostgresStatement telling_staff_statement;
/* $1, $2: tenants, requesters. tenant, id, name masked, has an e-mail address, has a phone. */
extern const PostgresStatement telling_requesters_statement;

typedef struct StormCount { /* a new ticket that is counted */
    int64_t tenant_id, ticket_id, group_id, starts_ms;
    Str category;
    bool urgent;
} StormCount;

extern const PostgresStatement telling_count_statement;
void telling_count_params(Params *p, const StormCount *counts, size_t n, int64_t window_ms,
                          int64_t alone);
extern const PostgresStatement telling_write_statement;
void telling_write_params(Params *p, const Notice *notices, size_t n);

/* $1 now, $2 at most: tenant, category, starts, ends, tickets, urgent, tellings. */
extern const PostgresStatement telling_untold_statement;
/* $1, $2, $3: tenant, category, starts. Groups, the fullest first; some tickets: id, subject,
 * priority, category. */
extern const PostgresStatement telling_storm_groups_statement;
extern const PostgresStatement telling_storm_tickets_statement;
/* $4 tickets, $5 tellings before, $6 now. */
extern const PostgresStatement telling_storm_told_statement;

extern const PostgresStatement telling_waiting_statement; /* $1 now: waiting, oldest due */
extern const PostgresStatement telling_sweep_statement;   /* $1 at most */
