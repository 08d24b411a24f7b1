/* The payload of a ticket_updated row, written and read back. */
#include "events/update.h"

#include <errno.h>

#include "events/members_internal.h"

typedef struct TextColumn {
    EditSet bit;
    const char *name;
    size_t offset;
} TextColumn;

typedef struct NumberColumn {
    const char *name;
    size_t offset;
    EditSet bit;
    bool nullable;
} NumberColumn;

typedef struct ListColumn { /* of ids */
    const char *name;
    size_t offset, count_offset;
    EditSet bit;
} ListColumn;

#define AT(member) offsetof(TicketUpdate, member)
static const TextColumn text_columns[] = {
    {EDIT_KIND, "kind", AT(kind)},
    {EDIT_CATEGORY, "category", AT(category)},
    {EDIT_SUBJECT, "subject", AT(subject)},
    {EDIT_EXTERNAL_ID, "external_id", AT(external_id)},
    {EDIT_SATISFACTION, "satisfaction", AT(satisfaction)},
};
static const NumberColumn number_columns[] = {
    {"group_id", AT(group_id), EDIT_GROUP, true},
    {"assignee_id", AT(assignee_id), EDIT_ASSIGNEE, true},
    {"requester_id", AT(requester_id), EDIT_REQUESTER, false},
    {"form_id", AT(form_id), EDIT_FORM, true},
    {"followup_of", AT(followup_of), EDIT_FOLLOWUP_OF, true},
    {"problem_id", AT(problem_id), EDIT_PROBLEM, true},
};
static const ListColumn list_columns[] = {
    {"collaborator_ids", AT(collaborators), AT(collaborators_n), EDIT_COLLABORATORS},
    {"follower_ids", AT(followers), AT(followers_n), EDIT_FOLLOWERS},
};
enum {
    LIST_COLUMNS = sizeof(list_columns) / sizeof(list_columns[0]),
    TEXT_COLUMNS = sizeof(text_columns) / sizeof(text_columns[0]),
    NUMBER_COLUMNS = sizeof(number_columns) / sizeof(number_columns[0]),
};

/* ---- Writing ---- */

static void key(Buf *b, const char *name, bool *first) {
    if (!*first) buf_addc(b, ',');
    *first = false;
    buf_addc(b, '"');
    buf_adds(b, name);
    buf_adds(b, "\":");
}

static void write_set(const TicketUpdate *u, Buf *b) {
    bool first = true;
    if (u->sets & EDIT_STATUS) {
        key(b, "status", &first);
        buf_add_json(b, str(ticket_status_name(u->status)));
    }
    if (u->sets & EDIT_PRIORITY) {
        key(b, "priority", &first);
        buf_add_json(b, str(ticket_priority_name(u->priority)));
    }
    for (size_t i = 0; i < TEXT_COLUMNS; i++) {
        if (!(u->sets & text_columns[i].bit)) continue;
        Str value;
        memcpy(&value, (const char *)u + text_columns[i].offset, sizeof(value));
        key(b, text_columns[i].name, &first);
        buf_add_json(b, value);
    }
    for (size_t i = 0; i < NUMBER_COLUMNS; i++) {
        if (!(u->sets & number_columns[i].bit)) continue;
        int64_t value;
        memcpy(&value, (const char *)u + number_columns[i].offset, sizeof(value));
        key(b, number_columns[i].name, &first);
        if (value || !number_columns[i].nullable)
            buf_add_i64(b, value);
        else
            buf_adds(b, "null");
    }
    if (u->sets & EDIT_TAGS) {
        key(b, "tags", &first);
        buf_addc(b, '[');
        for (size_t i = 0; i < u->tags_n; i++) {
            if (i) buf_addc(b, ',');
            buf_add_json(b, u->tags[i]);
        }
        buf_addc(b, ']');
    }
    for (size_t i = 0; i < LIST_COLUMNS; i++) {
        if (!(u->sets & list_columns[i].bit)) continue;
        const int64_t *ids;
        size_t n;
        memcpy(&ids, (const char *)u + list_columns[i].offset, sizeof(ids));
        memcpy(&n, (const char *)u + list_columns[i].count_offset, sizeof(n));
        key(b, list_columns[i].name, &first);
        buf_addc(b, '[');
        for (size_t k = 0; k < n; k++) {
            if (k) buf_addc(b, ',');
            buf_add_i64(b, ids[k]);
        }
        buf_addc(b, ']');
    }
    if (u->sets & EDIT_CUSTOM_FIELDS) {
        key(b, "custom_fields", &first);
        buf_add_str(b, u->custom_fields.n ? u->custom_fields : STR("{}"));
    }
}

