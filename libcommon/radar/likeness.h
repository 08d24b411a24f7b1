/* Likeness -- which texts say nearly the same? Chinese and English. Pure.
 *
 * A text is the set of its pairs of neighbouring tokens (radar/tokens.h), kept as LIKENESS_HASHES
 * minima (Broder 1997): the share of equal ones estimates what two texts have in common of all that
 * they have (Jaccard), with a standard error of 0.0625 at one half. Candidates are found by bands
 * of four minima (Leskovec, Rajaraman, Ullman, chapter 3): texts with 0.7 in common are compared
 * with a chance of 98.8 %, those with 0.2 with one of 2.5 %. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum {
    LIKENESS_HASHES = 64,
    LIKENESS_BANDS = 16,
    LIKENESS_BYTES_MAX = 8192 /* of a text; what is behind is not looked at */
};

typedef struct Likeness {
    uint32_t minima[LIKENESS_HASHES];
    uint32_t pairs; /* in the text; 0: there is nothing to compare */
} Likeness;

void likeness_of(Str text, Likeness *ret);
double likeness_share(const Likeness *a, const Likeness *b); /* 0 to 1; 0 with nothing to compare */

/* Groups of texts that are like the first one of theirs. */
typedef struct LikeGroups LikeGroups;

typedef struct LikeGroup {
    uint64_t id; /* from 1, never given twice */
    uint64_t texts;
    bool begun; /* by this text */
} LikeGroup;

/* At most `limit` groups (about 500 bytes each): beyond, the one that was met longest ago is
 * forgotten. A text belongs to a group with which it has at least `share` in common: 0.5. */
LikeGroups *like_groups_new(size_t limit, double share);
LikeGroups *like_groups_free(LikeGroups *g); /* accepts NULL, returns NULL */
DEFINE_FREEP(LikeGroups, like_groups)

/* The group that it is most like, or one of its own. A text with nothing to compare: id 0. */
LikeGroup like_groups_add(LikeGroups *g, const Likeness *text);
size_t like_groups_count(const LikeGroups *g);
