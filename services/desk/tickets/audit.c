/* Events out of a payload, its "set" compared with what was there. */
#include "desk/tickets/audit.h"

#include "base/clock.h"
#include "desk/tickets/ticket_json.h"
#include "json/json.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

enum { EVENTS_OF_A_ROW = 64 };

typedef struct Events {
    Buf *ret;
    int64_t audit_id;
    size_t n;
    bool create;
} Events;

int64_t comment_id(int64_t ticket_id, int32_t seq) {
    return ticket_id * 8192 + seq;
}

int64_t audit_author(Str actor) {
    Str number = {NULL, 0};
    int64_t id;
    Str kind = str_cut(actor, ':', &number);
    bool person = str_is(kind, "agent") || str_is(kind, "user") || str_is(kind, "requester");
    return person && str_to_i64(number, &id) == 0 ? id : -1;
}

/* ---- The ticket as it was ---- */

static const cJSON *state_get(const AuditState *s, Str name) {
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->columns[i].name, name)) return s->columns[i].value;
    return NULL;
}

void audit_state_set(AuditState *s, Str name, const cJSON *value) {
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->columns[i].name, name)) {
            s->columns[i].value = value;
            return;
        }
    if (s->n == AUDIT_COLUMNS_MAX) return;
    s->columns[s->n].name = name;
    s->columns[s->n++].value = value;
}

void audit_state_of(AuditState *s, const TicketRow *t, Arena *arena) {
    CLEANUP(buf_done) Buf json = {0};
    cJSON *tree = NULL;
    const struct {
        const char *name;
        Str text;
    } texts[] = {{"status", str(ticket_status_name(t->status))},
                 {"priority", str(ticket_priority_name(t->priority))},
                 {"kind", t->kind},
                 {"category", t->category},
                 {"subject", t->subject},
                 {"external_id", t->external_id}};
    s->n = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        buf_printf(&json, "%s\"%s\":", i ? "," : "{", texts[i].name);
        buf_add_json(&json, texts[i].text);
    }
    buf_printf(&json, ",\"group_id\":%lld,\"assignee_id\":%lld,\"tags\":[", (long long)t->group_id,
               (long long)t->assignee_id);
    for (size_t i = 0; i < t->tags_n; i++) {
        if (i) ADD(&json, ",");
        buf_add_json(&json, t->tags[i]);
    }
    ADD(&json, "],\"collaborator_ids\":");
    ticket_ids_json(&json, t->collaborators, t->collaborators_n);
    ADD(&json, ",\"follower_ids\":");
    ticket_ids_json(&json, t->followers, t->followers_n);
    ADD(&json, ",\"custom_fields\":");
    buf_add_str(&json, t->custom_fields.n ? t->custom_fields : STR("{}"));
    ADD(&json, "}");
    if (json_parse_in(arena, buf_str(&json), NULL, &tree, NULL) < 0) return;
    const cJSON *member;
    cJSON_ArrayForEach(member, tree) audit_state_set(s, str(member->string), member);
}

/* ---- Events ---- */

static void add_value(Buf *ret, Str field, const cJSON *value) {
    Str text;
    TicketStatus status;
    int64_t number = 1;
    bool id = str_ends(field, STR("_id"));
    if (!value || cJSON_IsNull(value) || (id && json_as_int(value, &number) == 1 && !number)) {
        ADD(ret, "null");
    } else if (json_as_string(value, &text) == 1) {
        if (str_is(field, "status") && ticket_status_parse(text, &status) == 0)
            text = ticket_status_shown(status);
        buf_add_json(ret, text);
    } else if (cJSON_IsArray(value) || cJSON_IsObject(value)) {
        json_write(ret, value);
    } else {
        ADD(ret, "\"");
        json_write(ret, value);
        ADD(ret, "\"");
    }
}

static void begin_event(Events *e, const char *type) {
    if (e->n) ADD(e->ret, ",");
    ADD(e->ret, "{\"id\":");
    buf_add_i64(e->ret, e->audit_id * EVENTS_OF_A_ROW + (int64_t)e->n++);
    ADD(e->ret, ",\"type\":\"");
    buf_adds(e->ret, type);
    ADD(e->ret, "\"");
}

static void add_change(Events *e, Str field, const cJSON *now, const cJSON *before) {
    if (e->n >= EVENTS_OF_A_ROW - 1) return; /* the last is the comment's */
    begin_event(e, e->create ? "Create" : "Change");
    ADD(e->ret, ",\"field_name\":");
    buf_add_json(e->ret, field);
    ADD(e->ret, ",\"value\":");
    add_value(e->ret, field, now);
    if (!e->create) {
        ADD(e->ret, ",\"previous_value\":");
        add_value(e->ret, field, before);
    }
    ADD(e->ret, "}");
}

static bool same(const cJSON *a, const cJSON *b) {
    CLEANUP(buf_done) Buf x = {0};
    CLEANUP(buf_done) Buf y = {0};
    if (!a || cJSON_IsNull(a) || !b || cJSON_IsNull(b))
        return (!a || cJSON_IsNull(a)) && (!b || cJSON_IsNull(b));
    json_write(&x, a);
    json_write(&y, b);
    return str_eq(buf_str(&x), buf_str(&y));
}

/* Zendesk names a custom field by its number. */
static Str field_name(const Catalog *c, Str key, Arena *arena) {
    const Field *f = c ? catalog_field_named(c, key) : NULL;
    return f ? str(arena_printf(arena, "%lld", (long long)f->id)) : key;
}

