/* Reading users: one, several, all page by page, by what is known of them, and oneself. */
#include "desk/access/access.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/api/row_page.h"
#include "desk/people/person.h"
#include "documents/roles.h"
#include "vault/field.h"

enum { SHOW_MANY_MAX = 100, FOUND_MAX = 100 };

/* ---- one ---- */

static const PostgresStatement by_ids = {
    "users_by_ids", "WITH wanted (id) AS (SELECT unnest($2::bigint[]))" PERSON_SELECT};

static PostgresQuery *by_ids_query(Request *r, const int64_t *ids, size_t n) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, ids[i]);
    *query = (PostgresQuery){&by_ids, p};
    return query;
}

static void answer_user(Request *r, const Person *p) {
    CLEANUP(buf_done) Buf body = {0};
    OUT(&body, "{\"user\":");
    person_write(r, p, &body);
    OUT(&body, "}}");
    answer_json(r, 200, buf_str(&body));
}

static void on_user(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Person p;
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    person_read(r, results[0], 0, &p);
    answer_user(r, &p);
}

static void handle_user(Request *r) {
    bool own = r->subject.user_id && r->ids[0] == r->subject.user_id;
    const char *reason;
    if (!own && r->subject.like == ROLE_CUSTOMER) {
        answer_not_found(r); /* who else there is is not theirs to know */
    } else if (!own && rights_decide(&r->subject, RIGHT_USERS_READ, NULL, &reason) != RIGHTS_YES) {
        answer_forbidden(r, reason);
    } else {
        request_query_rows(r, POSTGRES_READ_ONLY, by_ids_query(r, r->ids, 1), 1, on_user);
    }
}

/* ---- oneself ---- */

/* What a page of the web needs to know of who looks at it: what she may. */
static void write_rights(Request *r, Buf *b) {
    const char *comma = "";
    OUT(b, ",\"rights\":[");
    for (unsigned i = 0; i < RIGHTS; i++) {
        if (!rights_has(&r->subject, (Right)i)) continue;
        buf_printf(b, "%s\"%s\"", comma, rights_name((Right)i));
        comma = ",";
    }
    OUT(b, "]");
    Str secret = access_cookie(r, "docket_session");
    if (r->session_id > 0 && secret.n) {
        char csrf[44];
        access_csrf(secret, csrf);
        out_text(b, "authenticity_token", str(csrf));
    }
}

static void on_me(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    Person p;
    CLEANUP(buf_done) Buf body = {0}, email = {0};
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    person_read(r, results[0], 0, &p);
    if (p.email_sealed.n && vault_unseal(r->desk->vault, r->subject.tenant_id, STR("email"),
                                         p.email_sealed, &email) == 0)
        p.email = buf_str(&email); /* her own */
    OUT(&body, "{\"user\":");
    person_write(r, &p, &body);
    write_rights(r, &body);
    OUT(&body, "}}");
    answer_json(r, 200, buf_str(&body));
}

static void handle_me(Request *r) {
    CLEANUP(buf_done) Buf body = {0};
    if (r->subject.user_id) {
        request_query_rows(r, POSTGRES_READ_ONLY, by_ids_query(r, &r->subject.user_id, 1), 1,
                           on_me);
        return;
    }
    if (!r->subject.tenant_id) { /* as Zendesk has it */
        OUT(&body, "{\"user\":{\"id\":null,\"url\":null,\"name\":\"Anonymous user\",\"email\":"
                   "\"invalid@example.com\",\"role\":\"end-user\",\"verified\":false,\"active\":"
                   "false,\"tags\":[],\"organization_id\":null,\"user_fields\":{}}}");
    } else { /* a program */
        Person p = {.role = r->role, .name = r->role, .active = true};
        p.locale = STR("zh-CN");
        p.time_zone = STR("Asia/Shanghai");
        OUT(&body, "{\"user\":");
        person_write(r, &p, &body);
        write_rights(r, &body);
        OUT(&body, "}}");
    }
    answer_json(r, 200, buf_str(&body));
}

