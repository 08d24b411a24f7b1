/* Listing -- one page of tickets out of several ordered sources, as one statement.
 *
 * A source is either walked: its rows come in the page's order from an index, and what does not fit
 * is dropped on the way, at most LISTING_WALK of all sources together; or picked: it gives the rows
 * that fit itself (open tickets, whose number does not grow with the years). Every row is shown as
 * ticket.tickets has it now, if it still fits. A page cut short by the walk's end says `more` and
 * where to go on. */
#pragma once

#include "desk/views/index.h"
#include "desk/views/predicate.h"
#include "documents/views.h"

enum { LISTING_WALK = INDEX_SCAN_MAX, LISTING_WALK_READING = 2000, LISTING_WALK_NARROW = 1000 };

typedef void (*ListingCounted)(Request *r, int64_t n, bool exact);

typedef struct Listing {
    Request *r;
    const Paging *paging;
    IndexDone done;
    void *context; /* of the request, given back to it before `done` */
    bool by_updated;
    const Filter *filter; /* NULL: only what the subject reaches */
    bool reading;         /* the filter needs the ticket's own row: walked rows are read */
    bool walks;           /* one source at least is walked */
    Params *params;
    int reach_at, position_at, id_at, rows_at; /* numbers of parameters */
    int walk;                                  /* rows, at most */
    size_t filter_at;                          /* of the filter's first, less one; 0: none yet */
    Buf reach_list; /* every parameter of the reach with its type: "$2::bigint[], $3::text[]" */
    Buf sources;    /* SELECTs of the columns LISTING_COLUMNS, joined by UNION ALL */
    Buf sql;        /* the whole, only while it is written */
    size_t sources_n;
    const PostgresStatement *end; /* where the walk ended; NULL: need not be known */
    Params end_params;            /* the first of `params`, and their bytes */
    IndexPage page;
    ListingCounted counted;
    int64_t most;
} Listing;

/* `paging` and `filter` live as long as the request. */
Listing *listing_new(Request *r, const Paging *paging, bool by_updated, const Filter *filter,
                     IndexDone done);

/* `where` is a condition over `x`, our own words and parameters of l->params: a row of
 * desk.ticket_index, in its order, walked. */
void listing_walk(Listing *l, const char *where);
/* The same over all of ticket.tickets, by id only. */
void listing_walk_tickets(Listing *l);
/* A row of ticket.tickets, picked. */
void listing_pick(Listing *l, const char *where);
/* As listing_pick(), of desk.ticket_index, at most `most` rows with the largest ids. */
void listing_pick_index(Listing *l, const char *where, int most);
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
