#include "desk/access/on_behalf.h"

#include "access/credential.h"
#include "desk/access/audit.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/desk.h"
#include "vault/field.h"

/* A user who may sign in by that address, else a requester with no account of her own. */
static const PostgresStatement find = {
    "on_behalf_find",
    "SELECT id, role FROM ("
    " SELECT 1 AS n, u.user_id AS id, u.role FROM access.users u WHERE u.tenant_id = $1::bigint"
    "  AND u.email_hash = $2::bytea AND NOT u.suspended AND u.deleted_at IS NULL"
    " UNION ALL SELECT 2, q.id, 'customer' FROM ticket.requesters q WHERE q.tenant_id = $1::bigint"
    "  AND q.contact_hash = $2::bytea AND NOT EXISTS (SELECT FROM access.users u"
    "   WHERE u.tenant_id = q.tenant_id AND u.user_id = q.id)) found ORDER BY n LIMIT 1"};

typedef struct Acting {
    void (*go_on)(Request *r);
} Acting;

static void refuse(Request *r) {
    answer_forbidden(r, "不能代此人操作 X-On-Behalf-Of: this token may not act for that person");
}

static void on_recorded(Request *r, const PostgresRows *const *results,
                        const PostgresProblem *problem) {
    Acting *a = r->context;
    (void)results;
    r->context = NULL;
    if (problem)
        answer_unavailable(r, "The record of access refuses; ask again", -1);
    else
        a->go_on(r);
}

static void on_found(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Acting *a = r->context;
    const Catalog *catalog = configuration_catalog(r->desk->configuration, r->subject.tenant_id);
    Subject person;
    Str role;
    if (problem || rows_count(results[0]) == 0) {
        refuse(r);
        return;
    }
    Credential who = {.tenant_id = r->subject.tenant_id,
                      .user_id = rows_int(results[0], 0, 0),
                      .role = rows_str(results[0], 0, 1),
                      .scopes = RIGHTS_ALL};
    if (!credential_subject(&who, catalog, r->arena, &person, &role) ||
        !rights_may_give(&r->subject, person.rights, &person.reach)) {
        refuse(r);
        return;
    }
    r->by = audit_actor(r);
    r->subject = person;
    r->role = role;
    Str method = http_method(r->exchange);
    if (str_is(method, "GET") || str_is(method, "HEAD")) {
        r->context = NULL;
        a->go_on(r);
        return;
    }
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Str what =
        str(arena_printf(r->arena, "{\"route\":\"%s %s\"}", r->route->method, r->route->path));
    *query = audit_query(r, "acted_for", audit_target(r, "user", person.user_id), what);
    request_query_rows(r, 0, query, 1, on_recorded);
}

void on_behalf(Request *r, void (*go_on)(Request *r)) {
    Str email = str_trim(http_header(r->exchange, "X-On-Behalf-Of"));
    uint8_t hash[VAULT_HASH_BYTES];
    if (!email.n) {
        go_on(r);
        return;
    }
    if (!r->token_id || !rights_has(&r->subject, RIGHT_TOKENS_MANAGE) || email.n > 255 ||
        field_hash(r->desk->vault, r->subject.tenant_id, FIELD_EMAIL, email, hash) < 0) {
        refuse(r);
        return;
    }
    Acting *a = arena_alloc(r->arena, sizeof(*a));
    a->go_on = go_on;
    r->context = a;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_bytea(p, (Str){(const char *)hash, sizeof(hash)});
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    *query = (PostgresQuery){&find, p};
    request_query_rows(r, POSTGRES_READ_ONLY, query, 1, on_found);
}
