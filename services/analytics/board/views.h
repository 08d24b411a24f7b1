/* BoardView -- the board as all those see it who see the same: drawn at most once a second, in
 * slices between which the loop does its other work, one view at a time. */
#pragma once

#include "analytics/api/ask.h"
#include "analytics/board/picture.h"
#include "analytics/table/asking.h"

struct Board;
struct BoardStream;

typedef struct BoardWaiter { /* whoever asked for one picture */
    Ask *ask;
    struct BoardWaiter *next;
    int64_t since_ms; /* monotonic */
} BoardWaiter;

typedef struct BoardView {
    struct Board *board;
    struct BoardView *next;
    Buf key;
    int64_t tenant_id;
    Arena *own;         /* of `who` */
    const Subject *who; /* NULL: all of the tenant's */
    struct BoardStream *streams;
    BoardWaiter *waiters;
    int64_t looked_ms; /* monotonic: somebody did, last */
    int64_t begun_ms;  /* monotonic: it was begun to be drawn, last; 0: never */
    Buf picture;       /* empty: none yet */
    bool with_lag;     /* in the picture, or not shown in it anyway */

    /* Arrivals: kept, and counted again from a minute back; all of the hour once a minute. */
    int64_t minutes[BOARD_MINUTES];
    int64_t minute_ms;  /* the running one, when they were counted; 0: never */
    int64_t counted_ms; /* all of them, last */

    /* While it is drawn. */
    Arena *arena;
    FactQuestion question;
    Asking *asking;
    int stage;
    BoardFigures figures;
} BoardView;

/* The view of that asker, found or made. */
BoardView *board_view_of(struct Board *b, const Subject *who, bool narrowed);
/* Is it, still, what that asker sees? */
bool board_view_is_of(const BoardView *v, const Subject *who, bool narrowed);
bool board_view_is_wanted(const BoardView *v);
/* Begins; board_view_drawn() comes when it is done or had to be given up, perhaps inside this call.
 */
void board_view_draw(BoardView *v, int64_t wall_ms);
/* What is being asked for it is forgotten. */
void board_view_give_up(BoardView *v);
BoardView *board_view_free(BoardView *v); /* accepts NULL, returns NULL; nobody looks at it */

/* By board.c. `picture`: there is a new one. */
void board_view_drawn(BoardView *v, bool picture);
