/* The SQL of `docket apply`. */
#include "docket/apply_store.h"

#include <errno.h>

#include "base/clock.h"
#include "events/signal.h"

static int run(PostgresSession *s, const char *sql, const Params *params, const PostgresRows **ret,
               Buf *ret_problem) {
    return postgres_session_run(s, sql, params, ret, ret_problem);
}

int apply_find_tenant(PostgresSession *s, Str name, Arena *arena, ApplyTenant *ret,
                      Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    params_text(&p, name);
    const PostgresRows *rows;
    int r = run(s,
                "SELECT tenant_id, name, title FROM docket.tenants "
                "WHERE $1::text IN ('', name) ORDER BY tenant_id LIMIT 2",
                &p, &rows, ret_problem);
    if (r < 0) return r;
    if (rows_count(rows) == 1) {
        *ret = (ApplyTenant){rows_int(rows, 0, 0), arena_str(arena, rows_str(rows, 0, 1)),
                             arena_str(arena, rows_str(rows, 0, 2))};
        return 0;
    }
    if (rows_count(rows) > 1)
        buf_adds(ret_problem, "there are several tenants; say which: --tenant NAME");
    else if (name.n)
        buf_printf(ret_problem, "there is no tenant `%.*s`; make it: docket tenant create %.*s",
                   STR_ARG(name), STR_ARG(name));
    else
        buf_adds(ret_problem, "there is no tenant yet; make one: docket tenant create NAME");
    return -ENOENT;
}

int apply_begin(PostgresSession *s, int64_t tenant_id, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, tenant_id);
    int r = run(s, "BEGIN", NULL, NULL, ret_problem);
    if (r == 0)
        r = run(s,
                "SELECT pg_advisory_xact_lock(hashtextextended('docket.apply', $1::bigint)), "
                "set_config('docket.tenants', '{' || $1::bigint || '}', true)",
                &p, NULL, ret_problem);
    return r;
}

int apply_read(PostgresSession *s, int64_t tenant_id, Arena *arena, int64_t *ret_revision,
               ApplyDocuments *ret, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, tenant_id);
    const PostgresRows *rows;
    int r = run(s,
                "SELECT coalesce(max(revision), 0)::bigint FROM config.revisions "
                "WHERE tenant_id = $1::bigint",
                &p, &rows, ret_problem);
    if (r < 0) return r;
    int64_t revision = rows_int(rows, 0, 0);
    params_i64(&p, revision);
    r = run(s,
            "SELECT kind, body, source, first_line FROM config.documents "
            "WHERE tenant_id = $1::bigint AND revision = $2::bigint ORDER BY kind",
            &p, &rows, ret_problem);
    if (r < 0) return r;
    size_t n = rows_count(rows);
    *ret = (ApplyDocuments){.sources = arena_alloc(arena, n * sizeof(DocumentSource)),
                            .kinds = arena_alloc(arena, n * sizeof(Str)),
                            .n = n};
    for (size_t i = 0; i < n; i++) {
        ret->kinds[i] = arena_str(arena, rows_str(rows, i, 0));
        ret->sources[i] = (DocumentSource){.text = arena_str(arena, rows_str(rows, i, 1)),
                                           .name = arena_str(arena, rows_str(rows, i, 2)),
                                           .first_line = (long)rows_int(rows, i, 3)};
    }
    *ret_revision = revision;
    return 0;
}

int apply_count_tickets(PostgresSession *s, int64_t tenant_id, ApplyThing *things, size_t n,
                        Buf *ret_problem) {
    if (n == 0) return 0;
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, tenant_id);
    params_array(&p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&p, str(things[i].kind));
    params_array(&p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&p, things[i].name);
    const PostgresRows *rows;
    int r = run(s,
                "WITH gone AS (SELECT u.kind, u.name, u.ord, n.id FROM "
                "    unnest($2::text[], $3::text[]) WITH ORDINALITY AS u (kind, name, ord) "
                "    LEFT JOIN config.names n ON n.tenant_id = $1::bigint AND n.kind = u.kind "
                "    AND n.name = u.name) "
                "SELECT (SELECT count(*) FROM ticket.tickets t "
                "        WHERE t.tenant_id = $1::bigint "
                "        AND t.status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold') "
                "        AND CASE g.kind WHEN 'group' THEN t.group_id = g.id "
                "            WHEN 'agent' THEN t.assignee_id = g.id "
                "            WHEN 'skill' THEN g.name = ANY (t.skills) END)::bigint "
                "FROM gone g ORDER BY g.ord",
                &p, &rows, ret_problem);
    if (r < 0) return r;
    for (size_t i = 0; i < n; i++)
        things[i].open_tickets = rows_int(rows, i, 0);
    return 0;
}

