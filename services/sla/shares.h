/* Shares -- which partitions of docket.events are ours, and by which epoch we may write what
 * belongs to them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARES_MAX_PARTITIONS = 1024 };

typedef struct Share {
    int32_t partition;
    int64_t epoch; /* 0: never claimed by this process */
} Share;

typedef struct Shares {                    /* zero-initialised: none */
    int64_t epochs[SHARES_MAX_PARTITIONS]; /* the last one of ours; 0: none */
    uint64_t owned[SHARES_MAX_PARTITIONS / 64];
    uint64_t loaded[SHARES_MAX_PARTITIONS / 64]; /* their clocks are in memory */
    bool lost; /* some was; for the caller to clear once their clocks are forgotten */
} Shares;

/* These are ours from now on, and no others; what of them was loaded stays so until
 * shares_claimed(). */
void shares_assign(Shares *s, const int32_t *partitions, size_t n);
void shares_revoke(Shares *s);
/* What PostgreSQL says: with another epoch than ours somebody had it meanwhile, and nothing that we
 * know of it counts any more. True: its clocks are still good. */
bool shares_claimed(Shares *s, int32_t partition, int64_t epoch);
void shares_loaded(Shares *s); /* all that are owned */
/* Somebody else has it: we believe nothing any more until it is assigned again. */
void shares_lost(Shares *s, int32_t partition);

bool shares_owns(const Shares *s, int32_t partition);
int64_t shares_epoch(const Shares *s, int32_t partition); /* 0: not ours */
/* Those owned, at most SHARES_MAX_PARTITIONS; with `unloaded` only those whose clocks are not
 * there. */
size_t shares_list(const Shares *s, bool unloaded, Share *ret);
