/* SurgeReply -- one answer of the gate, read from the bytes of a connection. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef struct SurgeReply {
    int status;
    int64_t ticket_id; /* of a 201 */
    int retry_after_s; /* 0: none given */
    bool hit;          /* X-Idempotency-Lookup: hit */
    bool close;        /* the connection ends with it */
} SurgeReply;

typedef enum SurgeReplyResult {
    SURGE_REPLY_MORE,  /* not whole yet */
    SURGE_REPLY_WHOLE, /* *ret, and *ret_used bytes are done with */
    SURGE_REPLY_BROKEN /* no HTTP/1.1 answer with a length, or a 201 without a ticket's id */
} SurgeReplyResult;

SurgeReplyResult surge_reply_read(Str bytes, SurgeReply *ret, size_t *ret_used);
