/* Story -- what a batch has to do with one ticket: the rows of its ledger that came, in order, and
 * the record that they are told to. Pure. */
#pragma once

#include "analytics/keeping/record.h"
#include "following/rows.h"
#include "lives/tenants.h"

typedef enum StoryFate {
    STORY_UNREAD, /* what is kept of it is still to be read */
    STORY_LEDGER, /* only the ledger can tell it */
    STORY_TOLD,   /* `record` is to be kept */
    STORY_OLD,    /* nothing new in it */
    STORY_GONE    /* there is no such ticket */
} StoryFate;

typedef struct Story {
    int64_t tenant_id, ticket_id;
    int32_t partition;
    FollowedRow *rows;
    int32_t wanted; /* a row of that seq is there, though it could not be read; 0: none */
    StoryFate fate;
    int32_t kept_seq; /* last row kept before; 0: none */
    Record record;
    const Calendar *hours; /* of the row that the ledger is telling */
    int told;              /* <0: the ledger cannot be followed */
    /* What its new rows add, in the arena. */
    Tally *tallies;
    size_t tallies_n, tallies_room;
} Story;

/* What is kept of a ticket; zeros: nothing. */
typedef struct Kept {
    int32_t seq;
    int64_t revision; /* by which it was told */
    Str sheet;
    Str life; /* absent: it was over */
} Kept;

/* Forgets what was told, for another beginning. */
void story_reset(Story *s);
/* From what is kept of it, or from nothing. Ends in LEDGER, TOLD or OLD. `tenant` may be NULL: no
 * documents. `newest`: PostgreSQL has none that are newer. */
void story_go_on(Story *s, const Kept *kept, const JudgedTenant *tenant, bool newest, Arena *arena);
/* Told by the ledger: a HistoryRow whose arg is a StoryTold. */
typedef struct StoryTold {
    Story *story;
    Arena *arena;
} StoryTold;
void story_follow(void *arg, const TicketLife *life, const Event *row, bool told);
