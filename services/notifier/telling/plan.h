/* Plan -- a row of a ticket's ledger, or a storm, as the deliveries that it asks for. Pure: the
 * same row, documents and people give the same deliveries, whoever asks and whenever; only the
 * moments from which on they may be sent look at `now`.
 *
 * Nobody is told of what she did herself, except a requester that what came from her has arrived.
 * A private note reaches nobody who may not read notes. Who has no address for a way is not told by
 * it; when she has none for any of a notification's ways, and when there is nobody to be told, that
 * is written down as a delivery dropped from the beginning, with the reason.
 *
 * A policy that asks for lead, manager or somebody to be told of its promise is followed whatever
 * the documents' notifications say, in the words of the first of them that tells people of such a
 * promise by mail; without one the notification's name is empty. */
#pragma once

#include "documents/notifications.h"
#include "notifier/telling/directory.h"
#include "notifier/telling/said.h"
#include "notifier/telling/ticket_view.h"

typedef struct Notice { /* a row of notify.deliveries to be; texts in the arena or the catalog */
    int64_t tenant_id, ticket_id; /* no ticket: 0 */
    int32_t seq;
    Str cause, notification, recipient;
    NotifyWay by;
    int64_t revision;
    bool urgent;
    Str destination, said, fold; /* fold absent: alone */
    int64_t at_ms;               /* of what happened */
    int64_t due_ms, expires_ms;
    bool in_storm; /* not to be written when its ticket is told of in a storm */
    Str dropped;   /* why nobody will get it; absent: it waits */
} Notice;

typedef struct Notices { /* zero-initialised but for the arena */
    Arena *arena;
    Notice *all;
    size_t n, room;
    size_t nobody;  /* audiences in which there was nobody, or nobody with an address */
    size_t own;     /* people who had done it themselves */
    size_t private; /* people who may not read the note */
} Notices;

typedef struct PlanWorld {
    const Catalog *catalog;
    const Directory *directory;
    const char *sms_gateway; /* "aliyun"; "none": nobody is told by SMS */
    int64_t now_ms;
} PlanWorld;

/* May this row be of interest to anybody? Looks at documents only. */
bool plan_interested(const Catalog *c, const Event *row);
/* `before`: the ticket ahead of the row. Appends. */
void plan_row(const PlanWorld *w, const TicketView *before, const Event *row, Notices *ret);
/* Is this new ticket one of those that are counted, as some notification tells of storms of its
 * top category? */
bool plan_counts(const PlanWorld *w, const TicketView *created);
void plan_storm(const PlanWorld *w, const Storm *s, Notices *ret);

/* What fails together and is limited together, in the arena. */
Str plan_destination(const PlanWorld *w, NotifyWay by, const OutsideSystem *system, Arena *arena);
/* How long it is tried. */
int64_t plan_patience_ms(NotifyWay by, bool urgent);
