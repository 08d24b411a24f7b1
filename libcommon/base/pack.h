/* Pack -- numbers and texts as a few bytes, and back: what a room stores between two happenings is
 * written and read in one order. LEB128 varints, zigzag where negative, little endian where fixed.
 * What is read may come from anywhere: every number has its limit, and the first one that is wrong
 * makes everything after it 0. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { PACK_NUMBER_MAX = 10 /* bytes of one */ };

static inline void pack_number(Buf *ret, uint64_t v) {
    if (ret->room - ret->n <= PACK_NUMBER_MAX) buf_reserve(ret, PACK_NUMBER_MAX);
    char *p = ret->p + ret->n;
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    *p = 0;
    ret->n = (size_t)(p - ret->p);
}
void pack_signed(Buf *ret, int64_t v);
void pack_fixed(Buf *ret, uint64_t v);
void pack_text(Buf *ret, Str s); /* its length before it */

typedef struct Unpack {
    const unsigned char *p, *end;
    bool bad; /* and stays so: looked at once, at the end */
} Unpack;

Unpack unpack_of(Str packed);
uint64_t unpack_number(Unpack *u, uint64_t max);
int64_t unpack_signed(Unpack *u, int64_t min, int64_t max);
uint64_t unpack_fixed(Unpack *u);
/* A slice of what is read. */
Str unpack_text(Unpack *u, size_t max);
/* How many things follow, each of which takes `least` bytes or more: never more than can. */
size_t unpack_count(Unpack *u, size_t max, size_t least);
/* Nothing was wrong, and nothing is left. */
bool unpack_done(const Unpack *u);
