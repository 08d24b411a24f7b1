/* Said -- column `said` of notify.deliveries: what the words of a message are made from, as it was
 * at the event. Pure. No personal data in clear: texts as the ticket has them, numbers masked.
 *
 *   {"event":   {"name": "reply_sent", "at_ms": 1, "actor": "林小婉", "reason": "..."},
 *    "ticket":  {"id": 1024, "subject", "description", "status": "in_progress", "priority",
 *                "urgent": true, "kind", "category", "channel", "region", "tier", "group": "售后",
 *                "assignee", "requester": "张**", "created_ms", "updated_ms", "order", "product",
 *                "batch", "device", "external_id", "language", "tags": [...], "custom": {...}},
 *    "comment": {"author": "林小婉", "text": "...", "at_ms"},          of replies and notes
 *    "promise": {"metric", "level", "policy", "due_ms", "target_ms", "elapsed_ms"},
 *    "storm":   {"count", "urgent", "minutes", "kind": "物流", "group", "since_ms", "until_ms"},
 *    "tickets": [{"id", "subject", "priority", ...}],                  of a storm: some of it
 *    "show": true}
 *
 * Members are those of notification_vocabulary(), those that are empty left out; besides, what is
 * for the reader's language and hours to say is here as it is: states by their code, moments
 * (`..._ms`, UTC, for the vocabulary's `at`, `due_at`, `created_at` ...) and lengths (`target_ms`,
 * `elapsed_ms`) in milliseconds. Links, the recipient and the tenant are not in it: whoever renders
 * knows them. `show`: the recipient may see the requester's name in clear.
 *
 * A text is cut at SAID_TEXT_MAX bytes, at a character's end, with … behind it. Reasons and
 * handover notes are for those inside: requesters are not given any. */
#pragma once

#include "documents/notifications.h"
#include "notifier/telling/directory.h"
#include "notifier/telling/ticket_view.h"

enum { SAID_TEXT_MAX = 16 << 10, SAID_CUSTOM_MAX = 64 << 10, SAID_STORM_TICKETS = 20 };

typedef struct SaidParts {
    const Catalog *catalog;
    const Directory *directory;
    NotifyEvent event;
    const TicketView *ticket; /* after the row */
    const Event *row;
    bool inside; /* the reader is of the staff, or a system */
    bool show;
} SaidParts;

/* The JSON text, in the arena. */
Str said_of_event(const SaidParts *parts, Arena *arena);

typedef struct StormTicket {
    int64_t id;
    Str subject, priority, category;
} StormTicket;

typedef struct Storm { /* new tickets of one top category in one window */
    int64_t tenant_id;
    Str category;
    int64_t starts_ms, ends_ms;
    int32_t tickets, urgent;
    int32_t tellings;      /* how often it was told before */
    const int64_t *groups; /* where they went, the one with most of them first */
    size_t groups_n;
    const StormTicket *some; /* at most SAID_STORM_TICKETS */
    size_t some_n;
} Storm;

Str said_of_storm(const Storm *s, const Catalog *catalog, Arena *arena);
