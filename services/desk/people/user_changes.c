/* Making, changing and deleting users. What is personal is sealed before it goes anywhere; every
 * change stands in the record of access. */
#include "desk/people/user_changes.h"
#include "desk/access/access.h"
#include "desk/access/audit.h"
#include "desk/access/within.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/people/user_draft.h"
#include "documents/roles.h"
#include "vault/field.h"
#include "json/json.h"

typedef struct Change {
    UserDraft draft;
    SealedField name, email, phone; /* those that were said; freed before the answer */
    bool has_email, has_phone, has_name;
    bool updates; /* whom it finds */
    int64_t user_id;
    int status;
} Change;

static const char no_managing[] = "您的角色不能管理用户。Your role may not manage users.";
static const char beyond[] = "此人的权限超出您的权限 That person may more than you may";

static void release(Change *c) {
    field_done(&c->name);
    field_done(&c->email);
    field_done(&c->phone);
}

static void refuse(Request *r, Change *c, const char *field, const char *error, const char *why) {
    Invalid v;
    invalid_init(&v, r->arena);
    invalid_add(&v, field, error, "%s", why);
    release(c);
    answer_invalid(r, &v);
}

static bool is_customer(Request *r, Str role) {
    Role known;
    return catalog_role(r->catalog, role, &known) && known.like == ROLE_CUSTOMER;
}

/* ---- sealing ---- */

static bool seal_one(Request *r, Change *c, FieldKind kind, const char *field, Str text,
                     SealedField *ret, bool *ret_has) {
    if (!text.n) return true;
    int e = field_seal(r->desk->vault, r->subject.tenant_id, kind, text, ret);
    *ret_has = e == 0;
    if (e < 0) refuse(r, c, field, "InvalidFormat", "格式不正确 Is not of that form");
    return e == 0;
}

static bool seal(Request *r, Change *c, bool customer) {
    const UserDraft *d = &c->draft;
    return seal_one(r, c, FIELD_EMAIL, "email", d->email, &c->email, &c->has_email) &&
           (!customer ||
            (seal_one(r, c, FIELD_PHONE, "phone", d->phone, &c->phone, &c->has_phone) &&
             seal_one(r, c, FIELD_NAME, "name", d->name, &c->name, &c->has_name)));
}

static Str hash_of(const SealedField *f) {
    return (Str){(const char *)f->hash, VAULT_HASH_BYTES};
}

static Str personal_of(Request *r, const Change *c) {
    CLEANUP(buf_done) Buf list = {0};
    if (c->has_name) field_json(&c->name, &list);
    if (c->has_email) field_json(&c->email, &list);
    if (c->has_phone) field_json(&c->phone, &list);
    return str(arena_printf(r->arena, "[%.*s]", STR_ARG(buf_str(&list))));
}

/* ---- statements; the parameters of all are those of add_params() ---- */

/* $1 tenant, $2 user, $3 role, $4 name of staff, $5 masked address, $6 sealed, $7 hash,
 * $8 external id, $9 locale, $10 zone, $11 tags, $12 details, $13 notes, $14 sets organization,
 * $15 organization, $16 suspended. NULL leaves what stands. */
#define INSERT_COLUMNS                                                                             \
    "INSERT INTO access.users AS u (tenant_id, user_id, role, name, email_masked, email_sealed,"   \
    " email_hash, external_id, locale, time_zone, tags, details, notes, organization_id,"          \
    " suspended)"
#define INSERT_VALUES                                                                              \
    " coalesce($4::text, ''), coalesce($5::text, ''), $6::bytea, $7::bytea,"                       \
    " nullif($8::text, ''), coalesce($9::text, 'zh-CN'), coalesce($10::text, 'Asia/Shanghai'),"    \
    " coalesce($11::text[], '{}'), coalesce($12::text, ''), coalesce($13::text, ''),"              \
    " CASE WHEN $14::boolean THEN $15::bigint ELSE (SELECT min(o.organization_id) FROM"            \
    " access.organizations o WHERE o.tenant_id = $1::bigint AND o.domains @> ARRAY[$18::text]) "   \
    "END, coalesce($16::boolean, false)"
