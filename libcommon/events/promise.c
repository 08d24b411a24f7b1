/* Promise <-> JSON of the ledger, and protobuf. */
#include "events/promise.h"

#include <errno.h>

#include "digest/digest.h"
#include "events/members_internal.h"
#include "events/promise_internal.h"

enum { SETTABLE = EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE | EDIT_PRIORITY };

static const char *const act_names[PROMISE_ACTS] = {"promise_warned", "promise_breached",
                                                    "promise_escalated"};

const char *promise_act_name(PromiseAct act) {
    return act_names[act];
}

Cause promise_cause(int64_t tenant_id, int64_t ticket_id, PromiseAct act, Str metric,
                    int32_t instance, Str level) {
    CLEANUP(buf_done) Buf text = {0};
    uint8_t hash[DIGEST_SHA256_BYTES];
    Cause cause;
    buf_printf(&text, "promise:%lld:%lld:%.*s:%d:%s:%.*s", (long long)tenant_id,
               (long long)ticket_id, STR_ARG(metric), instance, act_names[act], STR_ARG(level));
    digest_sha256(buf_str(&text), hash);
    memcpy(cause.bytes, hash, sizeof(cause.bytes));
    return cause;
}

/* ---- JSON ---- */

static void add_text(Buf *b, const char *key, Str value) {
    buf_adds(b, key);
    buf_add_json(b, value);
}

static void add_number(Buf *b, const char *key, int64_t value) {
    buf_adds(b, key);
    buf_add_i64(b, value);
}

void promise_payload_write(const Promise *p, const TicketUpdate *set, Str reason, Buf *ret) {
    TicketUpdate u = set ? *set : (TicketUpdate){0};
    update_payload_write(&(TicketUpdate){.sets = u.sets & SETTABLE,
                                         .status = u.status,
                                         .priority = u.priority,
                                         .group_id = u.group_id,
                                         .assignee_id = u.assignee_id,
                                         .reason = reason},
                         ret);
    ret->n--; /* its last bracket */
    add_text(ret, ",\"promise\":{\"metric\":", p->metric);
    add_number(ret, ",\"instance\":", p->instance);
    add_text(ret, ",\"level\":", p->level);
    add_text(ret, ",\"policy\":", p->policy);
    add_number(ret, ",\"due_ms\":", p->due_ms);
    add_number(ret, ",\"at_ms\":", p->at_ms);
    buf_adds(ret, p->late ? ",\"late\":true" : ",\"late\":false");
    add_number(ret, ",\"target_ms\":", p->target_ms);
    add_number(ret, ",\"elapsed_ms\":", p->elapsed_ms);
    add_text(ret, ",\"why\":", p->why);
    if (p->notify_lead) buf_adds(ret, ",\"notify_lead\":true");
    if (p->notify_manager) buf_adds(ret, ",\"notify_manager\":true");
    if (p->notify_agent) add_number(ret, ",\"notify_agent\":", p->notify_agent);
    if (p->raise_priority) buf_adds(ret, ",\"raise_priority\":true");
    if (p->move_to_group) add_number(ret, ",\"move_to_group\":", p->move_to_group);
    if (p->reassign) buf_adds(ret, ",\"reassign\":true");
    buf_adds(ret, "}}");
}

static int read_flag(Str value, bool *ret) {
    *ret = str_is(value, "true");
    return *ret || str_is(value, "false") ? 0 : -EBADMSG;
}

static const char *problem_of(const Promise *p) {
    if (!p->metric.n || p->metric.n > PROMISE_METRIC_MAX) return "no metric";
    if (p->instance < 1) return "no instance";
    if (p->level.n > PROMISE_LEVEL_MAX) return "a level that is none";
    if (p->due_ms < 0 || p->due_ms > WIRE_TIME_MAX || p->at_ms <= 0 || p->at_ms > WIRE_TIME_MAX)
        return "a time that is none";
    if (p->target_ms < 0 || p->target_ms > WIRE_TIME_MAX || p->elapsed_ms < 0 ||
        p->elapsed_ms > WIRE_TIME_MAX)
        return "a length of time that is none";
    if (p->judged_seq < 0 || p->notify_agent < 0 || p->move_to_group < 0) return "no number";
    return NULL;
}

