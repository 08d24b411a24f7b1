/* Organizations: whom customers belong to. */
#include "desk/people/organization.h"

#include "desk/access/audit.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/api/row_page.h"
#include "desk/people/person.h"
#include "json/json.h"

enum { NAME_BYTES_MAX = 255, TEXT_BYTES_MAX = 65536, SHOW_MANY_MAX = 100, WORD_BYTES_MAX = 255 };

/* ---- shown ---- */

void organization_write(Request *r, const PostgresRows *rows, size_t row, Buf *b) {
    Str domains[ORGANIZATION_LIST_MAX], tags[ORGANIZATION_LIST_MAX], base = request_base(r);
    size_t domains_n = rows_text_array(rows, row, 3, domains, ORGANIZATION_LIST_MAX);
    size_t tags_n = rows_text_array(rows, row, 4, tags, ORGANIZATION_LIST_MAX);
    int64_t id = rows_int(rows, row, 0);
    OUT(b, "{\"id\":");
    buf_add_i64(b, id);
    OUT(b, ",\"url\":\"");
    buf_add_str(b, base);
    buf_printf(b, "/api/v2/organizations/%lld.json\"", (long long)id);
    out_text(b, "name", rows_str(rows, row, 1));
    out_text_or_null(b, "external_id", rows_str(rows, row, 2));
    out_texts(b, "domain_names", domains,
              domains_n < ORGANIZATION_LIST_MAX ? domains_n : ORGANIZATION_LIST_MAX);
    out_texts(b, "tags", tags, tags_n < ORGANIZATION_LIST_MAX ? tags_n : ORGANIZATION_LIST_MAX);
    out_text(b, "details", rows_str(rows, row, 5));
    out_text(b, "notes", rows_str(rows, row, 6));
    out_time(b, "created_at", rows_time_ms(rows, row, 7));
    out_time(b, "updated_at", rows_time_ms(rows, row, 8));
    OUT(b, ",\"group_id\":null,\"shared_tickets\":false,\"shared_comments\":false,"
           "\"organization_fields\":{},\"deleted_at\":null}");
}

void organization_write_all(Request *r, const PostgresRows *rows, Buf *b) {
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (i) OUT(b, ",");
        organization_write(r, rows, i, b);
    }
}

#define SELECT                                                                                     \
    "SELECT " ORGANIZATION_COLUMNS " FROM access.organizations o"                                  \
    " WHERE o.tenant_id = $1::bigint"
static const PostgresStatement by_ids = {"organizations_by_ids", SELECT
                                         " AND o.organization_id = ANY ($2::bigint[]) ORDER BY 1"};
static const PostgresStatement list_up = {"organizations_up",
                                          SELECT " AND o.organization_id > $2::bigint ORDER BY 1"
                                                 " LIMIT $3::bigint OFFSET $4::bigint"};
static const PostgresStatement list_down = {"organizations_down", SELECT
                                            " AND o.organization_id < $2::bigint ORDER BY 1 DESC"
                                            " LIMIT $3::bigint OFFSET $4::bigint"};
static const PostgresStatement by_name = {"organizations_by_name",
                                          SELECT " AND starts_with(lower(o.name), lower($2::text))"
                                                 " ORDER BY o.name LIMIT 100"};
static const PostgresStatement by_word = {"organizations_by_word", SELECT
                                          " AND (($2::text <> '' AND o.external_id = $2::text) OR"
                                          " ($3::text <> '' AND o.name = $3::text)) ORDER BY 1"};

static void answer_one(Request *r, int status, const PostgresRows *rows) {
    CLEANUP(buf_done) Buf body = {0};
    OUT(&body, "{\"organization\":");
    organization_write(r, rows, 0, &body);
    OUT(&body, "}");
    if (status == 201)
        answer_created(r,
                       str(arena_printf(r->arena, "/api/v2/organizations/%lld.json",
                                        (long long)rows_int(rows, 0, 0))),
                       buf_str(&body));
    else
        answer_json(r, status, buf_str(&body));
}

static void on_one(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    if (problem || rows_count(results[0]) == 0)
        answer_not_found(r);
    else
        answer_one(r, 200, results[0]);
}

static void on_all(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    row_page_all(r, "organizations", problem ? NULL : results[0], organization_write);
}

static void ask(Request *r, const PostgresStatement *statement, const Params *p, RequestRows done) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){statement, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, done);
}

static Params *ids_params(Request *r, const int64_t *ids, size_t n) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, ids[i]);
    return p;
}

static void handle_one(Request *r) {
    ask(r, &by_ids, ids_params(r, r->ids, 1), on_one);
}

static void handle_many(Request *r) {
    int64_t *ids;
    size_t n;
    if (request_query_ids(r, "ids", SHOW_MANY_MAX, &ids, &n))
        ask(r, &by_ids, ids_params(r, ids, n), on_all);
}

