/* CloudEvents attributes. */
#include "events/headers.h"

#include "base/clock.h"
#include "events/wire_internal.h"

static size_t headers(int64_t ticket_id, int32_t seq, LedgerKind kind, int64_t at_ms,
                      const Trace *trace, Arena *a, EventHeader ret[EVENT_HEADERS_MAX]) {
    static const Trace none;
    char at[25];
    size_t n = 0;
    clock_format_ms(at_ms, at);
    ret[n++] = (EventHeader){"ce_id", str(arena_printf(a, "%lld-%d", (long long)ticket_id, seq))};
    ret[n++] = (EventHeader){"ce_type", str(arena_printf(a, "docket.%s", ledger_kind_name(kind)))};
    ret[n++] = (EventHeader){"ce_source", kind == LEDGER_TICKET_UPDATED ? STR("docket/desk")
                                                                        : STR("docket/router")};
    ret[n++] = (EventHeader){"ce_specversion", STR("1.0")};
    ret[n++] = (EventHeader){"ce_time", str(arena_strndup(a, at, strlen(at)))};
    ret[n++] = (EventHeader){"content-type", STR("application/protobuf")};
    ret[n++] = (EventHeader){"schema_version", STR("1")};
    if (memcmp(trace->trace_id, none.trace_id, sizeof(none.trace_id)) != 0) {
        char text[56];
        trace_format(trace, text);
        ret[n++] = (EventHeader){"traceparent", str(arena_strndup(a, text, strlen(text)))};
    }
    return n;
}

size_t event_headers_of_row(const LedgerRow *row, Arena *arena,
                            EventHeader ret[EVENT_HEADERS_MAX]) {
    return headers(row->ticket_id, row->seq, row->kind, row->at_ms, &row->trace, arena, ret);
}

size_t event_headers_of_message(Str message, Arena *arena, EventHeader ret[EVENT_HEADERS_MAX]) {
    static const struct {
        Docket__Envelope__EventCase event_case;
        LedgerKind kind;
    } kinds[] = {
        {DOCKET__ENVELOPE__EVENT_TICKET_CREATED, LEDGER_TICKET_CREATED},
        {DOCKET__ENVELOPE__EVENT_TICKET_ASSIGNED, LEDGER_TICKET_ASSIGNED},
        {DOCKET__ENVELOPE__EVENT_TICKET_QUEUED, LEDGER_TICKET_QUEUED},
        {DOCKET__ENVELOPE__EVENT_TICKET_RELEASED, LEDGER_TICKET_RELEASED},
        {DOCKET__ENVELOPE__EVENT_TICKET_NOTED, LEDGER_TICKET_NOTED},
        {DOCKET__ENVELOPE__EVENT_TICKET_UPDATED, LEDGER_TICKET_UPDATED},
    };
    const char *problem = NULL;
    Cause cause;
    Trace trace;
    const Docket__Envelope *e = wire_unpack(message, arena, &problem);
    if (!e || !wire_origin(e, &cause, &trace, &problem)) return 0; /* whoever reads it says so */
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].event_case == e->event_case)
            return headers((int64_t)e->ticket_id, (int32_t)e->seq, kinds[i].kind, e->at_ms, &trace,
                           arena, ret);
    return 0;
}
