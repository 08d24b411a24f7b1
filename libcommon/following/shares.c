#include "following/shares.h"

#include <string.h>

static bool bit(const uint64_t *words, int32_t i) {
    return words[i / 64] >> (i % 64) & 1;
}

static void put(uint64_t *words, int32_t i, bool on) {
    uint64_t mask = UINT64_C(1) << (i % 64);
    words[i / 64] = on ? words[i / 64] | mask : words[i / 64] & ~mask;
}

static bool possible(int32_t partition) {
    return partition >= 0 && partition < SHARES_MAX_PARTITIONS;
}

void shares_revoke(Shares *s) {
    memset(s->owned, 0, sizeof(s->owned));
    s->assigned = s->claimed = false;
}

void shares_assign(Shares *s, const int32_t *partitions, size_t n) {
    shares_revoke(s);
    for (size_t i = 0; i < n; i++)
        if (possible(partitions[i])) put(s->owned, partitions[i], true);
    for (size_t i = 0; i < SHARES_MAX_PARTITIONS / 64; i++)
        s->loaded[i] &= s->owned[i];
    s->assigned = true;
}

bool shares_claimed(Shares *s, int32_t partition, int64_t epoch) {
    if (!possible(partition)) return false;
    if (s->epochs[partition] != epoch) put(s->loaded, partition, false);
    s->epochs[partition] = epoch;
    return bit(s->loaded, partition);
}

bool shares_all_claimed(Shares *s) {
    return s->claimed = s->assigned;
}

void shares_loaded(Shares *s) {
    for (size_t i = 0; i < SHARES_MAX_PARTITIONS / 64; i++)
        s->loaded[i] = s->owned[i];
}

void shares_lost(Shares *s, int32_t partition) {
    if (!possible(partition)) return;
    put(s->owned, partition, false);
    put(s->loaded, partition, false);
    s->epochs[partition] = 0;
    s->lost = true;
}

ShareState shares_state(const Shares *s) {
    if (!s->assigned) return SHARES_AWAY;
    if (!s->claimed) return SHARES_TO_CLAIM;
    for (size_t i = 0; i < SHARES_MAX_PARTITIONS / 64; i++)
        if (s->owned[i] & ~s->loaded[i]) return SHARES_TO_LOAD;
    return SHARES_READY;
}

bool shares_owns(const Shares *s, int32_t partition) {
    return possible(partition) && bit(s->owned, partition);
}

int64_t shares_epoch(const Shares *s, int32_t partition) {
    return shares_owns(s, partition) ? s->epochs[partition] : 0;
}

size_t shares_list(const Shares *s, bool unloaded, Share *ret) {
    size_t n = 0;
    for (int32_t i = 0; i < SHARES_MAX_PARTITIONS; i++)
        if (bit(s->owned, i) && !(unloaded && bit(s->loaded, i)))
            ret[n++] = (Share){i, s->epochs[i]};
    return n;
}
