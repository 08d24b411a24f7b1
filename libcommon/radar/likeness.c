/* Minima, bands, and groups in a list by when they were met. */
#include "radar/likeness.h"

#include <assert.h>
#include <xxhash.h>

#include "radar/tokens.h"

enum { ROWS = LIKENESS_HASHES / LIKENESS_BANDS };

/* ---- One text ---- */

static void take(Likeness *l, uint64_t hash) {
    uint32_t low = (uint32_t)hash, high = (uint32_t)(hash >> 32) | 1;
    for (uint32_t k = 0; k < LIKENESS_HASHES; k++) {
        uint32_t h = (low + k * high) * UINT32_C(0x9e3779b1); /* families by two hashes, stirred */
        h = (h ^ h >> 15) * UINT32_C(0x85ebca6b);
        h ^= h >> 13;
        if (h < l->minima[k]) l->minima[k] = h;
    }
    l->pairs++;
}

void likeness_of(Str text, Likeness *ret) {
    Token t;
    uint64_t last = 0;
    uint32_t tokens = 0;
    if (text.n > LIKENESS_BYTES_MAX) text.n = LIKENESS_BYTES_MAX;
    for (int k = 0; k < LIKENESS_HASHES; k++)
        ret->minima[k] = UINT32_MAX;
    ret->pairs = 0;
    while (token_next(&text, &t)) {
        uint64_t hash = XXH3_64bits(t.text, t.n), both[2] = {last, hash};
        if (tokens++) take(ret, XXH3_64bits(both, sizeof(both)));
        last = hash;
    }
    if (tokens == 1) take(ret, last);
}

double likeness_share(const Likeness *a, const Likeness *b) {
    int same = 0;
    if (!a->pairs || !b->pairs) return 0;
    for (int k = 0; k < LIKENESS_HASHES; k++)
        same += a->minima[k] == b->minima[k];
    return same / (double)LIKENESS_HASHES;
}

/* ---- Groups ---- */

#define NONE UINT32_MAX

typedef struct Group {
    Likeness first;
    uint64_t id, texts;
    uint64_t asked;                /* by the text of this number: looked at once each */
    uint32_t next[LIKENESS_BANDS]; /* in the same bucket of that band */
    uint32_t newer, older;         /* by when they were met */
} Group;

struct LikeGroups {
    size_t limit, n, buckets; /* buckets: of each band, a power of two */
    double share;
    uint64_t last_id, asks;
    Group *groups;
    uint32_t *heads; /* by band, then bucket */
    uint32_t newest, oldest;
};

LikeGroups *like_groups_new(size_t limit, double share) {
    LikeGroups *g = xcalloc(1, sizeof(*g));
    assert(limit > 0 && limit < NONE / 2);
    g->limit = limit;
    g->share = share;
    g->buckets = 16;
    while (g->buckets < limit)
        g->buckets *= 2;
    g->groups = xcalloc(limit, sizeof(*g->groups));
    g->heads = xmalloc(g->buckets * LIKENESS_BANDS * sizeof(*g->heads));
    for (size_t i = 0; i < g->buckets * LIKENESS_BANDS; i++)
        g->heads[i] = NONE;
    g->newest = g->oldest = NONE;
    return g;
}

LikeGroups *like_groups_free(LikeGroups *g) {
    if (!g) return NULL;
    free(g->groups);
    free(g->heads);
    free(g);
    return NULL;
}

static uint32_t *head_of(LikeGroups *g, const Likeness *l, size_t band) {
    uint64_t h = XXH3_64bits(&l->minima[band * ROWS], ROWS * sizeof(*l->minima));
    return &g->heads[band * g->buckets + (h & (g->buckets - 1))];
}

static void take_out(LikeGroups *g, uint32_t at) { /* of the order */
    Group *it = &g->groups[at];
    *(it->newer == NONE ? &g->newest : &g->groups[it->newer].older) = it->older;
    *(it->older == NONE ? &g->oldest : &g->groups[it->older].newer) = it->newer;
}

static void put_first(LikeGroups *g, uint32_t at) {
    g->groups[at].newer = NONE;
    g->groups[at].older = g->newest;
    *(g->newest == NONE ? &g->oldest : &g->groups[g->newest].newer) = at;
    g->newest = at;
}

static uint32_t forget_oldest(LikeGroups *g) {
    uint32_t at = g->oldest;
    take_out(g, at);
    for (size_t band = 0; band < LIKENESS_BANDS; band++) {
        uint32_t *link = head_of(g, &g->groups[at].first, band);
        while (*link != at)
            link = &g->groups[*link].next[band];
        *link = g->groups[at].next[band];
    }
    return at;
}

static uint32_t begin(LikeGroups *g, const Likeness *text) {
    uint32_t at = g->n < g->limit ? (uint32_t)g->n++ : forget_oldest(g);
    g->groups[at] = (Group){.first = *text, .id = ++g->last_id};
    for (size_t band = 0; band < LIKENESS_BANDS; band++) {
        uint32_t *head = head_of(g, text, band);
        g->groups[at].next[band] = *head;
        *head = at;
    }
    put_first(g, at);
    return at;
}

/* The likest; of several the earliest. */
static uint32_t find(LikeGroups *g, const Likeness *text) {
    uint32_t best = NONE;
    double most = 0;
    g->asks++;
    for (size_t band = 0; band < LIKENESS_BANDS; band++)
        for (uint32_t at = *head_of(g, text, band); at != NONE; at = g->groups[at].next[band]) {
            Group *it = &g->groups[at];
            if (it->asked == g->asks) continue;
            it->asked = g->asks;
            double share = likeness_share(&it->first, text);
            if (share < g->share || share < most) continue;
            if (best != NONE && share <= most && it->id > g->groups[best].id) continue;
            best = at;
            most = share;
        }
    return best;
}

LikeGroup like_groups_add(LikeGroups *g, const Likeness *text) {
    if (!text->pairs) return (LikeGroup){0};
    uint32_t at = find(g, text);
    bool begun = at == NONE;
    if (begun) {
        at = begin(g, text);
    } else {
        take_out(g, at);
        put_first(g, at);
    }
    Group *it = &g->groups[at];
    it->texts++;
    return (LikeGroup){it->id, it->texts, begun};
}

size_t like_groups_count(const LikeGroups *g) {
    return g->n;
}
