/* Culprits -- which product, batch, region ..., or which two together, are over-represented among
 * the tickets of a surge, measured against those before it? Pure.
 *
 * A cell is a value of one dimension, or of two. Of each that the surge shows:
 *   - expected: its share of all tickets, times those of the surge; IC = log2((observed + 1/2) /
 *     (expected + 1/2)), and IC025, below which it lies with a chance of 2.5 % (Noren, Hopstadius,
 *     Bate 2013: a gamma posterior). A shrunken measure: three of none expected is no alarm yet.
 *   - surprise: the chance of as many or more of its tickets in the surge, had it no part in it
 *     (binomial, given how many it has in both). Benjamini and Hochberg's procedure over all cells
 *     of the surge holds the share of false ones among those named at `false_share`.
 * Of the cells that pass both, the one that explains most (the greatest likelihood ratio) is named;
 * two together only where they explain more than either alone. Then its tickets are taken out of
 * both sides, and the rest is asked again: so what only travels with a culprit is not named. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    CULPRIT_DIMENSIONS_MAX = 12,
    CULPRIT_SURGE_MAX = 20000,   /* tickets of the surge: more say no more */
    CULPRIT_BEFORE_MAX = 400000, /* tickets before it */
    CULPRITS_MAX = 20
};

/* n rows of one value for each dimension; 0: none, which is no culprit. */
typedef struct CulpritRows {
    const uint32_t *values;
    size_t n;
} CulpritRows;

typedef struct CulpritRules {
    double false_share; /* 0.05; in (0, 0.5] */
    uint32_t least;     /* tickets of the surge that a culprit has at least; 3 */
} CulpritRules;

#define CULPRIT_RULES_DEFAULT ((CulpritRules){0.05, 3})

typedef struct Culprit {
    int dimensions[2]; /* the second -1: one alone */
    uint32_t values[2];
    uint32_t observed,
        before;      /* tickets of the surge, and before it; not explained by an earlier */
    double expected; /* of the surge's, had it no part in it */
    double ic, ic025;
    double surprise;    /* p */
    double false_share; /* of all named up to it: adjusted p */
} Culprit;

/* The count, what explains most first; -EINVAL: beyond the limits above. */
int culprits_find(size_t dimensions, CulpritRows surge, CulpritRows before, const CulpritRules *r,
                  Culprit ret[CULPRITS_MAX]);

double culprit_ic(double observed, double expected);
double culprit_ic025(double observed, double expected);
