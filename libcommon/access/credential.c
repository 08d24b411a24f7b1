/* A row of access.find_credential(), and whom the documents make of it. */
#include "access/credential.h"

#include <stdlib.h>

#include "documents/roles.h"

enum { SCOPES_MAX = 64 };

static const PostgresStatement find = {
    "find_credentials",
    "SELECT h.hash, f.kind, f.tenant_id, f.id, f.principal, f.scopes, f.expires_at, f.dead,"
    " f.user_id, f.role, f.source_id"
    " FROM unnest($1::bytea[]) h(hash) CROSS JOIN LATERAL access.find_credential(h.hash) f"};

static Str keep(char **at, Str s) {
    char *p = *at;
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at += s.n + 1;
    return (Str){p, s.n};
}

static void *credential_read(const PostgresRows *rows, size_t row) {
    Str scopes[SCOPES_MAX], principal = rows_str(rows, row, 4), role = rows_str(rows, row, 9);
    size_t n = rows_text_array(rows, row, 5, scopes, SCOPES_MAX);
    Credential *c = xcalloc(1, sizeof(*c) + principal.n + role.n + 2);
    char *at = c->text;
    c->session = str_is(rows_str(rows, row, 1), "session");
    c->tenant_id = rows_int(rows, row, 2);
    c->id = rows_int(rows, row, 3);
    c->principal = keep(&at, principal);
    for (size_t i = 0; i < n && i < SCOPES_MAX; i++)
        c->scopes |= rights_of_scope(scopes[i]);
    c->expires_ms = rows_null(rows, row, 6) ? 0 : rows_time_ms(rows, row, 6);
    c->dead = rows_bool(rows, row, 7);
    c->user_id = rows_int(rows, row, 8);
    c->role = keep(&at, role);
    c->source_id = rows_int(rows, row, 10);
    return c;
}

static bool credential_good(const void *value, int64_t wall_ms) {
    const Credential *c = value;
    return !c->dead && (!c->expires_ms || wall_ms < c->expires_ms);
}

const SecretsKind credential_kind = {&find, credential_read, free, credential_good};

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool credential_subject(const Credential *c, const Catalog *catalog, Arena *arena, Subject *ret,
                        Str *ret_role) {
    Subject who = {.tenant_id = c->tenant_id, .user_id = c->user_id, .like = ROLE_AGENT};
    if (c->source_id) { /* a system: no person, and nobody's superior */
        who.rights = c->scopes & rights_builtin(ROLE_MANAGER);
        who.reach = rights_builtin_reach(ROLE_MANAGER, NULL, 0);
        *ret = who;
        *ret_role = STR("source");
        return true;
    }
    const Agent *agent = catalog && c->user_id ? catalog_agent(catalog, c->user_id) : NULL;
    if (!c->role.n && !agent) return false;
    Str name = c->role.n ? arena_str(arena, c->role) : STR("agent");
    int64_t *groups = NULL;
    size_t groups_n = agent ? agent->groups_n : 0;
    if (groups_n) {
        groups = arena_alloc(arena, groups_n * sizeof(*groups));
        memcpy(groups, agent->groups, groups_n * sizeof(*groups));
        qsort(groups, groups_n, sizeof(*groups), by_number);
    }
    Role role;
    if (catalog_role(catalog, name, &role)) {
        who.like = role.like;
        who.rights = role.rights & c->scopes;
        who.reach = role_reach(&role, groups, groups_n, arena);
    } else {
        who.like = ROLE_CUSTOMER; /* and no rights: a role that is gone opens nothing */
        who.reach.requested_only = true;
    }
    *ret = who;
    *ret_role = name;
    return true;
}