#define SETS                                                                                       \
    " role = coalesce($3::text, u.role), name = coalesce($4::text, u.name),"                       \
    " email_masked = coalesce($5::text, u.email_masked),"                                          \
    " email_sealed = coalesce($6::bytea, u.email_sealed),"                                         \
    " email_hash = coalesce($7::bytea, u.email_hash),"                                             \
    " external_id = CASE WHEN $8::text IS NULL THEN u.external_id ELSE nullif($8::text, '') END,"  \
    " locale = coalesce($9::text, u.locale), time_zone = coalesce($10::text, u.time_zone),"        \
    " tags = coalesce($11::text[], u.tags), details = coalesce($12::text, u.details),"             \
    " notes = coalesce($13::text, u.notes),"                                                       \
    " organization_id = CASE WHEN $14::boolean THEN $15::bigint ELSE u.organization_id END,"       \
    " suspended = coalesce($16::boolean, u.suspended), version = u.version + 1,"                   \
    " updated_at = now()"

static const PostgresStatement create_staff = {
    "user_create_staff", INSERT_COLUMNS
    " SELECT $1::bigint, CASE WHEN $2::bigint = 0 THEN nextval('config.entity_ids') ELSE "
    "$2::bigint END, $3::text," INSERT_VALUES " WHERE $17::jsonb IS NOT NULL RETURNING user_id"};
/* $7 is the contact's hash; nothing comes back when there is such a requester already. */
static const PostgresStatement create_customer = {
    "user_create_customer",
    "WITH made AS (INSERT INTO ticket.requesters (tenant_id, contact_hash, id, personal)"
    " SELECT $1::bigint, $7::bytea, nextval('ticket.requester_ids'), $17::jsonb"
    " WHERE $2::bigint = 0 ON CONFLICT (tenant_id, contact_hash) DO NOTHING RETURNING id)"
    " " INSERT_COLUMNS " SELECT $1::bigint, made.id, $3::text," INSERT_VALUES
    " FROM made RETURNING user_id"};
static const PostgresStatement update_user = {
    "user_update", INSERT_COLUMNS
    " SELECT $1::bigint, $2::bigint, coalesce($3::text, CASE WHEN EXISTS (SELECT FROM"
    " ticket.requesters q WHERE q.tenant_id = $1::bigint AND q.id = $2::bigint) THEN 'customer'"
    " ELSE 'agent' END)," INSERT_VALUES
    " WHERE $17::jsonb IS NOT NULL ON CONFLICT (tenant_id, user_id) DO UPDATE SET" SETS
    " RETURNING user_id"};
/* Those of the given fields take the place of those that were there. */
static const PostgresStatement update_personal = {
    "user_update_personal",
    "UPDATE ticket.requesters q SET personal = (SELECT coalesce(jsonb_agg(f), '[]') FROM"
    " jsonb_array_elements(q.personal) f WHERE f ->> 'field' NOT IN (SELECT n ->> 'field' FROM"
    " jsonb_array_elements($3::jsonb) n)) || $3::jsonb"
    " WHERE q.tenant_id = $1::bigint AND q.id = $2::bigint"};
static const PostgresStatement find_contact = {
    "user_find_contact",
    "SELECT id FROM (SELECT user_id AS id FROM access.users WHERE tenant_id = $1::bigint AND"
    " (email_hash = $2::bytea OR external_id = $3::text) AND deleted_at IS NULL UNION ALL SELECT"
    " id FROM ticket.requesters WHERE tenant_id = $1::bigint AND contact_hash = $2::bytea) f"
    " LIMIT 1"};
static const PostgresStatement show = {"user_show_changed",
                                       "WITH wanted (id) AS (SELECT $2::bigint)" PERSON_SELECT};
static const PostgresStatement remove_user = {
    "user_remove",
    "INSERT INTO access.users AS u (tenant_id, user_id, role, suspended, deleted_at) VALUES"
    " ($1::bigint, $2::bigint, 'customer', true, now()) ON CONFLICT (tenant_id, user_id) DO UPDATE"
    " SET name = '', email_masked = '', email_sealed = NULL, email_hash = NULL, password = NULL,"
    " external_id = NULL, details = '', notes = '', tags = '{}', organization_id = NULL,"
    " suspended = true, deleted_at = now(), updated_at = now(), version = u.version + 1"};
