/* Signal <-> Envelope{CapacityChanged, ...}. */
#include "events/signal.h"

#include <errno.h>

#include "events/wire_internal.h"

void signal_encode(const Signal *s, Buf *ret) {
    CLEANUP(arena_freep) Arena *a = arena_new(512);
    Docket__Envelope e;
    Docket__CapacityChanged capacity = DOCKET__CAPACITY_CHANGED__INIT;
    wire_envelope(&e, a, s->tenant_id, 0, &s->cause, s->at_ms, NULL);
    switch (s->kind) {
    case SIGNAL_CAPACITY_CHANGED:
        capacity.agent_id = (uint64_t)s->agent_id;
        capacity.why = wire_text(a, s->why);
        e.event_case = DOCKET__ENVELOPE__EVENT_CAPACITY_CHANGED;
        e.capacity_changed = &capacity;
        break;
    }
    wire_pack(&e, ret);
}

int signal_decode(Str message, Arena *arena, Signal *ret, const char **ret_problem) {
    Signal s = {.kind = SIGNAL_CAPACITY_CHANGED};
    Trace trace;
    const Docket__Envelope *e = wire_unpack(message, arena, ret_problem);
    if (!e || !wire_origin(e, &s.cause, &trace, ret_problem)) return -EBADMSG;
    const char *problem = NULL;
    if (e->event_case != DOCKET__ENVELOPE__EVENT_CAPACITY_CHANGED || !e->capacity_changed)
        problem = "not a signal that is known";
    else if (e->schema_version != ENVELOPE_SCHEMA_VERSION)
        problem = "a schema version that is not known";
    else if (e->tenant_id == 0 || e->tenant_id > INT64_MAX)
        problem = "no tenant";
    else if (e->capacity_changed->agent_id == 0 || e->capacity_changed->agent_id > INT64_MAX)
        problem = "no agent";
    if (problem) {
        *ret_problem = problem;
        return -EBADMSG;
    }
    s.tenant_id = (int64_t)e->tenant_id;
    s.at_ms = e->at_ms;
    s.agent_id = (int64_t)e->capacity_changed->agent_id;
    s.why = wire_str(e->capacity_changed->why);
    *ret = s;
    return 0;
}
