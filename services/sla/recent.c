#include "sla/recent.h"

#include <stdlib.h>

typedef struct Entry {
    int64_t tenant_id, ticket_id; /* 0: nothing */
    int64_t epoch, revision;
    int32_t seq;
    Buf state;
} Entry;

_Static_assert(RECENT_PLACES == 1 << 16, "place_of() has 16 bits");

struct Recent {
    Entry entries[RECENT_PLACES];
};

static size_t place_of(int64_t tenant_id, int64_t ticket_id) {
    uint64_t h = (uint64_t)ticket_id * UINT64_C(0x9e3779b97f4a7c15) ^
                 (uint64_t)tenant_id * UINT64_C(0xc2b2ae3d27d4eb4f);
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return h >> 48;
}

Recent *recent_new(void) {
    return xcalloc(1, sizeof(Recent));
}

Recent *recent_free(Recent *r) {
    if (!r) return NULL;
    for (size_t i = 0; i < RECENT_PLACES; i++)
        buf_done(&r->entries[i].state);
    free(r);
    return NULL;
}

void recent_put(Recent *r, int64_t tenant_id, int64_t ticket_id, int64_t epoch, const Kept *kept) {
    if (!epoch || kept->over || kept->state.n > RECENT_STATE_MAX) {
        recent_drop(r, tenant_id, ticket_id);
        return;
    }
    Entry *e = &r->entries[place_of(tenant_id, ticket_id)];
    e->tenant_id = tenant_id;
    e->ticket_id = ticket_id;
    e->epoch = epoch;
    e->revision = kept->revision;
    e->seq = kept->seq;
    buf_clear(&e->state);
    buf_add_str(&e->state, kept->state);
}

bool recent_get(const Recent *r, int64_t tenant_id, int64_t ticket_id, int64_t epoch, int32_t seq,
                Kept *ret) {
    const Entry *e = &r->entries[place_of(tenant_id, ticket_id)];
    if (!epoch || e->ticket_id != ticket_id || e->tenant_id != tenant_id || e->epoch != epoch ||
        e->seq != seq)
        return false;
    *ret = (Kept){.seq = e->seq, .revision = e->revision, .state = buf_str(&e->state)};
    return true;
}

void recent_drop(Recent *r, int64_t tenant_id, int64_t ticket_id) {
    Entry *e = &r->entries[place_of(tenant_id, ticket_id)];
    if (e->ticket_id == ticket_id && e->tenant_id == tenant_id) e->ticket_id = e->tenant_id = 0;
}