static const PostgresStatement remove_personal = {
    "user_remove_personal", "UPDATE ticket.requesters SET personal = '[]'"
                            " WHERE tenant_id = $1::bigint AND id = $2::bigint"};
static const PostgresStatement remove_sessions = {
    "user_remove_sessions",
    "DELETE FROM access.sessions WHERE tenant_id = $1::bigint AND user_id = $2::bigint"};
static const PostgresStatement remove_tokens = {
    "user_remove_tokens", "UPDATE access.tokens SET revoked_at = now() WHERE tenant_id = $1::bigint"
                          " AND principal = 'user:' || $2::bigint AND revoked_at IS NULL"};

static void text_or_null(Params *p, Str text) {
    if (text.p)
        params_text(p, text);
    else
        params_null(p);
}

static Params *ids(Request *r, int64_t user_id) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, user_id);
    return p;
}

static Str domain_of(Request *r, Str email) {
    Str rest = {NULL, 0};
    (void)str_cut(email, '@', &rest);
    Str domain = arena_str(r->arena, rest.p ? rest : STR(""));
    for (size_t i = 0; i < domain.n; i++)
        if (domain.p[i] >= 'A' && domain.p[i] <= 'Z') ((char *)(uintptr_t)domain.p)[i] |= 0x20;
    return domain;
}

/* `contacts`: what she signs in by, or what a customer's tickets are found by, is set too. */
static Params *add_params(Request *r, const Change *c, bool customer, bool contacts, Str role) {
    const UserDraft *d = &c->draft;
    Params *p = ids(r, c->user_id);
    bool by_mail = contacts && c->has_email;
    const SealedField *contact = by_mail ? &c->email : contacts && c->has_phone ? &c->phone : NULL;
    text_or_null(p, role);
    text_or_null(p, customer ? (Str){NULL, 0} : d->name);
    text_or_null(p, by_mail ? buf_str(&c->email.masked) : (Str){NULL, 0});
    if (by_mail)
        params_bytea(p, buf_str(&c->email.sealed));
    else
        params_null(p);
    if (contact && (by_mail || customer))
        params_bytea(p, hash_of(contact));
    else
        params_null(p);
    text_or_null(p, d->external_id);
    text_or_null(p, d->locale);
    text_or_null(p, d->time_zone);
    if (d->tags) {
        const cJSON *item;
        params_array(p, PARAM_TEXT, (size_t)cJSON_GetArraySize(d->tags));
        cJSON_ArrayForEach(item, d->tags) {
            Str word = {NULL, 0};
            (void)json_as_string(item, &word);
            params_element_text(p, word);
        }
    } else {
        params_null(p);
    }
    text_or_null(p, d->details);
    text_or_null(p, d->notes);
    params_bool(p, d->sets_organization);
    if (d->organization_id)
        params_i64(p, d->organization_id);
    else
        params_null(p);
    if (d->sets_suspended)
        params_bool(p, d->suspended);
    else
        params_null(p);
    return p;
}

/* ---- answers ---- */

static void on_shown(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Change *c = r->context;
    CLEANUP(buf_done) Buf body = {0};
    Person p;
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    person_read(r, results[0], 0, &p);
    OUT(&body, "{\"user\":");
    person_write(r, &p, &body);
    OUT(&body, "}}");
    if (c->status == 201)
        answer_created(r, str(arena_printf(r->arena, "/api/v2/users/%lld.json", (long long)p.id)),
                       buf_str(&body));
    else
        answer_json(r, c->status, buf_str(&body));
}

static void show_it(Request *r) {
    Change *c = r->context;
    release(c);
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&show, ids(r, c->user_id)};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_shown);
}

