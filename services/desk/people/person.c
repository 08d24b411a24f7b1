/* From a row to the shape that Zendesk's clients know. */
#include "desk/people/person.h"

#include "desk/api/out.h"
#include "documents/roles.h"

void person_read(Request *r, const PostgresRows *rows, size_t row, Person *ret) {
    const Agent *agent;
    Person *p = ret;
    *p = (Person){.id = rows_int(rows, row, 0),
                  .role = rows_str(rows, row, 1),
                  .name = rows_str(rows, row, 2),
                  .email = rows_str(rows, row, 4),
                  .phone = rows_str(rows, row, 5),
                  .organization_id = rows_int(rows, row, 6),
                  .external_id = rows_str(rows, row, 7),
                  .locale = rows_str(rows, row, 8),
                  .time_zone = rows_str(rows, row, 9),
                  .details = rows_str(rows, row, 11),
                  .notes = rows_str(rows, row, 12),
                  .suspended = rows_bool(rows, row, 13),
                  .deleted = rows_bool(rows, row, 14),
                  .requester = rows_bool(rows, row, 18)};
    p->tags_n = rows_text_array(rows, row, 10, p->tags, PERSON_TAGS_MAX);
    if (p->tags_n > PERSON_TAGS_MAX) p->tags_n = PERSON_TAGS_MAX;
    if (!rows_null(rows, row, 15)) p->last_sign_in_ms = rows_time_ms(rows, row, 15);
    if (!rows_null(rows, row, 16)) p->created_ms = rows_time_ms(rows, row, 16);
    if (!rows_null(rows, row, 17)) p->updated_ms = rows_time_ms(rows, row, 17);
    if (!rows_null(rows, row, 20)) p->email_sealed = rows_str(rows, row, 20);
    Str agent_name = rows_str(rows, row, 19);
    agent = r->catalog && agent_name.n ? catalog_agent(r->catalog, p->id) : NULL;
    p->active = !p->deleted && (p->role.n || p->requester || agent);
    if (!p->role.n) p->role = p->requester ? STR("customer") : STR("agent");
    if (!p->name.n && agent) p->name = agent->title;
    if (!p->name.n) p->name = agent_name.n ? agent_name : rows_str(rows, row, 3);
    if (!p->name.n) p->name = p->email.n ? p->email : p->phone;
}

static const char *zendesk_role(BuiltinRole like) {
    switch (like) {
    case ROLE_CUSTOMER:
        return "end-user";
    case ROLE_ADMINISTRATOR:
        return "admin";
    case ROLE_AGENT:
    case ROLE_LEAD:
    case ROLE_MANAGER:
    case ROLE_AUDITOR:
    case BUILTIN_ROLES:
        break;
    }
    return "agent";
}

void person_write(Request *r, const Person *p, Buf *b) {
    Role role = {.like = ROLE_CUSTOMER};
    (void)catalog_role(r->catalog, p->role, &role);
    const Agent *agent = r->catalog ? catalog_agent(r->catalog, p->id) : NULL;
    Str base = request_base(r);
    OUT(b, "{\"id\":");
    buf_add_i64(b, p->id);
    OUT(b, ",\"url\":");
    buf_addc(b, '"');
    buf_add_str(b, base);
    buf_printf(b, "/api/v2/users/%lld.json\"", (long long)p->id);
    out_text(b, "name", p->name);
    out_text_or_null(b, "email", p->email);
    out_time(b, "created_at", p->created_ms);
    out_time(b, "updated_at", p->updated_ms);
    out_text(b, "time_zone", p->time_zone);
    out_text(b, "iana_time_zone", p->time_zone);
    out_text_or_null(b, "phone", p->phone);
    OUT(b, ",\"shared_phone_number\":null,\"photo\":null");
    out_text(b, "locale", p->locale);
    out_id(b, "organization_id", p->organization_id);
    out_text(b, "role", str(zendesk_role(role.like)));
    out_text(b, "docket_role", p->role);
    out_id(b, "custom_role_id", role.id);
    out_bool(b, "verified", p->active);
    out_text_or_null(b, "external_id", p->external_id);
    out_texts(b, "tags", p->tags, p->tags_n);
    out_text_or_null(b, "alias", agent ? agent->name : (Str){NULL, 0});
    out_bool(b, "active", p->active);
    OUT(b, ",\"shared\":false,\"shared_agent\":false");
    out_time(b, "last_login_at", p->last_sign_in_ms);
    OUT(b, ",\"two_factor_auth_enabled\":null,\"signature\":null");
    out_text(b, "details", p->details);
    out_text(b, "notes",
             role.like == ROLE_CUSTOMER && r->subject.like == ROLE_CUSTOMER
                 ? STR("") /* what staff note of a customer is not for him */
                 : p->notes);
    out_bool(b, "suspended", p->suspended);
    out_id(b, "default_group_id", agent && agent->groups_n ? agent->groups[0] : 0);
    OUT(b, ",\"user_fields\":{}");
}

void person_write_row(Request *r, const PostgresRows *rows, size_t row, Buf *b) {
    Person p;
    person_read(r, rows, row, &p);
    person_write(r, &p, b);
    OUT(b, "}");
}

void person_write_all(Request *r, const PostgresRows *rows, Buf *b) {
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (i) OUT(b, ",");
        person_write_row(r, rows, i, b);
    }
}
