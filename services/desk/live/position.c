/* A version, then each partition's next offset, seven bits a byte, the lowest first. */
#include "desk/live/position.h"

#include <errno.h>

enum { VERSION = 1, NUMBER_BYTES = 9, BYTES_MAX = 1 + NUMBER_BYTES * POSITION_PARTITIONS };

static size_t put(uint8_t *to, int64_t value) {
    size_t n = 0;
    uint64_t v = (uint64_t)value;
    for (; v > 0x7f; v >>= 7)
        to[n++] = (uint8_t)(0x80 | (v & 0x7f));
    to[n++] = (uint8_t)v;
    return n;
}

/* Bytes read; 0: cut short, too large, or not the shortest form. */
static size_t get(const uint8_t *from, size_t n, int64_t *ret) {
    uint64_t value = 0;
    for (size_t i = 0; i < n && i < NUMBER_BYTES; i++) {
        value |= (uint64_t)(from[i] & 0x7f) << (7 * i);
        if (from[i] & 0x80) continue;
        if (i && !from[i]) return 0;
        *ret = (int64_t)value; /* 63 bits */
        return value <= (uint64_t)POSITION_OFFSET_MAX ? i + 1 : 0;
    }
    return 0;
}

void position_write(const Position *p, Buf *ret) {
    uint8_t bytes[BYTES_MAX] = {VERSION};
    size_t n = 1, named = p->n;
    while (named && !p->next[named - 1])
        named--;
    for (size_t i = 0; i < named; i++)
        n += put(bytes + n, p->next[i]);
    buf_reserve(ret, 2 * n + 1);
    text_hex(bytes, n, ret->p + ret->n);
    ret->n += 2 * n;
}

int position_read(Str text, Position *ret) {
    uint8_t bytes[BYTES_MAX];
    Position p = {.n = 0};
    int length = text_unhex(text, bytes, sizeof(bytes));
    if (length < 1 || bytes[0] != VERSION) return -EINVAL;
    for (size_t at = 1, used; at < (size_t)length; at += used) {
        if (p.n == POSITION_PARTITIONS) return -EINVAL;
        used = get(bytes + at, (size_t)length - at, &p.next[p.n]);
        if (!used) return -EINVAL;
        p.n++;
    }
    if (p.n && !p.next[p.n - 1]) return -EINVAL; /* one text for one position */
    *ret = p;
    return 0;
}

int64_t position_next(const Position *p, int32_t partition) {
    return partition >= 0 && (size_t)partition < p->n ? p->next[partition] : 0;
}

void position_raise(Position *p, int32_t partition, int64_t next) {
    if (partition < 0 || partition >= POSITION_PARTITIONS) return;
    for (; p->n <= (size_t)partition; p->n++)
        p->next[p->n] = 0;
    if (next > p->next[partition]) p->next[partition] = next;
}
