/* ReplayStory -- a recorded life of tickets, read from CSV: who did what to which ticket, and when.
 * Pure.
 *
 * The first record names the columns, in any order; only ticket, at and who must be there:
 *   ticket    any text that tells tickets apart; its first row creates it
 *   at        2026-01-05T09:00:00Z, seconds and Z may be left out; or milliseconds since 1970
 *   who       requester, or a name of the tokens file
 *   state     what it becomes: open pending hold solved closed (in_progress, on_hold likewise);
 *             `acknowledged`: "I am on it". new and assigned are the machine's: read past
 *   group     name of the group it is handed over to
 *   priority  low normal high urgent
 *   comment   what is said; of a first row its description
 *   public    no, false or 0: the comment is a note */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

typedef struct ReplayRow {
    long record; /* of the file, from 1; the heading is the first */
    int64_t at_ms;
    size_t ticket; /* in the order of their first rows, from 0 */
    bool creates;
    Str who, state, group, priority, comment; /* absent: not said. `state` as the desk calls it */
    bool is_public;
} ReplayRow;

typedef struct ReplayStory {
    ReplayRow *rows; /* by instant; those of one instant in the order of the file */
    size_t rows_n;
    Str *tickets; /* as the file calls them */
    size_t tickets_n;
} ReplayStory;

enum { REPLAY_ROWS_MAX = 1000000 };

/* Copies what it keeps into the arena. -EINVAL with "record 12: ..." in *ret_problem. */
int replay_story_read(Str csv, Arena *arena, ReplayStory *ret, Buf *ret_problem);
/* Moved into the future by as many whole weeks as are needed for no row to lie before `now_ms`:
 * how many. */
int64_t replay_story_shift(ReplayStory *s, int64_t now_ms);
