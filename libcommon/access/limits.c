/* One table for the present minute; with the next it starts empty. */
#include "access/limits.h"

enum { MINUTE_MS = 60000, ROOM = 256 };

typedef struct Slot {
    int64_t who, used; /* who 0: free */
} Slot;

struct Limits {
    int64_t per_minute, minute;
    Slot *slots;
    size_t room, n;
};

Limits *limits_new(int64_t per_minute) {
    Limits *l = xcalloc(1, sizeof(*l));
    l->per_minute = per_minute;
    l->room = ROOM;
    l->slots = xcalloc(l->room, sizeof(*l->slots));
    return l;
}

Limits *limits_free(Limits *l) {
    if (!l) return NULL;
    free(l->slots);
    free(l);
    return NULL;
}

static Slot *slot_of(Slot *slots, size_t room, int64_t who) {
    size_t at = (size_t)((uint64_t)who * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);
    while (slots[at].who && slots[at].who != who)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static void grow(Limits *l) {
    size_t room = l->room * 2;
    Slot *slots = xcalloc(room, sizeof(*slots));
    for (size_t i = 0; i < l->room; i++)
        if (l->slots[i].who) *slot_of(slots, room, l->slots[i].who) = l->slots[i];
    free(l->slots);
    l->slots = slots;
    l->room = room;
}

bool limits_take(Limits *l, int64_t who, int64_t now_ms, LimitState *ret) {
    int64_t minute = now_ms / MINUTE_MS;
    if (minute != l->minute) {
        free(l->slots); /* those who were many have gone with their minute */
        l->room = ROOM;
        l->slots = xcalloc(l->room, sizeof(*l->slots));
        l->n = 0;
        l->minute = minute;
    }
    Slot *s = slot_of(l->slots, l->room, who);
    if (!s->who) {
        if (l->n * 2 >= l->room) {
            grow(l);
            s = slot_of(l->slots, l->room, who);
        }
        s->who = who;
        l->n++;
    }
    bool within = s->used < l->per_minute;
    if (within) s->used++;
    *ret = (LimitState){.limit = l->per_minute,
                        .remaining = l->per_minute - s->used,
                        .reset_s = (int)((MINUTE_MS - now_ms % MINUTE_MS + 999) / 1000)};
    return within;
}
