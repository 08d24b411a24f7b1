#include "analytics/keeping/record.h"

#include <errno.h>

int record_follow(FactSheet *sheet, const TicketLife *life, const Event *row, const Calendar *hours,
                  Tally *ret_tally) {
    const Clock *clocks;
    FactStep step;
    int r = fact_sheet_tell(sheet, row, hours, &step);
    if (r < 0) return r;
    size_t n = ticket_life_forgotten(life, &clocks);
    fact_sheet_clocks(sheet, clocks, n);
    n = ticket_life_clocks(life, &clocks);
    fact_sheet_clocks(sheet, clocks, n);
    *ret_tally = tally_of(sheet, &step, row);
    return 0;
}

int record_tell(Record *r, const Event *row, Tally *ret_tally) {
    if (row->seq <= r->sheet->seq) return -EALREADY;
    /* Documents that hold since after this row have been told: what was before them is gone. */
    int64_t at = row->at_ms > r->sheet->row_ms ? row->at_ms : r->sheet->row_ms;
    if (r->sheet->seq && ticket_life_now_ms(r->life) > at) return -ESTALE;
    const Calendar *hours = ticket_life_hours(r->life);
    int told = ticket_life_tell(r->life, row);
    return told < 0 ? told == -EALREADY ? -EBADMSG : told
                    : record_follow(r->sheet, r->life, row, hours, ret_tally);
}

void record_done(Record *r) {
    r->sheet = fact_sheet_free(r->sheet);
    r->life = ticket_life_free(r->life);
}
