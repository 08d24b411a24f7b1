/* Matcher -- many filters compiled into one: a submission is looked at once, then each filter is a
 * few loads. Pure.
 *
 *   matcher_look(m, &facts);
 *   for (size_t i = 0; (i = matcher_next(m, i)) < n; i++) ... filter i holds ...
 *
 * All keywords of all filters are one database (conditions/keywords.h), scanned once per look.
 * Measured with 200 filters: 1-2 µs a submission. Holds working memory: one look at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conditions/condition.h"
#include "conditions/keywords.h"

typedef struct Matcher Matcher;

enum { MATCHER_CUSTOM_MAX = 40 }; /* different custom.<name> in all filters */

typedef struct Facts {
    Str at[FACT_CUSTOM]; /* tags and text unused */
    const Str *tags;
    size_t tags_n;
    const Str *custom; /* in the order of matcher_custom(); NULL: all absent */
} Facts;

/* Copies what it needs. NULL with *ret_problem (may be NULL): too many custom fields, or Hyperscan
 * refuses. */
Matcher *matcher_new(const Filter *filters, size_t n, KeywordEngine engine, Buf *ret_problem);
Matcher *matcher_free(Matcher *m); /* accepts NULL, returns NULL */
DEFINE_FREEP(Matcher, matcher)

size_t matcher_custom(const Matcher *m, const Str **ret); /* the names that filters ask for */
bool matcher_uses(const Matcher *m, FactField f);

void matcher_look(Matcher *m, const Facts *facts); /* keeps nothing of `facts` */
/* The first filter from `from` on that holds in the last look; the number of filters when none. */
size_t matcher_next(const Matcher *m, size_t from);
/* Why filter `i` held in the last look, in words, as the inside of a JSON string: "关键词
 * 清关，地区 us". Returns the bytes written to `ret`, at most `room`; whole words only. */
size_t matcher_explain(const Matcher *m, size_t i, char *ret, size_t room);

/* -1, or the number of an earlier filter that holds wherever filter `i` does, among those with
 * among[earlier] set. */
long matcher_covered_by(const Matcher *m, size_t i, const bool *among);
bool matcher_contradicts_itself(const Matcher *m,
                                size_t i); /* `all` wants a thing and its opposite */

typedef struct MatcherSize {
    size_t filters, conditions /* different ones */, keywords;
    const char *engine;
} MatcherSize;
MatcherSize matcher_size(const Matcher *m);
