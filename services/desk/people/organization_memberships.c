/* Who belongs to which organization, as Zendesk lists it. Here a person belongs to one at most: a
 * membership is its person's, and has her number. */
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/api/row_page.h"

/* $5 person, $6 organization; 0: any. */
#define LIST(compare, order)                                                                       \
    "SELECT u.user_id, u.organization_id, u.created_at, u.updated_at FROM access.users u"          \
    " WHERE u.tenant_id = $1::bigint AND u.organization_id IS NOT NULL AND u.deleted_at IS NULL"   \
    " AND ($5::bigint = 0 OR u.user_id = $5::bigint)"                                              \
    " AND ($6::bigint = 0 OR u.organization_id = $6::bigint) AND u.user_id " compare               \
    " $2::bigint ORDER BY u.user_id" order " LIMIT $3::bigint OFFSET $4::bigint"
static const PostgresStatement list_up = {"organization_members_up", LIST(">", "")};
static const PostgresStatement list_down = {"organization_members_down", LIST("<", " DESC")};

static void write_member(Request *r, const PostgresRows *rows, size_t row, Buf *b) {
    Str base = request_base(r);
    int64_t id = rows_int(rows, row, 0);
    OUT(b, "{\"id\":");
    buf_add_i64(b, id);
    buf_printf(b, ",\"url\":\"%.*s/api/v2/organization_memberships/%lld.json\"", STR_ARG(base),
               (long long)id);
    out_int(b, "user_id", id);
    out_int(b, "organization_id", rows_int(rows, row, 1));
    OUT(b, ",\"default\":true,\"view_tickets\":false");
    out_time(b, "created_at", rows_time_ms(rows, row, 2));
    out_time(b, "updated_at", rows_time_ms(rows, row, 3));
    OUT(b, "}");
}

static void list(Request *r, int64_t user_id, int64_t organization_id) {
    static const char *const sorts[] = {"id", "-id", NULL};
    static const RowPage page = {"organization_memberships", sorts, &list_up, &list_down,
                                 write_member};
    Params *p = row_page_params(r, &page);
    if (!p) return;
    params_i64(p, user_id);
    params_i64(p, organization_id);
    row_page_run(r, &page, p);
}

static void handle_list(Request *r) {
    int64_t user_id = 0, organization_id = 0;
    if (request_query_int(r, "user_id", 1, TICKET_ID_MAX, &user_id) &&
        request_query_int(r, "organization_id", 1, TICKET_ID_MAX, &organization_id))
        list(r, user_id, organization_id);
}

/* An id that cannot be (0) is nobody's, not everybody's. */
static void handle_of_user(Request *r) {
    list(r, r->ids[0] ? r->ids[0] : -1, 0);
}

static void handle_of_organization(Request *r) {
    list(r, 0, r->ids[0] ? r->ids[0] : -1);
}

static const PostgresStatement one = {
    "organization_member",
    "SELECT u.user_id, u.organization_id, u.created_at, u.updated_at FROM access.users u"
    " WHERE u.tenant_id = $1::bigint AND u.user_id = $2::bigint AND u.organization_id IS NOT NULL"
    " AND u.deleted_at IS NULL"};

static void on_one(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    if (problem || rows_count(results[0]) == 0) {
        answer_not_found(r);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    OUT(&body, "{\"organization_membership\":");
    write_member(r, results[0], 0, &body);
    OUT(&body, "}");
    answer_json(r, 200, buf_str(&body));
}

static void handle_one(Request *r) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&one, p}, 1, on_one);
}

static void refuse_another(Request *r) {
    Invalid v;
    invalid_init(&v, r->arena);
    invalid_add(&v, "organization_id", "InvalidValue",
                "每人只属于一个组织，请修改该用户的 organization_id (a person belongs to one "
                "organization: set organization_id of the user)");
    answer_invalid(r, &v);
}

static const Route routes[] = {
    {"GET", "/api/v2/organization_memberships", RIGHT_USERS_READ, 0, handle_list},
    {"POST", "/api/v2/organization_memberships", RIGHT_USERS_MANAGE, ROUTE_JSON, refuse_another},
    {"GET", "/api/v2/organization_memberships/{id}", RIGHT_USERS_READ, 0, handle_one},
    {"GET", "/api/v2/users/{id}/organization_memberships", RIGHT_USERS_READ, 0, handle_of_user},
    {"GET", "/api/v2/organizations/{id}/organization_memberships", RIGHT_USERS_READ, 0,
     handle_of_organization},
};
const RouteTable organization_membership_routes = {"organization_memberships", routes,
                                                   sizeof(routes) / sizeof(*routes)};
