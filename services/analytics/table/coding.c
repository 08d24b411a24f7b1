/* Open addressing over codes; what is compared lies in the list. */
#include "analytics/table/coding.h"

enum { SLOTS_LEAST = 16, FIRST_ROOM = 8 };

void coding_init(Coding *c, bool is_text) {
    *c = (Coding){.is_text = is_text, .n = 1, .room = FIRST_ROOM, .slots_n = SLOTS_LEAST};
    c->slots = xcalloc(c->slots_n, sizeof(*c->slots));
    if (is_text) {
        c->own = arena_new(0);
        c->texts = xcalloc(c->room, sizeof(*c->texts));
    } else {
        c->ids = xcalloc(c->room, sizeof(*c->ids));
    }
}

void coding_done(Coding *c) {
    free(c->texts);
    free(c->ids);
    free(c->slots);
    arena_free(c->own);
    *c = (Coding){0};
}

static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t hash_id(int64_t id) {
    return mix((uint64_t)id + UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t hash_text(Str s) {
    uint64_t h = s.n * UINT64_C(0x9e3779b97f4a7c15), part;
    for (; s.n >= 8; s.p += 8, s.n -= 8) {
        memcpy(&part, s.p, 8);
        h = mix(h ^ part) + part;
    }
    part = 0;
    memcpy(&part, s.p, s.n);
    return mix(h ^ part);
}

static uint64_t hash_of(const Coding *c, uint32_t code) {
    return c->is_text ? hash_text(c->texts[code]) : hash_id(c->ids[code]);
}

static void more_slots(Coding *c) {
    free(c->slots);
    c->slots_n *= 2;
    c->slots = xcalloc(c->slots_n, sizeof(*c->slots));
    for (uint32_t code = 1; code < c->n; code++) {
        uint64_t at = hash_of(c, code);
        while (c->slots[at & (c->slots_n - 1)])
            at++;
        c->slots[at & (c->slots_n - 1)] = code;
    }
}

/* A code for what is not there yet. */
static uint32_t add(Coding *c, uint32_t *slot) {
    uint32_t code = c->n++;
    *slot = code;
    if (code == c->room) {
        c->room *= 2;
        if (c->is_text)
            c->texts = xrealloc(c->texts, c->room * sizeof(*c->texts));
        else
            c->ids = xrealloc(c->ids, c->room * sizeof(*c->ids));
    }
    return code;
}

static uint32_t *slot_of_text(const Coding *c, Str text) {
    uint64_t at = hash_text(text);
    for (;; at++) {
        uint32_t *slot = &c->slots[at & (c->slots_n - 1)];
        if (!*slot || str_eq(c->texts[*slot], text)) return slot;
    }
}

static uint32_t *slot_of_id(const Coding *c, int64_t id) {
    uint64_t at = hash_id(id);
    for (;; at++) {
        uint32_t *slot = &c->slots[at & (c->slots_n - 1)];
        if (!*slot || c->ids[*slot] == id) return slot;
    }
}

uint32_t coding_find_text(const Coding *c, Str text) {
    return text.n ? *slot_of_text(c, text) : 0;
}

uint32_t coding_find_id(const Coding *c, int64_t id) {
    return id ? *slot_of_id(c, id) : 0;
}

uint32_t coding_text(Coding *c, Str text) {
    if (!text.n) return 0;
    uint32_t *slot = slot_of_text(c, text);
    if (*slot) return *slot;
    uint32_t code = add(c, slot);
    c->texts[code] = arena_str(c->own, text);
    if (c->n > c->slots_n / 2) more_slots(c);
    return code;
}

uint32_t coding_id(Coding *c, int64_t id) {
    if (!id) return 0;
    uint32_t *slot = slot_of_id(c, id);
    if (*slot) return *slot;
    uint32_t code = add(c, slot);
    c->ids[code] = id;
    if (c->n > c->slots_n / 2) more_slots(c);
    return code;
}

size_t coding_bytes(const Coding *c) {
    return c->slots_n * sizeof(*c->slots) +
           c->room * (c->is_text ? sizeof(*c->texts) : sizeof(*c->ids)) +
           (c->own ? arena_used(c->own) : 0);
}
