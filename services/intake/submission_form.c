/* SubmissionForm -- one table of fields, one walk over the members of each object. */
#include "intake/submission_form.h"

#include <errno.h>

#include "events/submission.h"
#include "ticket/ticket.h"
#include "vault/personal.h"

typedef struct Form {
    const FormRights *rights;
    Arena *arena;
    Draft *draft;
    FormNotes *problems, *warnings;
    const char *place; /* the first field that needs the right to place tickets */
    bool described;    /* by a comment, which goes over `description` */
    Str locale;        /* of the requester */
} Form;

typedef struct Field Field;
typedef void (*FieldReader)(Form *f, const Field *field, const cJSON *value);

struct Field {
    Str name;         /* as in its object */
    Str path;         /* as told to the sender */
    FieldReader read; /* NULL: known, and not kept */
    size_t offset;    /* of a Str or int64_t in the draft */
    size_t chars;     /* longest text; 0: the body's limit is enough */
};

void form_note(FormNotes *notes, Arena *arena, Str field, const char *error, const char *reason,
               const char *remedy) {
    if (!notes->items) notes->items = arena_alloc(arena, FORM_NOTES * sizeof(*notes->items));
    if (notes->n == FORM_NOTES) {
        notes->left_out++;
        return;
    }
    notes->items[notes->n++] = (FormNote){field, error, reason, remedy};
}

static void refuse(Form *f, Str field, const char *error, const char *reason, const char *remedy) {
    form_note(f->problems, f->arena, field, error, reason, remedy);
}

static void warn(Form *f, Str field, const char *error, const char *reason, const char *remedy) {
    form_note(f->warnings, f->arena, field, error, reason, remedy);
}

static void refuse_type(Form *f, Str field, const cJSON *value, const char *remedy) {
    refuse(f, field, "InvalidType", arena_printf(f->arena, "is %s", json_type_name(value)), remedy);
}

/* A sender's own name for a field, fit for an answer: bounded, whatever it sent. */
static Str path_of(Form *f, const char *object, const char *member) {
    const char *text = arena_printf(f->arena, "%s%s%.64s", object, *object ? "." : "", member);
    size_t n = strlen(text);
    while (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80)
        n--; /* a cut must not leave half a character */
    if (n > 0 && (unsigned char)text[n - 1] >= 0xC0) n--;
    return strlen(member) <= 64 ? str(text) : (Str){text, n};
}

static size_t characters(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

/* 1 and *ret; 0 when it is absent, null or empty; -EINVAL when it was refused. */
static int text_of(Form *f, Str path, const cJSON *value, size_t chars, Str *ret) {
    Str text;
    if (cJSON_IsNull(value)) return 0;
    if (json_as_string(value, &text) != 1) {
        refuse_type(f, path, value, "send a string");
        return -EINVAL;
    }
    if (text.n == 0) return 0;
    if (chars && text.n > chars && characters(text) > chars) {
        refuse(f, path, "TooLong", arena_printf(f->arena, "has %zu characters", characters(text)),
               arena_printf(f->arena, "send at most %zu", chars));
        return -EINVAL;
    }
    *ret = text;
    return 1;
}

static void read_text(Form *f, const Field *field, const cJSON *value) {
    text_of(f, field->path, value, field->chars, (Str *)((char *)f->draft + field->offset));
}

static void read_priority(Form *f, const Field *field, const cJSON *value) {
    Str text;
    TicketPriority priority;
    if (text_of(f, field->path, value, 0, &text) <= 0) return;
    if (ticket_priority_parse(text, &priority) < 0)
        refuse(f, field->path, "InvalidValue", "is no priority",
               "send low, normal, high or urgent, or leave it out");
    else
        f->draft->priority = text;
}

static void language_of(Form *f, const Field *field, const cJSON *value, Str *ret) {
    Str text;
    if (text_of(f, field->path, value, 35, &text) <= 0) return;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            refuse(f, field->path, "InvalidValue", "is no language tag", "send one such as zh-CN");
            return;
        }
    }
    *ret = text;
}

static void read_language(Form *f, const Field *field, const cJSON *value) {
    language_of(f, field, value, &f->draft->language);
}

static void read_locale(Form *f, const Field *field, const cJSON *value) {
    language_of(f, field, value, &f->locale);
}