int apply_find_users(PostgresSession *s, int64_t tenant_id, Arena *arena, ApplyThing *things,
                     size_t n, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    for (size_t i = 0; i < n; i++) {
        if (*things[i].kind != 'r') continue;
        const PostgresRows *rows;
        params_clear(&p);
        params_i64(&p, tenant_id);
        params_text(&p, things[i].name);
        int r = run(s,
                    "WITH has AS (SELECT coalesce(nullif(u.name, ''), (SELECT n.name FROM "
                    "config.names n WHERE n.tenant_id = u.tenant_id AND n.id = u.user_id "
                    "AND n.kind = 'agent'), nullif(u.email_masked, ''), u.user_id::text) AS who, "
                    "u.user_id AS id FROM access.users u WHERE u.tenant_id = $1::bigint "
                    "AND u.role = $2::text AND u.deleted_at IS NULL "
                    "UNION ALL SELECT 'token ' || t.token_id, t.token_id FROM access.tokens t "
                    "WHERE t.tenant_id = $1::bigint AND t.principal = 'role:' || $2::text "
                    "AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())) "
                    "SELECT (SELECT count(*) FROM has)::bigint, coalesce((SELECT string_agg(who, "
                    "', ' ORDER BY id) FROM (SELECT * FROM has ORDER BY id LIMIT 20) o), '')",
                    &p, &rows, ret_problem);
        if (r < 0) return r;
        things[i].users = rows_int(rows, 0, 0);
        things[i].who = arena_str(arena, rows_str(rows, 0, 1));
    }
    return 0;
}

/* ---- Writing ---- */

static int write_documents(PostgresSession *s, int64_t tenant_id, int64_t revision, Str by,
                           const ApplyDocuments *d, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, tenant_id);
    params_i64(&p, revision);
    params_text(&p, by);
    if (clock_is_injected()) /* else it is PostgreSQL's, as that of the ledger is */
        params_time_ms(&p, clock_wall_ms());
    else
        params_null(&p);
    int r = run(s,
                "INSERT INTO config.revisions (tenant_id, revision, applied_by, applied_at) "
                "VALUES ($1::bigint, $2::bigint, $3::text, coalesce($4::timestamptz, now()))",
                &p, NULL, ret_problem);
    for (size_t i = 0; r == 0 && i < d->n; i++) {
        params_clear(&p);
        params_i64(&p, tenant_id);
        params_i64(&p, revision);
        params_text(&p, d->kinds[i]);
        params_text(&p, d->sources[i].text);
        params_text(&p, d->sources[i].name);
        params_i32(&p, (int32_t)d->sources[i].first_line);
        r = run(s,
                "INSERT INTO config.documents (tenant_id, revision, kind, body, source, "
                "first_line) VALUES ($1::bigint, $2::bigint, $3::text, $4::text, $5::text, "
                "$6::integer)",
                &p, NULL, ret_problem);
    }
    return r;
}

/* Numbers are given out once and stay, whatever later documents say. */
int apply_write_names(PostgresSession *s, int64_t tenant_id, const Catalog *c, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    const CatalogName *names;
    size_t n = catalog_names(c, &names);
    params_i64(&p, tenant_id);
    params_array(&p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&p, str(names[i].kind));
    params_array(&p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&p, names[i].name);
    return run(s,
               "INSERT INTO config.names (tenant_id, kind, name) "
               "SELECT $1::bigint, u.kind, u.name FROM unnest($2::text[], $3::text[]) "
               "WITH ORDINALITY AS u (kind, name, ord) WHERE NOT EXISTS (SELECT FROM "
               "config.names n WHERE n.tenant_id = $1::bigint AND n.kind = u.kind AND n.name = "
               "u.name) ORDER BY u.ord",
               &p, NULL, ret_problem);
}

/* Whether the document speaks of another capacity than it did. */
static bool capacity_changed(const Catalog *before, const Agent *agent) {
    const Agent *agents;
    size_t n = before ? catalog_agents(before, &agents) : 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(agents[i].name, agent->name)) return agents[i].capacity != agent->capacity;
    return false;
}

/* Duty and capacity belong to the people once an agent is there; a document gives the first ones,
 * and a capacity again when it changes its own. */