static void add_custom(Events *e, const cJSON *now, const cJSON *before, const Catalog *c,
                       Arena *arena) {
    const cJSON *member;
    cJSON_ArrayForEach(member, now) {
        const cJSON *was = cJSON_GetObjectItemCaseSensitive(before, member->string);
        if (!same(member, was))
            add_change(e, field_name(c, str(member->string), arena), member, was);
    }
    cJSON_ArrayForEach(member, before) {
        if (!cJSON_GetObjectItemCaseSensitive(now, member->string))
            add_change(e, field_name(c, str(member->string), arena), NULL, member);
    }
}

/* assigned and in_progress are both "open": only our own name of the state has changed. */
static bool looks_the_same(Str column, const cJSON *now, const cJSON *was) {
    CLEANUP(buf_done) Buf x = {0};
    CLEANUP(buf_done) Buf y = {0};
    if (!str_is(column, "status") || !was) return false;
    add_value(&x, column, now);
    add_value(&y, column, was);
    return str_eq(buf_str(&x), buf_str(&y));
}

static bool is_silent(Str column) { /* no field of a ticket, or said by the comment */
    return str_is(column, "description") || str_is(column, "created_at") ||
           str_is(column, "source_id") || str_is(column, "requester_personal");
}

static void add_changes(Events *e, const cJSON *set, AuditState *before, const Catalog *c,
                        Arena *arena) {
    const cJSON *member;
    cJSON_ArrayForEach(member, set) {
        Str column = str(member->string);
        const cJSON *was = state_get(before, column);
        if (str_is(column, "custom_fields")) {
            add_custom(e, member, was, c, arena);
        } else if (!is_silent(column) && !(e->create ? same(member, NULL) : same(member, was))) {
            Str field = str_is(column, "form_id")             ? STR("ticket_form_id")
                        : str_is(column, "satisfaction")      ? STR("satisfaction_score")
                        : looks_the_same(column, member, was) ? STR("docket_status")
                                                              : column;
            add_change(e, field, member, was);
        }
        audit_state_set(before, column, member);
    }
}

static void add_comment(Events *e, Str body, bool is_public, int64_t author) {
    begin_event(e, "Comment");
    ADD(e->ret, ",\"author_id\":");
    buf_add_i64(e->ret, author);
    ADD(e->ret, ",\"body\":");
    buf_add_json(e->ret, body);
    ADD(e->ret, ",\"public\":");
    buf_adds(e->ret, is_public ? "true" : "false");
    ADD(e->ret, ",\"comment_id\":");
    buf_add_i64(e->ret, e->audit_id);
    ADD(e->ret, ",\"attachments\":[]}");
}

static void add_said(Events *e, const AuditRow *row, const cJSON *payload, bool notes) {
    const cJSON *comment = cJSON_GetObjectItemCaseSensitive(payload, "comment");
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(payload, "set");
    Str body = {NULL, 0};
    bool is_public = true;
    int64_t author = audit_author(row->actor);
    if (e->create && json_get_string(set, "description", &body) > 0)
        add_comment(e, body, true, author);
    if (!cJSON_IsObject(comment)) return;
    (void)json_get_bool(comment, "public", &is_public);
    (void)json_get_int(comment, "author_id", &author);
    if ((is_public || notes) && json_get_string(comment, "body", &body) > 0)
        add_comment(e, body, is_public, author ? author : -1);
}

void audit_json(Buf *ret, const AuditRow *row, AuditState *before, const Catalog *catalog,
                bool notes, Arena *arena) {
    cJSON *payload = NULL;
    char at[21];
    Events events = {.ret = ret,
                     .audit_id = comment_id(row->ticket_id, row->seq),
                     .create = str_is(row->kind, "ticket_created")};
    static const JsonLimits limits = {.bytes = 2 << 20, .depth = 40, .members = 2000};
    (void)json_parse_in(arena, row->payload, &limits, &payload, NULL);
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(payload, "set");
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(payload, "reason");
    const cJSON *note = cJSON_GetObjectItemCaseSensitive(payload, "note");
    const cJSON *promise = cJSON_GetObjectItemCaseSensitive(payload, "promise");
    clock_format_s(row->at_ms, at);
    ADD(ret, "{\"id\":");
    buf_add_i64(ret, events.audit_id);
    ADD(ret, ",\"ticket_id\":");
    buf_add_i64(ret, row->ticket_id);
    buf_printf(ret, ",\"created_at\":\"%s\",\"author_id\":", at);
    buf_add_i64(ret, audit_author(row->actor));
    ADD(ret, ",\"metadata\":{\"system\":{},\"custom\":{\"kind\":");
    buf_add_json(ret, row->kind);
    ADD(ret, ",\"actor\":");
    buf_add_json(ret, row->actor);
    ADD(ret, ",\"seq\":");
    buf_add_i64(ret, row->seq);
    ADD(ret, ",\"revision\":");
    buf_add_i64(ret, row->revision);
    if (notes && cJSON_IsObject(reason)) {
        ADD(ret, ",\"reason\":");
        json_write(ret, reason);
    }
    if (notes && cJSON_IsString(note)) {
        ADD(ret, ",\"note\":");
        json_write(ret, note);
    }
    if (notes && cJSON_IsObject(promise)) { /* which one was about to be broken, or was */
        ADD(ret, ",\"promise\":");
        json_write(ret, promise);
    }
    ADD(ret, "}},\"via\":{\"channel\":\"api\",\"source\":{\"from\":{},\"to\":{},\"rel\":null}},"
             "\"events\":[");
    add_changes(&events, set, before, catalog, arena);
    add_said(&events, row, payload, notes);
    ADD(ret, "]}");
}
