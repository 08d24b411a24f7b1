/* Four numbers of an Envelope (proto/envelope.proto); everything else is stepped over. */
#include "events/event_head.h"

#include <errno.h>

#include "ticket/ticket.h"

static bool varint(Str *s, uint64_t *ret) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && s->n; shift += 7) {
        unsigned char byte = (unsigned char)*s->p;
        s->p++, s->n--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool skip(Str *s, uint64_t n) {
    if (n > s->n) return false;
    s->p += n;
    s->n -= (size_t)n;
    return true;
}

int event_head_read(Str s, EventHead *ret) {
    uint64_t tag, value, tenant = 0, ticket = 0, at = 0, seq = 0;
    while (s.n) {
        if (!varint(&s, &tag)) return -EBADMSG;
        switch (tag & 7) {
        case 0:
            if (!varint(&s, &value)) return -EBADMSG;
            if (tag >> 3 == 2) tenant = value;
            if (tag >> 3 == 3) ticket = value;
            if (tag >> 3 == 5) at = value;
            if (tag >> 3 == 7) seq = value;
            break;
        case 1:
            if (!skip(&s, 8)) return -EBADMSG;
            break;
        case 2:
            if (!varint(&s, &value) || !skip(&s, value)) return -EBADMSG;
            break;
        case 5:
            if (!skip(&s, 4)) return -EBADMSG;
            break;
        default:
            return -EBADMSG;
        }
    }
    if (tenant == 0 || tenant > INT64_MAX || ticket == 0 || ticket > TICKET_ID_MAX ||
        at > INT64_MAX || seq > INT32_MAX)
        return -EBADMSG;
    *ret = (EventHead){(int64_t)tenant, (int64_t)ticket, (int64_t)at, (uint32_t)seq};
    return 0;
}