static int write_agents(PostgresSession *s, int64_t tenant_id, const Catalog *before,
                        const Catalog *after, const PostgresRows **ret, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    const Agent *agents;
    size_t n = catalog_agents(after, &agents);
    params_i64(&p, tenant_id);
    params_array(&p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&p, agents[i].name);
    params_array(&p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(&p, agents[i].capacity);
    params_array(&p, PARAM_BOOL, n);
    for (size_t i = 0; i < n; i++)
        params_element_bool(&p, agents[i].on_duty);
    params_array(&p, PARAM_BOOL, n);
    for (size_t i = 0; i < n; i++)
        params_element_bool(&p, capacity_changed(before, &agents[i]));
    return run(s,
               "WITH said AS (SELECT n.id, u.capacity, u.on_duty, u.changed FROM "
               "    unnest($2::text[], $3::integer[], $4::boolean[], $5::boolean[]) "
               "    AS u (name, capacity, on_duty, changed) JOIN config.names n "
               "    ON n.tenant_id = $1::bigint AND n.kind = 'agent' AND n.name = u.name), "
               "gone AS (DELETE FROM ticket.agents a WHERE a.tenant_id = $1::bigint "
               "    AND NOT EXISTS (SELECT FROM said WHERE said.id = a.agent_id) "
               "    RETURNING a.agent_id), "
               "changed AS (UPDATE ticket.agents a SET capacity = said.capacity, "
               "    changed_at = now() FROM said WHERE a.tenant_id = $1::bigint "
               "    AND a.agent_id = said.id AND said.changed AND a.capacity <> said.capacity "
               "    RETURNING a.agent_id, a.on_duty), "
               "added AS (INSERT INTO ticket.agents (tenant_id, agent_id, on_duty, capacity) "
               "    SELECT $1::bigint, id, on_duty, capacity FROM said "
               "    ON CONFLICT (tenant_id, agent_id) DO NOTHING RETURNING agent_id, on_duty) "
               "SELECT agent_id, on_duty FROM changed UNION ALL SELECT agent_id, on_duty FROM "
               "added UNION ALL SELECT agent_id, false FROM gone",
               &p, ret, ret_problem);
}

/* Routers hear of the revision and of every agent; those who may have room now get a signal, so
 * that what waits for them is taken (correctness.md 21). */
static int tell(PostgresSession *s, int64_t tenant_id, int64_t revision, const int64_t *agents,
                const bool *ready, size_t n, Buf *ret_problem) {
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, tenant_id);
    params_i64(&p, revision);
    params_array(&p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(&p, agents[i]);
    int r = run(s,
                "SELECT pg_notify('docket_config', $1::bigint || ',' || $2::bigint), "
                "(SELECT count(pg_notify('docket_agents', $1::bigint || ',' || a)) FROM "
                "unnest($3::bigint[]) a)",
                &p, NULL, ret_problem);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!ready[i]) continue;
        CLEANUP(buf_done) Buf key = {0};
        CLEANUP(buf_done) Buf message = {0};
        buf_printf(&key, "%lld:%lld", (long long)tenant_id, (long long)agents[i]);
        signal_encode(&(Signal){.kind = SIGNAL_CAPACITY_CHANGED,
                                .tenant_id = tenant_id,
                                .cause = cause_new(),
                                .at_ms = clock_wall_ms(),
                                .agent_id = agents[i],
                                .why = STR("applied")},
                      &message);
        params_clear(&p);
        params_i64(&p, tenant_id);
        params_bytea(&p, buf_str(&key));
        params_bytea(&p, buf_str(&message));
        r = run(s,
                "INSERT INTO ticket.outbox (tenant_id, topic, key, message) "
                "VALUES ($1::bigint, 'docket.signals', $2::bytea, $3::bytea)",
                &p, NULL, ret_problem);
    }
    return r;
}

int apply_write(PostgresSession *s, int64_t tenant_id, int64_t revision, Str by,
                const ApplyDocuments *documents, const Catalog *before, const Catalog *after,
                int64_t *ret_agents, Buf *ret_problem) {
    int r = write_documents(s, tenant_id, revision, by, documents, ret_problem);
    if (r == 0) r = apply_write_names(s, tenant_id, after, ret_problem);
    if (r < 0) return r;
    const PostgresRows *rows;
    r = write_agents(s, tenant_id, before, after, &rows, ret_problem);
    if (r < 0) return r;
    size_t n = rows_count(rows);
    int64_t *agents = xmalloc((n + 1) * sizeof(*agents));
    bool *ready = xmalloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        agents[i] = rows_int(rows, i, 0);
        ready[i] = rows_bool(rows, i, 1);
    }
    r = tell(s, tenant_id, revision, agents, ready, n, ret_problem);
    free(agents);
    free(ready);
    if (r == 0) *ret_agents = (int64_t)n;
    return r;
}
