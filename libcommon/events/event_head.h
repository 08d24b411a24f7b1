/* EventHead -- what an event is about, read without unpacking it: for consumers that look up the
 * rest themselves. Pure; about 20 ns. */
#pragma once

#include <stdint.h>

#include "base/text.h"

typedef struct EventHead {
    int64_t tenant_id, ticket_id;
    int64_t at_ms; /* of its ledger row; 0: none */
    uint32_t seq;  /* of its ledger row; 0: none */
} EventHead;

/* -EBADMSG when it is no envelope, or has no tenant or ticket. */
int event_head_read(Str message, EventHead *ret);
