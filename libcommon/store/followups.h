/* Followups -- which ticket is it that a new one says it continues? Asked by the gate before it
 * takes such a submission: a round trip, on a connection of its own, for those only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"
#include "ticket/ticket.h"

enum { FOLLOWUPS_WAITING_MAX = 1024 };

typedef struct FollowupSource {
    bool known; /* PostgreSQL has answered; false: it is away, ask again later */
    int64_t id; /* 0: there is no such ticket, or it is deleted; an alias is followed */
    TicketStatus status;
    int64_t source_id; /* through which it came */
    Str contact_hash;  /* of its requester */
} FollowupSource;

typedef struct Followups Followups;

Followups *followups_new(Loop *loop, const char *postgres_url, const char *application_name,
                         Buf *ret_problem);
Followups *followups_free(Followups *f); /* who waits hears nothing any more */

/* `done` comes once, never inside this call; *source lives until it returns. -ENOBUFS: too many
 * wait, no callback comes. */
typedef void (*FollowupDone)(void *arg, const FollowupSource *source);
int followups_ask(Followups *f, int64_t tenant_id, int64_t ticket_id, FollowupDone done, void *arg);
