#include "desk/api/inside.h"

#include "base/clock.h"
#include "desk/api/request_internal.h"

void inside_ask(const InsideAsk *ask, void (*handle)(Request *r), InsideHeard heard, void *arg) {
    static const Route route = {.method = "JOB", .path = "inside"};
    Request *r = arena_zalloc(ask->arena, sizeof(*r));
    *r = (Request){.inside = true,
                   .desk = ask->desk,
                   .arena = ask->arena,
                   .route = &route,
                   .subject = *ask->who,
                   .token_id = ask->token_id,
                   .by = ask->by,
                   .catalog = ask->catalog ? catalog_ref(ask->catalog) : NULL,
                   .body = ask->body,
                   .cause = ask->cause,
                   .step = ask->step,
                   .trace = trace_new(),
                   .now_ms = clock_wall_ms()};
    r->inner = arena_zalloc(ask->arena, sizeof(*r->inner));
    r->inner->base = STR("");
    r->inner->heard = heard;
    r->inner->heard_arg = arg;
    handle(r);
}