/* ---- all of them, by number ---- */

/* Each part gives as many as a page may need, so that none is read further than that. */
#define LIST(compare, order)                                                                       \
    "WITH wanted (id) AS (SELECT id FROM ("                                                        \
    "(SELECT user_id AS id FROM access.users WHERE tenant_id = $1::bigint AND user_id " compare    \
    " $2::bigint AND ($5::text = '' OR (role = 'customer') = ($5::text = 'end-user'))"             \
    " AND deleted_at IS NULL ORDER BY user_id" order " LIMIT $3::bigint + $4::bigint) UNION "      \
    "(SELECT id FROM config.names WHERE tenant_id = $1::bigint AND kind = 'agent' AND id " compare \
    " $2::bigint AND $5::text <> 'end-user' ORDER BY id" order                                     \
    " LIMIT $3::bigint + $4::bigint) UNION "                                                       \
    "(SELECT id FROM ticket.requesters WHERE tenant_id = $1::bigint AND id " compare               \
    " $2::bigint AND $5::text IN ('', 'end-user') ORDER BY id" order                               \
    " LIMIT $3::bigint + $4::bigint)) every ORDER BY id" order                                     \
    " LIMIT $3::bigint OFFSET $4::bigint)" PERSON_SELECT
static const PostgresStatement list_up = {"users_list_up", LIST(">", "")};
static const PostgresStatement list_down = {"users_list_down", LIST("<", " DESC") " DESC"};

static void handle_list(Request *r) {
    static const char *const sorts[] = {"id", "-id", "created_at", NULL};
    static const RowPage page = {"users", sorts, &list_up, &list_down, person_write_row};
    Str role = request_query(r, "role");
    if (!role.p) role = request_query(r, "role[]");
    if (role.n && !str_is(role, "end-user") && !str_is(role, "agent") && !str_is(role, "admin")) {
        answer_bad_request(r, "role", "is none", "send end-user, agent or admin");
        return;
    }
    Params *p = row_page_params(r, &page);
    if (!p) return;
    params_text(p, role);
    row_page_run(r, &page, p);
}

/* ---- of a group: the documents say who, PostgreSQL what is known of them ---- */

#define OF_GROUP(compare, order)                                                                   \
    "WITH wanted (id) AS (SELECT w.id FROM unnest($5::bigint[]) w (id) WHERE w.id " compare        \
    " $2::bigint ORDER BY w.id" order " LIMIT $3::bigint OFFSET $4::bigint)" PERSON_SELECT
static const PostgresStatement of_group_up = {"users_of_group_up", OF_GROUP(">", "")};
static const PostgresStatement of_group_down = {"users_of_group_down",
                                                OF_GROUP("<", " DESC") " DESC"};

static void handle_users_of_group(Request *r) {
    static const char *const sorts[] = {"id", "-id", NULL};
    static const RowPage page = {"users", sorts, &of_group_up, &of_group_down, person_write_row};
    const Agent *agents;
    size_t n = r->catalog ? catalog_agents(r->catalog, &agents) : 0, found = 0;
    if (!r->catalog || !catalog_group(r->catalog, r->ids[0])) {
        answer_not_found(r);
        return;
    }
    int64_t *ids = arena_alloc(r->arena, (n + 1) * sizeof(*ids));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < agents[i].groups_n; k++)
            if (agents[i].groups[k] == r->ids[0]) ids[found++] = agents[i].id;
    Params *p = row_page_params(r, &page);
    if (!p) return;
    params_array(p, PARAM_INT8, found);
    for (size_t i = 0; i < found; i++)
        params_element_i64(p, ids[i]);
    row_page_run(r, &page, p);
}

/* ---- several, and by what is known of them ---- */

static void on_many(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    row_page_all(r, "users", problem ? NULL : results[0], person_write_row);
}

static const PostgresStatement by_external_ids = {
    "users_by_external_ids",
    "WITH wanted (id) AS (SELECT user_id FROM access.users WHERE tenant_id = $1::bigint"
    " AND external_id = ANY ($2::text[]) AND deleted_at IS NULL)" PERSON_SELECT};

