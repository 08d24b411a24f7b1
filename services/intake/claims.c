/* Claims -- `SET key claim NX GET EX 86400`: take it or read who was first, in one command. */
#include "intake/claims.h"

#include <errno.h>

enum { CLAIM_VERSION = 1 };

void claim_key(Buf *ret, int64_t tenant_id, int64_t source_id, Str key) {
    buf_adds(ret, "docket:{");
    buf_add_i64(ret, tenant_id);
    buf_adds(ret, "}:key:");
    buf_add_i64(ret, source_id);
    buf_addc(ret, ':');
    buf_add_str(ret, key);
}

static uint8_t *put_64(uint8_t *p, uint64_t v) {
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)(v >> (56 - 8 * i));
    return p;
}

static uint64_t get_64(const uint8_t *p) {
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

void claim_encode(const Claim *c, uint8_t ret[CLAIM_BYTES]) {
    uint8_t *p = ret;
    *p++ = CLAIM_VERSION;
    p = put_64(p, (uint64_t)c->ticket_id);
    p = put_64(p, (uint64_t)c->accepted_ms);
    memcpy(p, c->cause.bytes, sizeof(c->cause.bytes));
    memcpy(p + sizeof(c->cause.bytes), c->fingerprint, sizeof(c->fingerprint));
}

int claim_decode(Str bytes, Claim *ret) {
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (bytes.n != CLAIM_BYTES || p[0] != CLAIM_VERSION) return -EBADMSG;
    Claim c = {.ticket_id = (int64_t)get_64(p + 1), .accepted_ms = (int64_t)get_64(p + 9)};
    if (c.ticket_id <= 0 || c.accepted_ms <= 0) return -EBADMSG;
    memcpy(c.cause.bytes, p + 17, sizeof(c.cause.bytes));
    memcpy(c.fingerprint, p + 33, sizeof(c.fingerprint));
    *ret = c;
    return 0;
}

static void on_reply(void *arg, const RedisReply *reply, int error) {
    ClaimCall *call = arg;
    Claim earlier;
    if (error == 0 && redis_reply_type(reply) == REPLY_NIL)
        call->cb(call->arg, CLAIM_OURS, NULL);
    else if (error == 0 && claim_decode(redis_reply_str(reply), &earlier) == 0)
        call->cb(call->arg, CLAIM_EARLIER, &earlier);
    else
        call->cb(call->arg, CLAIM_UNKNOWN, NULL);
}

int claims_take(RedisClient *redis, ClaimCall *call, int64_t tenant_id, int64_t source_id, Str key,
                const Claim *mine, ClaimCallback cb, void *arg) {
    uint8_t value[CLAIM_BYTES];
    CLEANUP(buf_done) Buf name = {0};
    claim_key(&name, tenant_id, source_id, key);
    claim_encode(mine, value);
    *call = (ClaimCall){cb, arg};
    const Str argv[] = {STR("SET"),  buf_str(&name), {(char *)value, sizeof(value)},
                        STR("NX"),   STR("GET"),     STR("EX"),
                        STR("86400")};
    return redis_command(redis, on_reply, call, sizeof(argv) / sizeof(*argv), argv);
}
