/* Open addressing, linear probing; a window is found by the hash of all that it is of. */
#include "analytics/keeping/windows.h"

#include <stdlib.h>

#include "base/arena.h"

struct Windows {
    Window *all;
    uint32_t *hashes; /* of each */
    size_t n, room;
    uint32_t *table; /* places in all + 1; 0: empty; twice `room` */
    uint32_t mask;
    Arena *texts;
};

Windows *windows_new(void) {
    Windows *w = xcalloc(1, sizeof(*w));
    w->texts = arena_new(0);
    return w;
}

Windows *windows_free(Windows *w) {
    if (!w) return NULL;
    free(w->all);
    free(w->hashes);
    free(w->table);
    arena_free(w->texts);
    free(w);
    return NULL;
}

static uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint32_t hash_of(int64_t tenant_id, int32_t partition, int64_t starts_ms, Str category) {
    uint64_t h = mix(mix(mix(category.n, (uint64_t)tenant_id), (uint64_t)partition),
                     (uint64_t)(starts_ms / WINDOW_MS));
    size_t at = 0;
    for (; at + 8 <= category.n; at += 8) {
        uint64_t word;
        memcpy(&word, category.p + at, sizeof(word));
        h = mix(h, word);
    }
    uint64_t rest = 0;
    if (at < category.n) memcpy(&rest, category.p + at, category.n - at);
    return (uint32_t)(mix(h, rest) >> 32);
}

static void enter(Windows *w, size_t place) {
    uint32_t slot = w->hashes[place] & w->mask;
    while (w->table[slot])
        slot = (slot + 1) & w->mask;
    w->table[slot] = (uint32_t)place + 1;
}

static void grow(Windows *w) {
    w->room = w->room ? w->room * 2 : 128;
    w->all = xrealloc(w->all, w->room * sizeof(*w->all));
    w->hashes = xrealloc(w->hashes, w->room * sizeof(*w->hashes));
    free(w->table);
    w->table = xcalloc(w->room * 2, sizeof(*w->table));
    w->mask = (uint32_t)(w->room * 2 - 1);
    for (size_t i = 0; i < w->n; i++)
        enter(w, i);
}

static Window *window_of(Windows *w, int64_t tenant_id, int32_t partition, const Tally *tally) {
    uint32_t hash = hash_of(tenant_id, partition, tally->starts_ms, tally->category);
    if (w->n == w->room) grow(w);
    for (uint32_t slot = hash & w->mask; w->table[slot]; slot = (slot + 1) & w->mask) {
        size_t place = w->table[slot] - 1;
        Window *one = &w->all[place];
        if (w->hashes[place] == hash && one->tenant_id == tenant_id &&
            one->partition == partition && one->starts_ms == tally->starts_ms &&
            str_eq(one->category, tally->category))
            return one;
    }
    w->hashes[w->n] = hash;
    w->all[w->n] = (Window){.tenant_id = tenant_id,
                            .starts_ms = tally->starts_ms,
                            .partition = partition,
                            .category = arena_str(w->texts, tally->category)};
    enter(w, w->n);
    return &w->all[w->n++];
}

void windows_add(Windows *w, int64_t tenant_id, int32_t partition, const Tally *tally) {
    if (!tally->adds) return;
    Window *one = window_of(w, tenant_id, partition, tally);
    for (int i = 0; i < WINDOW_COUNTS; i++)
        one->counts[i] += tally->adds >> i & 1;
}

size_t windows_all(const Windows *w, const Window **ret) {
    *ret = w->all;
    return w->n;
}

void windows_clear(Windows *w) {
    if (w->table) memset(w->table, 0, w->room * 2 * sizeof(*w->table));
    w->n = 0;
    arena_reset(w->texts);
}
