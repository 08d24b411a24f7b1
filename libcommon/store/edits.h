/* Edits -- what people do to a ticket: fields, state, place and a comment in one step, one ledger
 * row (kind ticket_updated), its event and whatever signals it causes in the outbox of the same
 * transaction. Runs on a Store like everything else (store/store.h).
 *
 * The caller has read the ticket at `expected_version`, decided from it (rights, transitions,
 * processing standards), and asks for exactly that change; if the ticket has moved on, nothing is
 * written and the fate says OVERTAKEN with what it is now, so the caller decides again. The store
 * checks the transition once more, so no caller can make an illegal one. */
#pragma once

#include "events/ledger.h"
#include "events/update.h" /* EditSet, EditComment */
#include "store/store.h"

enum {
    EDITS_MAX = 256, /* of one call */
    EDIT_VERSION_MAX =
        8000, /* nobody but the system changes a ticket any more from this version on:
                 CHANGE_WORN_OUT, 422 (ids of comments and audits are
                 ticket_id * 8192 + seq) */
    EDIT_COMMENT_BYTES = 64 << 10,
};

typedef struct TicketEdit {
    /* in */
    int64_t tenant_id, ticket_id;
    int32_t expected_version; /* > 0 */
    Cause cause;
    int32_t step;
    ActorKind actor_kind;
    Str actor; /* "agent:1012", "requester:1000000010001", "user:1017", "system" */
    int64_t revision;
    Trace trace;
    unsigned sets; /* EditSet bits */
    TicketStatus status;
    TicketPriority priority;
    int64_t group_id, assignee_id, requester_id, form_id, followup_of; /* 0: none */
    int64_t problem_id;                                                /* likewise */
    Str kind, category, subject, external_id, custom_fields /* JSON object */;
    Str satisfaction; /* "good" "bad" "offered" "" */
    const Str *tags;
    size_t tags_n;
    const int64_t *collaborators, *followers;
    size_t collaborators_n, followers_n;
    EditComment comment;
    Str note;     /* handover or reason in people's words */
    Str reason;   /* JSON object: {"why":"transfer"} {"why":"claimed","above_capacity":true} ... */
    Str personal; /* JSON array of sealed originals of fields and note, or absent: events/update.h
                   */
    /* Files to be bound to this ticket in the same transaction: ids of desk.files not bound yet, of
     * this uploader. One of them bound elsewhere meanwhile: ILLEGAL, nothing written. */
    const int64_t *files;
    size_t files_n;
    /* out */
    ChangeFate fate;
    TicketPlace place; /* after the change, or what it is now */
    int64_t at_ms;     /* the ledger row's time: the ticket's updated_at */
    LedgerRow row;     /* for DONE and REPLAYED */
    /* For DONE: what lies in the outbox for it: its event first, then a capacity_changed for each
     * agent who lost or gained room. The caller publishes and then store_outbox_delete()s. */
    OutboxRow *outbox;
    size_t outbox_n;
} TicketEdit;

/* At most EDITS_MAX, each ticket at most once. In the arena: what the outputs point to. */
void store_edit_tickets(Store *s, TicketEdit *edits, size_t n, Arena *arena, StoreDone done,
                        void *arg);