static void read_id(Form *f, const Field *field, const cJSON *value) {
    int64_t id;
    if (cJSON_IsNull(value)) return;
    if (json_as_int(value, &id) != 1) {
        refuse_type(f, field->path, value, "send its number");
        return;
    }
    if (id < 1 || id > TICKET_ID_MAX) {
        refuse(f, field->path, "InvalidValue", "is no id", "send a positive number below 2^53");
        return;
    }
    *(int64_t *)((char *)f->draft + field->offset) = id;
}

static void read_placement(Form *f, const Field *field, const cJSON *value) {
    read_id(f, field, value);
    if (*(int64_t *)((char *)f->draft + field->offset) && !f->place) f->place = field->path.p;
}

static void read_status(Form *f, const Field *field, const cJSON *value) {
    static const char *const zendesk[] = {"open", "hold"};
    Str text;
    TicketStatus status;
    if (text_of(f, field->path, value, 0, &text) <= 0 || str_is(text, "new")) return;
    bool known = ticket_status_parse(text, &status) == 0;
    for (size_t i = 0; i < sizeof(zendesk) / sizeof(*zendesk); i++)
        known |= str_is(text, zendesk[i]);
    if (known && !f->rights->may_place) {
        if (!f->place) f->place = "status";
        return;
    }
    refuse(f, field->path, "InvalidValue",
           known ? "is not what a ticket begins with" : "is no status",
           "send new or leave it out; change it once the ticket exists");
}

static void read_tags(Form *f, const Field *field, const cJSON *value) {
    if (cJSON_IsNull(value)) return;
    if (!cJSON_IsArray(value)) {
        refuse_type(f, field->path, value, "send a list of strings");
        return;
    }
    size_t n = 0;
    const cJSON *item;
    size_t given = (size_t)cJSON_GetArraySize(value);
    Str *tags = arena_alloc(f->arena, (given < SUBMISSION_TAGS_MAX ? given : SUBMISSION_TAGS_MAX) *
                                          sizeof(*tags));
    cJSON_ArrayForEach(item, value) {
        Str tag;
        if (json_as_string(item, &tag) != 1) {
            refuse_type(f, path_of(f, "tags", arena_printf(f->arena, "%zu", n)), item,
                        "send a string");
            return;
        }
        if (tag.n == 0) continue;
        if (tag.n > FORM_TAG_BYTES) {
            refuse(f, field->path, "TooLong", "holds a tag of more than 255 bytes",
                   "shorten that tag");
            return;
        }
        bool again = false;
        for (size_t i = 0; i < n && !again; i++)
            again = str_eq(tags[i], tag);
        if (again) continue;
        if (n == SUBMISSION_TAGS_MAX) {
            refuse(f, field->path, "TooMany", "holds more than 100 tags", "send at most 100");
            return;
        }
        tags[n++] = tag;
    }
    f->draft->tags = tags;
    f->draft->tags_n = n;
}

/* What jsonb and a mask can deal with: one value, or a flat list. */
static bool custom_value_fits(const cJSON *value) {
    if (cJSON_IsObject(value)) return false;
    if (!cJSON_IsArray(value)) return true;
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, value) {
        if (cJSON_IsObject(item) || cJSON_IsArray(item) || ++n > FORM_CUSTOM_VALUES) return false;
    }
    return true;
}

static void add_custom(Form *f, Str key, const cJSON *value, bool personal) {
    Draft *d = f->draft;
    Str path = path_of(f, "custom_fields", key.p);
    if (key.n == 0 || key.n > FORM_CUSTOM_KEY_BYTES) {
        refuse(f, path, key.n ? "TooLong" : "BlankValue", "has no usable name",
               "give it an id of 1 to 56 bytes");
        return;
    }
    if (!custom_value_fits(value)) {
        refuse(f, path, "InvalidValue", "is an object or a nested or long list",
               "send a string, number, boolean, null, or a list of at most 100 of those");
        return;
    }
    for (size_t i = 0; i < d->custom_n; i++) {
        if (str_eq(d->custom[i].key, key)) {
            refuse(f, path, "DuplicateValue", "is given twice", "send it once");
            return;
        }
    }
    if (d->custom_n == FORM_CUSTOM_FIELDS) {
        refuse(f, STR("custom_fields"), "TooMany", "holds more than 100 fields",
               "send at most 100");
        return;
    }
    d->custom[d->custom_n++] = (CustomField){key, value, personal};
}

