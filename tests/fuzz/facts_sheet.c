/* A packed sheet from anywhere: refused, or one that packs to what unpacks to the same again; and
 * that goes on, whatever it says: told rows, shown clocks, asked. */
#include <stdlib.h>

#include "facts/sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void go_on(FactSheet *f, const uint8_t *data, size_t size) {
    int64_t at = f->row_ms;
    for (size_t i = 0; i < 8 && i < size; i++) {
        uint8_t what = data[size - 1 - i];
        Event e = {.seq = f->seq + 1,
                   .kind = f->seq ? LEDGER_TICKET_UPDATED : LEDGER_TICKET_CREATED,
                   .at_ms = at += what * INT64_C(1000003),
                   .actor = what & 1 ? STR("agent:7") : STR("requester:8"),
                   .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP | EDIT_ASSIGNEE,
                           .status = (TicketStatus)(what % TICKET_STATUSES),
                           .priority = (TicketPriority)(what / 9 % PRIORITIES),
                           .group_id = what % 3,
                           .assignee_id = what % 5,
                           .comment = {.present = what & 2, .is_public = what & 4}}};
        Clock c = {.metric = (ClockMetric)(what % METRICS),
                   .instance = 1 + what % 7,
                   .status = (ClockStatus)(what % 4),
                   .target_ms = what & 8 ? 1000 : 0,
                   .elapsed_ms = what * 100,
                   .breached_ms = what & 16 ? 5 : NEVER,
                   .ended_ms = NEVER};
        if (fact_sheet_tell(f, &e, NULL, NULL) < 0) abort();
        fact_sheet_clocks(f, &c, 1);
    }
    for (int m = 0; m < METRICS; m++)
        (void)fact_sheet_promises(f, (ClockMetric)m);
    (void)fact_sheet_since(f, INT64_MAX, NULL);
    (void)fact_sheet_one_touch(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(buf_done) Buf once = {0}, twice = {0};
    CLEANUP(fact_sheet_freep) FactSheet *f = NULL, *again = NULL;
    if (fact_sheet_unpack((Str){(const char *)data, size}, &f) < 0) {
        if (f) abort();
        return 0;
    }
    fact_sheet_pack(f, &once);
    if (fact_sheet_unpack(buf_str(&once), &again) < 0) abort();
    fact_sheet_pack(again, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice))) abort();
    go_on(f, data, size);
    buf_clear(&once);
    fact_sheet_pack(f, &once);
    again = fact_sheet_free(again);
    if (fact_sheet_unpack(buf_str(&once), &again) < 0) abort(); /* what it became is sound too */
    return 0;
}
