/* Occasions -- of what somebody may want to be told when a row of a ticket's ledger is written:
 * one row can be several things at once. Pure. */
#pragma once

#include "documents/notifications.h"
#include "notifier/telling/ticket_view.h"

enum { OCCASIONS_MAX = 6 };

/* `before`: the ticket ahead of the row; of a created one all zero. In the order in which they are
 * told: creation, place, promise, comment, state. */
size_t occasions_of(const TicketView *before, const Event *row, NotifyEvent ret[OCCASIONS_MAX]);
/* Bits 1 << NotifyEvent for all that the row could be, whatever was ahead of it. */
uint32_t occasions_possible(const Event *row);

typedef enum DeedOf {
    DEED_OF_MACHINE, /* router, system, a program's token */
    DEED_OF_STAFF,   /* agent:N, user:N */
    DEED_OF_REQUESTER
} DeedOf;
/* Who did it; *ret_id is 0 of a machine. */
DeedOf deed_of(Str actor, int64_t *ret_id);
