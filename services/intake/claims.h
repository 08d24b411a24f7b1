/* Claims -- one key, one ticket id: claimed in Redis before anything is produced, so that every
 * retry, at whichever gate, reuses id and cause (correctness.md 2).
 *
 * A claim is never taken back or marked as done: a retry produces the same ticket again, and the
 * router recognises it by its cause. Redis may forget; then PostgreSQL decides (correctness.md 3).
 */
#pragma once

#include <stdint.h>

#include "base/cause.h"
#include "base/text.h"
#include "redis/client.h"

enum { CLAIM_BYTES = 65, CLAIM_LIFE_S = 24 * 60 * 60 };

typedef struct Claim {
    int64_t ticket_id;
    Cause cause;
    int64_t accepted_ms; /* so that a replay is the same ticket to the letter */
    uint8_t fingerprint[32];
} Claim;

typedef enum ClaimOutcome {
    CLAIM_OURS,    /* nobody had it */
    CLAIM_EARLIER, /* *earlier is what was claimed before */
    CLAIM_UNKNOWN  /* Redis is away, slow, or holds what we do not read */
} ClaimOutcome;

typedef void (*ClaimCallback)(void *arg, ClaimOutcome outcome, const Claim *earlier);

/* Memory of one claim under way; the caller's, until the callback. */
typedef struct ClaimCall {
    ClaimCallback cb;
    void *arg;
} ClaimCall;

/* 0: the callback comes, exactly once, never inside this call; negative: Redis takes nothing now,
 * which is CLAIM_UNKNOWN at once. `key` is as stored: "k:..." or "x:...". */
int claims_take(RedisClient *redis, ClaimCall *call, int64_t tenant_id, int64_t source_id, Str key,
                const Claim *mine, ClaimCallback cb, void *arg);

/* Pure pieces. */
void claim_key(Buf *ret, int64_t tenant_id, int64_t source_id, Str key);
void claim_encode(const Claim *c, uint8_t ret[CLAIM_BYTES]);
int claim_decode(Str bytes, Claim *ret); /* -EBADMSG */
