/* Subject, priority, kind, category, external id, form, tags, custom fields. */
#include <errno.h>

#include "desk/tickets/change_internal.h"
#include "desk/tickets/field_value.h"
#include "desk/tickets/standard.h"
#include "vault/personal.h"
#include "json/json.h"

enum { SUBJECT_CHARS_MAX = 1024, REFERENCE_CHARS_MAX = 255, CUSTOM_FIELDS_MAX = 100 };

static size_t characters(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void set(Draft *d, unsigned bit) {
    d->e->sets |= bit;
    d->needs |= right_bit(RIGHT_TICKETS_EDIT);
}

/* A text column; true when it changes. */
static bool read_text(Draft *d, const cJSON *ticket, const char *key, size_t chars, Str now,
                      Str *ret) {
    Str text = {NULL, 0};
    if (draft_text(d, ticket, key, key, chars * 4, &text) <= 0) return false;
    if (characters(text) > chars) {
        invalid_add(d->bad, key, "TooLong", "%s 太长，最多 %zu 个字 (at most %zu characters)", key,
                    chars, chars);
        return false;
    }
    if (str_eq(text, now)) return false;
    *ret = text;
    return true;
}

static void read_subject(Draft *d, const cJSON *ticket) {
    Str text;
    if (!read_text(d, ticket, "subject", SUBJECT_CHARS_MAX, d->row->subject, &text)) return;
    if (draft_blank(text)) {
        invalid_add(d->bad, "subject", "BlankValue",
                    "主题不能为空 (the subject must not be empty)");
        return;
    }
    d->e->subject = draft_mask(d, STR("subject"), text, &d->personal);
    if (!str_eq(d->e->subject, d->row->subject)) set(d, EDIT_SUBJECT);
}

static void read_priority(Draft *d, const cJSON *ticket) {
    Str text = {NULL, 0};
    TicketPriority p;
    if (draft_text(d, ticket, "priority", "priority", 64, &text) <= 0 || !text.n) return;
    if (ticket_priority_parse(text, &p) < 0) {
        invalid_add(d->bad, "priority", "InvalidValue",
                    "没有这个优先级，可选 low、normal、high、urgent (no such priority)");
        return;
    }
    if (p == d->row->priority) return;
    d->e->priority = p;
    set(d, EDIT_PRIORITY);
}

static void read_kind(Draft *d, const cJSON *ticket) {
    Str text;
    if (!read_text(d, ticket, "kind", 64, d->row->kind, &text)) return;
    if (!text.n || (d->a->catalog && !catalog_has_kind(d->a->catalog, text))) {
        invalid_add(d->bad, "kind", "InvalidValue", "没有「%.*s」这个类型 (no such kind)",
                    STR_ARG(text));
        return;
    }
    d->e->kind = d->kind = text;
    set(d, EDIT_KIND);
}

static void read_category(Draft *d, const cJSON *ticket) {
    Str text;
    if (!read_text(d, ticket, "category", 120, d->row->category, &text)) return;
    if (!text.n || text.p[0] == '/' || text.p[text.n - 1] == '/') {
        invalid_add(d->bad, "category", "InvalidValue",
                    "分类应像「退款/进度」这样填写 (a category is written like 退款/进度)");
        return;
    }
    d->e->category = d->category = text;
    set(d, EDIT_CATEGORY);
}

static void read_form(Draft *d, const cJSON *ticket) {
    int64_t id = 0;
    bool empty;
    if (draft_id(d, ticket, "ticket_form_id", "ticket_form_id", &id, &empty) < 0) return;
    if ((!id && !empty) || id == d->row->form_id) return;
    const Form *form = id && d->a->catalog ? catalog_form(d->a->catalog, id) : NULL;
    if (id && !form) {
        invalid_add(d->bad, "ticket_form_id", "InvalidValue", "没有这个表单 (no such form)");
        return;
    }
    if (form && !form_fits(form, d->kind)) {
        invalid_add(d->bad, "ticket_form_id", "InvalidValue",
                    "表单「%.*s」不适用于类型「%.*s」 (the form is not for this kind)",
                    STR_ARG(form->title), STR_ARG(d->kind));
        return;
    }
    d->e->form_id = d->form_id = id;
    set(d, EDIT_FORM);
}

void draft_facts(Draft *d, const cJSON *ticket) {
    Str text;
    read_subject(d, ticket);
    read_priority(d, ticket);
    read_kind(d, ticket);
    read_category(d, ticket);
    read_form(d, ticket);
    if (read_text(d, ticket, "external_id", REFERENCE_CHARS_MAX, d->row->external_id, &text)) {
        d->e->external_id = text;
        set(d, EDIT_EXTERNAL_ID);
    }
    int64_t requester = 0;
    bool empty;
    if (draft_id(d, ticket, "requester_id", "requester_id", &requester, &empty) > 0 &&
        requester != d->row->requester_id)
        invalid_add(d->bad, "requester_id", "InvalidValue",
                    "不能更换工单的客户 (the requester of a ticket cannot be changed)");
}

/* ---- tags ---- */

static bool has_tag(const Str *tags, size_t n, Str tag) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(tags[i], tag)) return true;
    return false;
}

