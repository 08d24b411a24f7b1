/* Record -- the figures of one ticket and the promises that they are told with. Pure.
 *
 * After row n it is a function of the ledger up to row n and of the documents in force up to that
 * row's instant, however it came there: row by row, packed in between, or all of it anew from the
 * ledger. */
#pragma once

#include "analytics/keeping/tally.h"
#include "lives/ticket_life.h"

typedef struct Record {
    FactSheet *sheet;
    TicketLife *life; /* without history */
} Record;

/* The next row: `life` must follow the documents in force at its instant. *ret_tally is written
 * when it was told. 0, or -EALREADY  its seq is not newer: nothing is changed, else       it cannot
 * be told from here, and the record is no good any more: the ledger knows. */
int record_tell(Record *r, const Event *row, Tally *ret_tally);
/* The same where the ledger is told to a life by somebody else (store/histories.h): what was told
 * before the row, `hours` of that life then, and the life behind the row. 0 or as
 * fact_sheet_tell(). */
int record_follow(FactSheet *sheet, const TicketLife *life, const Event *row, const Calendar *hours,
                  Tally *ret_tally);
void record_done(Record *r); /* frees both */
