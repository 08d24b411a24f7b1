/* Story -- what a batch has to do with one ticket: the rows of its ledger that came, in order, and
 * the life that they are told to. Pure. */
#pragma once

#include "following/rows.h"
#include "lives/tenants.h"
#include "lives/ticket_life.h"

typedef enum StoryFate {
    STORY_UNREAD, /* its state is still to be read */
    STORY_LEDGER, /* only the ledger can tell it */
    STORY_TOLD,   /* `life` is to be kept */
    STORY_OLD,    /* nothing new in it */
    STORY_GONE    /* there is no such ticket, or it was over already: forgotten here */
} StoryFate;

typedef struct Kept { /* of a ticket, in PostgreSQL */
    int32_t seq;
    int64_t revision; /* by which it was judged */
    bool over;
    Str state; /* unless it is over */
} Kept;

typedef struct Story {
    int64_t tenant_id, ticket_id;
    int32_t partition;
    int32_t known_seq; /* last row told before; 0: nothing is known of it */
    FollowedRow *rows;
    StoryFate fate;
    TicketLife *life;
    Kept kept; /* what is to be kept of `life`, once that is settled */
    /* What falls due: told, to be marked. */
    PromiseMoment *moments;
    size_t moments_n;
} Story;

/* May it be told without reading its state? Then it is: a ticket that begins with these rows. */
bool story_is_new(const Story *s);

/* From nothing, or from what is kept of it. Ends in LEDGER, TOLD, OLD or GONE. `tenant` may be
 * NULL: no documents. */
void story_begin(Story *s, const JudgedTenant *tenant);
void story_go_on(Story *s, const Kept *kept, const JudgedTenant *tenant);
/* Fills `kept` from `life`. `scratch` is the caller's, for packing; the state lies in the arena. */
void story_settle(Story *s, Buf *scratch, Arena *arena);
