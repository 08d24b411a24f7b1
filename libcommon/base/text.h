/* Text -- Str is a borrowed slice of bytes, Buf is an owned growing one. Neither knows an encoding.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

/* A slice that somebody else owns. {NULL, 0} means "absent"; p is not NUL-terminated unless its
 * maker says so. */
typedef struct Str {
    const char *p;
    size_t n;
} Str;

#define STR(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_ARG(s)   (int)(s).n, (s).p /* for "%.*s" */

static inline Str str(const char *z) {
    return (Str){z, z ? strlen(z) : 0};
}
static inline bool str_eq(Str a, Str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_is(Str a, const char *z) {
    return str_eq(a, str(z));
}
bool str_eq_nocase(Str a, Str b); /* ASCII letters only */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
Str str_trim(Str s); /* spaces and tabs */
/* Cuts at the first `c`: returns the part before, *rest the part behind (absent when there was no
 * `c`). */
Str str_cut(Str s, char c, Str *rest);
bool str_is_text(Str s); /* valid UTF-8 (RFC 3629) without NUL: what PostgreSQL can hold as text */
int str_to_i64(Str s, int64_t *ret); /* decimal, the whole of it; -EINVAL or -ERANGE */
int str_to_u64(Str s, uint64_t *ret);

/* Growing bytes. Zero-initialised is empty and valid; buf_done() makes it so again. Always
 * NUL-terminated once used. */
typedef struct Buf {
    char *p;
    size_t n, room;
} Buf;

void buf_done(Buf *b);                 /* frees; also the CLEANUP function */
void buf_clear(Buf *b);                /* empties, keeps the memory */
void buf_reserve(Buf *b, size_t more); /* room for `more` bytes behind n */
static inline void buf_add(Buf *b, const void *p, size_t n) {
    if (b->room - b->n <= n) buf_reserve(b, n); /* the NUL behind needs a byte too */
    if (n) memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = 0;
}
static inline void buf_addc(Buf *b, char c) {
    buf_add(b, &c, 1);
}
void buf_adds(Buf *b, const char *z);
void buf_add_str(Buf *b, Str s);
void buf_add_i64(Buf *b, int64_t v); /* decimal */
void buf_add_u64(Buf *b, uint64_t v);
void buf_printf(Buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(Buf *b, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* `s` as a JSON string with its quotes (RFC 8259); bytes above 0x7f pass as they are. */
void buf_add_json(Buf *b, Str s);
static inline Str buf_str(const Buf *b) {
    return (Str){b->p, b->n};
}

void text_hex(const void *bytes, size_t n, char *ret /* 2n + 1 */);
/* The bytes written, or -EINVAL; accepts both cases. */
int text_unhex(Str hex, void *ret, size_t room);
/* Base64url without padding (RFC 4648 §5). ret needs 4 * (n + 2) / 3 + 1 bytes. */
size_t text_base64url(const void *bytes, size_t n, char *ret);
