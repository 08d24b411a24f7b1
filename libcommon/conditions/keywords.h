/* Keywords -- which of many literal words occur in a text? Pure.
 *
 * ASCII letters match in both cases. A word of ASCII bytes alone is bounded: `refund` is not in
 * `refunds` nor in `prerefund`, but is in `申请refund吧` (only at an edge that is itself a letter,
 * a digit or `_`). A word with any other character matches anywhere.
 *
 * One Hyperscan literal database, or, where the processor cannot run Hyperscan (no SSSE3), a plain
 * search by first byte: the same answers, some hundred times slower.
 * Not thread safe: one scan at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct Keywords Keywords;

typedef enum KeywordEngine {
    KEYWORDS_FASTEST, /* Hyperscan where it runs */
    KEYWORDS_PLAIN
} KeywordEngine;

/* NULL with *ret_problem (may be NULL) when Hyperscan refuses the list. No word may be empty. */
Keywords *keywords_new(const Str *words, size_t n, KeywordEngine engine, Buf *ret_problem);
Keywords *keywords_free(Keywords *k); /* accepts NULL, returns NULL */
DEFINE_FREEP(Keywords, keywords)

/* `word` (its place in the list) ends before text.p[end]; called for every occurrence, in
 * no particular order. */
typedef void (*KeywordHit)(void *arg, uint32_t word, size_t end);
void keywords_scan(Keywords *k, Str text, KeywordHit hit, void *arg);

const char *keywords_engine(const Keywords *k); /* "hyperscan" or "plain": for logs */