static void refuse_problem(Request *r, Change *c, const PostgresProblem *problem) {
    if (strcmp(problem->state, "23505") == 0) {
        bool external = strstr(problem->text, "external_id"), key = strstr(problem->text, "pkey");
        refuse(r, c,
               external ? "external_id"
               : key    ? "agent"
                        : "email",
               "DuplicateValue", "已被使用 Is taken already");
    } else if (strcmp(problem->state, "23503") == 0) {
        refuse(r, c, "organization_id", "InvalidValue", "没有这个组织 No such organization");
    } else {
        refuse(r, c, "base", "InvalidValue", "无法保存 Cannot be stored");
    }
}

/* ---- create ---- */

static void look_for(Request *r, Change *c);

static void on_created(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Change *c = r->context;
    if (problem && strcmp(problem->state, "23505") == 0 && c->updates) {
        look_for(r, c);
    } else if (problem) {
        refuse_problem(r, c, problem);
    } else if (rows_count(results[0]) == 0) { /* a requester of this address is there already */
        if (c->updates)
            look_for(r, c);
        else
            refuse(r, c, c->has_email ? "email" : "phone", "DuplicateValue",
                   "已被使用 Is taken already");
    } else {
        c->user_id = rows_int(results[0], 0, 0);
        c->status = 201;
        show_it(r);
    }
}

/* False, having answered. */
static bool may_write(Request *r, Change *c, bool customer) {
    bool manages = rights_has(&r->subject, RIGHT_USERS_MANAGE);
    if (manages ||
        (customer && rights_has(&r->subject, RIGHT_TICKETS_CREATE) && !c->draft.sets_suspended))
        return true;
    release(c);
    answer_forbidden(r, no_managing);
    return false;
}

static bool may_give(Request *r, Change *c, Str role) {
    Subject given;
    if (within_subject(r, c->draft.agent_id, role, &given) &&
        rights_may_give(&r->subject, given.rights, &given.reach))
        return true;
    release(c);
    answer_forbidden(r, beyond);
    return false;
}

static void create(Request *r, bool updates) {
    Change *c = arena_zalloc(r->arena, sizeof(*c));
    UserDraft *d = &c->draft;
    r->context = c;
    c->updates = updates;
    c->status = 200;
    if (!user_draft_read(r, d)) return;
    Str role = d->role.p ? d->role : d->agent_id ? STR("agent") : STR("customer");
    bool customer = is_customer(r, role);
    if (!may_write(r, c, customer) || !may_give(r, c, role) || !seal(r, c, customer)) return;
    if (customer && !c->has_email && !c->has_phone) {
        refuse(r, c, "email", "BlankValue", "须有邮箱或电话 Needs an email address or a phone");
        return;
    }
    if (!customer && !d->agent_id && !d->name.n) {
        refuse(r, c, "name", "BlankValue", "缺少姓名 The name is missing");
        return;
    }
    c->user_id = d->agent_id;
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = add_params(r, c, customer, true, role);
    params_jsonb(p, personal_of(r, c));
    params_text(p, domain_of(r, d->email));
    queries[0] = (PostgresQuery){customer ? &create_customer : &create_staff, p};
    queries[1] = audit_query(r, "user_created", STR("user:new"), user_draft_detail(r, d));
    c->user_id = 0;
    request_query_rows(r, 0, queries, 2, on_created);
}

void user_create(Request *r) {
    create(r, false);
}

static void handle_create_or_update(Request *r) {
    create(r, true);
}

/* ---- update ---- */

static void on_updated(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    (void)results;
    if (problem)
        refuse_problem(r, r->context, problem);
    else
        show_it(r);
}