static void handle_many(Request *r) {
    int64_t *ids;
    size_t n = 0;
    Str external = request_query(r, "external_ids"), rest = external;
    if (!external.p) {
        if (!request_query_ids(r, "ids", SHOW_MANY_MAX, &ids, &n)) return;
        request_query_rows(r, POSTGRES_READ_ONLY, by_ids_query(r, ids, n), 1, on_many);
        return;
    }
    Str each[SHOW_MANY_MAX];
    while (rest.p && n < SHOW_MANY_MAX)
        each[n++] = str_trim(str_cut(rest, ',', &rest));
    if (rest.p) {
        answer_bad_request(r, "external_ids", "holds too many", "send at most 100");
        return;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(p, each[i]);
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&by_external_ids, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_many);
}

/* Contact hashes of requesters are hashes of an address, else of a telephone number. */
static const PostgresStatement find = {
    "users_find",
    "WITH wanted (id) AS (SELECT id FROM ("
    " SELECT user_id AS id FROM access.users WHERE tenant_id = $1::bigint AND deleted_at IS NULL"
    "  AND (email_hash = ANY ($2::bytea[]) OR ($3::text <> '' AND external_id = $3::text))"
    " UNION SELECT user_id FROM access.users WHERE tenant_id = $1::bigint AND deleted_at IS NULL"
    "  AND $4::text <> '' AND name <> '' AND starts_with(lower(name), $4::text)"
    " UNION SELECT id FROM ticket.requesters WHERE tenant_id = $1::bigint"
    "  AND contact_hash = ANY ($2::bytea[])"
    " UNION SELECT unnest($5::bigint[])) found (id) ORDER BY id LIMIT 100)" PERSON_SELECT};

static bool name_begins(Str name, Str wanted) {
    return name.n >= wanted.n && str_eq_nocase((Str){name.p, wanted.n}, wanted);
}

/* "email:x@y.z", "external_id:7", "name:li*", "role:agent li", or bare words. */
static Str strip(Str query, Str *ret_key) {
    Str rest, key = str_cut(query, ':', &rest);
    *ret_key = (Str){NULL, 0};
    if (rest.p && (str_is(key, "email") || str_is(key, "name") || str_is(key, "external_id") ||
                   str_is(key, "phone"))) {
        *ret_key = key;
        query = rest;
    }
    query = str_trim(query);
    if (query.n > 1 && query.p[0] == '"' && query.p[query.n - 1] == '"')
        query = (Str){query.p + 1, query.n - 2};
    while (query.n && query.p[query.n - 1] == '*')
        query.n--;
    return query;
}

static void add_agents(Request *r, Str name, Params *p) {
    const Agent *agents = NULL;
    size_t n = r->catalog ? catalog_agents(r->catalog, &agents) : 0, found = 0;
    int64_t ids[FOUND_MAX];
    for (size_t i = 0; name.n && i < n && found < FOUND_MAX; i++)
        if (name_begins(agents[i].title, name) || name_begins(agents[i].name, name))
            ids[found++] = agents[i].id;
    params_array(p, PARAM_INT8, found);
    for (size_t i = 0; i < found; i++)
        params_element_i64(p, ids[i]);
}

