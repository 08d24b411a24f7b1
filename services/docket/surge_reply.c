/* SurgeReply -- strict where it matters: status, length, id. */
#include "docket/surge_reply.h"

static bool header_number(Str value, int64_t *ret) {
    return str_to_i64(value, ret) == 0 && *ret >= 0;
}

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

SurgeReplyResult surge_reply_read(Str bytes, SurgeReply *ret, size_t *ret_used) {
    SurgeReply reply = {0};
    int64_t length = -1, number;
    if (bytes.n < 12) return SURGE_REPLY_MORE;
    if (memcmp(bytes.p, "HTTP/1.1 ", 9) != 0) return SURGE_REPLY_BROKEN;
    for (int i = 9; i < 12; i++) {
        if (bytes.p[i] < '0' || bytes.p[i] > '9') return SURGE_REPLY_BROKEN;
        reply.status = reply.status * 10 + (bytes.p[i] - '0');
    }
    const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    if (!end) return bytes.n > 65536 ? SURGE_REPLY_BROKEN : SURGE_REPLY_MORE;

    const char *stop = memmem(bytes.p, (size_t)(end + 2 - bytes.p), "\r\n", 2);
    for (const char *line = stop + 2; line < end + 2; line = stop + 2) {
        stop = memmem(line, (size_t)(end + 2 - line), "\r\n", 2); /* the last one at `end` */
        Str value;
        Str name = str_cut((Str){line, (size_t)(stop - line)}, ':', &value);
        value = str_trim(value);
        if (str_eq_nocase(name, STR("Content-Length"))) {
            if (!header_number(value, &length)) return SURGE_REPLY_BROKEN;
        } else if (str_eq_nocase(name, STR("Retry-After"))) {
            if (header_number(value, &number) && number <= 3600) reply.retry_after_s = (int)number;
        } else if (str_eq_nocase(name, STR("Connection"))) {
            reply.close = str_eq_nocase(value, STR("close"));
        } else if (str_eq_nocase(name, STR("X-Idempotency-Lookup"))) {
            reply.hit = str_is(value, "hit");
        }
    }
    if (length < 0 || length > 16 * 1024 * 1024) return SURGE_REPLY_BROKEN;
    size_t head = (size_t)(end + 4 - bytes.p);
    if (bytes.n - head < (size_t)length) return SURGE_REPLY_MORE;
    if (reply.status == 201) {
        reply.ticket_id = ticket_id((Str){bytes.p + head, (size_t)length});
        if (reply.ticket_id <= 0) return SURGE_REPLY_BROKEN;
    }
    *ret = reply;
    *ret_used = head + (size_t)length;
    return SURGE_REPLY_WHOLE;
}
