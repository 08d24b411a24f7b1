/* Audit -- one ledger row as Zendesk shows it: what changed, from what to what, and what was said.
 * Pure.
 *
 * Ids are computed: audit and comment ticket_id * 8192 + seq, an event 64 times that and its place.
 * Values are texts, as Zendesk's are; states by Zendesk's names. What the ledger knows besides (its
 * kind, the reason, a note) stands in metadata.custom. */
#pragma once

#include <cjson/cJSON.h>

#include "desk/tickets/ticket_row.h"
#include "documents/forms.h"

typedef struct AuditRow { /* of ticket.ledger */
    int64_t ticket_id;
    int32_t seq;
    int64_t at_ms;
    Str kind, actor;
    int64_t revision;
    Str payload;
} AuditRow;

enum { AUDIT_COLUMNS_MAX = 40 };
typedef struct AuditState { /* the ticket's columns ahead of a row */
    struct {
        Str name;
        const cJSON *value;
    } columns[AUDIT_COLUMNS_MAX];
    size_t n;
} AuditState;

int64_t comment_id(int64_t ticket_id, int32_t seq);
/* Of a ledger's actor: "agent:1012" is 1012; the machine is -1, as Zendesk's system is. */
int64_t audit_author(Str actor);

void audit_state_set(AuditState *s, Str name, const cJSON *value);
void audit_state_of(AuditState *s, const TicketRow *t, Arena *arena);
/* Appends the audit; then the state is that behind the row. With `notes`, internal comments and the
 * machine's reasons are shown. `catalog` may be NULL. */
void audit_json(Buf *ret, const AuditRow *row, AuditState *before, const Catalog *catalog,
                bool notes, Arena *arena);