static void handle_search(Request *r) {
    Str external = request_query(r, "external_id"), key, lower;
    Str query = strip(request_query(r, "query"), &key);
    if (!query.n && !external.n) {
        answer_bad_request(r, "query", "is missing",
                           "send an address, a number, an external_id or how a name begins");
        return;
    }
    uint8_t hashes[2][VAULT_HASH_BYTES];
    size_t hashes_n = 0;
    Vault *vault = r->desk->vault;
    int64_t tenant = r->subject.tenant_id;
    bool contact = query.n && (!key.n || str_is(key, "email") || str_is(key, "phone"));
    if (contact && field_hash(vault, tenant, FIELD_EMAIL, query, hashes[hashes_n]) == 0) hashes_n++;
    if (contact && field_hash(vault, tenant, FIELD_PHONE, query, hashes[hashes_n]) == 0) hashes_n++;
    bool by_name = query.n && (!key.n || str_is(key, "name"));
    lower = by_name ? arena_str(r->arena, query) : STR("");
    for (size_t i = 0; i < lower.n; i++)
        if (lower.p[i] >= 'A' && lower.p[i] <= 'Z') ((char *)(uintptr_t)lower.p)[i] |= 0x20;

    Params *p = request_params(r);
    params_i64(p, tenant);
    params_array(p, PARAM_BYTEA, hashes_n);
    for (size_t i = 0; i < hashes_n; i++)
        params_element_text(p, (Str){(const char *)hashes[i], VAULT_HASH_BYTES});
    params_text(p, external.n ? external : !key.n || str_is(key, "external_id") ? query : STR(""));
    params_text(p, lower);
    add_agents(r, lower, p);
    PostgresQuery *statement = arena_alloc(r->arena, sizeof(*statement));
    *statement = (PostgresQuery){&find, p};
    request_query_rows(r, POSTGRES_READ_ONLY, statement, 1, on_many);
}

/* Of staff: a name as it is typed. */
static void handle_autocomplete(Request *r) {
    Str name = request_query(r, "name");
    if (!name.n) {
        answer_bad_request(r, "name", "is missing", "send how it begins");
        return;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_array(p, PARAM_BYTEA, 0);
    params_text(p, STR(""));
    params_text(p, name);
    add_agents(r, name, p);
    PostgresQuery *statement = arena_alloc(r->arena, sizeof(*statement));
    *statement = (PostgresQuery){&find, p};
    request_query_rows(r, POSTGRES_READ_ONLY, statement, 1, on_many);
}

/* ---- the tenant's own roles ---- */

static void handle_roles(Request *r) {
    const Role *roles = NULL;
    size_t n = r->catalog ? catalog_roles(r->catalog, &roles) : 0;
    CLEANUP(buf_done) Buf body = {0};
    OUT(&body, "{\"custom_roles\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) OUT(&body, ",");
        OUT(&body, "{\"id\":");
        buf_add_i64(&body, roles[i].id);
        out_text(&body, "name", roles[i].title);
        out_text(&body, "docket_name", roles[i].name);
        out_text(&body, "based_on", str(rights_role_name(roles[i].like)));
        OUT(&body, ",\"rights\":[");
        const char *comma = "";
        for (unsigned k = 0; k < RIGHTS; k++) {
            if (!(roles[i].rights & right_bit((Right)k))) continue;
            buf_printf(&body, "%s\"%s\"", comma, rights_name((Right)k));
            comma = ",";
        }
        OUT(&body, "]}");
    }
    buf_printf(&body, "],\"next_page\":null,\"previous_page\":null,\"count\":%zu}", n);
    answer_json(r, 200, buf_str(&body));
}

static const Route routes[] = {
    {"GET", "/api/v2/users", RIGHT_USERS_READ, 0, handle_list},
    {"GET", "/api/v2/users/me", RIGHTS, ROUTE_OPEN | ROUTE_CUSTOMER, handle_me},
    {"GET", "/api/v2/users/show_many", RIGHT_USERS_READ, 0, handle_many},
    {"GET", "/api/v2/users/search", RIGHT_USERS_READ, 0, handle_search},
    {"GET", "/api/v2/users/autocomplete", RIGHT_USERS_READ, 0, handle_autocomplete},
    {"GET", "/api/v2/users/{id}", RIGHTS, ROUTE_CUSTOMER, handle_user},
    {"GET", "/api/v2/groups/{id}/users", RIGHT_USERS_READ, 0, handle_users_of_group},
    {"GET", "/api/v2/custom_roles", RIGHT_CONFIG_READ, 0, handle_roles},
};
const RouteTable user_routes = {"users", routes, sizeof(routes) / sizeof(*routes)};
