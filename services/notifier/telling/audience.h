/* Audience -- who that is: the people behind "lead", "assignee" or "manager" of a ticket. Pure.
 *
 * Lead: who has a lead's role, is a member of the ticket's group and reaches the ticket; where
 * there is none, its managers. Manager: who has a manager's role and reaches it; where there is
 * none, the administrators. Somebody of whom nothing is known (left, suspended) is in the list all
 * the same, without any way to be told. */
#pragma once

#include "documents/notifications.h"
#include "notifier/telling/directory.h"
#include "notifier/telling/ticket_view.h"

/* Not for AUDIENCE_SYSTEM. In the arena; each once. */
size_t audience_people(const Directory *d, const Catalog *c, const Recipient *to,
                       const TicketView *ticket, Arena *arena, const Person *const **ret);
/* "requester:7" "agent:12" "user:9", in the arena. */
Str audience_recipient(const Catalog *c, const Person *p, Arena *arena);
