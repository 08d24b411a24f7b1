#include "desk/live/news.h"

#include "desk/api/out.h"
#include "desk/customers/request_json.h"
#include "desk/tickets/audit.h"
#include "desk/tickets/ticket_json.h"
#include "json/json.h"

/* What of a change a customer can see of his own ticket. */
enum {
    PUBLIC_SETS = EDIT_STATUS | EDIT_PRIORITY | EDIT_KIND | EDIT_SUBJECT | EDIT_CUSTOM_FIELDS |
                  EDIT_SATISFACTION | EDIT_COLLABORATORS
};

static const struct {
    unsigned bit;
    const char *name; /* as the ticket shows it */
} members[] = {{EDIT_STATUS, "status"},
               {EDIT_GROUP, "group_id"},
               {EDIT_ASSIGNEE, "assignee_id"},
               {EDIT_PRIORITY, "priority"},
               {EDIT_KIND, "kind"},
               {EDIT_CATEGORY, "category"},
               {EDIT_SUBJECT, "subject"},
               {EDIT_TAGS, "tags"},
               {EDIT_CUSTOM_FIELDS, "custom_fields"},
               {EDIT_EXTERNAL_ID, "external_id"},
               {EDIT_REQUESTER, "requester_id"},
               {EDIT_FORM, "ticket_form_id"},
               {EDIT_FOLLOWUP_OF, "via_followup_source_id"},
               {EDIT_SATISFACTION, "satisfaction_rating"},
               {EDIT_COLLABORATORS, "collaborator_ids"},
               {EDIT_FOLLOWERS, "follower_ids"},
               {EDIT_PROBLEM, "problem_id"}};

static const char *type_of(const Event *e) {
    return e->kind < LEDGER_KINDS ? ledger_kind_name(e->kind) : "ticket_changed";
}

static void begin(Buf *ret, const char *name, const Event *e) {
    char at[25];
    clock_format_ms(e->at_ms, at);
    buf_printf(ret, "event: %s\ndata: {\"ticket_id\":%lld,\"at\":\"%s\"", name,
               (long long)e->ticket_id, at);
}

static void add_comment(Buf *ret, const Event *e, bool author) {
    const EditComment *c = &e->set.comment;
    OUT(ret, ",\"comment\":{\"id\":");
    buf_add_i64(ret, comment_id(e->ticket_id, e->seq));
    out_bool(ret, "public", c->is_public);
    if (author) out_id(ret, "author_id", c->author_id);
    OUT(ret, "}");
}

static NewsVerdict tell_customer(const Event *e, const NewsTicket *t, Buf *ret) {
    bool created = e->kind == LEDGER_TICKET_CREATED;
    bool said = e->set.comment.present && e->set.comment.is_public;
    if (!created && !said && !(e->set.sets & PUBLIC_SETS)) return NEWS_NOTHING;
    begin(ret, "ticket", e);
    out_text(ret, "type", created ? STR("request_created") : STR("request_updated"));
    if (said) add_comment(ret, e, false);
    OUT(ret, ",\"request\":{\"id\":");
    buf_add_i64(ret, e->ticket_id);
    out_text(ret, "status", request_status_shown(t->status));
    out_time(ret, "updated_at", t->updated_ms);
    OUT(ret, "}}\n");
    return NEWS_CHANGED;
}

static NewsVerdict tell_staff(const Subject *who, const Event *e, const NewsTicket *t, Buf *ret) {
    bool only_a_note = e->kind == LEDGER_TICKET_UPDATED && !e->set.sets && e->set.comment.present &&
                       !e->set.comment.is_public;
    bool comment =
        e->set.comment.present && (e->set.comment.is_public || rights_has(who, RIGHT_NOTES_READ));
    if (only_a_note && !comment) return NEWS_NOTHING;
    begin(ret, "ticket", e);
    out_text(ret, "type", str(type_of(e)));
    out_int(ret, "seq", e->seq);
    if (rights_has(who, RIGHT_LEDGER_READ)) out_text(ret, "actor", e->actor);
    if (e->kind != LEDGER_TICKET_CREATED) {
        const char *comma = "";
        OUT(ret, ",\"changed\":[");
        for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
            if (!(e->set.sets & members[i].bit)) continue;
            buf_printf(ret, "%s\"%s\"", comma, members[i].name);
            comma = ",";
        }
        OUT(ret, "]");
    }
    if (comment) add_comment(ret, e, true);
    OUT(ret, ",\"ticket\":{\"id\":");
    buf_add_i64(ret, e->ticket_id);
    out_int(ret, "version", t->version);
    out_text(ret, "status", ticket_status_shown(t->status));
    out_text(ret, "docket_status", str(ticket_status_name(t->status)));
    out_text(ret, "priority", str(ticket_priority_name(t->priority)));
    out_id(ret, "group_id", t->scope.group_id);
    out_id(ret, "assignee_id", t->scope.assignee_id);
    out_id(ret, "requester_id", t->scope.requester_id);
    out_time(ret, "updated_at", t->updated_ms);
    OUT(ret, "}}\n");
    return NEWS_CHANGED;
}

/* Where it was ahead of this event, as far as the event says. */
static TicketScope scope_before(const Event *e, const NewsTicket *t, Arena *arena) {
    TicketScope before = t->scope;
    cJSON *reason = NULL;
    if (e->set.reason.n) (void)json_parse_in(arena, e->set.reason, NULL, &reason, NULL);
    if (e->set.sets & EDIT_GROUP) {
        before.group_id = 0;
        (void)json_get_int(reason, "from_group", &before.group_id);
    }
    if (e->set.sets & EDIT_ASSIGNEE) {
        before.assignee_id = 0;
        (void)json_get_int(reason, "from_assignee", &before.assignee_id);
    }
    return before;
}

NewsVerdict news_write(const Subject *who, const Event *e, const NewsTicket *t, Arena *arena,
                       Buf *ret) {
    if (!rights_has(who, RIGHT_TICKETS_READ)) return NEWS_NOTHING;
    if (rights_reach(who, &t->scope) && t->status != TICKET_DELETED)
        return who->like == ROLE_CUSTOMER ? tell_customer(e, t, ret) : tell_staff(who, e, t, ret);
    TicketScope before = scope_before(e, t, arena);
    if (!rights_reach(who, &before)) return NEWS_NOTHING;
    begin(ret, "gone", e);
    OUT(ret, "}\n");
    return NEWS_GONE;
}
