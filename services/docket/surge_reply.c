/* SurgeReply -- strict where it matters: status, length, id. */
#include "docket/surge_reply.h"

/* {"ticket":{"url":"...","id":123,...: the first "id" is the ticket's. */
static int64_t ticket_id(Str body) {
    static const char name[] = "\"id\":";
    if (!str_starts(body, STR("{\"ticket\":{"))) return 0;
    const char *at = memmem(body.p, body.n, name, sizeof(name) - 1);
    if (!at) return 0;
    int64_t id = 0;
    for (at += sizeof(name) - 1; at < body.p + body.n && *at >= '0' && *at <= '9'; at++) {
        if (id > INT64_MAX / 10 - 1) return 0;
        id = id * 10 + (*at - '0');
    }
    return id;
}

bool surge_reply_of(const HttpReply *http, SurgeReply *ret) {
    SurgeReply reply = {.status = http->status, .retry_after_s = http->retry_after_s};
    if (reply.status == 201) {
        reply.ticket_id = ticket_id(http->body);
        if (reply.ticket_id <= 0) return false;
        reply.hit = str_is(http_reply_header(http, "X-Idempotency-Lookup"), "hit");
    }
    *ret = reply;
    return true;
}
