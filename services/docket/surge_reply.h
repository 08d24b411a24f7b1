/* SurgeReply -- what the gate answered to a ticket. Pure. */
#pragma once

#include "docket/http_reply.h"

typedef struct SurgeReply {
    int status;
    int64_t ticket_id; /* of a 201 */
    int retry_after_s; /* 0: none given */
    bool hit;          /* of a 201; X-Idempotency-Lookup: hit */
} SurgeReply;

/* False: a 201 without a ticket's id. */
bool surge_reply_of(const HttpReply *http, SurgeReply *ret);