static void write_json(Buf *b, const char *name, Str json, bool *first) {
    if (!json.n) return;
    key(b, name, first);
    buf_add_str(b, json);
}

static void write_comment(const EditComment *c, Buf *b) {
    bool first = false;
    buf_adds(b, ",\"comment\":{\"public\":");
    buf_adds(b, c->is_public ? "true" : "false");
    key(b, "author_id", &first);
    buf_add_i64(b, c->author_id);
    key(b, "body", &first);
    buf_add_json(b, c->body);
    key(b, "html", &first);
    buf_adds(b, c->is_html ? "true" : "false");
    key(b, "channel", &first);
    buf_add_json(b, c->channel);
    write_json(b, "attachments", c->attachments, &first);
    write_json(b, "mentions", c->mentions, &first);
    write_json(b, "personal", c->personal, &first);
    buf_addc(b, '}');
}

void update_payload_write(const TicketUpdate *u, Buf *ret) {
    buf_reserve(ret, 256 + u->comment.body.n + u->custom_fields.n + u->note.n + u->reason.n);
    buf_adds(ret, "{\"set\":{");
    write_set(u, ret);
    buf_addc(ret, '}');
    if (u->comment.present) write_comment(&u->comment, ret);
    buf_adds(ret, ",\"reason\":");
    buf_add_str(ret, u->reason.n ? u->reason : STR("{}"));
    if (u->note.n) {
        buf_adds(ret, ",\"note\":");
        buf_add_json(ret, u->note);
    }
    if (u->personal.n) {
        buf_adds(ret, ",\"personal\":");
        buf_add_str(ret, u->personal);
    }
    buf_addc(ret, '}');
}

/* ---- Reading ---- */

static int read_tags(Str array, Arena *arena, TicketUpdate *u) {
    Str rest = array, value;
    size_t n = 0;
    int r;
    while ((r = elements_next(&rest, &value)) > 0)
        n++;
    if (r < 0) return r;
    Str *tags = arena_alloc(arena, (n + 1) * sizeof(*tags));
    rest = array;
    for (size_t i = 0; i < n && elements_next(&rest, &value) > 0; i++)
        if (member_text(value, arena, &tags[i]) < 0) return -EBADMSG;
    u->tags = tags;
    u->tags_n = n;
    u->sets |= EDIT_TAGS;
    return 0;
}

static int read_ids(const ListColumn *column, Str array, Arena *arena, TicketUpdate *u) {
    Str rest = array, value;
    size_t n = 0;
    int r;
    while ((r = elements_next(&rest, &value)) > 0)
        n++;
    if (r < 0) return r;
    int64_t *ids = arena_alloc(arena, (n + 1) * sizeof(*ids));
    rest = array;
    for (size_t i = 0; i < n && elements_next(&rest, &value) > 0; i++)
        if (member_int(value, &ids[i]) < 0 || ids[i] <= 0) return -EBADMSG;
    memcpy((char *)u + column->offset, &ids, sizeof(ids));
    memcpy((char *)u + column->count_offset, &n, sizeof(n));
    u->sets |= column->bit;
    return 0;
}

