/* Statements -- everything that docket-sla asks of PostgreSQL. */
#pragma once

#include "following/shares.h"
#include "postgres/connection.h"
#include "sla/story.h"

/* $1: tenants, for the fence of the rows. */
extern const PostgresStatement sla_tenants_statement;
void sla_tenants_params(Params *p, const Story *const *stories, size_t n);

/* Of $1, $2 (tenants, tickets): n from 0, seq, state (NULL: over), revision, for those that are
 * there. */
extern const PostgresStatement sla_states_statement;
void sla_states_params(Params *p, const Story *const *stories, size_t n);

/* Of $1, $2, $3 (tenants, tickets, seqs): the ledger's rows behind those, n from 0. */
extern const PostgresStatement sla_newer_statement;
enum { SLA_NEWER_MAX = 200 }; /* of one ticket */
void sla_newer_params(Params *p, const Story *const *stories, size_t n);
LedgerRow sla_ledger_row(const PostgresRows *rows, size_t row);

/* Of $1 (tenants): tenant, its last revision. Parameters as those of sla_tenants_statement. */
extern const PostgresStatement sla_revisions_statement;
extern const PostgresStatement sla_clock_statement; /* clock_timestamp() */

/* Claims partitions: $1, $2 (numbers, our last epochs), $3 our name. partition, epoch. */
extern const PostgresStatement sla_claim_statement;
void sla_claim_params(Params *p, const Share *shares, size_t n, Str instance);
/* Which of $1, $2 (partitions, epochs) are still so; they stay so until the transaction ends. */
extern const PostgresStatement sla_hold_statement;
extern const PostgresStatement sla_look_statement; /* the same without staying so */
void sla_hold_params(Params *p, const Share *shares, size_t n);

/* Keeps lives, those whose partition ($9, $10) is still ours. */
extern const PostgresStatement sla_write_statement;
void sla_write_params(Params *p, const Story *const *stories, size_t n, const Share *shares,
                      size_t shares_n);

/* $1 partitions, $2, $3 the last ticket seen, $4 at most. tenant, ticket, partition, seq, revision,
 * priority, next_ms. */
extern const PostgresStatement sla_load_statement;
void sla_load_params(Params *p, const Share *shares, size_t n, int64_t tenant_id, int64_t ticket_id,
                     int32_t at_most);
/* $1, $2 the last ticket seen, $3 at most: tenant, ticket, known. */
extern const PostgresStatement sla_open_statement;
extern const PostgresStatement sla_sweep_statement; /* $1 at most */