static void on_present(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Change *c = r->context;
    UserDraft *d = &c->draft;
    Person p;
    if (problem || rows_count(results[0]) == 0) {
        release(c);
        answer_not_found(r);
        return;
    }
    person_read(r, results[0], 0, &p);
    bool customer = is_customer(r, p.role) || (p.requester && !d->role.p);
    if (p.deleted) {
        refuse(r, c, "base", "InvalidValue", "用户已删除 The user is deleted");
        return;
    }
    if (!may_write(r, c, customer)) return;
    if (!within_reach(r, p.id, p.role)) {
        release(c);
        answer_forbidden(r, beyond);
        return;
    }
    if (d->role.p && (is_customer(r, d->role) != customer)) {
        refuse(r, c, "role", "InvalidValue",
               "客户与员工不能互换 A customer does not become staff, nor the other way round");
        return;
    }
    if (d->role.p && !may_give(r, c, d->role)) return;
    if (!c->has_email && !c->has_phone && !c->has_name && !seal(r, c, customer)) return;
    PostgresQuery *queries = arena_alloc(r->arena, 3 * sizeof(*queries));
    size_t n = 0;
    Params *params = add_params(r, c, customer, !customer, d->role);
    params_jsonb(params, STR("[]"));
    params_text(params, STR(""));
    queries[n++] = (PostgresQuery){&update_user, params};
    if (customer && (c->has_name || c->has_email || c->has_phone)) {
        Params *personal = ids(r, p.id);
        params_jsonb(personal, personal_of(r, c));
        queries[n++] = (PostgresQuery){&update_personal, personal};
    }
    queries[n++] =
        audit_query(r, "user_changed", audit_target(r, "user", p.id), user_draft_detail(r, d));
    request_query_rows(r, 0, queries, n, on_updated);
}

static void update(Request *r, Change *c) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&show, ids(r, c->user_id)};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_present);
}

static void on_found(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Change *c = r->context;
    if (problem || rows_count(results[0]) == 0) {
        refuse(r, c, "base", "DuplicateValue", "已被使用 Is taken already");
        return;
    }
    c->user_id = rows_int(results[0], 0, 0);
    c->draft.role = (Str){NULL, 0}; /* who is there keeps what he is */
    update(r, c);
}

static void look_for(Request *r, Change *c) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    if (c->has_email || c->has_phone)
        params_bytea(p, hash_of(c->has_email ? &c->email : &c->phone));
    else
        params_null(p);
    text_or_null(p, c->draft.external_id);
    *query = (PostgresQuery){&find_contact, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_found);
}

static void handle_update(Request *r) {
    Change *c = arena_zalloc(r->arena, sizeof(*c));
    r->context = c;
    c->status = 200;
    c->user_id = r->ids[0];
    if (user_draft_read(r, &c->draft)) update(r, c);
}

/* ---- delete ---- */

static void on_to_remove(Request *r, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    Change *c = r->context;
    Person p;
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    person_read(r, results[0], 0, &p);
    if (!within_reach(r, p.id, p.role)) {
        answer_forbidden(r, beyond);
        return;
    }
    if (r->catalog && catalog_agent(r->catalog, p.id)) {
        refuse(
            r, c, "base", "InvalidValue",
            "此人在配置文档中，请先从文档移除，或停用 The documents have this agent: take her out "
            "of them first, or suspend her");
        return;
    }
    PostgresQuery *queries = arena_alloc(r->arena, 5 * sizeof(*queries));
    queries[0] = (PostgresQuery){&remove_user, ids(r, p.id)};
    queries[1] = (PostgresQuery){&remove_personal, ids(r, p.id)};
    queries[2] = (PostgresQuery){&remove_sessions, ids(r, p.id)};
    queries[3] = (PostgresQuery){&remove_tokens, ids(r, p.id)};
    queries[4] = audit_query(r, "user_deleted", audit_target(r, "user", p.id), (Str){NULL, 0});
    request_query_rows(r, 0, queries, 5, on_updated);
}

static void handle_delete(Request *r) {
    Change *c = arena_zalloc(r->arena, sizeof(*c));
    r->context = c;
    c->status = 200;
    c->user_id = r->ids[0];
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&show, ids(r, r->ids[0])};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_to_remove);
}

static const Route routes[] = {
    {"POST", "/api/v2/users", RIGHT_USERS_READ, ROUTE_JSON, user_create},
    {"POST", "/api/v2/users/create_or_update", RIGHT_USERS_READ, ROUTE_JSON,
     handle_create_or_update},
    {"PUT", "/api/v2/users/{id}", RIGHT_USERS_READ, ROUTE_JSON, handle_update},
    {"DELETE", "/api/v2/users/{id}", RIGHT_USERS_MANAGE, 0, handle_delete},
};
const RouteTable user_change_routes = {"user_changes", routes, sizeof(routes) / sizeof(*routes)};
