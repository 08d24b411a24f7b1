/* How a table lies in memory: for table/ alone. */
#pragma once

#include "analytics/table/coding.h"
#include "analytics/table/columns.h"
#include "analytics/table/question.h"

enum { BLOCK_ROWS = 65536, BLOCK_SHIFT = 16 };

/* What lies behind the tickets of a block, those of one ticket beside each other. */
enum {
    PASSAGE_PLACE = 0, /* code */
    PASSAGE_TIMES,
    PASSAGE_REPLIES,
    PASSAGE_TOUCHES,
    PASSAGE_HELD, /* and by business time */
    PASSAGE_WORKED = PASSAGE_HELD + 2,
    PASSAGE_COLUMNS = PASSAGE_WORKED + 2,
    PROMISE_METRIC = 0,
    PROMISE_OUTCOME,
    PROMISE_TARGET,
    PROMISE_ELAPSED,
    PROMISE_OVER, /* + 1; 0: not broken */
    PROMISE_GROUP,
    PROMISE_AGENT,
    PROMISE_COLUMNS,
    MOVE_FROM = 0,
    MOVE_TO,
    MOVE_TIMES,
    MOVE_COLUMNS,
    BEHIND_COLUMNS = PASSAGE_COLUMNS
};

typedef struct Behind {
    Column start, n; /* by row of the block */
    Column columns[BEHIND_COLUMNS];
    uint32_t used, room, holes;
} Behind;

typedef struct Block {
    uint32_t rows, room, gone; /* gone: rows of no ticket; their id is 0 */
    Column id, seq, requester, flags;
    Column times[FACT_TIMES_OF];         /* seconds + 1; 0: not */
    Column codes[FACT_CODED_DIMS];       /* but FACT_CATEGORY_TOP */
    Column numbers[FACT_TICKET_COLUMNS]; /* those that may be none + 1 */
    Behind behind[FACT_SOURCES];         /* but FACT_TICKETS */
    uint32_t least[FACT_TIMES_OF];       /* of times, that ever were; 0 left out */
    uint32_t most[FACT_TIMES_OF];        /* least > most: none */
    uint32_t of_status[TICKET_STATUSES];
} Block;

struct FactTable {
    Block **blocks;
    size_t blocks_n;
    uint32_t *index; /* row + 1 by ticket id; 0: free */
    size_t index_n, count;
    uint32_t *gone; /* rows to be had again */
    size_t gone_n, gone_room;
    Coding texts[SHEET_TEXTS], tops, sources, forms, groups, agents;
    uint32_t *top_of; /* by code of a category */
    uint32_t top_of_room;
    uint64_t version, emptied;
    size_t bytes; /* of blocks and columns */
};

enum { CODE_GOOD = 1, CODE_BAD = 2 }; /* of satisfaction */

#define NO_NUMBER UINT32_MAX

static inline bool number_may_be_none(FactNumber n) {
    return n < FACT_STAGE_TIMES_ENTERED;
}

/* NULL: the codes of that dimension are its values. */
const Coding *table_coding(const FactTable *t, FactDim d);
