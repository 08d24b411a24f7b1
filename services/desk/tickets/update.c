/* Every request that changes one ticket: PUT, tags, claim, transfer, acknowledgement, deletion,
 * rating. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/audit.h"
#include "desk/tickets/ticket_json.h"
#include "desk/tickets/work.h"
#include "json/json.h"

/* ---- {"ticket": ..., "audit": ...} ---- */

static void add_audit(Request *r, WorkOutcome outcome, const WorkResult *result, Buf *body) {
    AuditState before = {.n = 0};
    AuditRow row = {.ticket_id = result->after.id,
                    .seq = result->after.version,
                    .at_ms = result->after.updated_ms,
                    .kind = STR("nothing_changed"),
                    .payload = STR("{}")};
    if (outcome == WORK_DONE) {
        const LedgerRow *l = &result->edit->row;
        audit_state_of(&before, &result->before, r->arena);
        row.kind = str(ledger_kind_name(l->kind));
        row.actor = l->actor;
        row.revision = l->revision;
        row.payload = l->payload;
    }
    audit_json(body, &row, &before, r->catalog, rights_has(&r->subject, RIGHT_NOTES_READ),
               r->arena);
}

static void answer_both(void *arg, WorkOutcome outcome, const WorkResult *result) {
    Request *r = arg;
    if (work_refused(r, outcome, result)) return;
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"ticket\":");
    ticket_json(&body, request_base(r), &result->after, r->catalog);
    buf_adds(&body, ",\"audit\":");
    add_audit(r, outcome, result, &body);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

/* False, having answered 400, when the body has no object `name` inside. */
static bool inner(Request *r, const char *name, const cJSON **ret) {
    if (json_get_object(r->body, name, ret) == 1) return true;
    answer_bad_request(r, name, "is missing or no object",
                       arena_printf(r->arena, "send {\"%s\": {...}}", name));
    return false;
}

/* ---- PUT ---- */

static ChangeVerdict decide_update(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                   Arena *arena, Change *ret) {
    return change_update(a, t, arg, arena, ret);
}

static void put_ticket(Request *r) {
    const cJSON *ticket;
    if (!inner(r, "ticket", &ticket)) return;
    WorkAsk ask = work_ask(r, decide_update, (void *)(uintptr_t)ticket);
    Str *tokens = arena_alloc(r->arena, CHANGE_UPLOADS_MAX * sizeof(*tokens));
    ask.uploads_n = change_uploads(ticket, tokens);
    ask.uploads = tokens;
    ask.wants_loads = change_wants_loads(ticket);
    ask.wants_evidence = change_wants_evidence(ticket);
    ask.names_agent = change_assignee(ticket);
    int64_t *people = arena_alloc(r->arena, CHANGE_PEOPLE_MAX * sizeof(*people));
    ask.people_n = change_people(ticket, people);
    ask.people = people;
    work_begin(&ask, answer_both, r);
}

/* ---- claim, transfer, acknowledge ---- */

static ChangeVerdict decide_claim(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                  Arena *arena, Change *ret) {
    (void)arg;
    return change_claim(a, t, arena, ret);
}

static void claim(Request *r) {
    WorkAsk ask = work_ask(r, decide_claim, NULL);
    ask.wants_loads = true;
    work_begin(&ask, answer_both, r);
}

static ChangeVerdict decide_transfer(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                     Arena *arena, Change *ret) {
    return change_transfer(a, t, arg, arena, ret);
}

static void transfer(Request *r) {
    const cJSON *body = r->body, *wrapped;
    if (json_get_object(r->body, "transfer", &wrapped) == 1) body = wrapped;
    WorkAsk ask = work_ask(r, decide_transfer, (void *)(uintptr_t)body);
    Str name;
    const Agent *agents;
    size_t n = r->catalog ? catalog_agents(r->catalog, &agents) : 0;
    ask.wants_loads = true;
    ask.names_agent = change_assignee(body);
    for (size_t i = 0; i < n && json_get_string(body, "assignee", &name) == 1; i++)
        if (str_eq(agents[i].name, name)) ask.names_agent = agents[i].id;
    work_begin(&ask, answer_both, r);
}

static ChangeVerdict decide_acknowledge(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                        Arena *arena, Change *ret) {
    (void)arg;
    return change_acknowledge(a, t, arena, ret);
}

static void acknowledge(Request *r) {
    WorkAsk ask = work_ask(r, decide_acknowledge, NULL);
    ask.wants_acknowledged = true;
    work_begin(&ask, answer_both, r);
}

/* ---- tags ---- */

typedef struct Tags {
    Request *request;
    ChangeTags how;
    const cJSON *tags;
} Tags;

static ChangeVerdict decide_tags(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                 Arena *arena, Change *ret) {
    const Tags *tags = arg;
    return change_tags(a, t, tags->how, tags->tags, arena, ret);
}

static void add_tags(Buf *ret, const TicketRow *t) {
    buf_adds(ret, "{\"tags\":[");
    for (size_t i = 0; i < t->tags_n; i++) {
        if (i) buf_addc(ret, ',');
        buf_add_json(ret, t->tags[i]);
    }
    buf_adds(ret, "]}");
}

