/* A ledger payload of any bytes: an event of any kind, or -EBADMSG and nothing written. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "events/event.h"
#include "events/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int kind = 0; kind < LEDGER_KINDS; kind++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(0);
        CLEANUP(buf_done) Buf event = {0};
        LedgerRow row = {.tenant_id = 1,
                         .ticket_id = 100001,
                         .seq = 1,
                         .cause = {{1}},
                         .kind = (LedgerKind)kind,
                         .actor = STR("requester:7"),
                         .at_ms = 1,
                         .payload = {(const char *)data, size}};
        int r = ledger_event_encode(&row, arena, &event);
        assert(r == 0 ? event.n > 0 : r == -EBADMSG && event.n == 0);
        Event decoded; /* refused where a text is none */
        const char *problem = NULL;
        if (r == 0 && event_decode(buf_str(&event), arena, &decoded, &problem) < 0) assert(problem);
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Event decoded;
    const char *problem = NULL;
    Str message = {(const char *)data, size};
    if (event_decode(message, arena, &decoded, &problem) == 0)
        assert(decoded.seq > 0 && decoded.ticket_id > 0);
    return 0;
}