static void handle_list(Request *r) {
    static const char *const sorts[] = {"id", "-id", "created_at", NULL};
    static const RowPage page = {"organizations", sorts, &list_up, &list_down, organization_write};
    const Params *p = row_page_params(r, &page);
    if (p) row_page_run(r, &page, p);
}

static void handle_autocomplete(Request *r) {
    Str name = request_query(r, "name");
    if (!name.n) {
        answer_bad_request(r, "name", "is missing", "send how it begins");
        return;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_text(p, name);
    ask(r, &by_name, p, on_all);
}

static void handle_search(Request *r) {
    Str external = request_query(r, "external_id"), name = request_query(r, "name");
    if (!external.n && !name.n) {
        answer_bad_request(r, "external_id", "is missing", "send external_id or name");
        return;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_text(p, external);
    params_text(p, name);
    ask(r, &by_word, p, on_all);
}

/* ---- its people ---- */

static const PostgresStatement users = {
    "organization_users",
    "WITH wanted (id) AS (SELECT user_id FROM access.users WHERE tenant_id = $1::bigint"
    " AND organization_id = $5::bigint AND deleted_at IS NULL AND user_id > $2::bigint"
    " ORDER BY user_id LIMIT $3::bigint OFFSET $4::bigint)" PERSON_SELECT};

static void handle_users(Request *r) {
    static const char *const sorts[] = {"id", NULL};
    static const RowPage page = {"users", sorts, &users, NULL, person_write_row};
    Params *p = row_page_params(r, &page);
    if (!p) return;
    params_i64(p, r->ids[0]);
    row_page_run(r, &page, p);
}

/* ---- changed ---- */

/* NULL parameters leave what stands. */
#define SETS                                                                                       \
    " name = coalesce($3::text, o.name), external_id = CASE WHEN $4::text IS NULL THEN"            \
    " o.external_id ELSE nullif($4::text, '') END, domains = coalesce($5::text[], o.domains),"     \
    " tags = coalesce($6::text[], o.tags), details = coalesce($7::text, o.details),"               \
    " notes = coalesce($8::text, o.notes), version = o.version + 1, updated_at = now()"
static const PostgresStatement create = {
    "organization_create",
    "INSERT INTO access.organizations AS o (tenant_id, organization_id, name, external_id, domains,"
    " tags, details, notes) SELECT $1::bigint, CASE WHEN $2::bigint = 0 THEN"
    " nextval('config.entity_ids') ELSE $2::bigint END, $3::text, nullif($4::text, ''),"
    " coalesce($5::text[], '{}'), coalesce($6::text[], '{}'), coalesce($7::text, ''),"
    " coalesce($8::text, '') RETURNING " ORGANIZATION_COLUMNS};
static const PostgresStatement update = {
    "organization_update", "UPDATE access.organizations o SET" SETS
                           " WHERE o.tenant_id = $1::bigint AND o.organization_id = $2::bigint"
                           " RETURNING " ORGANIZATION_COLUMNS};
static const PostgresStatement create_or_update = {
    "organization_create_or_update",
    "INSERT INTO access.organizations AS o (tenant_id, name, external_id, domains, tags, details,"
    " notes) SELECT $1::bigint, $3::text, nullif($4::text, ''), coalesce($5::text[], '{}'),"
    " coalesce($6::text[], '{}'), coalesce($7::text, ''), coalesce($8::text, '')"
    " WHERE $2::bigint = 0"
    " ON CONFLICT (tenant_id, name) DO UPDATE SET" SETS " RETURNING " ORGANIZATION_COLUMNS};
static const PostgresStatement delete = {
    "organization_delete", "DELETE FROM access.organizations WHERE tenant_id = $1::bigint"
                           " AND organization_id = $2::bigint RETURNING organization_id"};

static void add_text(Params *p, const cJSON *o, const char *key, size_t most, Invalid *v) {
    Str text = {NULL, 0};
    int there = json_get_string(o, key, &text);
    if (there < 0)
        invalid_add(v, key, "InvalidValue", "须为文字 Must be a text");
    else if (text.n > most)
        invalid_add(v, key, "TooLong", "过长 At most %zu bytes", most);
    if (there == 1)
        params_text(p, text);
    else
        params_null(p);
}

static void add_words(Params *p, const cJSON *o, const char *key, Invalid *v) {
    const cJSON *list = NULL, *item;
    int there = json_get_array(o, key, &list);
    if (there == 0) {
        params_null(p);
        return;
    }
    int n = there < 0 ? -1 : cJSON_GetArraySize(list);
    bool good = n >= 0 && n <= ORGANIZATION_LIST_MAX;
    Str word;
    if (good) cJSON_ArrayForEach(item, list) {
            good = good && json_as_string(item, &word) == 1 && word.n && word.n <= WORD_BYTES_MAX;
        }
    if (!good) {
        invalid_add(v, key, "InvalidValue", "须为至多 %d 个词 Must be a list of at most %d words",
                    ORGANIZATION_LIST_MAX, ORGANIZATION_LIST_MAX);
        params_null(p);
        return;
    }
    params_array(p, PARAM_TEXT, (size_t)n);
    cJSON_ArrayForEach(item, list) {
        (void)json_as_string(item, &word);
        params_element_text(p, word);
    }
}

/* NULL, having answered. */
static Params *read_organization(Request *r, bool needs_name) {
    const cJSON *o = NULL;
    Str name = {NULL, 0};
    Invalid v;
    invalid_init(&v, r->arena);
    if (json_get_object(r->body, "organization", &o) < 1) {
        answer_bad_request(r, "organization", "is missing", "send {\"organization\":{...}}");
        return NULL;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    add_text(p, o, "name", NAME_BYTES_MAX, &v);
    if (json_get_string(o, "name", &name) == (needs_name ? 0 : 1) && !name.n)
        invalid_add(&v, "name", "BlankValue", "名称不能为空 The name may not be empty");
    add_text(p, o, "external_id", NAME_BYTES_MAX, &v);
    add_words(p, o, "domain_names", &v);
    add_words(p, o, "tags", &v);
    add_text(p, o, "details", TEXT_BYTES_MAX, &v);
    add_text(p, o, "notes", TEXT_BYTES_MAX, &v);
    if (!v.n) return p;
    answer_invalid(r, &v);
    return NULL;
}

static void on_written(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    const int *status = r->context;
    if (problem) {
        Invalid v;
        invalid_init(&v, r->arena);
        if (strcmp(problem->state, "23505") == 0)
            invalid_add(&v, strstr(problem->text, "external_id") ? "external_id" : "name",
                        "DuplicateValue", "已被使用 Is taken already");
        else
            invalid_add(&v, "base", "InvalidValue", "无法保存 Cannot be stored");
        answer_invalid(r, &v);
    } else if (rows_count(results[0]) == 0) {
        answer_not_found(r);
    } else {
        answer_one(r, *status, results[0]);
    }
}

static void write(Request *r, const PostgresStatement *statement, Params *p, int status) {
    int *kept = arena_alloc(r->arena, sizeof(*kept));
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    if (!p) return;
    *kept = status;
    r->context = kept;
    queries[0] = (PostgresQuery){statement, p};
    queries[1] = audit_query(r, status == 201 ? "organization_created" : "organization_changed",
                             audit_target(r, "organization", r->ids[0]), (Str){NULL, 0});
    request_query_rows(r, 0, queries, 2, on_written);
}

static void handle_create(Request *r) {
    write(r, &create, read_organization(r, true), 201);
}

static void handle_update(Request *r) {
    write(r, &update, read_organization(r, false), 200);
}

static void handle_create_or_update(Request *r) {
    write(r, &create_or_update, read_organization(r, true), 200);
}

static void on_deleted(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    if (problem || rows_count(results[0]) == 0)
        answer_not_found(r);
    else
        answer_no_content(r);
}

static void handle_delete(Request *r) {
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    queries[0] = (PostgresQuery){&delete, p};
    queries[1] = audit_query(r, "organization_deleted", audit_target(r, "organization", r->ids[0]),
                             (Str){NULL, 0});
    request_query_rows(r, 0, queries, 2, on_deleted);
}

#define BASE "/api/v2/organizations"
static const Route routes[] = {
    {"GET", BASE, RIGHT_USERS_READ, 0, handle_list},
    {"POST", BASE, RIGHT_USERS_MANAGE, ROUTE_JSON, handle_create},
    {"GET", BASE "/show_many", RIGHT_USERS_READ, 0, handle_many},
    {"GET", BASE "/autocomplete", RIGHT_USERS_READ, 0, handle_autocomplete},
    {"GET", BASE "/search", RIGHT_USERS_READ, 0, handle_search},
    {"POST", BASE "/create_or_update", RIGHT_USERS_MANAGE, ROUTE_JSON, handle_create_or_update},
    {"GET", BASE "/{id}", RIGHT_USERS_READ, 0, handle_one},
    {"PUT", BASE "/{id}", RIGHT_USERS_MANAGE, ROUTE_JSON, handle_update},
    {"DELETE", BASE "/{id}", RIGHT_USERS_MANAGE, 0, handle_delete},
    {"GET", BASE "/{id}/users", RIGHT_USERS_READ, 0, handle_users},
};
const RouteTable organization_routes = {"organizations", routes, sizeof(routes) / sizeof(*routes)};
