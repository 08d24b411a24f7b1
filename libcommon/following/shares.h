/* Shares -- which partitions of docket.events are ours, and by which epoch we may write what
 * belongs to them. Pure.
 *
 * Who is given partitions claims them in PostgreSQL, which raises their epochs unless nobody else
 * had them since they were ours; then brings into memory what is kept of those it does not hold any
 * more, and only then follows. Every write names the epochs it believes in, so that a process that
 * slept through a rebalance changes nothing any more. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARES_MAX_PARTITIONS = 1024 };

typedef struct Share {
    int32_t partition;
    int64_t epoch; /* 0: never claimed by this process */
} Share;

typedef enum ShareState {
    SHARES_AWAY,     /* nothing is assigned, not even no partition */
    SHARES_TO_CLAIM, /* what is assigned is to be claimed */
    SHARES_TO_LOAD,  /* of some of it what is kept is to be loaded */
    SHARES_READY
} ShareState;

typedef struct Shares {                    /* zero-initialised: none */
    int64_t epochs[SHARES_MAX_PARTITIONS]; /* the last one of ours; 0: none */
    uint64_t owned[SHARES_MAX_PARTITIONS / 64];
    uint64_t loaded[SHARES_MAX_PARTITIONS / 64]; /* what is kept of them is in memory */
    bool assigned, claimed;
    bool lost; /* some was; for the caller to clear once what it knows of them is forgotten */
} Shares;

/* These are ours from now on, and no others; what of them was loaded stays so until
 * shares_claimed(). */
void shares_assign(Shares *s, const int32_t *partitions, size_t n);
void shares_revoke(Shares *s);
/* What PostgreSQL says: with another epoch than ours somebody had it meanwhile, and nothing that we
 * know of it counts any more. True: what is in memory of it is still good. */
bool shares_claimed(Shares *s, int32_t partition, int64_t epoch);
/* That was all that PostgreSQL said. False: they were taken away meanwhile. */
bool shares_all_claimed(Shares *s);
void shares_loaded(Shares *s); /* all that are owned */
/* Somebody else has it: we believe nothing any more until it is assigned again. */
void shares_lost(Shares *s, int32_t partition);

ShareState shares_state(const Shares *s);
bool shares_owns(const Shares *s, int32_t partition);
int64_t shares_epoch(const Shares *s, int32_t partition); /* 0: not ours */
/* Those owned, at most SHARES_MAX_PARTITIONS; with `unloaded` only those that are not in memory. */
size_t shares_list(const Shares *s, bool unloaded, Share *ret);
