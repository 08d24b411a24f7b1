#include "analytics/keeping/tally.h"

#define BIT(count) (1U << (count))

Tally tally_of(const FactSheet *sheet, const FactStep *step, const Event *row) {
    static const struct {
        unsigned did;
        WindowCount count;
    } same[] = {{DID_CREATE, WINDOW_ARRIVED},      {DID_ASSIGN, WINDOW_ASSIGNED},
                {DID_REPLY, WINDOW_REPLIED},       {DID_FIRST_REPLY, WINDOW_FIRST_REPLIED},
                {DID_SOLVE, WINDOW_SOLVED},        {DID_REOPEN, WINDOW_REOPENED},
                {DID_TRANSFER, WINDOW_TRANSFERRED}};
    Tally t = {.starts_ms = step->at_ms - step->at_ms % WINDOW_MS,
               .category = sheet->texts[SHEET_CATEGORY]};
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
        if (step->did & same[i].did) t.adds |= BIT(same[i].count);
    if (step->did & DID_RATE) {
        if (str_is(sheet->texts[SHEET_SATISFACTION], "good")) t.adds |= BIT(WINDOW_RATED_GOOD);
        if (str_is(sheet->texts[SHEET_SATISFACTION], "bad")) t.adds |= BIT(WINDOW_RATED_BAD);
    }
    if (row->kind == LEDGER_PROMISE_WARNED) t.adds |= BIT(WINDOW_WARNED);
    if (row->kind == LEDGER_PROMISE_BREACHED) t.adds |= BIT(WINDOW_BREACHED);
    return t;
}
