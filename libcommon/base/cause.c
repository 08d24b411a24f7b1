/* Random ids and trace context. */
#include "base/cause.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

void random_bytes(void *ret, size_t n) {
    static unsigned char pool[4096];
    static size_t left;
    unsigned char *out = ret;
    while (n) {
        if (left == 0) {
            size_t got = 0;
            while (got < sizeof(pool)) {
                ssize_t r = getrandom(pool + got, sizeof(pool) - got, 0);
                if (r < 0 && errno == EINTR) continue;
                if (r <= 0) {
                    perror("docket: the kernel gives no random bytes");
                    abort();
                }
                got += (size_t)r;
            }
            left = sizeof(pool);
        }
        size_t take = n < left ? n : left;
        memcpy(out, pool + sizeof(pool) - left, take);
        memset(pool + sizeof(pool) - left, 0, take); /* given out once */
        out += take;
        n -= take;
        left -= take;
    }
}

Cause cause_new(void) {
    Cause c;
    random_bytes(c.bytes, sizeof(c.bytes));
    c.bytes[6] = (uint8_t)((c.bytes[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
    c.bytes[8] = (uint8_t)((c.bytes[8] & 0x3f) | 0x80);
    return c;
}

void cause_format(Cause c, char ret[37]) {
    char hex[33];
    text_hex(c.bytes, sizeof(c.bytes), hex);
    (void)snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}

Trace trace_new(void) {
    Trace t = {.flags = 1};
    random_bytes(t.trace_id, sizeof(t.trace_id));
    random_bytes(t.span_id, sizeof(t.span_id));
    t.trace_id[15] |= 1; /* all zero is invalid */
    t.span_id[7] |= 1;
    return t;
}

static int lower_hex(const char *text, size_t n, uint8_t *ret) {
    for (size_t i = 0; i < n; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return -EINVAL;
    return text_unhex((Str){text, n}, ret, n / 2) < 0 ? -EINVAL : 0;
}

static int all_zero(const uint8_t *bytes, size_t n) {
    while (n--)
        if (*bytes++) return 0;
    return 1;
}

int trace_parse(const char *text, size_t n, Trace *ret) {
    Trace t;
    uint8_t version;
    if (n < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return -EINVAL;
    if (lower_hex(text, 2, &version) < 0 || version == 0xff) return -EINVAL;
    if (version == 0 ? n != 55 : n > 55 && text[55] != '-') return -EINVAL;
    if (lower_hex(text + 3, 32, t.trace_id) < 0 || lower_hex(text + 36, 16, t.span_id) < 0 ||
        lower_hex(text + 53, 2, &t.flags) < 0)
        return -EINVAL;
    if (all_zero(t.trace_id, 16) || all_zero(t.span_id, 8)) return -EINVAL;
    *ret = t;
    return 0;
}

void trace_format(const Trace *t, char ret[56]) {
    char trace[33], span[17];
    text_hex(t->trace_id, 16, trace);
    text_hex(t->span_id, 8, span);
    (void)snprintf(ret, 56, "00-%s-%s-%02x", trace, span, t->flags & 3u);
}

void trace_id_hex(const Trace *t, char ret[33]) {
    text_hex(t->trace_id, 16, ret);
}
