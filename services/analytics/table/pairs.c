/* Pairs of codes: by their product where that is small, else by a hash. */
#include "analytics/table/scan_internal.h"

enum { SLOTS_LEAST = 1024 };

void pairs_init(Pairs *p, const uint64_t width[FACT_DIMS_MAX]) {
    *p = (Pairs){.width = {width[0], width[1]}};
    if (width[0] * width[1] <= PAIRS_DIRECT) {
        p->direct = xcalloc((size_t)(width[0] * width[1]), sizeof(*p->direct));
        return;
    }
    p->slots = SLOTS_LEAST;
    p->keys = xcalloc(p->slots, sizeof(*p->keys));
    p->of = xcalloc(p->slots, sizeof(*p->of));
}

void pairs_done(Pairs *p) {
    free(p->direct);
    free(p->keys);
    free(p->of);
    free(p->key);
    *p = (Pairs){0};
}

static uint32_t pair_add(Pairs *p, uint64_t key) {
    if (p->n == PAIRS_MAX) {
        p->full = true;
        return NO_PAIR;
    }
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : SLOTS_LEAST;
        p->key = xrealloc(p->key, p->room * sizeof(*p->key));
    }
    p->key[p->n] = key;
    return (uint32_t)p->n++;
}

static size_t slot_of(const Pairs *p, uint64_t key) {
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t at = (size_t)(h >> 32 ^ h);; at++) {
        at &= p->slots - 1;
        if (!p->keys[at] || p->keys[at] == key + 1) return at;
    }
}

static void more_slots(Pairs *p) {
    free(p->keys);
    free(p->of);
    p->slots *= 2;
    p->keys = xcalloc(p->slots, sizeof(*p->keys));
    p->of = xcalloc(p->slots, sizeof(*p->of));
    for (size_t i = 0; i < p->n; i++) {
        size_t at = slot_of(p, p->key[i]);
        p->keys[at] = p->key[i] + 1;
        p->of[at] = (uint32_t)i;
    }
}

uint32_t pairs_of(Pairs *p, uint32_t a, uint32_t b, bool add) {
    uint64_t key = (uint64_t)a << 32 | b;
    if (p->direct) {
        if (a >= p->width[0] || b >= p->width[1]) return NO_PAIR; /* came since it began */
        uint32_t *at = &p->direct[a * p->width[1] + b];
        if (!*at) {
            uint32_t pair = add ? pair_add(p, key) : NO_PAIR;
            if (pair == NO_PAIR) return NO_PAIR;
            *at = pair + 1;
        }
        return *at - 1;
    }
    size_t at = slot_of(p, key);
    if (p->keys[at]) return p->of[at];
    uint32_t pair = add ? pair_add(p, key) : NO_PAIR;
    if (pair == NO_PAIR) return NO_PAIR;
    p->keys[at] = key + 1;
    p->of[at] = pair;
    if (p->n > p->slots / 2) more_slots(p);
    return pair;
}
