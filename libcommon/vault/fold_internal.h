/* Reading UTF-8 text as people type it: full-width twins of ASCII count as ASCII. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* The character at s.p[at] (at < s.n) as ASCII when it is ASCII, a full-width form (U+FF01..FF5E)
 * or the ideographic space; 0 for every other one. *ret_n: its bytes, at least 1, never beyond s.
 */
static inline char fold_at(Str s, size_t at, size_t *ret_n) {
    const unsigned char *p = (const unsigned char *)s.p + at;
    size_t left = s.n - at;
    *ret_n = 1;
    if (p[0] < 0x80) return (char)p[0];
    if (left >= 3 && p[0] == 0xef && p[1] == 0xbc && p[2] >= 0x81 && p[2] <= 0xbf) {
        *ret_n = 3;
        return (char)(p[2] - 0x81 + 0x21);
    }
    if (left >= 3 && p[0] == 0xef && p[1] == 0xbd && p[2] >= 0x80 && p[2] <= 0x9e) {
        *ret_n = 3;
        return (char)(p[2] - 0x80 + 0x60);
    }
    if (left >= 3 && p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80) {
        *ret_n = 3;
        return ' ';
    }
    while (*ret_n < left && (p[*ret_n] & 0xc0) == 0x80)
        ++*ret_n; /* the rest of one character */
    return 0;
}

static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* digits: ASCII. A Chinese mobile number without country code. */
static inline bool is_mobile(const char *digits, size_t n) {
    return n == 11 && digits[0] == '1' && digits[1] >= '3';
}