static int read_member(Str name, Str value, Arena *a, Promise *p) {
    int64_t instance = 0;
    if (str_is(name, "metric")) return member_text(value, a, &p->metric);
    if (str_is(name, "level")) return member_text(value, a, &p->level);
    if (str_is(name, "policy")) return member_text(value, a, &p->policy);
    if (str_is(name, "why")) return member_text(value, a, &p->why);
    if (str_is(name, "due_ms")) return member_int(value, &p->due_ms);
    if (str_is(name, "at_ms")) return member_int(value, &p->at_ms);
    if (str_is(name, "target_ms")) return member_int(value, &p->target_ms);
    if (str_is(name, "elapsed_ms")) return member_int(value, &p->elapsed_ms);
    if (str_is(name, "notify_agent")) return member_int(value, &p->notify_agent);
    if (str_is(name, "move_to_group")) return member_int(value, &p->move_to_group);
    if (str_is(name, "late")) return read_flag(value, &p->late);
    if (str_is(name, "notify_lead")) return read_flag(value, &p->notify_lead);
    if (str_is(name, "notify_manager")) return read_flag(value, &p->notify_manager);
    if (str_is(name, "raise_priority")) return read_flag(value, &p->raise_priority);
    if (str_is(name, "reassign")) return read_flag(value, &p->reassign);
    if (!str_is(name, "instance")) return 0; /* of a later release */
    if (member_int(value, &instance) < 0 || instance < 1 || instance > INT32_MAX) return -EBADMSG;
    p->instance = (int32_t)instance;
    return 0;
}

int promise_payload_read(Str payload, Arena *arena, Promise *ret, TicketUpdate *ret_set) {
    TicketUpdate u;
    Promise p = {0};
    Str rest = payload, inside = {NULL, 0}, name, value;
    int r;
    if (update_payload_read(payload, arena, &u) < 0) return -EBADMSG;
    while ((r = members_next(&rest, &name, &value)) > 0)
        if (str_is(name, "promise")) inside = value;
    if (r < 0 || !inside.n) return -EBADMSG;
    while ((r = members_next(&inside, &name, &value)) > 0)
        if (read_member(name, value, arena, &p) < 0) return -EBADMSG;
    if (r < 0 || problem_of(&p)) return -EBADMSG;
    u.sets &= SETTABLE;
    u.comment.present = false;
    *ret = p;
    if (ret_set) *ret_set = u;
    return 0;
}

/* ---- Protobuf ---- */

void promise_to_wire(const Promise *p, const TicketUpdate *set, Arena *a, Docket__Promise *ret) {
    docket__promise__init(ret);
    ret->metric = wire_text(a, p->metric);
    ret->instance = (uint32_t)p->instance;
    ret->level = wire_text(a, p->level);
    ret->policy = wire_text(a, p->policy);
    ret->due_ms = p->due_ms;
    ret->at_ms = p->at_ms;
    ret->late = p->late;
    ret->target_ms = p->target_ms;
    ret->elapsed_ms = p->elapsed_ms;
    ret->why = wire_text(a, p->why);
    ret->judged_seq = (uint32_t)p->judged_seq;
    ret->notify_lead = p->notify_lead;
    ret->notify_manager = p->notify_manager;
    ret->notify_agent = (uint64_t)p->notify_agent;
    ret->raise_priority = p->raise_priority;
    ret->move_to_group = (uint64_t)p->move_to_group;
    ret->reassign = p->reassign;
    if (!set) return;
#define SET(bit, name, NAME, value)                                                                \
    if (set->sets & (bit)) {                                                                       \
        ret->name##_set_case = DOCKET__PROMISE__##NAME##_SET_##NAME;                               \
        ret->name = value;                                                                         \
    }
    SET(EDIT_STATUS, status, STATUS, wire_text(a, str(ticket_status_name(set->status))))
    SET(EDIT_PRIORITY, priority, PRIORITY, wire_text(a, str(ticket_priority_name(set->priority))))
    SET(EDIT_GROUP, group_id, GROUP_ID, (uint64_t)set->group_id)
    SET(EDIT_ASSIGNEE, assignee_id, ASSIGNEE_ID, (uint64_t)set->assignee_id)
#undef SET
    ret->reason = wire_text(a, set->reason);
}