static void answer_tags(void *arg, WorkOutcome outcome, const WorkResult *result) {
    Tags *tags = arg;
    Request *r = tags->request;
    if (work_refused(r, outcome, result)) return;
    CLEANUP(buf_done) Buf body = {0};
    add_tags(&body, &result->after);
    answer_json(r, tags->how == TAGS_SET ? 201 : 200, buf_str(&body));
}

static void change_tags_of(Request *r, ChangeTags how) {
    Tags *tags = arena_alloc(r->arena, sizeof(*tags));
    *tags = (Tags){r, how, cJSON_GetObjectItemCaseSensitive(r->body, "tags")};
    if (!tags->tags) {
        answer_bad_request(r, "tags", "is missing", "send {\"tags\": [\"...\"]}");
        return;
    }
    WorkAsk ask = work_ask(r, decide_tags, tags);
    work_begin(&ask, answer_tags, tags);
}

static void set_tags(Request *r) {
    change_tags_of(r, TAGS_SET);
}

static void put_tags(Request *r) {
    change_tags_of(r, TAGS_ADD);
}

static void delete_tags(Request *r) {
    change_tags_of(r, TAGS_REMOVE);
}

/* ---- deletion ---- */

static ChangeVerdict decide_delete(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                   Arena *arena, Change *ret) {
    (void)arg;
    return change_delete(a, t, arena, ret);
}

static void answer_deleted(void *arg, WorkOutcome outcome, const WorkResult *result) {
    if (!work_refused(arg, outcome, result)) answer_no_content(arg);
}

static void delete_ticket(Request *r) {
    WorkAsk ask = work_ask(r, decide_delete, NULL);
    work_begin(&ask, answer_deleted, r);
}

/* ---- the customer's rating ---- */

static ChangeVerdict decide_rating(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                   Arena *arena, Change *ret) {
    return change_satisfaction(a, t, arg, arena, ret);
}

static void answer_rating(void *arg, WorkOutcome outcome, const WorkResult *result) {
    Request *r = arg;
    Str score = {NULL, 0}, comment = {NULL, 0};
    const cJSON *rating = cJSON_GetObjectItemCaseSensitive(r->body, "satisfaction_rating");
    if (work_refused(r, outcome, result)) return;
    (void)json_get_string(rating, "score", &score);
    (void)json_get_string(rating, "comment", &comment);
    CLEANUP(buf_done) Buf body = {0};
    buf_printf(&body, "{\"satisfaction_rating\":{\"id\":%lld,\"ticket_id\":%lld,\"score\":",
               (long long)comment_id(result->after.id, result->after.version),
               (long long)result->after.id);
    buf_add_json(&body, score);
    buf_adds(&body, ",\"comment\":");
    if (comment.p)
        buf_add_json(&body, comment);
    else
        buf_adds(&body, "null");
    buf_printf(&body, ",\"requester_id\":%lld}}", (long long)result->after.requester_id);
    answer_json(r, 200, buf_str(&body));
}

static void rate(Request *r) {
    const cJSON *rating;
    if (!inner(r, "satisfaction_rating", &rating)) return;
    WorkAsk ask = work_ask(r, decide_rating, (void *)(uintptr_t)rating);
    ask.wants_solved = true;
    work_begin(&ask, answer_rating, r);
}

static const Route routes[] = {
    {"PUT", "/api/v2/tickets/{id}", RIGHT_TICKETS_READ, ROUTE_TICKET | ROUTE_JSON, put_ticket},
    {"DELETE", "/api/v2/tickets/{id}", RIGHT_TICKETS_DELETE, ROUTE_TICKET, delete_ticket},
    {"POST", "/api/v2/tickets/{id}/claim", RIGHT_TICKETS_CLAIM, ROUTE_TICKET, claim},
    {"POST", "/api/v2/tickets/{id}/transfer", RIGHT_TICKETS_TRANSFER, ROUTE_TICKET | ROUTE_JSON,
     transfer},
    {"POST", "/api/v2/tickets/{id}/acknowledge", RIGHT_TICKETS_EDIT, ROUTE_TICKET, acknowledge},
    {"POST", "/api/v2/tickets/{id}/tags", RIGHT_TICKETS_EDIT, ROUTE_TICKET | ROUTE_JSON, set_tags},
    {"PUT", "/api/v2/tickets/{id}/tags", RIGHT_TICKETS_EDIT, ROUTE_TICKET | ROUTE_JSON, put_tags},
    {"DELETE", "/api/v2/tickets/{id}/tags", RIGHT_TICKETS_EDIT, ROUTE_TICKET | ROUTE_JSON,
     delete_tags},
    {"POST", "/api/v2/tickets/{id}/satisfaction_rating", RIGHT_TICKETS_READ,
     ROUTE_TICKET | ROUTE_JSON | ROUTE_CUSTOMER, rate},
};
const RouteTable ticket_work_routes = {"work", routes, sizeof(routes) / sizeof(*routes)};