static int read_column(Str name, Str value, Arena *arena, TicketUpdate *u) {
    Str text;
    for (size_t i = 0; i < TEXT_COLUMNS; i++) {
        if (!str_is(name, text_columns[i].name)) continue;
        if (member_text(value, arena, &text) < 0) return -EBADMSG;
        memcpy((char *)u + text_columns[i].offset, &text, sizeof(text));
        u->sets |= text_columns[i].bit;
        return 0;
    }
    for (size_t i = 0; i < NUMBER_COLUMNS; i++) {
        if (!str_is(name, number_columns[i].name)) continue;
        int64_t number;
        if (member_int(value, &number) < 0 || number < 0) return -EBADMSG;
        memcpy((char *)u + number_columns[i].offset, &number, sizeof(number));
        u->sets |= number_columns[i].bit;
        return 0;
    }
    if (str_is(name, "status")) {
        u->sets |= EDIT_STATUS;
        return member_text(value, arena, &text) < 0 || ticket_status_parse(text, &u->status) < 0
                   ? -EBADMSG
                   : 0;
    }
    if (str_is(name, "priority")) {
        u->sets |= EDIT_PRIORITY;
        return member_text(value, arena, &text) < 0 || ticket_priority_parse(text, &u->priority) < 0
                   ? -EBADMSG
                   : 0;
    }
    for (size_t i = 0; i < LIST_COLUMNS; i++)
        if (str_is(name, list_columns[i].name)) return read_ids(&list_columns[i], value, arena, u);
    if (str_is(name, "tags")) return read_tags(value, arena, u);
    if (str_is(name, "custom_fields")) {
        u->custom_fields = member_compact(value, arena);
        u->sets |= EDIT_CUSTOM_FIELDS;
    }
    return 0; /* a column of a later release */
}

static int read_flag(Str value, bool *ret) {
    *ret = str_is(value, "true");
    return *ret || str_is(value, "false") ? 0 : -EBADMSG;
}

static int read_comment(Str object, Arena *arena, EditComment *c) {
    Str name, value;
    int r, bad = 0;
    *c = (EditComment){.present = true};
    while ((r = members_next(&object, &name, &value)) > 0) {
        if (str_is(name, "public")) bad |= read_flag(value, &c->is_public);
        if (str_is(name, "html")) bad |= read_flag(value, &c->is_html);
        if (str_is(name, "author_id")) bad |= member_int(value, &c->author_id);
        if (str_is(name, "body")) bad |= member_text(value, arena, &c->body);
        if (str_is(name, "channel")) bad |= member_text(value, arena, &c->channel);
        if (str_is(name, "attachments")) c->attachments = member_compact(value, arena);
        if (str_is(name, "mentions")) c->mentions = member_compact(value, arena);
        if (str_is(name, "personal")) c->personal = member_compact(value, arena);
    }
    return r < 0 || bad || c->author_id < 0 ? -EBADMSG : 0;
}

int update_payload_read(Str payload, Arena *arena, TicketUpdate *ret) {
    TicketUpdate u = {0};
    Str name, value, set = {NULL, 0}, column, v;
    int r;
    while ((r = members_next(&payload, &name, &value)) > 0) {
        if (str_is(name, "set")) set = value;
        if (str_is(name, "comment") && read_comment(value, arena, &u.comment) < 0) return -EBADMSG;
        if (str_is(name, "personal")) u.personal = member_compact(value, arena);
        if (str_is(name, "reason")) u.reason = member_compact(value, arena);
        if (str_is(name, "note") && member_text(value, arena, &u.note) < 0) return -EBADMSG;
    }
    if (r < 0 || !set.n) return -EBADMSG;
    while ((r = members_next(&set, &column, &v)) > 0)
        if (read_column(column, v, arena, &u) < 0) return -EBADMSG;
    if (r < 0) return -EBADMSG;
    *ret = u;
    return 0;
}

Str update_why(const TicketUpdate *u) {
    Str rest = u->reason, name, value;
    while (rest.n && members_next(&rest, &name, &value) > 0)
        if (str_is(name, "why") && value.n >= 2 && *value.p == '"')
            return (Str){value.p + 1, value.n - 2};
    return (Str){NULL, 0};
}
