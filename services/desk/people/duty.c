/* On and off duty, and how many tickets at a time: one's own, and that of members of the groups one
 * reaches. The row, the router's signal, the record and the notice are one statement
 * (store/duty.h); the signal goes out with the commit. Also the heartbeat of a client that has
 * nothing to ask. */
#include "store/duty.h"
#include "base/clock.h"
#include "desk/access/access.h"
#include "desk/access/audit.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/people/presence.h"
#include "desk/tickets/changes.h"

static const PostgresStatement duty_of = {
    "desk_duty_of",
    "SELECT a.on_duty, a.capacity, a.duty_by, a.changed_at, (SELECT count(*) FROM ticket.tickets t"
    "  WHERE t.tenant_id = a.tenant_id AND t.assignee_id = a.agent_id"
    "  AND t.status IN ('assigned', 'in_progress'))"
    " FROM ticket.agents a WHERE a.tenant_id = $1::bigint AND a.agent_id = $2::bigint"};

typedef struct Duty {
    const Agent *agent;
    DutyChange change;
    Buf *key, *message;
} Duty;

/* ---- who ---- */

static bool has_group(const Reach *reach, int64_t group) {
    for (size_t i = 0; i < reach->groups_n; i++)
        if (reach->groups[i] == group) return true;
    return false;
}

static bool reaches(const Subject *who, const Agent *agent) {
    if (who->reach.requested_only) return false;
    if (who->reach.all_groups) return true;
    for (size_t i = 0; i < agent->groups_n; i++)
        if (has_group(&who->reach, agent->groups[i])) return true;
    return false;
}

/* NULL, having answered: 404 for nobody and for who is not reached, 403 for what is not allowed. */
static const Agent *whom(Request *r, int64_t id) {
    const Subject *who = &r->subject;
    const Agent *agent = id && r->catalog ? catalog_agent(r->catalog, id) : NULL;
    bool own = id == who->user_id;
    const char *reason;
    if (!agent || (!own && !reaches(who, agent))) {
        answer_not_found(r);
        return NULL;
    }
    if (rights_decide(who, own ? RIGHT_DUTY_OWN : RIGHT_DUTY_OTHERS, NULL, &reason) != RIGHTS_YES) {
        answer_forbidden(r, reason);
        return NULL;
    }
    return agent;
}

/* ---- what is ---- */

static void on_duty_read(Request *r, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    const Duty *d = r->context;
    (void)problem;
    if (!results || !rows_count(results[0])) {
        answer_not_found(r);
        return;
    }
    const PostgresRows *row = results[0];
    Buf *body = request_buf(r);
    char at[21];
    clock_format_s(rows_time_ms(row, 0, 3), at);
    buf_printf(body,
               "{\"duty\":{\"user_id\":%lld,\"on_duty\":%s,\"capacity\":%lld,\"capacity_max\":%d,"
               "\"load\":%lld,\"by\":",
               (long long)d->agent->id, rows_bool(row, 0, 0) ? "true" : "false",
               (long long)rows_int(row, 0, 1), d->agent->capacity_max,
               (long long)rows_int(row, 0, 4));
    buf_add_json(body, rows_str(row, 0, 2));
    buf_printf(body, ",\"changed_at\":\"%s\"}}", at);
    answer_json(r, 200, buf_str(body));
}

static void read_duty(Request *r) {
    const Duty *d = r->context;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, d->agent->id);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&duty_of, p}, 1, on_duty_read);
}

static void get_duty(Request *r, int64_t id) {
    Duty *d = arena_zalloc(r->arena, sizeof(*d));
    d->agent = whom(r, id);
    if (!d->agent) return;
    r->context = d;
    read_duty(r);
}

static void get_own_duty(Request *r) {
    get_duty(r, r->subject.user_id);
}

static void get_duty_of(Request *r) {
    get_duty(r, r->ids[0]);
}

/* ---- what shall be ---- */

