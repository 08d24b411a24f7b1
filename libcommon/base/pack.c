/* Varints both ways. */
#include "base/pack.h"

void pack_signed(Buf *ret, int64_t v) {
    pack_number(ret, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

void pack_fixed(Buf *ret, uint64_t v) {
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(v >> (8 * i));
    buf_add(ret, bytes, sizeof(bytes));
}

void pack_text(Buf *ret, Str s) {
    pack_number(ret, s.n);
    buf_add(ret, s.p, s.n);
}

Unpack unpack_of(Str packed) {
    const unsigned char *p = (const unsigned char *)packed.p;
    return (Unpack){p, packed.n ? p + packed.n : p, false};
}

uint64_t unpack_number(Unpack *u, uint64_t max) {
    uint64_t v = 0;
    if (!u->bad && u->p < u->end && *u->p < 0x80 && *u->p <= max) return *u->p++;
    for (int shift = 0; shift < 64 && !u->bad && u->p < u->end; shift += 7) {
        unsigned char byte = *u->p++;
        if (shift == 63 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if (v > max) break;
        return v;
    }
    u->bad = true;
    return 0;
}

int64_t unpack_signed(Unpack *u, int64_t min, int64_t max) {
    uint64_t v = unpack_number(u, UINT64_MAX);
    int64_t back = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    if (back < min || back > max) u->bad = true;
    return u->bad ? 0 : back;
}

uint64_t unpack_fixed(Unpack *u) {
    uint64_t v = 0;
    if (u->bad || u->end - u->p < 8) {
        u->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)*u->p++ << (8 * i);
    return v;
}

Str unpack_text(Unpack *u, size_t max) {
    size_t n = unpack_number(u, max);
    if (n > (size_t)(u->end - u->p)) u->bad = true;
    if (u->bad) return (Str){NULL, 0};
    Str s = {(const char *)u->p, n};
    u->p += n;
    return s;
}

size_t unpack_count(Unpack *u, size_t max, size_t least) {
    size_t n = unpack_number(u, max);
    if (n > (size_t)(u->end - u->p) / least) u->bad = true;
    return u->bad ? 0 : n;
}

bool unpack_done(const Unpack *u) {
    return !u->bad && u->p == u->end;
}