/* A list, or Zendesk's one text with blanks or commas between. */
static int read_tags(Draft *d, const cJSON *value, Str **ret, size_t *ret_n) {
    Str text;
    size_t n = 0;
    if (json_as_string(value, &text) == 1) {
        Str *tags = arena_alloc(d->arena, (text.n + 1) * sizeof(*tags));
        for (size_t i = 0; i < text.n;) {
            size_t from = i;
            while (i < text.n && !strchr(" ,\t\n", text.p[i]))
                i++;
            Str tag = {text.p + from, i - from};
            if (tag.n && !has_tag(tags, n, tag)) tags[n++] = tag;
            i += i < text.n;
        }
        *ret = tags;
        *ret_n = n;
    } else if (cJSON_IsArray(value)) {
        const cJSON *item;
        Str *tags = arena_alloc(d->arena, ((size_t)cJSON_GetArraySize(value) + 1) * sizeof(*tags));
        cJSON_ArrayForEach(item, value) {
            Str tag;
            if (json_as_string(item, &tag) != 1) {
                invalid_add(d->bad, "tags", "InvalidValue", "标签必须是文字 (tags must be texts)");
                return -EINVAL;
            }
            tag = str_trim(tag);
            if (tag.n && !has_tag(tags, n, tag)) tags[n++] = tag;
        }
        *ret = tags;
        *ret_n = n;
    } else {
        invalid_add(d->bad, "tags", "InvalidValue",
                    "tags 必须是文字的列表 (tags must be a list of texts)");
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        if ((*ret)[i].n <= CHANGE_TAG_BYTES) continue;
        invalid_add(d->bad, "tags", "TooLong",
                    "标签太长，最多 255 字节 (a tag of more than 255 bytes)");
        return -EINVAL;
    }
    return 0;
}

static void set_tags(Draft *d, const Str *tags, size_t n) {
    bool same = n == d->row->tags_n;
    for (size_t i = 0; i < n && same; i++)
        same = str_eq(tags[i], d->row->tags[i]);
    if (n > CHANGE_TAGS_MAX)
        invalid_add(d->bad, "tags", "TooMany", "标签最多 100 个 (at most 100 tags)");
    else if (!same) {
        d->e->tags = tags;
        d->e->tags_n = n;
        set(d, EDIT_TAGS);
    }
}

void draft_tags(Draft *d, ChangeTags how, const cJSON *value) {
    Str *given;
    size_t given_n, n = 0;
    if (read_tags(d, value, &given, &given_n) < 0) return;
    /* Several members of one PUT act one after the other. */
    bool set_before = d->e->sets & EDIT_TAGS;
    const Str *now = set_before ? d->e->tags : d->row->tags;
    size_t now_n = set_before ? d->e->tags_n : d->row->tags_n;
    if (how == TAGS_SET) {
        set_tags(d, given, given_n);
        return;
    }
    Str *tags = arena_alloc(d->arena, (now_n + given_n + 1) * sizeof(*tags));
    for (size_t i = 0; i < now_n; i++)
        if (how == TAGS_ADD || !has_tag(given, given_n, now[i])) tags[n++] = now[i];
    for (size_t i = 0; i < given_n && how == TAGS_ADD; i++)
        if (!has_tag(now, now_n, given[i])) tags[n++] = given[i];
    set_tags(d, tags, n);
}

void draft_tag_members(Draft *d, const cJSON *ticket) {
    static const struct {
        const char *key;
        ChangeTags how;
    } members[] = {{"tags", TAGS_SET}, {"additional_tags", TAGS_ADD}, {"remove_tags", TAGS_REMOVE}};
    for (size_t i = 0; i < 3; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(ticket, members[i].key);
        if (value && !cJSON_IsNull(value)) draft_tags(d, members[i].how, value);
    }
}

/* ---- custom fields ---- */

typedef struct Given { /* one field that was sent */
    Str key;
    const Field *field;
    const cJSON *value;
    Str json; /* as it will be stored; absent: emptied */
} Given;

/* The name under which an original is sealed fits into 64 bytes. */
static Str sealed_name(Draft *d, const Field *f) {
    if (f->name.n <= 56) return str(arena_printf(d->arena, "custom:%.*s", STR_ARG(f->name)));
    return str(arena_printf(d->arena, "custom:%lld", (long long)f->id));
}

static bool is_stored(const cJSON *stored, Str json) {
    CLEANUP(buf_done) Buf text = {0};
    if (!stored || cJSON_IsNull(stored)) return !json.n;
    json_write(&text, stored);
    return str_eq(buf_str(&text), json);
}

