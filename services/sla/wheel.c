/* Slots are doubly linked lists of node numbers; a bitmap for each wheel finds the next full slot.
 */
#include "sla/wheel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { LEVELS = 6, SLOT_BITS = 8, SLOTS = 1 << SLOT_BITS, WORDS = SLOTS / 64, READY = LEVELS };

#define NOBODY  UINT32_MAX
#define IS_SLOT (UINT32_C(1) << 31) /* in `back`: this node is the first of that slot */
#define UNSET   (UINT32_MAX - 1)    /* in `back` */

typedef struct Node {
    int64_t due;
    uint32_t next, back; /* of its slot */
} Node;

struct Wheel {
    uint32_t limit, room; /* nodes that may be, nodes with memory */
    size_t count;
    int64_t now; /* everything before it has been taken or is in the ready slot */
    Node *nodes;
    uint32_t slots[LEVELS * SLOTS + 1]; /* first node of each; the last is the ready slot */
    uint64_t full[LEVELS][WORDS];
};

enum { READY_SLOT = LEVELS * SLOTS };

Wheel *wheel_new(uint32_t limit, int64_t now_ms) {
    assert(limit <= IS_SLOT && now_ms >= 0);
    Wheel *w = xcalloc(1, sizeof(*w));
    w->limit = limit;
    w->now = now_ms;
    for (size_t i = 0; i <= READY_SLOT; i++)
        w->slots[i] = NOBODY;
    return w;
}

Wheel *wheel_free(Wheel *w) {
    if (!w) return NULL;
    free(w->nodes);
    free(w);
    return NULL;
}

/* ---- Slots ---- */

static uint32_t slot_of(const Wheel *w, int64_t due) {
    if (due <= w->now) return READY_SLOT;
    /* The highest byte in which due and now differ says on which wheel it hangs. */
    uint64_t differ = (uint64_t)due ^ (uint64_t)w->now;
    int level = (63 - __builtin_clzll(differ)) / SLOT_BITS;
    if (level >=
        LEVELS) { /* thousands of years ahead: looked at again when the wheel comes round */
        level = LEVELS - 1;
        return (uint32_t)(level * SLOTS) + ((w->now >> (level * SLOT_BITS)) & (SLOTS - 1));
    }
    return (uint32_t)(level * SLOTS) + ((due >> (level * SLOT_BITS)) & (SLOTS - 1));
}

static void link_in(Wheel *w, uint32_t node) {
    Node *n = &w->nodes[node];
    uint32_t slot = slot_of(w, n->due);
    n->next = w->slots[slot];
    n->back = IS_SLOT | slot;
    if (n->next != NOBODY) w->nodes[n->next].back = node;
    w->slots[slot] = node;
    if (slot < READY_SLOT) w->full[slot / SLOTS][slot % SLOTS / 64] |= UINT64_C(1) << (slot % 64);
}

static void slot_emptied(Wheel *w, uint32_t slot) {
    if (slot < READY_SLOT)
        w->full[slot / SLOTS][slot % SLOTS / 64] &= ~(UINT64_C(1) << (slot % 64));
}

static void link_out(Wheel *w, uint32_t node) {
    Node *n = &w->nodes[node];
    if (n->next != NOBODY) w->nodes[n->next].back = n->back;
    if (n->back & IS_SLOT) {
        uint32_t slot = n->back & ~IS_SLOT;
        w->slots[slot] = n->next;
        if (n->next == NOBODY) slot_emptied(w, slot);
    } else {
        w->nodes[n->back].next = n->next;
    }
}

/* ---- Setting ---- */

static void grow(Wheel *w, uint32_t node) {
    uint64_t room = (uint64_t)node + 1 + node / 4;
    if (room < 1024) room = 1024;
    if (room > w->limit) room = w->limit;
    w->nodes = xrealloc(w->nodes, room * sizeof(*w->nodes));
    for (uint64_t i = w->room; i < room; i++)
        w->nodes[i].back = UNSET;
    w->room = (uint32_t)room;
}

int wheel_set(Wheel *w, uint32_t node, int64_t due_ms) {
    if (node >= w->limit) return -ENOSPC;
    if (node >= w->room) grow(w, node);
    Node *n = &w->nodes[node];
    if (n->back == UNSET)
        w->count++;
    else
        link_out(w, node);
    n->due = due_ms < 0 ? 0 : due_ms;
    link_in(w, node);
    return 0;
}

void wheel_cancel(Wheel *w, uint32_t node) {
    if (!wheel_is_set(w, node)) return;
    link_out(w, node);
    w->nodes[node].back = UNSET;
    w->count--;
}

