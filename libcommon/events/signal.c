/* Signal <-> Envelope{CapacityChanged, ...}. */
#include "events/signal.h"

#include <errno.h>

#include "events/promise_internal.h"
#include "events/wire_internal.h"
#include "ticket/ticket.h"

void signal_encode(const Signal *s, Buf *ret) {
    CLEANUP(arena_freep) Arena *a = arena_new(512);
    Docket__Envelope e;
    Docket__CapacityChanged capacity = DOCKET__CAPACITY_CHANGED__INIT;
    Docket__TicketWaiting waiting = DOCKET__TICKET_WAITING__INIT;
    Docket__Promise promise;
    wire_envelope(&e, a, s->tenant_id, 0, &s->cause, s->at_ms, NULL);
    switch (s->kind) {
    case SIGNAL_CAPACITY_CHANGED:
        capacity.agent_id = (uint64_t)s->agent_id;
        capacity.why = wire_text(a, s->why);
        capacity.ticket_id = (uint64_t)s->ticket_id;
        capacity.version = (uint32_t)s->version;
        e.event_case = DOCKET__ENVELOPE__EVENT_CAPACITY_CHANGED;
        e.capacity_changed = &capacity;
        break;
    case SIGNAL_TICKET_WAITING:
        waiting.ticket_id = (uint64_t)s->ticket_id;
        waiting.version = (uint32_t)s->version;
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_WAITING;
        e.ticket_waiting = &waiting;
        break;
    case SIGNAL_PROMISE_WARNED:
    case SIGNAL_PROMISE_BREACHED:
    case SIGNAL_PROMISE_ESCALATED:
        e.ticket_id = (uint64_t)s->ticket_id;
        e.revision = (uint64_t)s->revision;
        promise_to_wire(&s->promise, NULL, a, &promise);
        promise_into(&e, (PromiseAct)(s->kind - SIGNAL_PROMISE_WARNED), &promise);
        break;
    }
    wire_pack(&e, ret);
}

void signal_key(const Signal *s, Buf *ret) {
    if (s->kind >= SIGNAL_PROMISE_WARNED) {
        buf_add_i64(ret, s->ticket_id);
        return;
    }
    buf_add_i64(ret, s->tenant_id);
    buf_adds(ret, s->kind == SIGNAL_TICKET_WAITING ? ":t" : ":");
    buf_add_i64(ret, s->kind == SIGNAL_TICKET_WAITING ? s->ticket_id : s->agent_id);
}

static const char *read_ticket(uint64_t ticket_id, uint32_t version, Signal *s) {
    if (ticket_id > TICKET_ID_MAX || version > INT32_MAX) return "no ticket's number";
    s->ticket_id = (int64_t)ticket_id;
    s->version = (int32_t)version;
    return NULL;
}

static const char *read_event(const Docket__Envelope *e, Signal *s) {
    if (e->event_case == DOCKET__ENVELOPE__EVENT_CAPACITY_CHANGED && e->capacity_changed) {
        const Docket__CapacityChanged *c = e->capacity_changed;
        if (c->agent_id == 0 || c->agent_id > INT64_MAX) return "no agent";
        s->agent_id = (int64_t)c->agent_id;
        s->why = wire_str(c->why);
        return read_ticket(c->ticket_id, c->version, s);
    }
    if (e->event_case == DOCKET__ENVELOPE__EVENT_TICKET_WAITING && e->ticket_waiting) {
        s->kind = SIGNAL_TICKET_WAITING;
        if (e->ticket_waiting->ticket_id == 0) return "no ticket";
        return read_ticket(e->ticket_waiting->ticket_id, e->ticket_waiting->version, s);
    }
    PromiseAct act;
    const Docket__Promise *promise = promise_inside(e, &act);
    if (promise) {
        s->kind = (SignalKind)(SIGNAL_PROMISE_WARNED + (int)act);
        if (e->ticket_id == 0) return "no ticket";
        if (e->revision > INT64_MAX) return "no revision";
        s->revision = (int64_t)e->revision;
        const char *problem = read_ticket(e->ticket_id, 0, s);
        return problem ? problem : promise_of_wire(promise, &s->promise, NULL);
    }
    return "not a signal that is known";
}

int signal_decode(Str message, Arena *arena, Signal *ret, const char **ret_problem) {
    Signal s = {.kind = SIGNAL_CAPACITY_CHANGED};
    Trace trace;
    const Docket__Envelope *e = wire_unpack(message, arena, ret_problem);
    if (!e || !wire_origin(e, &s.cause, &trace, ret_problem)) return -EBADMSG;
    const char *problem = read_event(e, &s);
    if (!problem && e->schema_version != ENVELOPE_SCHEMA_VERSION)
        problem = "a schema version that is not known";
    else if (!problem && (e->tenant_id == 0 || e->tenant_id > INT64_MAX))
        problem = "no tenant";
    if (problem) {
        *ret_problem = problem;
        return -EBADMSG;
    }
    s.tenant_id = (int64_t)e->tenant_id;
    s.at_ms = e->at_ms;
    *ret = s;
    return 0;
}
