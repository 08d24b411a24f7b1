/* Sealing -- the only place where a clear value and its sealed form meet. */
#include "intake/sealing.h"

#include <errno.h>

#include "vault/personal.h"

typedef struct Sealing {
    Vault *vault;
    int64_t tenant_id;
    Arena *arena;
    Buf scratch;
    PersonalField *ticket; /* found in the ticket's own texts */
    size_t ticket_n;
} Sealing;

PersonalKeys personal_keys_parse(const char *list, Arena *arena) {
    PersonalKeys keys = {.keys = arena_alloc(arena, (strlen(list) + 1) * sizeof(Str))};
    Str rest = arena_str(arena, str(list));
    while (rest.p) {
        Str key = str_trim(str_cut(rest, ',', &rest));
        if (key.n) keys.keys[keys.n++] = key;
    }
    return keys;
}

static Str take(Sealing *s) {
    Str copy = arena_str(s->arena, buf_str(&s->scratch));
    buf_clear(&s->scratch);
    return copy;
}

static int seal(Sealing *s, Str field, Str clear, Str *ret) {
    buf_clear(&s->scratch);
    int r = vault_seal(s->vault, s->tenant_id, field, clear, &s->scratch);
    if (r < 0) return r;
    *ret = take(s);
    return 0;
}

static int hash(Sealing *s, Str field, Str normal, Str *ret) {
    uint8_t *bytes = arena_alloc(s->arena, VAULT_HASH_BYTES);
    int r = vault_hash(s->vault, s->tenant_id, field, normal, bytes);
    if (r < 0) return r;
    *ret = (Str){(const char *)bytes, VAULT_HASH_BYTES};
    return 0;
}

static int seal_requester(Sealing *s, const Sender *sender, const Draft *d, Submission *out) {
    const struct {
        Str field, clear, normal;
        void (*mask)(Str, Buf *);
    } parts[] = {
        {STR("name"), d->name, {NULL, 0}, personal_mask_name},
        {STR("email"), d->email, d->email_normal, personal_mask_email},
        {STR("phone"), d->phone, d->phone_normal, personal_mask_phone},
        {STR("address"), d->address, {NULL, 0}, personal_mask_address},
    };
    PersonalField *fields = arena_zalloc(s->arena, sizeof(*fields) * 4);
    size_t n = 0;
    int r;
    for (size_t i = 0; i < 4; i++) {
        if (!parts[i].clear.p) continue;
        PersonalField *field = &fields[n++];
        field->field = parts[i].field;
        if ((r = seal(s, field->field, parts[i].clear, &field->sealed)) < 0) return r;
        parts[i].mask(parts[i].clear, &s->scratch);
        field->masked = take(s);
        if (!parts[i].normal.p) continue;
        if ((r = hash(s, field->field, parts[i].normal, &field->hash)) < 0) return r;
        if (!out->contact_hash.p) out->contact_hash = field->hash;
    }
    out->requester_personal = fields;
    out->requester_personal_n = n;
    out->source_user_id = d->user_id;
    if (out->contact_hash.p) return 0;
    buf_clear(&s->scratch);
    if (sender->source_id && d->user_id.p)
        buf_printf(&s->scratch, "%lld:%.*s", (long long)sender->source_id, STR_ARG(d->user_id));
    else if (d->user_id.p)
        buf_printf(&s->scratch, "%.*s:%.*s", STR_ARG(sender->principal), STR_ARG(d->user_id));
    else
        buf_add_str(&s->scratch, sender->principal);
    return hash(s, STR("contact"), take(s), &out->contact_hash);
}

static int add_original(Sealing *s, Str field, Str clear) {
    if (s->ticket_n == SUBMISSION_PERSONAL_MAX) return -E2BIG;
    PersonalField *p = &s->ticket[s->ticket_n++];
    *p = (PersonalField){.field = field};
    return seal(s, field, clear, &p->sealed);
}

/* *text becomes its masked form when a number was found in it, and the original is sealed. */
static int seal_text(Sealing *s, Str field, Str *text) {
    if (!text->p) return 0;
    buf_clear(&s->scratch);
    if (personal_mask_text(*text, &s->scratch) == 0) return 0;
    Str masked = take(s);
    int r = add_original(s, field, *text);
    *text = masked;
    return r;
}

/* One value as JSON with its numbers masked; *found counts. Numbers of JSON are looked at too: an
 * identity number is one to many a sender. */
