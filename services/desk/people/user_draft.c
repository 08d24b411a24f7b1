/* Zendesk's names, and our own beside them. */
#include "desk/people/user_draft.h"

#include "desk/api/out.h"
#include "documents/roles.h"
#include "json/json.h"

enum { TEXT_MAX = 65536, WORD_MAX = 255 };

static void read_text(const cJSON *o, const char *key, size_t most, Str *ret, Invalid *v) {
    int there = json_get_string(o, key, ret);
    if (there < 0)
        invalid_add(v, key, "InvalidValue", "须为文字 Must be a text");
    else if (there && ret->n > most)
        invalid_add(v, key, "TooLong", "过长 At most %zu bytes", most);
}

static void read_role(Request *r, const cJSON *o, UserDraft *d, Invalid *v) {
    static const Str zendesk[][2] = {{STR("end-user"), STR("customer")},
                                     {STR("admin"), STR("administrator")}};
    int64_t custom = 0;
    const Role *own = NULL;
    size_t n = r->catalog ? catalog_roles(r->catalog, &own) : 0;
    read_text(o, "role", WORD_MAX, &d->role, v);
    read_text(o, "docket_role", WORD_MAX, &d->role, v); /* the finer word */
    for (size_t i = 0; i < 2; i++)
        if (str_eq(d->role, zendesk[i][0])) d->role = zendesk[i][1];
    if (json_get_int(o, "custom_role_id", &custom) == 1) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            if (own[i].id == custom) {
                d->role = own[i].name;
                found = true;
            }
        if (!found) invalid_add(v, "custom_role_id", "InvalidValue", "没有这个角色 No such role");
    }
    Role known;
    if (d->role.p && !catalog_role(r->catalog, d->role, &known))
        invalid_add(v, "role", "InvalidValue",
                    "没有这个角色 No such role; there are end-user, agent, lead, manager, admin, "
                    "auditor and the documents' own");
}

static void read_tags(const cJSON *o, UserDraft *d, Invalid *v) {
    const cJSON *item;
    int there = json_get_array(o, "tags", &d->tags);
    bool good = there >= 0 && (!d->tags || cJSON_GetArraySize(d->tags) <= PERSON_TAGS_MAX);
    Str word;
    if (good && d->tags) {
        cJSON_ArrayForEach(item, d->tags) {
            good = good && json_as_string(item, &word) == 1 && word.n && word.n <= WORD_MAX;
        }
    }
    if (!good)
        invalid_add(v, "tags", "InvalidValue",
                    "须为至多 %d 个词 Must be a list of at most %d words", PERSON_TAGS_MAX,
                    PERSON_TAGS_MAX);
}

static void read_rest(Request *r, const cJSON *o, UserDraft *d, Invalid *v) {
    const cJSON *organization = cJSON_GetObjectItemCaseSensitive(o, "organization_id");
    if (organization && !cJSON_IsNull(organization) &&
        json_as_int(organization, &d->organization_id) != 1)
        invalid_add(v, "organization_id", "InvalidValue", "须为编号 Must be a number");
    d->sets_organization = organization != NULL;
    int there = json_get_bool(o, "suspended", &d->suspended);
    if (there < 0) invalid_add(v, "suspended", "InvalidValue", "须为 true 或 false");
    d->sets_suspended = there == 1;
    if (!d->agent.n) return;
    const Agent *agents = NULL;
    size_t n = r->catalog ? catalog_agents(r->catalog, &agents) : 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(agents[i].name, d->agent)) d->agent_id = agents[i].id;
    if (!d->agent_id)
        invalid_add(v, "agent", "InvalidValue",
                    "文档中没有这位客服 The documents have no agent of this name");
}

bool user_draft_read(Request *r, UserDraft *ret) {
    const cJSON *o = NULL;
    Invalid v;
    invalid_init(&v, r->arena);
    *ret = (UserDraft){0};
    if (json_get_object(r->body, "user", &o) < 1) {
        answer_bad_request(r, "user", "is missing", "send {\"user\":{...}}");
        return false;
    }
    read_text(o, "name", WORD_MAX, &ret->name, &v);
    read_text(o, "email", WORD_MAX, &ret->email, &v);
    read_text(o, "phone", WORD_MAX, &ret->phone, &v);
    read_text(o, "external_id", WORD_MAX, &ret->external_id, &v);
    read_text(o, "locale", 35, &ret->locale, &v);
    read_text(o, "time_zone", 64, &ret->time_zone, &v);
    read_text(o, "details", TEXT_MAX, &ret->details, &v);
    read_text(o, "notes", TEXT_MAX, &ret->notes, &v);
    read_text(o, "agent", WORD_MAX, &ret->agent, &v);
    read_role(r, o, ret, &v);
    read_tags(o, ret, &v);
    read_rest(r, o, ret, &v);
    if (v.n) answer_invalid(r, &v);
    return v.n == 0;
}

Str user_draft_detail(Request *r, const UserDraft *d) {
    const struct {
        const char *name;
        bool said;
    } fields[] = {{"name", d->name.p},
                  {"email", d->email.p},
                  {"phone", d->phone.p},
                  {"role", d->role.p},
                  {"external_id", d->external_id.p},
                  {"locale", d->locale.p},
                  {"time_zone", d->time_zone.p},
                  {"details", d->details.p},
                  {"notes", d->notes.p},
                  {"tags", d->tags},
                  {"organization_id", d->sets_organization},
                  {"suspended", d->sets_suspended}};
    CLEANUP(buf_done) Buf text = {0};
    OUT(&text, "{\"fields\":[");
    const char *comma = "";
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        if (!fields[i].said) continue;
        buf_printf(&text, "%s\"%s\"", comma, fields[i].name);
        comma = ",";
    }
    OUT(&text, "]");
    if (d->role.p) out_text(&text, "role", d->role);
    if (d->sets_suspended) out_bool(&text, "suspended", d->suspended);
    if (r->inside) {
        char job[37];
        cause_format(r->cause, job);
        out_text(&text, "job", str(job));
        out_int(&text, "item", r->step);
    }
    OUT(&text, "}");
    return arena_str(r->arena, buf_str(&text));
}
