/* Open addressing over an array of copies; at most half full. */
#include "conditions/intern.h"

#include <assert.h>

#include "base/arena.h"

typedef struct Entry {
    Str text;
    uint32_t hash;
} Entry;

struct Intern {
    bool nocase;
    Arena *arena;
    Entry *entries;
    size_t n, room;
    uint32_t *slots; /* number + 1; 0: free */
    size_t slots_n;  /* a power of two */
};

Intern *intern_new(bool nocase) {
    Intern *t = xcalloc(1, sizeof(*t));
    t->nocase = nocase;
    t->arena = arena_new(1024);
    t->slots_n = 16;
    t->slots = xcalloc(t->slots_n, sizeof(*t->slots));
    return t;
}

Intern *intern_free(Intern *t) {
    if (!t) return NULL;
    arena_free(t->arena);
    free(t->entries);
    free(t->slots);
    free(t);
    return NULL;
}

/* FNV-1a; folding sets bit 5 of every byte, which equal texts of either case have in common. */
static uint32_t hash(bool nocase, Str s) {
    uint32_t h = 2166136261u;
    unsigned char fold = nocase ? 0x20 : 0;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ ((unsigned char)s.p[i] | fold)) * 16777619u;
    return h ^ h >> 15;
}

static bool same(const Intern *t, Str a, Str b) {
    return t->nocase ? str_eq_nocase(a, b) : str_eq(a, b);
}

static uint32_t *slot_of(const Intern *t, Str s, uint32_t h) {
    size_t at = h & (t->slots_n - 1);
    while (t->slots[at]) {
        const Entry *e = &t->entries[t->slots[at] - 1];
        if (e->hash == h && same(t, e->text, s)) break;
        at = (at + 1) & (t->slots_n - 1);
    }
    return &t->slots[at];
}

static void grow(Intern *t) {
    free(t->slots);
    t->slots_n *= 2;
    t->slots = xcalloc(t->slots_n, sizeof(*t->slots));
    for (size_t i = 0; i < t->n; i++)
        *slot_of(t, t->entries[i].text, t->entries[i].hash) = (uint32_t)i + 1;
}

uint32_t intern_add(Intern *t, Str s) {
    uint32_t h = hash(t->nocase, s);
    uint32_t *slot = slot_of(t, s, h);
    if (*slot) return *slot - 1;
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 8;
        t->entries = xrealloc(t->entries, t->room * sizeof(*t->entries));
    }
    t->entries[t->n++] = (Entry){arena_str(t->arena, s), h};
    *slot = (uint32_t)t->n;
    if (t->n * 2 > t->slots_n) grow(t);
    return (uint32_t)t->n - 1;
}

uint32_t intern_find(const Intern *t, Str s) {
    return t ? *slot_of(t, s, hash(t->nocase, s)) - 1 : INTERN_NONE; /* 0 - 1 is INTERN_NONE */
}

Str intern_at(const Intern *t, uint32_t number) {
    assert(number < t->n);
    return t->entries[number].text;
}

size_t intern_count(const Intern *t) {
    return t ? t->n : 0;
}
