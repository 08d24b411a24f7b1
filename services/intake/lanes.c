/* Lanes -- buckets in one open-addressed table; full buckets mean nothing and may be forgotten. */
#include "intake/lanes.h"

#include <stdbool.h>

typedef struct Bucket {
    int64_t tenant_id; /* 0: free slot */
    int64_t source_id; /* 0: the tenant's own bucket */
    int64_t at_ms;     /* when `milli` was right */
    int64_t milli;     /* thousandths of a submission that may still be sent */
    int64_t rate;      /* a second */
} Bucket;

struct Lanes {
    Bucket *slots;
    size_t slots_n; /* a power of two, at least twice `limit` */
    size_t limit, used;
    int64_t tenant_rate;
    int64_t swept_ms;
};

Lanes *lanes_new(size_t limit, int64_t tenant_rate) {
    Lanes *l = xcalloc(1, sizeof(*l));
    l->slots_n = 16;
    while (l->slots_n < limit * 2)
        l->slots_n *= 2;
    l->slots = xcalloc(l->slots_n, sizeof(*l->slots));
    l->limit = limit;
    l->tenant_rate = tenant_rate;
    l->swept_ms = INT64_MIN / 2;
    return l;
}

Lanes *lanes_free(Lanes *l) {
    if (!l) return NULL;
    free(l->slots);
    free(l);
    return NULL;
}

size_t lanes_count(const Lanes *l) {
    return l->used;
}

static Bucket *slot_of(Lanes *l, int64_t tenant_id, int64_t source_id) {
    uint64_t h = (uint64_t)tenant_id * 0x9E3779B97F4A7C15u ^ (uint64_t)source_id;
    h = (h ^ h >> 31) * 0xBF58476D1CE4E5B9u;
    size_t i = (size_t)(h ^ h >> 29) & (l->slots_n - 1);
    while (l->slots[i].tenant_id &&
           (l->slots[i].tenant_id != tenant_id || l->slots[i].source_id != source_id))
        i = (i + 1) & (l->slots_n - 1);
    return &l->slots[i];
}

static void refill(Bucket *b, int64_t now_ms) {
    int64_t full = b->rate * 1000;
    int64_t passed = now_ms - b->at_ms;
    if (passed >= 1000)
        b->milli = full;
    else if (passed > 0)
        b->milli += passed * b->rate;
    if (b->milli > full) b->milli = full;
    if (passed > 0) b->at_ms = now_ms;
}

/* Forgets every bucket that is full again: its owner sends less than its share. */
static void sweep(Lanes *l, int64_t now_ms) {
    if (now_ms - l->swept_ms < 1000) return;
    l->swept_ms = now_ms;
    Bucket *old = l->slots;
    l->slots = xcalloc(l->slots_n, sizeof(*l->slots));
    l->used = 0;
    for (size_t i = 0; i < l->slots_n; i++) {
        if (!old[i].tenant_id) continue;
        refill(&old[i], now_ms);
        if (old[i].milli == old[i].rate * 1000) continue;
        *slot_of(l, old[i].tenant_id, old[i].source_id) = old[i];
        l->used++;
    }
    free(old);
}

/* NULL: not kept. */
static Bucket *bucket_of(Lanes *l, int64_t tenant_id, int64_t source_id, int64_t rate,
                         int64_t now_ms) {
    Bucket *b = slot_of(l, tenant_id, source_id);
    if (!b->tenant_id) {
        if (l->used == l->limit) {
            sweep(l, now_ms);
            if (l->used == l->limit) return NULL;
            b = slot_of(l, tenant_id, source_id);
        }
        *b = (Bucket){tenant_id, source_id, now_ms, rate * 1000, rate};
        l->used++;
    }
    b->rate = rate; /* the source's setting may have changed */
    refill(b, now_ms);
    return b;
}

static bool take(Bucket *b) {
    if (b->milli < 1000) return false;
    b->milli -= 1000;
    return true;
}

Lane lanes_choose(Lanes *l, int64_t tenant_id, int64_t source_id, int64_t source_rate,
                  int64_t now_ms, int *ret_retry_s) {
    if (l->tenant_rate > 0) {
        Bucket *b = bucket_of(l, tenant_id, 0, l->tenant_rate, now_ms);
        if (b && !take(b)) {
            *ret_retry_s = 1; /* a second fills any bucket */
            return LANE_REFUSED;
        }
    }
    if (source_rate <= 0 || source_id == 0) return LANE_EXPRESS;
    Bucket *b = bucket_of(l, tenant_id, source_id, source_rate, now_ms);
    return !b || take(b) ? LANE_EXPRESS : LANE_BULK;
}