/* What is personal by its field or by its digits stays behind, sealed. */
static Str mask_value(Draft *d, const Field *f, Str json) {
    CLEANUP(buf_done) Buf masked = {0};
    if (f->personal) {
        draft_seal(d, sealed_name(d, f), json, &d->personal);
        return STR("\"****\"");
    }
    if (json.p[0] != '"' || personal_mask_text(json, &masked) == 0) return json;
    draft_seal(d, sealed_name(d, f), json, &d->personal);
    return arena_str(d->arena, buf_str(&masked));
}

/* True when it is another value than is stored. */
static bool read_given(Draft *d, Given *g) {
    const cJSON *stored = g->field ? standard_value(d->custom_fields, g->field)
                                   : cJSON_GetObjectItemCaseSensitive(d->custom_fields, g->key.p);
    CLEANUP(buf_done) Buf json = {0};
    json_write(&json, g->value);
    if (is_stored(stored, cJSON_IsNull(g->value) ? (Str){NULL, 0} : buf_str(&json)))
        return false; /* sent back as it was shown, masked perhaps */
    if (!g->field) {
        invalid_add(d->bad, "custom_fields", "InvalidValue", "没有「%.*s」这个字段 (no such field)",
                    (int)(g->key.n < 200 ? g->key.n : 200), g->key.p);
        return false;
    }
    buf_clear(&json);
    int r = field_value_read(d->a->catalog, g->field, g->value, &json, d->bad);
    if (r < 0 || is_stored(stored, buf_str(&json))) return false;
    if (r > 0) g->json = mask_value(d, g->field, arena_str(d->arena, buf_str(&json)));
    return true;
}

static const Given *replaced(const Given *given, size_t n, Str key) {
    int64_t id;
    bool number = str_to_i64(key, &id) == 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(given[i].field->name, key) || (number && given[i].field->id == id))
            return &given[i];
    return NULL;
}

static void merge(Draft *d, const Given *given, size_t n) {
    CLEANUP(buf_done) Buf object = {0};
    const cJSON *member;
    buf_addc(&object, '{');
    cJSON_ArrayForEach(member, d->custom_fields) {
        if (replaced(given, n, str(member->string))) continue;
        if (object.n > 1) buf_addc(&object, ',');
        buf_add_json(&object, str(member->string));
        buf_addc(&object, ':');
        json_write(&object, member);
    }
    for (size_t i = 0; i < n; i++) {
        if (!given[i].json.n) continue;
        if (object.n > 1) buf_addc(&object, ',');
        buf_add_json(&object, given[i].field->name);
        buf_addc(&object, ':');
        buf_add_str(&object, given[i].json);
    }
    buf_addc(&object, '}');
    d->e->custom_fields = arena_str(d->arena, buf_str(&object));
    set(d, EDIT_CUSTOM_FIELDS);
    cJSON *after = NULL;
    if (json_parse_in(d->arena, d->e->custom_fields, NULL, &after, NULL) == 0)
        d->custom_fields = after;
}

static bool entry_key(Draft *d, const cJSON *entry, Str *ret) {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(entry, "id");
    int64_t number;
    if (json_as_string(id, ret) == 1 && ret->n) return true;
    if (id && json_as_int(id, &number) == 1) {
        *ret = str(arena_printf(d->arena, "%lld", (long long)number));
        return true;
    }
    invalid_add(d->bad, "custom_fields", "InvalidValue",
                "自定义字段应写成 {\"id\": ..., \"value\": ...} (an entry is {\"id\", \"value\"})");
    return false;
}

static size_t given_fields(Draft *d, const cJSON *list, Given *given, size_t n) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        Given g = {.value = item};
        if (n == CUSTOM_FIELDS_MAX) {
            invalid_add(d->bad, "custom_fields", "TooMany",
                        "一次最多 100 个字段 (at most 100 fields at once)");
            break;
        }
        if (cJSON_IsArray(list)) {
            if (!entry_key(d, item, &g.key)) continue;
            g.value = cJSON_GetObjectItemCaseSensitive(item, "value");
            if (!g.value) continue;
        } else {
            g.key = str(item->string);
        }
        g.field = d->a->catalog ? catalog_field_named(d->a->catalog, g.key) : NULL;
        for (size_t i = 0; i < n && g.field; i++)
            if (given[i].field == g.field) g.field = NULL; /* the first counts: `fields` repeats */
        if (!g.field && d->a->catalog && catalog_field_named(d->a->catalog, g.key)) continue;
        if (read_given(d, &g)) given[n++] = g;
    }
    return n;
}

void draft_custom_fields(Draft *d, const cJSON *ticket) {
    static const char *const keys[] = {"custom_fields", "fields"};
    Given *given = NULL;
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(ticket, keys[i]);
        if (!list || cJSON_IsNull(list)) continue;
        if (!cJSON_IsArray(list) && !cJSON_IsObject(list)) {
            invalid_add(d->bad, "custom_fields", "InvalidValue",
                        "%s 必须是列表 (must be a list of {\"id\", \"value\"})", keys[i]);
            continue;
        }
        if (!given) given = arena_alloc(d->arena, CUSTOM_FIELDS_MAX * sizeof(*given));
        n = given_fields(d, list, given, n);
    }
    if (n) merge(d, given, n);
}
