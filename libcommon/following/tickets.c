/* Open addressing, linear probing, at most half full. */
#include "following/tickets.h"

#include <stdlib.h>
#include <string.h>

typedef struct Key {
    int64_t tenant_id, ticket_id;
} Key;

struct FollowedTickets {
    Key *keys;
    size_t n, room;
    uint32_t *table; /* places + 1; 0: empty */
    uint32_t mask;
};

static uint32_t home_of(const FollowedTickets *t, int64_t ticket_id) {
    return (uint32_t)(((uint64_t)ticket_id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & t->mask;
}

static void table_put(FollowedTickets *t, size_t place) {
    uint32_t slot = home_of(t, t->keys[place].ticket_id);
    while (t->table[slot])
        slot = (slot + 1) & t->mask;
    t->table[slot] = (uint32_t)place + 1;
}

static void grow(FollowedTickets *t) {
    t->room = t->room ? t->room * 2 : 256;
    t->keys = xrealloc(t->keys, t->room * sizeof(*t->keys));
    free(t->table);
    t->mask = (uint32_t)(t->room * 2 - 1);
    t->table = xcalloc(t->room * 2, sizeof(*t->table));
    for (size_t i = 0; i < t->n; i++)
        table_put(t, i);
}

size_t followed_tickets_place(FollowedTickets *t, int64_t tenant_id, int64_t ticket_id,
                              bool *ret_new) {
    if (t->n == t->room) grow(t);
    for (uint32_t slot = home_of(t, ticket_id); t->table[slot]; slot = (slot + 1) & t->mask) {
        const Key *key = &t->keys[t->table[slot] - 1];
        if (key->ticket_id != ticket_id || key->tenant_id != tenant_id) continue;
        *ret_new = false;
        return t->table[slot] - 1;
    }
    t->keys[t->n] = (Key){tenant_id, ticket_id};
    table_put(t, t->n);
    *ret_new = true;
    return t->n++;
}

size_t followed_tickets_count(const FollowedTickets *t) {
    return t->n;
}

void followed_tickets_clear(FollowedTickets *t) {
    t->n = 0;
    if (t->table) memset(t->table, 0, t->room * 2 * sizeof(*t->table));
}

FollowedTickets *followed_tickets_new(void) {
    return xcalloc(1, sizeof(FollowedTickets));
}

FollowedTickets *followed_tickets_free(FollowedTickets *t) {
    if (!t) return NULL;
    free(t->keys);
    free(t->table);
    free(t);
    return NULL;
}
