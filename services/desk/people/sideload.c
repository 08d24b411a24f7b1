/* Groups come out of the catalog; people and organizations in one transaction, if asked for. */
#include "desk/people/sideload.h"

#include "desk/api/out.h"
#include "desk/people/group.h"
#include "desk/people/organization.h"
#include "desk/people/person.h"

static const PostgresStatement people = {
    "people_sideload", "WITH wanted (id) AS (SELECT unnest($2::bigint[]))" PERSON_SELECT};
static const PostgresStatement organizations = {
    "organizations_sideload", "SELECT " ORGANIZATION_COLUMNS " FROM access.organizations o"
                              " WHERE o.tenant_id = $1::bigint"
                              " AND o.organization_id = ANY ($2::bigint[]) ORDER BY 1"};

typedef struct Loading {
    Buf *body;
    void (*done)(Request *r);
    void *context;            /* the handler's own, put back before `done` */
    int users, organizations; /* which result is whose; -1: not asked for */
} Loading;

/* Each once, nobody left out. In the arena. */
static Params *ids_params(Request *r, const int64_t *ids, size_t n) {
    int64_t *each = arena_alloc(r->arena, (n + 1) * sizeof(*each));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = ids[i] == 0;
        for (size_t k = 0; k < kept && !seen; k++)
            seen = each[k] == ids[i];
        if (!seen) each[kept++] = ids[i];
    }
    if (!kept) return NULL;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_array(p, PARAM_INT8, kept);
    for (size_t i = 0; i < kept; i++)
        params_element_i64(p, each[i]);
    return p;
}

static bool seen_before(const int64_t *ids, size_t before, int64_t id) {
    for (size_t i = 0; i < before; i++)
        if (ids[i] == id) return true;
    return false;
}

static void add_groups(Request *r, const Sideload *what, Buf *body) {
    bool first = true;
    OUT(body, ",\"groups\":[");
    for (size_t i = 0; r->catalog && i < what->groups_n; i++) {
        const Group *g = catalog_group(r->catalog, what->groups[i]);
        if (!g || seen_before(what->groups, i, g->id)) continue;
        if (!first) OUT(body, ",");
        first = false;
        group_write(r, g, body);
    }
    OUT(body, "]");
}

static void on_loaded(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Loading *l = r->context;
    (void)problem; /* numbers are never refused */
    if (l->users >= 0) {
        OUT(l->body, ",\"users\":[");
        if (results) person_write_all(r, results[l->users], l->body);
        OUT(l->body, "]");
    }
    if (l->organizations >= 0) {
        OUT(l->body, ",\"organizations\":[");
        if (results) organization_write_all(r, results[l->organizations], l->body);
        OUT(l->body, "]");
    }
    r->context = l->context;
    l->done(r);
}

void sideload_add(Request *r, const Sideload *what, Buf *body, void (*done)(Request *r)) {
    Loading *l = arena_alloc(r->arena, sizeof(*l));
    *l = (Loading){body, done, r->context, -1, -1};
    PostgresQuery *queries = arena_alloc(r->arena, 2 * sizeof(*queries));
    int n = 0;
    if (request_includes(r, "groups")) add_groups(r, what, body);
    if (request_includes(r, "users")) {
        Params *p = ids_params(r, what->users, what->users_n);
        if (p) {
            queries[n] = (PostgresQuery){&people, p};
            l->users = n++;
        } else {
            OUT(body, ",\"users\":[]");
        }
    }
    if (request_includes(r, "organizations")) {
        Params *p = ids_params(r, what->organizations, what->organizations_n);
        if (p) {
            queries[n] = (PostgresQuery){&organizations, p};
            l->organizations = n++;
        } else {
            OUT(body, ",\"organizations\":[]");
        }
    }
    if (!n) {
        done(r);
        return;
    }
    r->context = l;
    request_query_rows(r, POSTGRES_READ_ONLY, queries, (size_t)n, on_loaded);
}
