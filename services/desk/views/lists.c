/* Whose tickets: those a user asked for, those assigned to one, those of an organization. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/ticket_list.h"
#include "desk/views/index.h"

typedef struct Whose {
    Paging paging;
    IndexBy by;
    IndexPage page;
} Whose;

/* Nobody's tickets are 404, an empty list is of somebody who is there. */
static const PostgresStatement user_exists = {
    "desk_list_user",
    "SELECT EXISTS (SELECT FROM access.users u WHERE u.tenant_id = $1::bigint AND u.user_id = "
    "$2::bigint) OR EXISTS (SELECT FROM ticket.requesters q WHERE q.tenant_id = $1::bigint AND "
    "q.id = $2::bigint) OR EXISTS (SELECT FROM config.names n WHERE n.tenant_id = $1::bigint AND "
    "n.id = $2::bigint AND n.kind = 'agent')"};
static const PostgresStatement organization_exists = {
    "desk_list_organization",
    "SELECT EXISTS (SELECT FROM access.organizations o WHERE o.tenant_id = $1::bigint AND "
    "o.organization_id = $2::bigint)"};

static void on_exists(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    const Whose *w = r->context;
    if (!problem && rows_bool(results[0], 0, 0))
        ticket_list_answer(r, NULL, 0, &w->paging, false, &w->page.ends, -1);
    else
        answer_not_found(r);
}

static void on_page(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    Whose *w = r->context;
    if (!problem && (page->n || page->more || w->paging.has_position || w->paging.page > 1)) {
        ticket_list_answer(r, page->rows, page->n, &w->paging, page->more, &page->ends, -1);
        return;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    request_query_rows(
        r, POSTGRES_READ_ONLY,
        &(PostgresQuery){w->by == INDEX_ORGANIZATION ? &organization_exists : &user_exists, p}, 1,
        on_exists);
}

static void list(Request *r, IndexBy by) {
    static const char *const sorts[] = {"id", "created_at", NULL};
    Whose *w = arena_zalloc(r->arena, sizeof(*w));
    w->by = by;
    if (!paging_read(r, sorts, &w->paging)) return;
    r->context = w;
    index_list(r, &(IndexWanted){.by = by, .id = r->ids[0]}, &w->paging, on_page);
}

static void requested(Request *r) {
    list(r, INDEX_REQUESTED);
}

static void assigned(Request *r) {
    list(r, INDEX_ASSIGNED);
}

static void of_organization(Request *r) {
    list(r, INDEX_ORGANIZATION);
}

static const Route routes[] = {
    {"GET", "/api/v2/users/{id}/tickets/requested", RIGHT_TICKETS_READ, 0, requested},
    {"GET", "/api/v2/users/{id}/tickets/assigned", RIGHT_TICKETS_READ, 0, assigned},
    {"GET", "/api/v2/organizations/{id}/tickets", RIGHT_TICKETS_READ, 0, of_organization},
};
const RouteTable list_routes = {"lists", routes, sizeof(routes) / sizeof(*routes)};