static void add_custom_entry(Form *f, const cJSON *entry, size_t at) {
    Str path = path_of(f, "custom_fields", arena_printf(f->arena, "%zu", at));
    const cJSON *value = NULL, *member;
    Str key = {NULL, 0};
    bool personal = false;
    if (!cJSON_IsObject(entry)) {
        refuse_type(f, path, entry, "send {\"id\": ..., \"value\": ...}");
        return;
    }
    cJSON_ArrayForEach(member, entry) {
        Str name = str(member->string);
        int64_t number;
        if (str_is(name, "value")) {
            value = member;
        } else if (str_is(name, "personal") && cJSON_IsBool(member)) {
            personal = cJSON_IsTrue(member);
        } else if (!str_is(name, "id")) {
            warn(f, path_of(f, path.p, name.p), "UnknownField", "is not known", "it was left out");
        } else if (json_as_string(member, &key) != 1) {
            if (json_as_int(member, &number) == 1)
                key = str(arena_printf(f->arena, "%lld", (long long)number));
        }
    }
    if (!key.p) {
        refuse(f, path, "BlankValue", "has no id", "send {\"id\": ..., \"value\": ...}");
        return;
    }
    if (value) add_custom(f, key, value, personal);
}

static void read_custom(Form *f, const Field *field, const cJSON *value) {
    const cJSON *item;
    size_t at = 0;
    if (cJSON_IsNull(value)) return;
    if (!cJSON_IsArray(value) && !cJSON_IsObject(value)) {
        refuse_type(f, field->path, value, "send a list of {\"id\", \"value\"}, or an object");
        return;
    }
    size_t given = (size_t)cJSON_GetArraySize(value);
    f->draft->custom = arena_alloc(
        f->arena, (given < FORM_CUSTOM_FIELDS ? given : FORM_CUSTOM_FIELDS) * sizeof(CustomField));
    cJSON_ArrayForEach(item, value) {
        if (f->problems->n == FORM_NOTES) break; /* enough said */
        if (cJSON_IsArray(value))
            add_custom_entry(f, item, at++);
        else
            add_custom(f, str(item->string), item, false);
    }
}

static void read_email(Form *f, const Field *field, const cJSON *value) {
    Str text;
    if (text_of(f, field->path, value, 254, &text) <= 0) return;
    CLEANUP(buf_done) Buf normal = {0};
    if (personal_normal_email(text, &normal) < 0) {
        refuse(f, field->path, "InvalidValue", "is no e-mail address",
               "send one such as name@example.com");
        return;
    }
    f->draft->email = text;
    f->draft->email_normal = arena_str(f->arena, buf_str(&normal));
}

static void read_phone(Form *f, const Field *field, const cJSON *value) {
    Str text;
    if (text_of(f, field->path, value, 64, &text) <= 0) return;
    CLEANUP(buf_done) Buf normal = {0};
    if (personal_normal_phone(text, &normal) < 0) {
        refuse(f, field->path, "InvalidValue", "is no phone number",
               "send 5 to 15 digits, with +country where needed");
        return;
    }
    f->draft->phone = text;
    f->draft->phone_normal = arena_str(f->arena, buf_str(&normal));
}

static void read_user_id(Form *f, const Field *field, const cJSON *value) {
    int64_t number;
    if (json_as_int(value, &number) == 1)
        f->draft->user_id = str(arena_printf(f->arena, "%lld", (long long)number));
    else
        text_of(f, field->path, value, field->chars, &f->draft->user_id);
}

static void warn_description(Form *f) {
    warn(f, STR("description"), "Ignored", "is given beside comment.body",
         "comment.body was taken");
}

static void read_body(Form *f, const Field *field, const cJSON *value) {
    Str text;
    if (text_of(f, field->path, value, 0, &text) <= 0) return;
    if (f->draft->description.p) warn_description(f);
    f->draft->description = text;
    f->described = true;
}

static void read_description(Form *f, const Field *field, const cJSON *value) {
    Str text;
    if (text_of(f, field->path, value, 0, &text) <= 0) return;
    if (f->described)
        warn_description(f);
    else
        f->draft->description = text;
}

static void read_public(Form *f, const Field *field, const cJSON *value) {
    if (cJSON_IsNull(value) || cJSON_IsTrue(value)) return;
    if (!cJSON_IsFalse(value)) {
        refuse_type(f, field->path, value, "send true or leave it out");
    } else if (!f->rights->may_place) {
        if (!f->place) f->place = "comment.public";
    } else {
        refuse(f, field->path, "InvalidValue", "makes the first comment a private one",
               "send it public, and add private notes once the ticket exists");
    }
}

static void read_html_body(Form *f, const Field *field, const cJSON *value) {
    if (cJSON_IsNull(value)) return;
    refuse(f, field->path, "InvalidValue", "is not taken", "send plain text as comment.body");
}

