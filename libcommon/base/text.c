/* Slices and growing buffers. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq_nocase(Str a, Str b) {
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool str_starts(Str s, Str prefix) {
    return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

bool str_ends(Str s, Str suffix) {
    return s.n >= suffix.n && memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}

Str str_trim(Str s) {
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

Str str_cut(Str s, char c, Str *rest) {
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    if (!at) {
        *rest = (Str){NULL, 0};
        return s;
    }
    size_t n = (size_t)(at - s.p);
    *rest = (Str){at + 1, s.n - n - 1};
    return (Str){s.p, n};
}

/* The bytes of the character at p (at most n of them are there), 0 when it is not UTF-8. */
static size_t utf8_length(const unsigned char *p, size_t n) {
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < length) return 0; /* stray, overlong, beyond U+10FFFF */
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogates */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return length;
}

bool str_is_text(Str s) {
    if (s.n == 0) return true; /* absent: no pointer to count from */
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
    while (p < end) {
        if (*p < 0x80) {
            if (*p++ == 0) return false;
            continue;
        }
        size_t length = utf8_length(p, (size_t)(end - p));
        if (length == 0) return false;
        p += length;
    }
    return true;
}

int str_to_u64(Str s, uint64_t *ret) {
    if (s.n == 0) return -EINVAL;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return -EINVAL;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10) return -ERANGE;
        v = v * 10 + digit;
    }
    *ret = v;
    return 0;
}

int str_to_i64(Str s, int64_t *ret) {
    bool negative = s.n && s.p[0] == '-';
    uint64_t v;
    if (negative) s.p++, s.n--;
    int r = str_to_u64(s, &v);
    if (r < 0) return r;
    if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return -ERANGE;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

void buf_done(Buf *b) {
    free(b->p);
    *b = (Buf){0};
}

void buf_clear(Buf *b) {
    b->n = 0;
    if (b->p) b->p[0] = 0;
}

void buf_reserve(Buf *b, size_t more) {
    size_t need = b->n + more + 1; /* the NUL behind */
    if (need <= b->room) return;
    size_t room = b->room ? b->room * 2 : 64;
    if (room < need) room = need;
    b->p = xrealloc(b->p, room);
    b->room = room;
}

void buf_adds(Buf *b, const char *z) {
    buf_add(b, z, strlen(z));
}

void buf_add_str(Buf *b, Str s) {
    buf_add(b, s.p, s.n);
}

void buf_add_u64(Buf *b, uint64_t v) {
    char digits[20];
    char *at = digits + sizeof(digits);
    do
        *--at = (char)('0' + v % 10);
    while (v /= 10);
    buf_add(b, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_add_i64(Buf *b, int64_t v) {
    if (v < 0) buf_addc(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_vprintf(Buf *b, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n > 0) {
        buf_reserve(b, (size_t)n);
        (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_printf(Buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

/* Eight bytes of which none needs an escape in JSON: none below 0x20, no quote, no backslash. */
static bool plain_eight(const char *p) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    uint64_t quote = v ^ ones * '"', backslash = v ^ ones * '\\';
    uint64_t found =
        ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    return !(found & tops);
}

void buf_add_json(Buf *b, Str s) {
    static const char hex[] = "0123456789abcdef";
    size_t plain = 0; /* start of the run not yet copied */
    if (!s.p) s = STR("");
    buf_reserve(b, s.n + 2);
    buf_addc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        while (s.n - i >= 8 && plain_eight(s.p + i))
            i += 8;
        if (i == s.n) break;
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        buf_add(b, s.p + plain, i - plain);
        plain = i + 1;
        switch (c) {
        case '"':
            buf_add(b, "\\\"", 2);
            break;
        case '\\':
            buf_add(b, "\\\\", 2);
            break;
        case '\n':
            buf_add(b, "\\n", 2);
            break;
        case '\r':
            buf_add(b, "\\r", 2);
            break;
        case '\t':
            buf_add(b, "\\t", 2);
            break;
        default: {
            char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(b, escape, sizeof(escape));
        }
        }
    }
    buf_add(b, s.p + plain, s.n - plain);
    buf_addc(b, '"');
}

void text_hex(const void *bytes, size_t n, char *ret) {
    static const char hex[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = hex[in[i] >> 4];
        ret[2 * i + 1] = hex[in[i] & 15];
    }
    ret[2 * n] = 0;
}

static int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_unhex(Str hex, void *ret, size_t room) {
    unsigned char *out = ret;
    if (hex.n % 2 || hex.n / 2 > room || hex.n / 2 > INT_MAX) return -EINVAL;
    for (size_t i = 0; i < hex.n / 2; i++) {
        int high = nibble(hex.p[2 * i]), low = nibble(hex.p[2 * i + 1]);
        if (high < 0 || low < 0) return -EINVAL;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return (int)(hex.n / 2);
}

size_t text_base64url(const void *bytes, size_t n, char *ret) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes;
    size_t out = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0u);
        ret[out++] = digits[v >> 18];
        ret[out++] = digits[v >> 12 & 63];
        if (left > 1) ret[out++] = digits[v >> 6 & 63];
        if (left > 2) ret[out++] = digits[v & 63];
    }
    ret[out] = 0;
    return out;
}