bool wheel_is_set(const Wheel *w, uint32_t node) {
    return node < w->room && w->nodes[node].back != UNSET;
}

int64_t wheel_due_ms(const Wheel *w, uint32_t node) {
    assert(node < w->room);
    return w->nodes[node].due;
}

size_t wheel_count(const Wheel *w) {
    return w->count;
}

size_t wheel_bytes(const Wheel *w) {
    return sizeof(*w) + (size_t)w->room * sizeof(Node);
}

/* ---- Time ---- */

/* The first full slot of a wheel from `from` on; SLOTS when there is none. */
static uint32_t next_full(const Wheel *w, int level, uint32_t from) {
    for (uint32_t word = from / 64; word < WORDS && from < SLOTS; word++) {
        uint64_t bits = w->full[level][word];
        if (word == from / 64) bits &= ~UINT64_C(0) << (from % 64);
        if (bits) return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return SLOTS;
}

/* The beginning of the nearest slot that is not empty, and which one; false: there is none. */
static bool nearest(const Wheel *w, int64_t *ret_at, uint32_t *ret_slot) {
    for (int level = 0; level < LEVELS; level++) {
        int shift = level * SLOT_BITS;
        uint32_t here = (uint32_t)(w->now >> shift) & (SLOTS - 1);
        /* On finer wheels everything hangs ahead; on the coarsest the present slot may hold what is
         * too far away to be told apart. */
        uint32_t slot = next_full(w, level, here + 1);
        if (slot == SLOTS) continue;
        int64_t above = w->now >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
        *ret_at = above + ((int64_t)slot << shift);
        *ret_slot = (uint32_t)(level * SLOTS) + slot;
        return true;
    }
    return false;
}

/* Empties a slot and hangs its nodes anew, seen from the present instant. */
static void redistribute(Wheel *w, uint32_t slot) {
    uint32_t node = w->slots[slot];
    w->slots[slot] = NOBODY;
    slot_emptied(w, slot);
    while (node != NOBODY) {
        uint32_t next = w->nodes[node].next;
        link_in(w, node);
        node = next;
    }
}

/* What lies too far ahead hangs in the slot where the coarsest wheel stands; when that wheel comes
 * round it must be looked at again. */
static bool far_ahead(const Wheel *w, int64_t *ret_at, uint32_t *ret_slot) {
    int shift = (LEVELS - 1) * SLOT_BITS;
    uint32_t here = (uint32_t)(w->now >> shift) & (SLOTS - 1);
    uint32_t slot = next_full(w, LEVELS - 1, 0);
    if (slot > here) return false;
    *ret_at = ((w->now >> (shift + SLOT_BITS)) + 1) << (shift + SLOT_BITS);
    *ret_slot = (uint32_t)((LEVELS - 1) * SLOTS) + slot;
    return true;
}

static void step_back(Wheel *w, int64_t now) {
    w->now = now;
    for (size_t i = 0; i <= READY_SLOT; i++)
        w->slots[i] = NOBODY;
    memset(w->full, 0, sizeof(w->full));
    for (uint32_t i = 0; i < w->room; i++)
        if (w->nodes[i].back != UNSET) link_in(w, i);
}

static size_t take_ready(Wheel *w, uint32_t *ret, size_t max) {
    size_t n = 0;
    while (n < max && w->slots[READY_SLOT] != NOBODY) {
        uint32_t node = w->slots[READY_SLOT];
        link_out(w, node);
        w->nodes[node].back = UNSET;
        w->count--;
        ret[n++] = node;
    }
    return n;
}

size_t wheel_take(Wheel *w, int64_t now_ms, uint32_t *ret, size_t max) {
    if (now_ms < w->now) step_back(w, now_ms);
    size_t n = take_ready(w, ret, max);
    while (n < max) {
        int64_t at;
        uint32_t slot;
        if (!nearest(w, &at, &slot) && !far_ahead(w, &at, &slot)) break;
        if (at > now_ms) break;
        w->now = at;
        redistribute(w, slot);
        n += take_ready(w, ret + n, max - n);
    }
    if (n < max && now_ms > w->now) w->now = now_ms; /* no slot begins in between */
    return n;
}

int64_t wheel_next_ms(const Wheel *w) {
    int64_t at;
    uint32_t slot;
    if (w->count == 0) return INT64_MAX;
    if (w->slots[READY_SLOT] != NOBODY) return 0; /* `now` may have been put back since */
    return nearest(w, &at, &slot) || far_ahead(w, &at, &slot) ? at : INT64_MAX;
}