static void read_channel(Form *f, const Field *field, const cJSON *value) {
    Str text;
    if (text_of(f, field->path, value, 0, &text) <= 0) return;
    bool known = false;
    for (size_t i = 0; i < f->rights->channels_n && !known; i++)
        known = str_eq(text, f->rights->channels[i]);
    if (f->rights->channels_n == 0) {
        known = text.n <= 32;
        for (size_t i = 0; i < text.n && known; i++) {
            char c = text.p[i];
            known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        }
    }
    if (known) {
        f->draft->channel = text;
        return;
    }
    const char *all = "";
    for (size_t i = 0; i < f->rights->channels_n; i++)
        all =
            arena_printf(f->arena, "%s%s%.*s", all, i ? ", " : "", STR_ARG(f->rights->channels[i]));
    refuse(f, field->path, "InvalidValue", "is not a channel of this source",
           f->rights->channels_n ? arena_printf(f->arena, "send one of: %s", all)
                                 : "send lower-case letters, digits, _ and -");
}

static void skip(Form *f, const Field *field, const cJSON *value) {
    (void)f;
    (void)field;
    (void)value;
}

static void read_object(Form *f, const Field *field, const cJSON *value);

#define TEXT(name_, member, limit)                                                                 \
    { STR(name_), STR(name_), read_text, offsetof(Draft, member), limit }

static const Field comment_fields[] = {
    {STR("body"), STR("comment.body"), read_body, 0, 0},
    {STR("public"), STR("comment.public"), read_public, 0, 0},
    {STR("html_body"), STR("comment.html_body"), read_html_body, 0, 0},
    {STR("author_id"), STR("comment.author_id"), NULL, 0, 0},
    {STR("uploads"), STR("comment.uploads"), NULL, 0, 0},
};

static const Field requester_fields[] = {
    {STR("name"), STR("requester.name"), read_text, offsetof(Draft, name), 255},
    {STR("email"), STR("requester.email"), read_email, 0, 0},
    {STR("phone"), STR("requester.phone"), read_phone, 0, 0},
    {STR("address"), STR("requester.address"), read_text, offsetof(Draft, address), 1024},
    {STR("external_id"), STR("requester.external_id"), read_user_id, 0, FORM_REFERENCE_CHARS},
    {STR("user_id"), STR("requester.user_id"), read_user_id, 0, FORM_REFERENCE_CHARS},
    {STR("locale"), STR("requester.locale"), read_locale, 0, 0},
    {STR("locale_id"), STR("requester.locale_id"), NULL, 0, 0},
};

static const Field via_fields[] = {
    {STR("channel"), STR("via.channel"), read_channel, 0, 0},
    {STR("source"), STR("via.source"), skip, 0, 0},
};

/* The most frequent first. */
static const Field ticket_fields[] = {
    TEXT("subject", subject, FORM_SUBJECT_CHARS),
    {STR("comment"), STR("comment"), read_object, 0, 0},
    {STR("requester"), STR("requester"), read_object, 0, 0},
    {STR("priority"), STR("priority"), read_priority, 0, 0},
    {STR("tags"), STR("tags"), read_tags, 0, 0},
    {STR("custom_fields"), STR("custom_fields"), read_custom, 0, 0},
    {STR("via"), STR("via"), read_object, 0, 0},
    TEXT("external_id", external_id, FORM_REFERENCE_CHARS),
    TEXT("kind", kind, 64),
    TEXT("order", order, FORM_REFERENCE_CHARS),
    TEXT("product", product, FORM_REFERENCE_CHARS),
    TEXT("batch", batch, FORM_REFERENCE_CHARS),
    TEXT("device", device, FORM_REFERENCE_CHARS),
    TEXT("region", region, FORM_REFERENCE_CHARS),
    TEXT("tier", tier, FORM_REFERENCE_CHARS),
    {STR("language"), STR("language"), read_language, 0, 0},
    {STR("description"), STR("description"), read_description, 0, 0},
    {STR("status"), STR("status"), read_status, 0, 0},
    {STR("group_id"), STR("group_id"), read_placement, offsetof(Draft, group_id), 0},
    {STR("assignee_id"), STR("assignee_id"), read_placement, offsetof(Draft, assignee_id), 0},
    {STR("via_followup_source_id"), STR("via_followup_source_id"), read_id,
     offsetof(Draft, followup_of), 0},
    /* Zendesk's, which this gate does not keep. */
    {STR("type"), STR("type"), NULL, 0, 0},
    {STR("raw_subject"), STR("raw_subject"), NULL, 0, 0},
    {STR("recipient"), STR("recipient"), NULL, 0, 0},
    {STR("requester_id"), STR("requester_id"), NULL, 0, 0},
    {STR("submitter_id"), STR("submitter_id"), NULL, 0, 0},
    {STR("organization_id"), STR("organization_id"), NULL, 0, 0},
    {STR("collaborators"), STR("collaborators"), NULL, 0, 0},
    {STR("collaborator_ids"), STR("collaborator_ids"), NULL, 0, 0},
    {STR("follower_ids"), STR("follower_ids"), NULL, 0, 0},
    {STR("email_ccs"), STR("email_ccs"), NULL, 0, 0},
    {STR("email_cc_ids"), STR("email_cc_ids"), NULL, 0, 0},
    {STR("problem_id"), STR("problem_id"), NULL, 0, 0},
    {STR("due_at"), STR("due_at"), NULL, 0, 0},
    {STR("created_at"), STR("created_at"), NULL, 0, 0},
    {STR("ticket_form_id"), STR("ticket_form_id"), NULL, 0, 0},
    {STR("brand_id"), STR("brand_id"), NULL, 0, 0},
};

