/* Store -- the one way to read and change tickets: SQL, transitions, ledger, outbox. Asynchronous,
 * one connection, one transaction at a time, each a single pipeline with its COMMIT inside
 * (correctness.md 12).
 *
 * Every call ends in exactly one callback with a StoreOutcome. The arrays given stay the caller's
 * and must live, unmoved, until then; results are written into them before the callback. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "events/ledger.h"
#include "events/submission.h"
#include "loop/loop.h"
#include "ticket/ticket.h"

typedef struct Store Store;

typedef enum StoreOutcome {
    STORE_DONE,  /* committed */
    STORE_AGAIN, /* 40001, 40P01, 55P03 more than a few times, or PostgreSQL away: nothing is known;
                    ask the same again */
    STORE_REFUSED, /* SQLSTATE class 22 or 23: something in this batch can never be stored; bisect
                      (correctness.md 15) */
    STORE_BUSY,    /* a transaction is already running here */
    STORE_LATE     /* some item's use_by_ms had passed when the rest was written: that transaction
                      is undone. Not for callers that set none */
} StoreOutcome;

typedef void (*StoreDone)(void *arg, StoreOutcome outcome, const char *problem);

typedef struct StoreSettings {
    const char *postgres_url;
    const char *application_name; /* "router-1" */
    bool row_level_security;      /* false only for the benchmark that compares */
} StoreSettings;

Store *store_new(Loop *loop, const StoreSettings *settings,
                 Buf *ret_problem); /* connects by itself, again and again */
Store *store_free(Store *s);
bool store_connected(const Store *s, Buf *ret_reason);
bool store_busy(const Store *s);

/* What PostgreSQL says of a ticket now: what is written to Redis after a commit, on replay and on
 * rebuild. */
typedef struct TicketPlace {
    int64_t tenant_id, ticket_id;
    int32_t version;
    TicketStatus status;
    TicketPriority priority;
    int64_t group_id, assignee_id; /* 0: none */
    Str skills;                    /* sorted, joined by ',': the queue within the group */
    int64_t created_ms;
} TicketPlace;

/* ---- New tickets: the router's batch
 * --------------------------------------------------------------------------- */

typedef enum NewTicketFate {
    NEW_TICKET_STORED,   /* it is in, with two ledger rows */
    NEW_TICKET_REPLAYED, /* it was in already, by the same cause: `place` says what it is now */
    NEW_TICKET_ALIASED, /* its key belongs to an older ticket, which `place` describes; both ids are
                           good for ever */
    NEW_TICKET_CONFLICT /* its id is taken by another cause: give it a fresh id, note it, alarm
                           (correctness.md 6) */
} NewTicketFate;

typedef struct NewTicket {
    /* in */
    const Submission *submission;
    TicketFacts facts;
    int64_t assignee_id; /* 0: it waits */
    /* Of clock_monotonic_ms(): what follows from a reservation that is void after this moment. The
     * whole transaction is undone when PostgreSQL's clock, looked at just before the COMMIT, is
     * past the earliest of them; never later than meant, early by an answer's way (deadline.c). 0:
     * whenever. */
    int64_t use_by_ms;
    Str place_reason; /* JSON object */
    int64_t revision;
    Str note; /* ledger note besides; absent: none (a third row, kind ticket_noted) */
    /* The id of a NEW_TICKET_CONFLICT, when its submission comes again under a fresh one (0: none):
     * its key goes over to the fresh id, and both ledgers get a note. Asked again about the taken
     * id with the same cause, the store answers REPLAYED and the fresh ticket's place. */
    int64_t instead_of;
    /* out */
    NewTicketFate fate;
    TicketPlace place;
    LedgerRow *rows; /* its committed rows by seq, to be published: for STORED, REPLAYED and
                        ALIASED; in `arena` */
    size_t rows_n;
} NewTicket;

