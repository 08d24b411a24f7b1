/* Cells are counted anew in each round, among the tickets that nothing explains yet. */
#include "radar/culprits.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "base/memory.h"
#include "radar/chance.h"

#define PAIR_GAIN 3.0 /* how much likelier two together must be than one alone: e^3 is 20 times */

double culprit_ic(double observed, double expected) {
    return log2((observed + 0.5) / (expected + 0.5));
}

double culprit_ic025(double observed, double expected) {
    return log2(chance_gamma_quantile(observed + 0.5, 0.025) / (expected + 0.5));
}

typedef struct Cell {
    uint32_t values[2];
    int8_t dimensions[2]; /* the second -1: one alone */
    bool used;
    uint32_t observed, before;
    double ratio; /* logarithm of likelihoods */
    double p, q;
} Cell;

typedef struct Cells {
    Cell *p;
    size_t room, n; /* room: a power of two */
} Cells;

static size_t place_of(const Cells *c, int d, int e, uint32_t a, uint32_t b) {
    uint64_t h = (uint64_t)a << 32 | b;
    h = (h ^ ((uint64_t)(d + 1) << 8 | (uint64_t)(e + 1))) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    size_t at = (size_t)(h ^ h >> 32) & (c->room - 1);
    for (;; at = (at + 1) & (c->room - 1)) {
        const Cell *cell = &c->p[at];
        if (!cell->used || (cell->dimensions[0] == d && cell->dimensions[1] == e &&
                            cell->values[0] == a && cell->values[1] == b))
            return at;
    }
}

static void grow(Cells *c) {
    Cells more = {xcalloc(c->room * 2, sizeof(Cell)), c->room * 2, c->n};
    for (size_t i = 0; i < c->room; i++) {
        const Cell *cell = &c->p[i];
        if (cell->used)
            more.p[place_of(&more, cell->dimensions[0], cell->dimensions[1], cell->values[0],
                            cell->values[1])] = *cell;
    }
    free(c->p);
    *c = more;
}

/* Of the surge every cell is made; of what was before only those are counted. */
static void count(Cells *c, int d, int e, uint32_t a, uint32_t b, bool surge) {
    Cell *cell = &c->p[place_of(c, d, e, a, b)];
    if (cell->used) {
        if (surge)
            cell->observed++;
        else
            cell->before++;
        return;
    }
    if (!surge) return;
    *cell =
        (Cell){.values = {a, b}, .dimensions = {(int8_t)d, (int8_t)e}, .used = true, .observed = 1};
    if (++c->n > c->room / 2) grow(c);
}

typedef struct Side {
    CulpritRows rows;
    bool *explained;
    size_t left;
} Side;

static void count_side(Cells *c, size_t dimensions, const Side *s, bool surge) {
    for (size_t i = 0; i < s->rows.n; i++) {
        const uint32_t *row = &s->rows.values[i * dimensions];
        if (s->explained[i]) continue;
        for (size_t d = 0; d < dimensions; d++) {
            if (!row[d]) continue;
            count(c, (int)d, -1, row[d], 0, surge);
            for (size_t e = d + 1; e < dimensions; e++)
                if (row[e]) count(c, (int)d, (int)e, row[d], row[e], surge);
        }
    }
}

static double part(double k, double expected) {
    return k > 0 ? k * log(k / expected) : 0;
}

static void judge(Cell *c, double share) {
    double k = c->observed, n = (double)c->observed + c->before;
    c->ratio = k > n * share ? part(k, n * share) + part(n - k, n * (1 - share)) : 0;
    c->p = chance_binomial_at_least(c->observed, (uint64_t)n, share);
}

static int by_surprise(const void *a, const void *b) {
    const Cell *x = *(Cell *const *)a, *y = *(Cell *const *)b;
    return (x->p > y->p) - (x->p < y->p);
}

/* Benjamini and Hochberg 1995: each cell's adjusted p. */
static void adjust(Cells *c) {
    CLEANUP(mem_freep) Cell **sorted = (Cell **)xcalloc(c->n + 1, sizeof(*sorted));
    size_t n = 0;
    double least = 1;
    for (size_t i = 0; i < c->room; i++)
        if (c->p[i].used) sorted[n++] = &c->p[i];
    qsort((void *)sorted, n, sizeof(*sorted), by_surprise);
    for (size_t i = n; i-- > 0;) {
        double q = sorted[i]->p * (double)n / (double)(i + 1);
        if (q < least) least = q;
        sorted[i]->q = least;
    }
}

