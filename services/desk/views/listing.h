/* Listing -- one page of tickets out of several ordered sources.
 *
 * A source is either walked: its rows come in the page's order from an index, and what does not fit
 * is dropped on the way; or picked: it gives the rows that fit itself (open tickets, whose number
 * does not grow with the years). Every row is shown as ticket.tickets has it now, if it still fits.
 *
 * A page is full, or the list is at its end: rounds of walking follow one another, the first short,
 * until it is. Only after LISTING_ROUNDS of them, 91,000 rows of the index looked at (19,000
 * tickets read, where the filter needs more than the index knows), a page by cursor comes as it is,
 * with `more` and where to go on. */
#pragma once

#include "desk/views/index.h"
#include "desk/views/predicate.h"
#include "documents/views.h"

/* Rows of one round, of all sources together. */
enum {
    LISTING_WALK = INDEX_SCAN_MAX,
    LISTING_WALK_READING = 2000,
    LISTING_WALK_FIRST = 1000,
    LISTING_ROUNDS = 10
};

typedef void (*ListingCounted)(Request *r, int64_t n, bool exact);

typedef struct ListingPlace { /* behind which a round begins, or a row stands */
    int64_t position, id;
} ListingPlace;

typedef struct Listing {
    Request *r;
    const Paging *paging;
    IndexDone done;
    void *context; /* of the request, given back to it before `done` */
    bool by_updated;
    const Filter *filter; /* NULL: only what the subject reaches */
    bool reading;         /* the filter needs the ticket's own row: walked rows are read */
    bool walks;           /* one source at least is walked */
    bool overlaps;        /* a row may come from two walks */
    Params *params;
    int reach_at, position_at, id_at, rows_at, limit_at; /* numbers of parameters */
    size_t filter_at;                                    /* of the filter's first, less one; 0:
                                                            none yet */
    Buf reach_list; /* every parameter of the reach with its type: "$2::bigint[], $3::text[]" */
    Buf sources;    /* SELECTs of the columns LISTING_COLUMNS, joined by UNION ALL */
    size_t sources_n;
    /* Statements while they run; the place of the walk's rows is open (WALK). */
    char *page_sql, *end_sql, *count_sql;
    Params end_params, count_params; /* the first of `params`, and their bytes */
    int round;
    int64_t skip;      /* rows of offset pages still to be passed over */
    int64_t asked;     /* rows of this round, at most */
    ListingPlace from; /* of this round */
    TicketRow *rows;   /* found so far, in the order of the query */
    ListingPlace *places;
    size_t rows_n;
    IndexPage page;
    ListingCounted counted;
    int64_t most, counted_n;
} Listing;

/* `paging` and `filter` live as long as the request. */
Listing *listing_new(Request *r, const Paging *paging, bool by_updated, const Filter *filter,
                     IndexDone done);

/* `where` is a condition over `x`, our own words and parameters of l->params: a row of
 * desk.ticket_index, in its order, walked. */
void listing_walk(Listing *l, const char *where);
/* Besides: among the rows of this source may be rows of another walked one. */
void listing_walk_besides(Listing *l, const char *where);
/* The same over all of ticket.tickets, by id only. */
void listing_walk_tickets(Listing *l);
/* A row of ticket.tickets, picked. */
void listing_pick(Listing *l, const char *where);
/* The organization's users' tickets, picked. */
void listing_pick_organization(Listing *l, int64_t organization_id);

/* Asks; `done` comes as index_list() says. */
void listing_run(Listing *l);

/* Instead: how many rows there are, none of them read but by the filter, at most `most` of those
 * that are picked. `exact` false: there may be more. r->context is given back before `done`. */
Listing *listing_new_count(Request *r, const Filter *filter, int64_t most, ListingCounted done);
void listing_run_count(Listing *l);

/* What "me" and "own" are for whoever asks. */
PredicateWho listing_who(Request *r);
