/* Predicate -- a view's conditions as SQL over the ticket's columns. Pure.
 *
 * Every value is a parameter, never part of the text; equal shapes give equal texts, so that
 * statements are prepared once. What holds is what conditions/matcher.h says: ASCII letters are
 * equal in both cases, a negative operator is the opposite of its positive one, keywords of ASCII
 * alone are bounded. Compared with it by brute force in tests/service/test_desk_predicate.py. */
#pragma once

#include "base/arena.h"
#include "conditions/condition.h"
#include "postgres/params.h"
#include "ticket/ticket.h"

/* Who looks: what "me" and "own" mean. */
typedef struct PredicateWho {
    int64_t user_id;
    const int64_t *groups; /* she is a member of */
    size_t groups_n;
} PredicateWho;

typedef enum PredicateTable {
    PREDICATE_TICKETS, /* ticket.tickets: every field */
    PREDICATE_INDEX,   /* desk.ticket_index: those of predicate_needs() INDEX or less */
    PREDICATE_COUNTERS /* desk.counters: COUNTERS or nothing */
} PredicateTable;

/* The poorest table that has all its fields. */
PredicateTable predicate_needs(const Filter *f);

/* Appends "(...)", a condition over `alias`; "(true)" when it always holds. Values become the next
 * parameters of *p. -E2BIG when they are more than PARAMS_MAX; *sql and *p are then of no use. */
int predicate_sql(const Filter *f, const PredicateWho *who, PredicateTable table, const char *alias,
                  Arena *arena, Params *p, Buf *sql);

/* In which states a ticket may be that it holds for: a bit 1 << TicketStatus each, never deleted or
 * merged. */
unsigned predicate_statuses(const Filter *f);
/* True when it holds for tickets of these groups only (ids in the arena). */
bool predicate_groups(const Filter *f, const PredicateWho *who, Arena *arena, const int64_t **ret,
                      size_t *ret_n);