/* False, having answered. */
static bool read_wish(Request *r, Duty *d) {
    const cJSON *body = r->body, *inner = cJSON_GetObjectItemCaseSensitive(body, "duty");
    if (cJSON_IsObject(inner)) body = inner;
    const cJSON *on = cJSON_GetObjectItemCaseSensitive(body, "on_duty");
    const cJSON *capacity = cJSON_GetObjectItemCaseSensitive(body, "capacity");
    DutyChange *c = &d->change;
    Invalid invalid;
    invalid_init(&invalid, r->arena);
    if (!on && !capacity)
        invalid_add(&invalid, "base", "BlankValue",
                    "请给出 on_duty 或 capacity Give on_duty or capacity");
    if (on && !cJSON_IsBool(on))
        invalid_add(&invalid, "on_duty", "InvalidValue", "只能是 true 或 false Send true or false");
    c->set_duty = on != NULL;
    c->on_duty = cJSON_IsTrue(on);
    c->capacity = -1;
    if (capacity) {
        double v = cJSON_IsNumber(capacity) ? capacity->valuedouble : -1;
        if (!(v >= 0 && v <= d->agent->capacity_max && v == (double)(int64_t)v))
            invalid_add(&invalid, "capacity", "InvalidValue",
                        "请填 0 到 %d 的整数（上限由配置规定） Send an integer from 0 to %d, the "
                        "bound that the documents set",
                        d->agent->capacity_max, d->agent->capacity_max);
        else
            c->capacity = (int64_t)v;
    }
    if (invalid.n) answer_invalid(r, &invalid);
    return !invalid.n;
}

static void on_changed(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    const Duty *d = r->context;
    (void)problem;
    if (!results || !rows_count(results[0])) {
        answer_not_found(r);
        return;
    }
    OutboxRow row = {.tenant_id = d->change.tenant_id,
                     .outbox_id = rows_int(results[0], 0, 4),
                     .topic = STR("docket.signals"),
                     .key = buf_str(d->key),
                     .message = buf_str(d->message)};
    if (r->desk->changes) changes_publish(r->desk->changes, &row, 1);
    read_duty(r);
}

static void put_duty(Request *r, int64_t id) {
    Duty *d = arena_zalloc(r->arena, sizeof(*d));
    d->agent = whom(r, id);
    if (!d->agent || !read_wish(r, d)) return;
    r->context = d;
    d->change.tenant_id = r->subject.tenant_id;
    d->change.agent_id = d->agent->id;
    d->change.by = "desk";
    d->change.actor = audit_actor(r);
    d->change.network = access_network(r);
    d->change.why = d->change.set_duty ? "duty" : "capacity";
    d->change.now_ms = r->now_ms;
    d->key = request_buf(r);
    d->message = request_buf(r);
    if (d->change.set_duty && d->change.on_duty) /* before anybody can miss her */
        presence_began(r->desk, r->subject.tenant_id, d->agent->id);
    Params *p = request_params(r);
    duty_params(&d->change, d->key, d->message, p);
    request_query_rows(r, 0, &(PostgresQuery){&duty_statement, p}, 1, on_changed);
}

static void put_own_duty(Request *r) {
    put_duty(r, r->subject.user_id);
}

static void put_duty_of(Request *r) {
    put_duty(r, r->ids[0]);
}

/* ---- the heartbeat ---- */

/* That it came is all: presence_heard() has it. What the desk knows of her duty goes back, so that
 * a client that was silent for too long learns of it. */
static void put_own_presence(Request *r) {
    size_t n = 0;
    const AgentDuty *duties =
        configuration_duties(r->desk->configuration, r->subject.tenant_id, &n);
    const char *on = "null";
    for (size_t i = 0; i < n; i++)
        if (duties[i].agent_id == r->subject.user_id) on = duties[i].on_duty ? "true" : "false";
    if (!r->subject.user_id) {
        answer_not_found(r);
        return;
    }
    Buf *body = request_buf(r);
    buf_printf(body, "{\"presence\":{\"user_id\":%lld,\"available\":%s,\"on_duty\":%s}}",
               (long long)r->subject.user_id, redis_connected(r->desk->redis) ? "true" : "false",
               on);
    answer_json(r, 200, buf_str(body));
}

static const Route routes[] = {
    {"GET", "/api/v2/users/me/duty", RIGHTS, 0, get_own_duty},
    {"PUT", "/api/v2/users/me/duty", RIGHTS, ROUTE_JSON, put_own_duty},
    {"GET", "/api/v2/users/{id}/duty", RIGHTS, 0, get_duty_of},
    {"PUT", "/api/v2/users/{id}/duty", RIGHTS, ROUTE_JSON, put_duty_of},
    {"PUT", "/api/v2/users/me/presence", RIGHTS, ROUTE_RAW, put_own_presence},
};
const RouteTable duty_routes = {"duty", routes, sizeof(routes) / sizeof(*routes)};
