/* Envelopes of docket.events read back. */
#include "events/event.h"

#include <errno.h>

#include "events/promise_internal.h"
#include "events/wire_internal.h"

static void put_status(TicketUpdate *u, TicketStatus status) {
    u->status = status;
    u->sets |= EDIT_STATUS;
}

static void put_place(TicketUpdate *u, TicketStatus status, uint64_t group, uint64_t assignee,
                      const char *reason) {
    put_status(u, status);
    u->group_id = (int64_t)group;
    u->assignee_id = (int64_t)assignee;
    u->sets |= EDIT_GROUP | EDIT_ASSIGNEE;
    u->reason = wire_str(reason);
}

static const Str *texts(char *const *values, size_t n, Arena *a) {
    Str *all = arena_alloc(a, (n + 1) * sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[i] = str(values[i]);
    return all;
}

static const char *read_created(const Docket__TicketCreated *t, Arena *a, Event *e) {
    TicketUpdate *u = &e->set;
    if (ticket_priority_parse(str(t->priority), &u->priority) < 0) return "no such priority";
    put_status(u, TICKET_NEW);
    u->sets |= EDIT_PRIORITY | EDIT_KIND | EDIT_CATEGORY | EDIT_SUBJECT | EDIT_TAGS |
               EDIT_EXTERNAL_ID | EDIT_CUSTOM_FIELDS | EDIT_GROUP | EDIT_REQUESTER;
    u->kind = wire_str(t->kind);
    u->category = wire_str(t->category);
    u->subject = wire_str(t->subject);
    u->external_id = wire_str(t->external_id);
    u->custom_fields = wire_str(t->custom_fields);
    u->group_id = (int64_t)t->group_id;
    u->requester_id = (int64_t)t->requester_id;
    u->reason = wire_str(t->reason);
    u->tags = texts(t->tags, t->n_tags, a);
    u->tags_n = t->n_tags;
    e->skills = texts(t->skills, t->n_skills, a);
    e->skills_n = t->n_skills;
    e->source_id = (int64_t)t->source_id;
    e->created_ms = t->created_ms;
    e->channel = wire_str(t->channel);
    e->description = wire_str(t->description);
    e->tier = wire_str(t->tier);
    e->region = wire_str(t->region);
    e->order = wire_str(t->order);
    e->product = wire_str(t->product);
    e->batch = wire_str(t->batch);
    e->device = wire_str(t->device);
    e->language = wire_str(t->language);
    return NULL;
}

static void read_comment(const Docket__TicketComment *c, Arena *a, EditComment *ret) {
    CLEANUP(buf_done) Buf mentions = {0};
    for (size_t i = 0; i < c->n_mentions; i++) {
        buf_addc(&mentions, i ? ',' : '[');
        buf_add_u64(&mentions, c->mentions[i]);
    }
    if (mentions.n) buf_addc(&mentions, ']');
    *ret = (EditComment){.present = true,
                         .is_public = c->is_public,
                         .author_id = (int64_t)c->author_id,
                         .body = wire_str(c->body),
                         .is_html = c->is_html,
                         .channel = wire_str(c->channel),
                         .attachments = wire_str(c->attachments)};
    if (mentions.n) ret->mentions = arena_str(a, buf_str(&mentions));
}

static const int64_t *people(const Docket__TicketPeople *p, Arena *a, size_t *ret_n) {
    int64_t *ids = arena_alloc(a, (p->n_ids + 1) * sizeof(*ids));
    for (size_t i = 0; i < p->n_ids; i++)
        ids[i] = (int64_t)p->ids[i];
    *ret_n = p->n_ids;
    return ids;
}

static const char *read_updated(const Docket__TicketUpdated *t, Arena *a, TicketUpdate *u) {
#define GET(bit, name, NAME, write)                                                                \
    if (t->name##_set_case == DOCKET__TICKET_UPDATED__##NAME##_SET_##NAME) {                       \
        u->sets |= (bit);                                                                          \
        write;                                                                                     \
    }
    GET(EDIT_STATUS, status, STATUS,
        if (ticket_status_parse(str(t->status), &u->status) < 0) return "no such status")
    GET(EDIT_PRIORITY, priority, PRIORITY,
        if (ticket_priority_parse(str(t->priority), &u->priority) < 0) return "no such priority")
    GET(EDIT_GROUP, group_id, GROUP_ID, u->group_id = (int64_t)t->group_id)
    GET(EDIT_ASSIGNEE, assignee_id, ASSIGNEE_ID, u->assignee_id = (int64_t)t->assignee_id)
    GET(EDIT_REQUESTER, requester_id, REQUESTER_ID, u->requester_id = (int64_t)t->requester_id)
    GET(EDIT_FORM, form_id, FORM_ID, u->form_id = (int64_t)t->form_id)
    GET(EDIT_FOLLOWUP_OF, followup_of, FOLLOWUP_OF, u->followup_of = (int64_t)t->followup_of)
    GET(EDIT_PROBLEM, problem_id, PROBLEM_ID, u->problem_id = (int64_t)t->problem_id)
    GET(EDIT_KIND, kind, KIND, u->kind = wire_str(t->kind))
    GET(EDIT_CATEGORY, category, CATEGORY, u->category = wire_str(t->category))
    GET(EDIT_SUBJECT, subject, SUBJECT, u->subject = wire_str(t->subject))
    GET(EDIT_EXTERNAL_ID, external_id, EXTERNAL_ID, u->external_id = wire_str(t->external_id))
    GET(EDIT_SATISFACTION, satisfaction, SATISFACTION, u->satisfaction = wire_str(t->satisfaction))
    GET(EDIT_CUSTOM_FIELDS, custom_fields, CUSTOM_FIELDS,
        u->custom_fields = wire_str(t->custom_fields))
#undef GET
    if (t->tags) {
        u->sets |= EDIT_TAGS;
        u->tags = texts(t->tags->tags, t->tags->n_tags, a);
        u->tags_n = t->tags->n_tags;
    }
    if (t->collaborators) {
        u->sets |= EDIT_COLLABORATORS;
        u->collaborators = people(t->collaborators, a, &u->collaborators_n);
    }
    if (t->followers) {
        u->sets |= EDIT_FOLLOWERS;
        u->followers = people(t->followers, a, &u->followers_n);
    }
    if (t->comment) read_comment(t->comment, a, &u->comment);
    u->note = wire_str(t->note);
    u->reason = wire_str(t->reason);
    return NULL;
}

static const char *read_event(const Docket__Envelope *m, Arena *a, Event *e) {
    PromiseAct act;
    const Docket__Promise *promise = promise_inside(m, &act);
    e->kind = LEDGER_KINDS;
    if (promise) {
        e->kind = (LedgerKind)(LEDGER_PROMISE_WARNED + (int)act);
        return promise_of_wire(promise, &e->promise, &e->set);
    }
    switch (m->event_case) {
    case DOCKET__ENVELOPE__EVENT_TICKET_CREATED:
        e->kind = LEDGER_TICKET_CREATED;
        return read_created(m->ticket_created, a, e);
    case DOCKET__ENVELOPE__EVENT_TICKET_ASSIGNED:
        e->kind = LEDGER_TICKET_ASSIGNED;
        put_place(&e->set, TICKET_ASSIGNED, m->ticket_assigned->group_id,
                  m->ticket_assigned->assignee_id, m->ticket_assigned->reason);
        return NULL;
    case DOCKET__ENVELOPE__EVENT_TICKET_QUEUED:
        e->kind = LEDGER_TICKET_QUEUED;
        put_place(&e->set, TICKET_NEW, m->ticket_queued->group_id, 0, m->ticket_queued->reason);
        return NULL;
    case DOCKET__ENVELOPE__EVENT_TICKET_RELEASED:
        e->kind = LEDGER_TICKET_RELEASED;
        put_place(&e->set, TICKET_NEW, m->ticket_released->group_id, 0, m->ticket_released->reason);
        return NULL;
    case DOCKET__ENVELOPE__EVENT_TICKET_NOTED:
        e->kind = LEDGER_TICKET_NOTED;
        e->set.note = wire_str(m->ticket_noted->note);
        return NULL;
    case DOCKET__ENVELOPE__EVENT_TICKET_UPDATED:
        e->kind = LEDGER_TICKET_UPDATED;
        return read_updated(m->ticket_updated, a, &e->set);
    case DOCKET__ENVELOPE__EVENT_TICKET_SUBMITTED:
    case DOCKET__ENVELOPE__EVENT_CAPACITY_CHANGED:
    case DOCKET__ENVELOPE__EVENT_TICKET_WAITING:
    case DOCKET__ENVELOPE__EVENT_SURGE_FOUND:
        return "not an event of a ticket";
    case DOCKET__ENVELOPE__EVENT_PROMISE_WARNED: /* seen above */
    case DOCKET__ENVELOPE__EVENT_PROMISE_BREACHED:
    case DOCKET__ENVELOPE__EVENT_PROMISE_ESCALATED:
    case DOCKET__ENVELOPE__EVENT__NOT_SET: /* of a later release */
    case _DOCKET__ENVELOPE__EVENT__CASE_IS_INT_SIZE:
    default:
        return NULL;
    }
}

int event_decode(Str message, Arena *arena, Event *ret, const char **ret_problem) {
    Event e = {0};
    const Docket__Envelope *m = wire_unpack(message, arena, ret_problem);
    if (!m || !wire_origin(m, &e.cause, &e.trace, ret_problem)) return -EBADMSG;
    const char *problem = NULL;
    if (m->schema_version != ENVELOPE_SCHEMA_VERSION)
        problem = "a schema version that is not known";
    else if (m->tenant_id == 0 || m->tenant_id > INT64_MAX)
        problem = "no tenant";
    else if (m->ticket_id == 0 || m->ticket_id > TICKET_ID_MAX)
        problem = "no ticket";
    else if (m->seq == 0 || m->seq > INT32_MAX || m->step > INT32_MAX)
        problem = "no ledger row";
    else
        problem = read_event(m, arena, &e);
    if (problem) {
        *ret_problem = problem;
        return -EBADMSG;
    }
    e.tenant_id = (int64_t)m->tenant_id;
    e.ticket_id = (int64_t)m->ticket_id;
    e.seq = (int32_t)m->seq;
    e.step = (int32_t)m->step;
    e.at_ms = m->at_ms;
    e.revision = (int64_t)m->revision;
    e.actor = wire_str(m->actor);
    *ret = e;
    return 0;
}

int event_of_row(const LedgerRow *row, Arena *arena, Event *ret) {
    CLEANUP(buf_done) Buf message = {0};
    const char *problem = NULL;
    if (ledger_event_encode(row, arena, &message) < 0) return -EBADMSG;
    return event_decode(buf_str(&message), arena, ret, &problem);
}