static const char *read_set(const Docket__Promise *m, TicketUpdate *u) {
#define GET(bit, name, NAME, read)                                                                 \
    if (m->name##_set_case == DOCKET__PROMISE__##NAME##_SET_##NAME) {                              \
        u->sets |= (bit);                                                                          \
        read;                                                                                      \
    }
    GET(EDIT_STATUS, status, STATUS,
        if (ticket_status_parse(str(m->status), &u->status) < 0) return "no such status")
    GET(EDIT_PRIORITY, priority, PRIORITY,
        if (ticket_priority_parse(str(m->priority), &u->priority) < 0) return "no such priority")
    GET(EDIT_GROUP, group_id, GROUP_ID, u->group_id = (int64_t)m->group_id)
    GET(EDIT_ASSIGNEE, assignee_id, ASSIGNEE_ID, u->assignee_id = (int64_t)m->assignee_id)
#undef GET
    if (u->group_id < 0 || u->assignee_id < 0) return "no number";
    u->reason = wire_str(m->reason);
    return NULL;
}

const char *promise_of_wire(const Docket__Promise *m, Promise *ret, TicketUpdate *ret_set) {
    if (m->instance > INT32_MAX || m->judged_seq > INT32_MAX || m->notify_agent > INT64_MAX ||
        m->move_to_group > INT64_MAX)
        return "no number";
    *ret = (Promise){.metric = wire_str(m->metric),
                     .instance = (int32_t)m->instance,
                     .level = wire_str(m->level),
                     .policy = wire_str(m->policy),
                     .due_ms = m->due_ms,
                     .at_ms = m->at_ms,
                     .late = m->late,
                     .target_ms = m->target_ms,
                     .elapsed_ms = m->elapsed_ms,
                     .why = wire_str(m->why),
                     .judged_seq = (int32_t)m->judged_seq,
                     .notify_lead = m->notify_lead,
                     .notify_manager = m->notify_manager,
                     .raise_priority = m->raise_priority,
                     .reassign = m->reassign,
                     .notify_agent = (int64_t)m->notify_agent,
                     .move_to_group = (int64_t)m->move_to_group};
    const char *problem = problem_of(ret);
    return problem || !ret_set ? problem : read_set(m, ret_set);
}

void promise_into(Docket__Envelope *e, PromiseAct act, Docket__Promise *m) {
    switch (act) {
    case PROMISE_WARNED:
        e->event_case = DOCKET__ENVELOPE__EVENT_PROMISE_WARNED;
        e->promise_warned = m;
        break;
    case PROMISE_BREACHED:
        e->event_case = DOCKET__ENVELOPE__EVENT_PROMISE_BREACHED;
        e->promise_breached = m;
        break;
    case PROMISE_ESCALATED:
    case PROMISE_ACTS:
    default:
        e->event_case = DOCKET__ENVELOPE__EVENT_PROMISE_ESCALATED;
        e->promise_escalated = m;
        break;
    }
}

const Docket__Promise *promise_inside(const Docket__Envelope *e, PromiseAct *ret_act) {
    if (e->event_case == DOCKET__ENVELOPE__EVENT_PROMISE_WARNED) {
        *ret_act = PROMISE_WARNED;
        return e->promise_warned;
    }
    if (e->event_case == DOCKET__ENVELOPE__EVENT_PROMISE_BREACHED) {
        *ret_act = PROMISE_BREACHED;
        return e->promise_breached;
    }
    if (e->event_case == DOCKET__ENVELOPE__EVENT_PROMISE_ESCALATED) {
        *ret_act = PROMISE_ESCALATED;
        return e->promise_escalated;
    }
    return NULL;
}
