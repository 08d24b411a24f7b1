#include "store/duty.h"

#include "events/signal.h"

const PostgresStatement duty_statement = {
    "store_duty",
    "WITH before AS (SELECT a.on_duty, a.capacity FROM ticket.agents a WHERE"
    "  a.tenant_id = $1::bigint AND a.agent_id = $2::bigint"
    "  AND (NOT $9::boolean OR (a.on_duty AND a.duty_by = 'desk')) FOR UPDATE),"
    " changed AS (UPDATE ticket.agents a SET"
    "  on_duty = CASE WHEN $3::boolean THEN $4::boolean ELSE a.on_duty END,"
    "  duty_by = CASE WHEN $3::boolean THEN $8::text ELSE a.duty_by END,"
    "  capacity = CASE WHEN $5::integer >= 0 THEN $5::integer ELSE a.capacity END,"
    "  changed_at = clock_timestamp() FROM before b"
    "  WHERE a.tenant_id = $1::bigint AND a.agent_id = $2::bigint"
    "  RETURNING a.tenant_id, a.agent_id, a.on_duty, a.capacity, a.changed_at),"
    " told AS (INSERT INTO ticket.outbox (tenant_id, topic, key, message)"
    "  SELECT tenant_id, 'docket.signals', $6::bytea, $7::bytea FROM changed RETURNING outbox_id),"
    " noted AS (INSERT INTO access.audit (tenant_id, actor, action, target, network, detail)"
    "  SELECT c.tenant_id, $10::text, 'duty_changed', 'user:' || c.agent_id, $11::text,"
    "   jsonb_build_object('on_duty', c.on_duty, 'capacity', c.capacity, 'why', $12::text)"
    "  FROM changed c WHERE $10::text <> '')"
    " SELECT c.on_duty, c.capacity, b.on_duty, b.capacity, t.outbox_id, c.changed_at,"
    "  pg_notify('docket_agents', c.tenant_id || ',' || c.agent_id)::text"
    " FROM changed c, before b, told t"};

void duty_params(const DutyChange *c, Buf *key, Buf *message, Params *p) {
    Signal s = {.kind = SIGNAL_CAPACITY_CHANGED,
                .tenant_id = c->tenant_id,
                .cause = cause_new(),
                .at_ms = c->now_ms,
                .agent_id = c->agent_id,
                .why = str(c->why)};
    signal_encode(&s, message);
    signal_key(&s, key);
    params_i64(p, c->tenant_id);
    params_i64(p, c->agent_id);
    params_bool(p, c->set_duty);
    params_bool(p, c->on_duty);
    params_i32(p, (int32_t)c->capacity);
    params_bytea(p, buf_str(key));
    params_bytea(p, buf_str(message));
    params_text(p, str(c->by));
    params_bool(p, c->only_if_silent);
    params_text(p, c->actor);
    params_text(p, c->network);
    params_text(p, str(c->why));
}
