/* CRC16/XMODEM, hash tags, redirections. */
#include "redis/slots.h"

#include <errno.h>

static uint16_t crc16(Str s) {
    uint16_t crc = 0;
    for (size_t i = 0; i < s.n; i++) {
        crc = (uint16_t)(crc ^ (uint16_t)((uint8_t)s.p[i] << 8));
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

int redis_slot(Str key) {
    Str rest, inside;
    (void)str_cut(key, '{', &rest);
    if (rest.p) {
        inside = str_cut(rest, '}', &rest);
        if (rest.p && inside.n) key = inside;
    }
    return crc16(key) & (REDIS_SLOTS - 1);
}

static int set_host(Str host, int64_t port, const char *asked, RedisHost *ret) {
    if (host.n == 0 || str_is(host, "?")) host = str(asked);
    if (host.n >= sizeof(ret->host) || port < 1 || port > 65535) return -EINVAL;
    memcpy(ret->host, host.p, host.n);
    ret->host[host.n] = '\0';
    ret->port = (int)port;
    return 0;
}

RedisRedirect redis_redirect_parse(Str error, const char *asked, int *ret_slot, RedisHost *ret) {
    Str rest, address, verb = str_cut(error, ' ', &rest);
    int64_t slot, port;
    bool moved = str_is(verb, "MOVED");
    if (!moved && !str_is(verb, "ASK")) return REDIRECT_NONE;
    Str number = str_cut(rest, ' ', &address);
    size_t colon = address.n; /* the last: an IPv6 address has more */
    while (colon > 0 && address.p[colon - 1] != ':')
        colon--;
    if (colon == 0 || str_to_i64(number, &slot) < 0 || slot < 0 || slot >= REDIS_SLOTS ||
        str_to_i64((Str){address.p + colon, address.n - colon}, &port) < 0 ||
        set_host((Str){address.p, colon - 1}, port, asked, ret) < 0)
        return REDIRECT_NONE;
    *ret_slot = (int)slot;
    return moved ? REDIRECT_MOVED : REDIRECT_ASK;
}

int redis_slot_range(const RedisReply *range, const char *asked, int *ret_first, int *ret_last,
                     RedisHost *ret) {
    int64_t first = redis_reply_int(redis_reply_at(range, 0));
    int64_t last = redis_reply_int(redis_reply_at(range, 1));
    const RedisReply *primary = redis_reply_at(range, 2);
    if (redis_reply_count(primary) < 2 || first < 0 || last < first || last >= REDIS_SLOTS)
        return -EINVAL;
    *ret_first = (int)first;
    *ret_last = (int)last;
    return set_host(redis_reply_str(redis_reply_at(primary, 0)),
                    redis_reply_int(redis_reply_at(primary, 1)), asked, ret);
}
