/* News -- what one subject is told of one event: nothing, that a ticket changed, or that one has
 * left what she sees. Rights are those of lists (rights/rights.h), judged by the ticket as it is
 * now; customers hear of their own tickets' public side only. No text of the ticket and no personal
 * data travels here: who wants more reads the ticket. Pure. */
#pragma once

#include "events/event.h"
#include "rights/rights.h"

typedef struct NewsTicket { /* as it is now */
    TicketScope scope;
    int32_t version;
    TicketStatus status;
    TicketPriority priority;
    int64_t updated_ms;
} NewsTicket;

typedef enum NewsVerdict {
    NEWS_NOTHING,
    NEWS_CHANGED, /* "event: ticket" with {"type", "ticket_id", "at", "ticket": {...} ...} */
    NEWS_GONE     /* "event: gone" with {"ticket_id", "at"}: deleted, or out of her reach */
} NewsVerdict;

/* Appends the lines `event:` and `data:` of a server-sent event, each with its end. */
NewsVerdict news_write(const Subject *who, const Event *e, const NewsTicket *t, Arena *arena,
                       Buf *ret);
