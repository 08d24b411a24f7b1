#include "desk/tickets/ticket_json.h"

#include <errno.h>

#include "base/clock.h"
#include "documents/forms.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

Str ticket_status_shown(TicketStatus s) {
    switch (s) {
    case TICKET_NEW:
        return STR("new");
    case TICKET_ASSIGNED:
    case TICKET_IN_PROGRESS:
        return STR("open");
    case TICKET_PENDING:
        return STR("pending");
    case TICKET_ON_HOLD:
        return STR("hold");
    case TICKET_SOLVED:
        return STR("solved");
    case TICKET_DELETED:
        return STR("deleted");
    case TICKET_CLOSED:
    case TICKET_MERGED:
    case TICKET_STATUSES:
        break;
    }
    return STR("closed");
}

int ticket_status_sent(Str name, TicketStatus *ret) {
    if (str_is(name, "open")) {
        *ret = TICKET_IN_PROGRESS;
        return 0;
    }
    if (str_is(name, "hold")) {
        *ret = TICKET_ON_HOLD;
        return 0;
    }
    return ticket_status_parse(name, ret);
}

static void add_id(Buf *ret, int64_t id) {
    if (id)
        buf_add_i64(ret, id);
    else
        ADD(ret, "null");
}

static void add_text(Buf *ret, Str text) { /* null when there is none */
    if (text.n)
        buf_add_json(ret, text);
    else
        ADD(ret, "null");
}

static void add_list(Buf *ret, const Str *items, size_t n) {
    ADD(ret, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) ADD(ret, ",");
        buf_add_json(ret, items[i]);
    }
    ADD(ret, "]");
}

static void add_time(Buf *ret, int64_t ms) {
    char at[21];
    clock_format_s(ms, at);
    ADD(ret, "\"");
    buf_add(ret, at, 20);
    ADD(ret, "\"");
}

/* In whole seconds as Zendesk's, but for the second of two changes within one: two versions never
 * show the same. */
static void add_stamp(Buf *ret, const TicketRow *t) {
    char at[25];
    if (!t->same_second) {
        add_time(ret, t->updated_ms);
        return;
    }
    clock_format_ms(t->updated_ms, at);
    ADD(ret, "\"");
    buf_add(ret, at, 24);
    ADD(ret, "\"");
}

/* ---- custom fields: PostgreSQL's object as Zendesk's list ---- */

/* The length of the JSON value that `s` begins with: of well-formed text. */
static size_t value_length(Str s) {
    size_t depth = 0, i = 0;
    bool quoted = false;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
            if (!quoted && !depth) return i + 1;
            continue;
        }
        if (c == '"') quoted = true;
        if (c == '{' || c == '[') depth++;
        if (!depth && (c == ',' || c == '}')) return i; /* behind a bare word or number */
        if (c == '}' || c == ']') {
            if (--depth == 0) return i + 1;
        }
    }
    return i;
}

static Str skip(Str s, size_t n) {
    s = (Str){s.p + n, s.n - n};
    while (s.n && (s.p[0] == ' ' || s.p[0] == ',' || s.p[0] == ':'))
        s = (Str){s.p + 1, s.n - 1};
    return s;
}

static bool is_digits(Str quoted) { /* "360001" with its quotes */
    if (quoted.n < 3 || quoted.n > 18 || quoted.p[1] == '0') return false;
    for (size_t i = 1; i + 1 < quoted.n; i++)
        if (quoted.p[i] < '0' || quoted.p[i] > '9') return false;
    return true;
}

/* A field of the documents is known by its number, whatever name it is stored under. */
static void add_key(Buf *ret, Str quoted, const Catalog *c) {
    const Field *f = c ? catalog_field_named(c, (Str){quoted.p + 1, quoted.n - 2}) : NULL;
    if (f)
        buf_add_i64(ret, f->id);
    else
        buf_add_str(ret, is_digits(quoted) ? (Str){quoted.p + 1, quoted.n - 2} : quoted);
}

static void add_custom_fields(Buf *ret, Str object, const Catalog *c) {
    ADD(ret, "[");
    bool first = true;
    for (Str rest = skip(object, object.n ? 1 : 0); rest.n && rest.p[0] == '"'; first = false) {
        size_t n = value_length(rest);
        Str key = {rest.p, n};
        rest = skip(rest, n);
        n = value_length(rest);
        if (!first) ADD(ret, ",");
        ADD(ret, "{\"id\":");
        add_key(ret, key, c);
        ADD(ret, ",\"value\":");
        buf_add(ret, rest.p, n);
        ADD(ret, "}");
        rest = skip(rest, n);
    }
    ADD(ret, "]");
}

Str ticket_custom_field(const TicketRow *t, Str name) {
    CLEANUP(buf_done) Buf quoted = {0};
    buf_add_json(&quoted, name);
    for (Str rest = skip(t->custom_fields, t->custom_fields.n ? 1 : 0);
         rest.n && rest.p[0] == '"';) {
        size_t n = value_length(rest);
        Str key = {rest.p, n}, value = skip(rest, n);
        value.n = value_length(value);
        if (str_eq(key, buf_str(&quoted))) return value;
        rest = skip(rest, (size_t)(value.p - rest.p) + value.n);
    }
    return (Str){NULL, 0};
}

/* ---- the whole ---- */

void ticket_ids_json(Buf *ret, const int64_t *ids, size_t n) {
    ADD(ret, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) ADD(ret, ",");
        buf_add_i64(ret, ids[i]);
    }
    ADD(ret, "]");
}

