/* Rounds -- changes of tickets that exist, optimistically: one transaction reads where the tickets
 * are and which of the changes the ledger has already; its owner decides what becomes of the
 * others; a second one writes ticket, ledger row and outbox rows of those whose version is still
 * the same. Whoever was overtaken meanwhile is read again. So no lock is ever held while we think.
 *
 * The owner (changes.c, edits.c) embeds it in its job and keeps what it was asked for. */
#pragma once

#include "store/store_internal.h"

typedef enum RoundProgress { ROUND_OPEN, ROUND_TRYING, ROUND_SETTLED } RoundProgress;

typedef struct RoundItem {
    /* in: what is asked, and where its owner wants to know what came of it */
    int64_t tenant_id, ticket_id;
    Cause cause;
    int32_t step;
    ChangeFate *fate;
    TicketPlace *place;
    LedgerRow *row;
    /* the rounds' own */
    RoundProgress progress;
    Str event; /* of *row, as it will lie in the outbox */
} RoundItem;

typedef struct Rounds Rounds;
struct Rounds {
    RoundItem *items;
    size_t n;
    Arena *arena;
    int64_t use_by_ms; /* 0: none */
    /* *place says what is: CHANGE_DONE with the ledger row's payload and kind in *row when it is to
     * be written, any other fate ends it. */
    ChangeFate (*decide)(Rounds *r, uint32_t at);
    /* Writes round[0 .. round_n): one statement with rounds_params() first among its parameters. */
    PostgresQuery (*write)(Store *s, Rounds *r);
    /* Reads what that statement gave back; rounds_written() for each that was written. */
    void (*written)(Rounds *r, const PostgresRows *rows);

    uint32_t *order; /* by (tenant, id), then as given */
    uint32_t *round; /* what this round reads, then what it tries: the first of each ticket */
    size_t round_n;
    int rounds;
};

/* What the ledger has of (tenant, ticket, cause, step): a number, then as rows_statement. */
extern const PostgresStatement footprints_statement;

/* The first thing of the job: s->job is the Rounds. `items` is filled; ends the request. */
void rounds_begin(Store *s, Rounds *r);
/* The actor, cause ... of *row, which the decision completes: at_ms and seq are there already. */
void rounds_written(Rounds *r, uint32_t at);
/* Instead: it was not, and shall not be tried again. */
void rounds_refused(Rounds *r, uint32_t at, ChangeFate fate);

/* $1 tenants $2 ids $3 versions $4 times $5 causes $6 steps $7 kinds $8 actors $9 revisions
 * $10 traces $11 payloads, as `unnest` takes them; ROUND_INPUT names them. */
void rounds_params(const Rounds *r, Params *p);
#define ROUND_ARRAYS                                                                               \
    "$1::bigint[], $2::bigint[], $3::integer[], $4::timestamptz[], $5::uuid[], $6::smallint[],"    \
    " $7::text[], $8::text[], $9::bigint[], $10::bytea[], $11::jsonb[]"
#define ROUND_NAMES                                                                                \
    "tenant_id, id, version, at, cause_id, step, ledger_kind, actor, revision, trace, payload"
/* `locked`: those of `input` whose version is still the same. The sub-select locks in the order
 * given, by (tenant, id); a row that changed while we waited for it is compared again, by
 * PostgreSQL itself. */
#define ROUND_LOCKED                                                                               \
    " locked AS (SELECT i.* FROM input i CROSS JOIN LATERAL (SELECT t.id FROM ticket.tickets t"    \
    "   WHERE t.tenant_id = i.tenant_id AND t.id = i.id AND t.version = i.version"                 \
    "   LIMIT 1 FOR NO KEY UPDATE) t)"
#define ROUND_RECORDED                                                                             \
    " recorded AS (INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind,"    \
    "   actor, at, revision, trace, payload)"                                                      \
    "  SELECT tenant_id, id, version + 1, cause_id, step, ledger_kind, actor, at, revision,"       \
    "   trace, payload FROM locked)"