/* Ties go to the lower dimension and value, so that the table's order decides nothing. */
static bool before_in_order(const Cell *a, const Cell *b) {
    for (int i = 0; i < 2; i++) {
        if (a->dimensions[i] != b->dimensions[i]) return a->dimensions[i] < b->dimensions[i];
        if (a->values[i] != b->values[i]) return a->values[i] < b->values[i];
    }
    return false;
}

static double claim(const Cells *c, const Cell *cell) {
    if (cell->dimensions[1] < 0) return cell->ratio;
    double alone = 0;
    for (int i = 0; i < 2; i++) {
        const Cell *one = &c->p[place_of(c, cell->dimensions[i], -1, cell->values[i], 0)];
        if (one->used && one->ratio > alone) alone = one->ratio;
    }
    return cell->ratio > alone + PAIR_GAIN ? cell->ratio : 0;
}

static const Cell *choose(const Cells *c, const CulpritRules *r, double share) {
    const Cell *best = NULL;
    double most = 0;
    for (size_t i = 0; i < c->room; i++) {
        const Cell *cell = &c->p[i];
        if (!cell->used || cell->observed < r->least || cell->q > r->false_share) continue;
        double claims = claim(c, cell), all = (double)cell->observed + cell->before;
        if (claims <= 0 || claims < most) continue;
        if (best && claims <= most && !before_in_order(cell, best)) continue;
        if (culprit_ic025(cell->observed, all * share) <= 0) continue;
        best = cell;
        most = claims;
    }
    return best;
}

static void explain(Side *s, size_t dimensions, const Cell *c) {
    for (size_t i = 0; i < s->rows.n; i++) {
        const uint32_t *row = &s->rows.values[i * dimensions];
        bool has = row[c->dimensions[0]] == c->values[0] &&
                   (c->dimensions[1] < 0 || row[c->dimensions[1]] == c->values[1]);
        if (!has || s->explained[i]) continue;
        s->explained[i] = true;
        s->left--;
    }
}

/* One round; false: nothing more is to be named. */
static bool name_one(size_t dimensions, Side *surge, Side *before, const CulpritRules *r,
                     Culprit *ret) {
    if (surge->left < r->least || !before->left) return false;
    double share = (double)surge->left / (double)(surge->left + before->left);
    Cells cells = {xcalloc(1024, sizeof(Cell)), 1024, 0};
    count_side(&cells, dimensions, surge, true);
    count_side(&cells, dimensions, before, false);
    for (size_t i = 0; i < cells.room; i++)
        if (cells.p[i].used) judge(&cells.p[i], share);
    adjust(&cells);
    const Cell *c = choose(&cells, r, share);
    if (c) {
        double expected = ((double)c->observed + c->before) * share;
        *ret = (Culprit){.dimensions = {c->dimensions[0], c->dimensions[1]},
                         .values = {c->values[0], c->values[1]},
                         .observed = c->observed,
                         .before = c->before,
                         .expected = expected,
                         .ic = culprit_ic(c->observed, expected),
                         .ic025 = culprit_ic025(c->observed, expected),
                         .surprise = c->p,
                         .false_share = c->q};
        explain(surge, dimensions, c);
        explain(before, dimensions, c);
    }
    free(cells.p);
    return c != NULL;
}

int culprits_find(size_t dimensions, CulpritRows surge, CulpritRows before, const CulpritRules *r,
                  Culprit ret[CULPRITS_MAX]) {
    if (!dimensions || dimensions > CULPRIT_DIMENSIONS_MAX || surge.n > CULPRIT_SURGE_MAX ||
        before.n > CULPRIT_BEFORE_MAX || !(r->false_share > 0) || r->false_share > 0.5)
        return -EINVAL;
    CLEANUP(mem_freep) bool *in_surge = xcalloc(surge.n + 1, sizeof(bool));
    CLEANUP(mem_freep) bool *in_before = xcalloc(before.n + 1, sizeof(bool));
    Side now = {surge, in_surge, surge.n}, then = {before, in_before, before.n};
    int n = 0;
    while (n < CULPRITS_MAX && name_one(dimensions, &now, &then, r, &ret[n]))
        n++;
    return n;
}
