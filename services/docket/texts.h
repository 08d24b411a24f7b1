/* Texts -- invented tickets of an invented shop: complaints, after-sales, logistics, cross-border,
 * technical and VIP cases in natural Chinese, some in English. Pure: the same state gives the same
 * ticket on every machine.
 *
 * Several hundred thousand different texts of about 60 to 400 bytes; orders, names, addresses of
 * example.com and phone numbers are made up. Nothing here belongs to a real person. */
#pragma once

#include <stdint.h>

#include "base/text.h"

typedef struct TextTicket { /* slices of `store`, or constants; absent: not given */
    Str subject, description;
    Str kind;                   /* often absent: the rules decide */
    Str channel;                /* web, app or api */
    Str tier, region, language; /* "vip", "us", "en": often absent */
    Str order, product, batch, device;
    Str name, email, phone; /* of the requester */
} TextTicket;

/* The next ticket: clears `store`, writes into it, moves *state on. Slices are good until the next
 * call. Start with any state: surge n uses seed + n, say. */
void texts_next(uint64_t *state, Buf *store, TextTicket *ret);