/* Sorts by (tenant, id) and by (tenant, source, key) itself. At most 4,096. One id or key twice in
 * a batch is allowed: the second is treated as the replay or alias it is. Requesters, keys,
 * aliases, personal fields, tickets and ledger rows go in one transaction; ids not reported new by
 * the insert are read back in a second one. */
void store_new_tickets(Store *s, NewTicket *batch, size_t n, Arena *arena, StoreDone done,
                       void *arg);

/* ---- Changes of existing tickets
 * ------------------------------------------------------------------------------- */

typedef enum ChangeFate {
    CHANGE_DONE,
    CHANGE_REPLAYED,  /* the ledger already has (ticket, cause, step) */
    CHANGE_OVERTAKEN, /* the ticket's version is not `expected_version`: `place` says what it is now
                       */
    CHANGE_ILLEGAL,   /* no such transition for this actor */
    CHANGE_NO_TICKET,
    CHANGE_WORN_OUT /* of edits only: EDIT_VERSION_MAX reached */
} ChangeFate;

typedef struct TicketChange {
    /* in */
    int64_t tenant_id, ticket_id;
    int32_t expected_version; /* 0: whatever it is */
    Cause cause;
    int32_t step;
    LedgerKind kind;
    ActorKind actor_kind;
    Str actor;
    TicketStatus to_status;
    int64_t to_group_id, to_assignee_id;
    int64_t use_by_ms; /* as NewTicket.use_by_ms; STORE_LATE undoes what is not yet written, so
                          asked again a part may be REPLAYED */
    Str reason;        /* JSON object */
    Str note; /* of LEDGER_TICKET_NOTED, which leaves status, group and assignee as they are */
    int64_t revision;
    Trace trace;
    /* out */
    ChangeFate fate;
    TicketPlace place;
    LedgerRow row;     /* for DONE and REPLAYED */
    int64_t outbox_id; /* for DONE: its event's row, for store_outbox_delete() once published */
} TicketChange;

/* Locks in order of (tenant, id), applies each to its ticket with its ledger row, and writes each
 * event to ticket.outbox in the same transaction (there is no message behind these); the caller
 * publishes and then store_outbox_delete()s. At most 1,000. */
void store_change_tickets(Store *s, TicketChange *changes, size_t n, Arena *arena, StoreDone done,
                          void *arg);

/* ---- Reading
 * -----------------------------------------------------------------------------------------------------
 */

/* Open tickets of a tenant with id > after_id, at most `max`, by id: the rebuild of Redis and the
 * reconciler. */
void store_open_tickets(Store *s, int64_t tenant_id, int64_t after_id, TicketPlace *ret, size_t max,
                        size_t *ret_n, Arena *arena, StoreDone done, void *arg);
/* The same for given tickets; follows aliases; unknown ones have version 0. */
void store_places(Store *s, TicketPlace *places /* tenant_id, ticket_id in; the rest out */,
                  size_t n, Arena *arena, StoreDone done, void *arg);

/* ---- Outbox
 * ------------------------------------------------------------------------------------------------------
 */

typedef struct OutboxRow {
    int64_t tenant_id, outbox_id;
    Str topic, key, message;
} OutboxRow;

/* Rows older than `older_ms` of every tenant, at most `max`, skipping what another router has
 * locked. */
void store_outbox_take(Store *s, int64_t older_ms, OutboxRow *ret, size_t max, size_t *ret_n,
                       Arena *arena, StoreDone done, void *arg);
void store_outbox_delete(Store *s, const OutboxRow *rows, size_t n, StoreDone done, void *arg);

/* ---- Upkeep
 * ------------------------------------------------------------------------------------------------------
 */

/* Keys past their 24 hours and tokens long dead, at most `max` of each; partitions ahead. Once a
 * minute by each router, harmless twice. */
void store_sweep(Store *s, size_t max, StoreDone done, void *arg);

/* How long the oldest submission has waited that this router could store (store/arrivals.h). */
void store_pulse(Store *s, const char *instance, int64_t oldest_ms, StoreDone done, void *arg);
