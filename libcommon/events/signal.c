/* Signal <-> Envelope{CapacityChanged, ...}. */
#include "events/signal.h"

#include <errno.h>

#include "digest/digest.h"
#include "events/promise_internal.h"
#include "events/wire_internal.h"
#include "ticket/ticket.h"

Cause surge_cause(int64_t tenant_id, Str category, int64_t began_ms) {
    CLEANUP(buf_done) Buf text = {0};
    uint8_t hash[DIGEST_SHA256_BYTES];
    Cause cause;
    buf_printf(&text, "surge:%lld:%.*s:%lld", (long long)tenant_id, STR_ARG(category),
               (long long)began_ms);
    digest_sha256(buf_str(&text), hash);
    memcpy(cause.bytes, hash, sizeof(cause.bytes));
    return cause;
}

static Docket__SurgeFound *surge_to_wire(const SurgeFound *s, Arena *a) {
    Docket__SurgeFound *m = arena_alloc(a, sizeof(*m));
    docket__surge_found__init(m);
    m->category = wire_text(a, s->category);
    m->began_ms = s->began_ms;
    m->found_ms = s->found_ms;
    m->subject = wire_text(a, s->subject);
    m->description = wire_text(a, s->description);
    m->priority = wire_text(a, str(ticket_priority_name(s->priority)));
    m->group_id = (uint64_t)s->group_id;
    m->incidents = arena_alloc(a, (s->incidents_n + 1) * sizeof(*m->incidents));
    m->n_incidents = s->incidents_n;
    for (size_t i = 0; i < s->incidents_n; i++)
        m->incidents[i] = (uint64_t)s->incidents[i];
    return m;
}

static const char *surge_of_wire(const Docket__SurgeFound *m, Arena *a, SurgeFound *ret) {
    SurgeFound s = {.category = wire_str(m->category),
                    .began_ms = m->began_ms,
                    .found_ms = m->found_ms,
                    .subject = wire_str(m->subject),
                    .description = wire_str(m->description),
                    .group_id = (int64_t)m->group_id,
                    .incidents_n = m->n_incidents};
    if (!s.subject.n || s.subject.n > SURGE_SUBJECT_MAX || s.description.n > SURGE_DESCRIPTION_MAX)
        return "a text too long, or none";
    if (ticket_priority_parse(wire_str(m->priority), &s.priority) < 0) return "no such priority";
    if (s.began_ms <= 0 || s.found_ms <= s.began_ms || s.found_ms > WIRE_TIME_MAX)
        return "a time that is none";
    if (m->group_id > INT64_MAX || m->n_incidents > SURGE_INCIDENTS_MAX) return "no numbers";
    int64_t *ids = arena_alloc(a, (s.incidents_n + 1) * sizeof(*ids));
    for (size_t i = 0; i < s.incidents_n; i++) {
        if (m->incidents[i] == 0 || m->incidents[i] > TICKET_ID_MAX) return "no ticket's number";
        ids[i] = (int64_t)m->incidents[i];
    }
    s.incidents = ids;
    *ret = s;
    return NULL;
}

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
    case SIGNAL_SURGE_FOUND:
        e.ticket_id = (uint64_t)s->ticket_id;
        e.event_case = DOCKET__ENVELOPE__EVENT_SURGE_FOUND;
        e.surge_found = surge_to_wire(&s->surge, a);
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

static const char *read_event(const Docket__Envelope *e, Arena *a, Signal *s) {
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
    if (e->event_case == DOCKET__ENVELOPE__EVENT_SURGE_FOUND && e->surge_found) {
        s->kind = SIGNAL_SURGE_FOUND;
        if (e->ticket_id == 0) return "no ticket";
        const char *problem = read_ticket(e->ticket_id, 0, s);
        return problem ? problem : surge_of_wire(e->surge_found, a, &s->surge);
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
    const char *problem = read_event(e, arena, &s);
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
