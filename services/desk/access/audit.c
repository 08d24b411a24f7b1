/* Writing and reading access.audit. */
#include "desk/access/audit.h"

#include "desk/access/access.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/routes.h"
#include "desk/api/row_page.h"

static const PostgresStatement insert = {
    "access_audit_insert",
    "INSERT INTO access.audit (tenant_id, actor, action, target, network, detail)"
    " VALUES ($1::bigint, $2::text, $3::text, $4::text, $5::text, $6::jsonb)"};

Str audit_actor(Request *r) {
    const Subject *s = &r->subject;
    if (r->by.p) return r->by;
    if (s->user_id) return audit_target(r, "user", s->user_id);
    if (r->token_id) return audit_target(r, "token", r->token_id);
    return STR("nobody");
}

Str audit_target(Request *r, const char *kind, int64_t id) {
    return str(arena_printf(r->arena, "%s:%lld", kind, (long long)id));
}

PostgresQuery audit_query(Request *r, const char *action, Str target, Str detail) {
    Params *p = request_params(r);
    if (!detail.p) detail = STR("{}");
    if (r->by.p)
        detail =
            str(arena_printf(r->arena, "%.*s%s\"for\":\"user:%lld\"}", (int)detail.n - 1, detail.p,
                             detail.n > 2 ? "," : "", (long long)r->subject.user_id));
    params_i64(p, r->subject.tenant_id);
    params_text(p, audit_actor(r));
    params_text(p, str(action));
    params_text(p, target);
    params_text(p, access_network(r));
    params_jsonb(p, detail);
    return (PostgresQuery){&insert, p};
}

/* ---- GET /api/v2/audit_logs ---- */

#define COLUMNS                                                                                    \
    "SELECT audit_id, at, actor, action, target, network, detail FROM access.audit"                \
    " WHERE tenant_id = $1::bigint AND ($5::text = '' OR action = $5::text)"                       \
    " AND ($6::text = '' OR actor = $6::text) AND ($7::text = '' OR target = $7::text)"

/* Newest first is its only order; a cursor's position is the row's number. */
static const PostgresStatement list_down = {"access_audit_down", COLUMNS
                                            " AND audit_id < $2::bigint ORDER BY audit_id DESC"
                                            " LIMIT $3::bigint OFFSET $4::bigint"};
static const PostgresStatement list_up = {"access_audit_up",
                                          COLUMNS " AND audit_id > $2::bigint ORDER BY audit_id"
                                                  " LIMIT $3::bigint OFFSET $4::bigint"};

static int64_t number_behind(Str target) {
    Str rest;
    int64_t id = 0;
    (void)str_cut(target, ':', &rest);
    return rest.p && str_to_i64(rest, &id) == 0 ? id : 0;
}

static void write_log(Request *r, const PostgresRows *rows, size_t i, Buf *b) {
    Str base = request_base(r), target = rows_str(rows, i, 4), actor = rows_str(rows, i, 2), rest;
    int64_t id = rows_int(rows, i, 0);
    OUT(b, "{\"url\":\"");
    buf_printf(b, "%.*s/api/v2/audit_logs/%lld.json\"", STR_ARG(base), (long long)id);
    out_int(b, "id", id);
    out_text(b, "action", rows_str(rows, i, 3));
    out_text(b, "action_label", rows_str(rows, i, 3));
    out_id(b, "actor_id", str_starts(actor, STR("user:")) ? number_behind(actor) : 0);
    out_text(b, "actor", actor);
    out_id(b, "source_id", number_behind(target));
    out_text(b, "source_type", str_cut(target, ':', &rest));
    out_text(b, "ip_address", rows_str(rows, i, 5));
    OUT(b, ",\"change_description\":");
    buf_add_json(b, rows_str(rows, i, 6));
    OUT(b, ",\"detail\":");
    buf_add_str(b, rows_str(rows, i, 6));
    out_time(b, "created_at", rows_time_ms(rows, i, 1));
    OUT(b, "}");
}

static void handle_logs(Request *r) {
    static const char *const sorts[] = {"-created_at", "created_at", NULL};
    static const RowPage page = {"audit_logs", sorts, &list_up, &list_down, write_log};
    Str actor = request_query(r, "filter[actor_id]");
    Str target_type = request_query(r, "filter[source_type]");
    Str target_id = request_query(r, "filter[source_id]");
    Params *p = row_page_params(r, &page);
    if (!p) return;
    params_text(p, request_query(r, "filter[action]"));
    params_text(p, actor.n ? str(arena_printf(r->arena, "user:%.*s", STR_ARG(actor))) : actor);
    params_text(p, target_id.n
                       ? str(arena_printf(r->arena, "%.*s:%.*s",
                                          STR_ARG(target_type.n ? target_type : STR("user")),
                                          STR_ARG(target_id)))
                       : STR(""));
    row_page_run(r, &page, p);
}

static const Route routes[] = {
    {"GET", "/api/v2/audit_logs", RIGHT_AUDIT_READ, 0, handle_logs},
};
const RouteTable audit_routes = {"audit_logs", routes, sizeof(routes) / sizeof(*routes)};