static const Field *field_find(const Field *fields, size_t n, Str name) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(fields[i].name, name)) return &fields[i];
    }
    return NULL;
}

static void read_members(Form *f, const char *object, const Field *fields, size_t n,
                         const cJSON *value) {
    const cJSON *member;
    cJSON_ArrayForEach(member, value) {
        const Field *field = field_find(fields, n, str(member->string));
        if (field && field->read)
            field->read(f, field, member);
        else if (field && !cJSON_IsNull(member))
            warn(f, field->path, "NotKept", "is not kept by this gate", "it was left out");
        else if (!field)
            warn(f, path_of(f, object, member->string), "UnknownField", "is not known",
                 "it was left out");
    }
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void read_object(Form *f, const Field *field, const cJSON *value) {
    if (cJSON_IsNull(value)) return;
    if (!cJSON_IsObject(value)) {
        refuse_type(f, field->path, value, "send an object");
        return;
    }
    if (field->name.p[0] == 'c')
        read_members(f, "comment", comment_fields, COUNT(comment_fields), value);
    else if (field->name.p[0] == 'r')
        read_members(f, "requester", requester_fields, COUNT(requester_fields), value);
    else
        read_members(f, "via", via_fields, COUNT(via_fields), value);
}

FormVerdict submission_form_read(const cJSON *body, const FormRights *rights, Arena *arena,
                                 Draft *ret, FormNotes *ret_problems, FormNotes *ret_warnings) {
    *ret = (Draft){0};
    *ret_problems = *ret_warnings = (FormNotes){0};
    Form f = {.rights = rights,
              .arena = arena,
              .draft = ret,
              .problems = ret_problems,
              .warnings = ret_warnings};

    const cJSON *ticket = NULL, *member;
    const cJSON *outside = cJSON_IsObject(body) ? body : NULL;
    cJSON_ArrayForEach(member, outside) {
        if (strcmp(member->string, "ticket") == 0)
            ticket = member;
        else
            warn(&f, path_of(&f, "", member->string), "UnknownField", "is not known",
                 "it was left out");
    }
    if (!ticket || !cJSON_IsObject(ticket)) {
        refuse(&f, STR("ticket"), ticket ? "InvalidType" : "BlankValue",
               ticket ? arena_printf(arena, "is %s", json_type_name(ticket)) : "is missing",
               "send {\"ticket\": {\"subject\": ..., \"comment\": {\"body\": ...}}}");
        return FORM_REFUSED;
    }
    read_members(&f, "", ticket_fields, COUNT(ticket_fields), ticket);

    if (!ret->description.p && ret_problems->n == 0)
        refuse(&f, STR("description"), "BlankValue", "cannot be blank",
               "send comment.body or description");
    /* Copied: rights live no longer than this call, the draft does. */
    if (!ret->channel.p)
        ret->channel = rights->channels_n ? arena_str(arena, rights->channels[0]) : STR("api");
    if (!ret->language.p && f.locale.p) ret->language = f.locale;
    if (ret_problems->n) return FORM_REFUSED;
    if (f.place && !rights->may_place) {
        refuse(&f, str(f.place), "Forbidden", "needs the right to place tickets",
               "leave it out, or use a token with the scope tickets:place");
        return FORM_FORBIDDEN;
    }
    return FORM_ACCEPTED;
}
