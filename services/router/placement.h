/* Placement -- how a ticket stands in a queue, and the words that the ledger keeps about who got
 * it. Pure. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "documents/catalog.h"
#include "store/store.h"

/* "12:en,vip": group and required skills, sorted. Tickets of one kind can be taken by the same
 * people. */
Str placement_kind(Arena *arena, int64_t group_id, const Str *skills, size_t n);
Str placement_kind_of(Arena *arena, const TicketPlace *place);

/* Lower goes first. One class of priority is worth `aging_ms` of waiting. */
int64_t placement_score(int64_t created_ms, TicketPriority priority, int64_t aging_ms);

/* What a row means for Redis: 'A' counts to its assignee's load, 'W' waits, 'G' neither. */
char placement_state(const TicketPlace *place);

/* Who could have it, by the documents and PostgreSQL's duties. */
typedef struct Staffing {
    int32_t on_duty; /* agents of the group on duty */
    int32_t able;    /* of these, with all the skills */
} Staffing;

Staffing placement_staffing(const Catalog *c, const AgentDuty *duties, size_t duties_n,
                            int64_t group_id, const Str *skills, size_t skills_n);

/* Why it is where it is; the names are what the ledger keeps and `docket explain` reads. */
typedef enum PlacementWhy {
    WHY_LEAST_LOADED, /* assigned: the least loaded relative to capacity, ties to the longest idle
                       */
    WHY_TAKEN_FROM_QUEUE, /* assigned: somebody had room, and it stood first */
    WHY_ASKED_FOR,        /* assigned or queued as the submission's sender, who may, asked */
    WHY_NOBODY_ON_DUTY,   /* the rest: queued */
    WHY_NOBODY_SKILLED,
    WHY_ALL_FULL,
    WHY_BEHIND_OTHERS, /* others of its kind wait already */
    WHY_PAUSED,        /* Redis is away or being rebuilt: stored now, assigned later */
    WHY_RAN_OUT,       /* PostgreSQL was too slow for the reservation: stored now, assigned later */
    WHY_NO_GROUP,      /* the tenant has no documents */
    WHY_FALLBACK,      /* nobody on duty in its group for too long: moved to the fallback group */
    WHY_RELEASED,      /* an operator put it back */
    WHYS
} PlacementWhy;

const char *placement_why_name(PlacementWhy why); /* "least_loaded" */
int placement_why_parse(Str name, PlacementWhy *ret);

/* {"why":"least_loaded","load":3,"capacity":8,"on_duty":5,"able":4}; load and capacity only for the
 * assigned, and load is what she had before. from_group 0: not moved. In the arena. */
typedef struct PlacementFacts {
    PlacementWhy why;
    int64_t load, capacity;
    Staffing staffing;
    int64_t from_group;
} PlacementFacts;

Str placement_reason(Arena *arena, const PlacementFacts *f);
