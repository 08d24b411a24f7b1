/* Statements -- what keeping asks of PostgreSQL, and the parameters of each. */
#pragma once

#include "analytics/keeping/story.h"
#include "analytics/keeping/windows.h"
#include "following/shares.h"
#include "postgres/client.h"

/* A partition that is ours, as it was read: nothing of it has changed since, or nothing is kept. */
typedef struct KeptPartition {
    int32_t partition;
    int64_t epoch;
    int64_t change;      /* the last one */
    int64_t next_offset; /* to be kept; 0: as it was */
} KeptPartition;

extern const PostgresStatement keeping_tenants_statement;    /* whose rows are seen */
extern const PostgresStatement keeping_claim_statement;      /* -> partition, epoch */
extern const PostgresStatement keeping_partitions_statement; /* -> partition, epoch, change,
                                                                filled (per mille) */
extern const PostgresStatement keeping_states_statement;     /* -> place, seq, revision, sheet,
                                                                life */
extern const PostgresStatement keeping_revisions_statement;  /* -> tenant, newest revision */
extern const PostgresStatement keeping_write_statement;      /* -> partitions that were kept */
extern const PostgresStatement keeping_recheck_statement;    /* -> ticket, partition */
extern const PostgresStatement keeping_look_statement;       /* -> tenant, ticket, lacks */
extern const PostgresStatement keeping_estimate_statement;
extern const PostgresStatement keeping_filled_statement; /* -> partitions it was said of */
extern const PostgresStatement keeping_sweep_statement;

void keeping_tenants_params(Params *p, const Story *const *stories, size_t n);
/* Partitions and their epochs: the first two of claim and filled. */
void keeping_shares_params(Params *p, const Share *shares, size_t n);
void keeping_states_params(Params *p, const Story *const *stories, size_t n);
void keeping_write_params(Params *p, const Story *const *stories, size_t n, const Windows *windows,
                          const KeptPartition *partitions, size_t partitions_n);