static void mask_value(Sealing *s, const cJSON *value, bool personal, Buf *ret, size_t *found) {
    Str text;
    Buf clear = {0};
    if (json_as_string(value, &text) != 1) {
        json_write(&clear, value);
        text = buf_str(&clear);
        if (!personal && !json_holds_number(value)) {
            buf_add_str(ret, text);
            buf_done(&clear);
            return;
        }
    }
    buf_clear(&s->scratch);
    if (personal) {
        if (!cJSON_IsNull(value)) {
            buf_adds(ret, "\"****\"");
            ++*found;
        } else {
            buf_adds(ret, "null");
        }
    } else if (personal_mask_text(text, &s->scratch)) {
        buf_add_json(ret, buf_str(&s->scratch));
        ++*found;
    } else if (clear.p) {
        buf_add_str(ret, text);
    } else {
        buf_add_json(ret, text);
    }
    buf_done(&clear);
}

static void write_id(Buf *ret, Str key) {
    int64_t number;
    if (str_to_i64(key, &number) == 0 && number > 0 && key.p[0] != '0' && key.p[0] != '+')
        buf_add_str(ret, key);
    else
        buf_add_json(ret, key);
}

static int seal_custom(Sealing *s, const PersonalKeys *keys, const CustomField *field, Buf *object,
                       Buf *list) {
    bool personal = field->personal;
    for (size_t i = 0; i < keys->n && !personal; i++)
        personal = str_eq(keys->keys[i], field->key);
    size_t found = 0;
    if (object->n > 1) buf_addc(object, ',');
    buf_add_json(object, field->key);
    buf_addc(object, ':');
    size_t at = object->n;
    if (cJSON_IsArray(field->value) && !personal) {
        const cJSON *item;
        buf_addc(object, '[');
        cJSON_ArrayForEach(item, field->value) {
            if (item != field->value->child) buf_addc(object, ',');
            mask_value(s, item, false, object, &found);
        }
        buf_addc(object, ']');
    } else {
        mask_value(s, field->value, personal, object, &found);
    }
    if (list->n > 1) buf_addc(list, ',');
    buf_adds(list, "{\"id\":");
    write_id(list, field->key);
    buf_adds(list, ",\"value\":");
    buf_add(list, object->p + at, object->n - at);
    buf_addc(list, '}');
    if (!found) return 0;

    /* The original as JSON, so that its type comes back too. */
    CLEANUP(buf_done) Buf clear = {0};
    json_write(&clear, field->value);
    return add_original(s, str(arena_printf(s->arena, "custom:%.*s", STR_ARG(field->key))),
                        arena_str(s->arena, buf_str(&clear)));
}

static int seal_all_custom(Sealing *s, const PersonalKeys *keys, const Draft *d, Submission *out,
                           Sealed *ret) {
    CLEANUP(buf_done) Buf object = {0};
    CLEANUP(buf_done) Buf list = {0};
    if (d->custom_n == 0) return 0;
    buf_addc(&object, '{');
    buf_addc(&list, '[');
    for (size_t i = 0; i < d->custom_n; i++) {
        int r = seal_custom(s, keys, &d->custom[i], &object, &list);
        if (r < 0) return r;
    }
    buf_addc(&object, '}');
    buf_addc(&list, ']');
    out->custom_fields = arena_str(s->arena, buf_str(&object));
    ret->custom_answer = arena_str(s->arena, buf_str(&list));
    return 0;
}

int sealing_apply(Vault *vault, const PersonalKeys *keys, const Sender *sender, const Draft *draft,
                  Arena *arena, Submission *s, Sealed *ret) {
    PersonalField found[SUBMISSION_PERSONAL_MAX];
    Sealing seals = {
        .vault = vault, .tenant_id = sender->tenant_id, .arena = arena, .ticket = found};
    *ret = (Sealed){0};
    s->tenant_id = sender->tenant_id;
    s->source_id = sender->source_id;
    s->channel = draft->channel;
    s->subject = draft->subject;
    s->description = draft->description;
    s->external_id = draft->external_id;
    s->kind = draft->kind;
    s->priority = draft->priority;
    s->tags = draft->tags;
    s->tags_n = draft->tags_n;
    s->tier = draft->tier;
    s->region = draft->region;
    s->order = draft->order;
    s->product = draft->product;
    s->batch = draft->batch;
    s->device = draft->device;
    s->language = draft->language;
    s->group_id = draft->group_id;
    s->assignee_id = draft->assignee_id;
    s->followup_of = draft->followup_of;

    int r = seal_requester(&seals, sender, draft, s);
    if (r == 0) r = seal_text(&seals, STR("subject"), &s->subject);
    if (r == 0) r = seal_text(&seals, STR("description"), &s->description);
    if (r == 0) r = seal_all_custom(&seals, keys, draft, s, ret);
    if (r == 0 && seals.ticket_n) {
        s->personal = arena_alloc(arena, seals.ticket_n * sizeof(*found));
        memcpy(s->personal, found, seals.ticket_n * sizeof(*found));
        s->personal_n = seals.ticket_n;
    }
    buf_done(&seals.scratch);
    return r;
}