void ticket_json(Buf *ret, Str base, const TicketRow *t, const Catalog *catalog) {
    buf_reserve(ret, 2048 + t->description.n + t->subject.n * 2 + t->custom_fields.n * 2);
    ADD(ret, "{\"url\":\"");
    buf_add_str(ret, base);
    ADD(ret, "/api/v2/tickets/");
    buf_add_i64(ret, t->id);
    ADD(ret, ".json\",\"id\":");
    buf_add_i64(ret, t->id);
    ADD(ret, ",\"external_id\":");
    add_text(ret, t->external_id);
    ADD(ret, ",\"via\":{\"channel\":");
    buf_add_json(ret, t->channel);
    if (t->followup_of)
        buf_printf(ret,
                   ",\"source\":{\"from\":{\"ticket_id\":%lld},\"to\":{},\"rel\":\"follow_up\"}",
                   (long long)t->followup_of);
    else
        ADD(ret, ",\"source\":{\"from\":{},\"to\":{},\"rel\":null}");
    ADD(ret, "},\"created_at\":");
    add_time(ret, t->created_ms);
    ADD(ret, ",\"updated_at\":");
    add_stamp(ret, t);
    ADD(ret, ",\"generated_timestamp\":");
    buf_add_i64(ret, t->updated_ms / 1000);
    ADD(ret, ",\"type\":");
    buf_adds(ret, str_is(t->kind, TICKET_KIND_PROBLEM) ? "\"problem\""
                  : t->problem_id                      ? "\"incident\""
                                                       : "null");
    ADD(ret, ",\"subject\":");
    size_t from = ret->n;
    buf_add_json(ret, t->subject);
    size_t to = ret->n;
    ADD(ret, ",\"raw_subject\":");
    buf_reserve(ret, to - from);
    buf_add(ret, ret->p + from, to - from);
    ADD(ret, ",\"description\":");
    buf_add_json(ret, t->description);
    ADD(ret, ",\"priority\":\"");
    buf_adds(ret, ticket_priority_name(t->priority));
    ADD(ret, "\",\"status\":\"");
    buf_add_str(ret, ticket_status_shown(t->status));
    ADD(ret, "\",\"recipient\":null,\"requester_id\":");
    add_id(ret, t->requester_id);
    ADD(ret, ",\"submitter_id\":");
    add_id(ret, t->requester_id);
    ADD(ret, ",\"assignee_id\":");
    add_id(ret, t->assignee_id);
    ADD(ret, ",\"organization_id\":");
    add_id(ret, t->organization_id);
    ADD(ret, ",\"group_id\":");
    add_id(ret, t->group_id);
    ADD(ret, ",\"collaborator_ids\":");
    ticket_ids_json(ret, t->collaborators, t->collaborators_n);
    ADD(ret, ",\"follower_ids\":");
    ticket_ids_json(ret, t->followers, t->followers_n);
    ADD(ret, ",\"email_cc_ids\":");
    ticket_ids_json(ret, t->collaborators, t->collaborators_n);
    ADD(ret, ",\"forum_topic_id\":null,\"problem_id\":");
    add_id(ret, t->problem_id);
    buf_adds(ret, t->has_incidents ? ",\"has_incidents\":true" : ",\"has_incidents\":false");
    ADD(ret, ",\"is_public\":true,\"due_at\":null,\"tags\":");
    add_list(ret, t->tags, t->tags_n);
    ADD(ret, ",\"custom_fields\":");
    from = ret->n;
    add_custom_fields(ret, t->custom_fields, catalog);
    to = ret->n;
    ADD(ret, ",\"fields\":");
    buf_reserve(ret, to - from);
    buf_add(ret, ret->p + from, to - from);
    ADD(ret, ",\"satisfaction_rating\":{\"score\":");
    buf_add_json(ret, t->satisfaction.n ? t->satisfaction : STR("unoffered"));
    ADD(ret, "},\"sharing_agreement_ids\":[],\"custom_status_id\":null,\"followup_ids\":[");
    for (size_t i = 0; i < t->followups_n; i++) {
        if (i) ADD(ret, ",");
        buf_add_str(ret, t->followups[i]);
    }
    ADD(ret, "],\"via_followup_source_id\":");
    add_id(ret, t->followup_of);
    ADD(ret, ",\"ticket_form_id\":");
    add_id(ret, t->form_id);
    ADD(ret, ",\"brand_id\":null,\"allow_channelback\":false,\"allow_attachments\":true,"
             "\"from_messaging_channel\":false,\"docket_status\":\"");
    buf_adds(ret, ticket_status_name(t->status));
    ADD(ret, "\",\"kind\":");
    add_text(ret, t->kind);
    ADD(ret, ",\"category\":");
    add_text(ret, t->category);
    ADD(ret, ",\"tier\":");
    add_text(ret, t->tier);
    ADD(ret, ",\"region\":");
    add_text(ret, t->region);
    ADD(ret, ",\"order\":");
    add_text(ret, t->order);
    ADD(ret, ",\"product\":");
    add_text(ret, t->product);
    ADD(ret, ",\"batch\":");
    add_text(ret, t->batch);
    ADD(ret, ",\"device\":");
    add_text(ret, t->device);
    ADD(ret, ",\"language\":");
    add_text(ret, t->language);
    ADD(ret, ",\"skills\":");
    add_list(ret, t->skills, t->skills_n);
    ADD(ret, ",\"version\":");
    buf_add_i64(ret, t->version);
    ADD(ret, "}");
}
