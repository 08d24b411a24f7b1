/* BoardStream -- one client of GET /live:
 *
 *     event: board   data: the picture (board/picture.h)       each second
 *     event: end     data: {"reason": "..."}                   and the stream is over
 *
 * A picture that is not taken before the next one is drawn is not followed by that: who is slow
 * sees fewer, and costs no memory. Whether she may still look is asked every second; what she may
 * see is decided when she comes. */
#pragma once

#include "analytics/board/views.h"
#include "http/event_stream.h"

typedef struct BoardStream {
    struct Board *board;
    BoardView *view;
    struct BoardStream *previous, *next; /* of the same view */
    EventStream out;
    bool checking; /* her credential */
    bool session;
    char *secret; /* what she showed */
    size_t secret_n;
    uint64_t skipped; /* pictures */
} BoardStream;

/* Answers the ask: from here on it is a stream. It may be over before this returns. */
void board_stream_begin(BoardView *v, Ask *a);
/* The picture of her view. The stream may be gone. */
void board_stream_show(BoardStream *s);
/* Is she still who she was? It may be gone. */
void board_stream_check(BoardStream *s);
/* The word `reason`, and the end. It may be gone. */
void board_stream_end(BoardStream *s, const char *reason);
