#include "notifier/telling/statements.h"

const PostgresStatement telling_tenants_statement = {
    "telling_tenants", "SELECT set_config('docket.tenants', ($1::bigint[])::text, true),"
                       " set_config('enable_seqscan', 'off', true),"
                       " set_config('enable_hashjoin', 'off', true),"
                       " set_config('enable_mergejoin', 'off', true)"};

const PostgresStatement telling_ledger_statement = {
    "telling_ledger",
    "SELECT i.n::bigint - 1, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor,"
    "  l.at, l.revision, l.trace, l.payload - 'comment' - 'personal'"
    " FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) WITH ORDINALITY i (tenant_id, id, seq,"
    "  n) CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l WHERE l.tenant_id = i.tenant_id"
    "   AND l.ticket_id = i.id AND l.seq < i.seq ORDER BY l.seq LIMIT 10000) l"
    " ORDER BY i.n, l.seq"};

LedgerRow telling_ledger_row(const PostgresRows *rows, size_t row) {
    LedgerRow r = {.tenant_id = rows_int(rows, row, 1),
                   .ticket_id = rows_int(rows, row, 2),
                   .seq = (int32_t)rows_int(rows, row, 3),
                   .cause = rows_uuid(rows, row, 4),
                   .step = (int32_t)rows_int(rows, row, 5),
                   .actor = rows_str(rows, row, 7),
                   .at_ms = rows_time_ms(rows, row, 8),
                   .revision = rows_int(rows, row, 9),
                   .payload = rows_str(rows, row, 11)};
    if (ledger_kind_parse(rows_str(rows, row, 6), &r.kind) < 0) r.kind = LEDGER_KINDS;
    return r;
}

const PostgresStatement telling_staff_statement = {
    "telling_staff",
    "SELECT tenant_id, user_id, role, name, email_sealed IS NOT NULL FROM access.users"
    " WHERE tenant_id = ANY ($1::bigint[]) AND user_id < 1000000000000 AND NOT suspended"
    "  AND deleted_at IS NULL ORDER BY 1, 2"};

const PostgresStatement telling_requesters_statement = {
    "telling_requesters",
    "SELECT r.tenant_id, r.id, coalesce((SELECT f->>'masked' FROM jsonb_array_elements(r.personal)"
    "   f WHERE f->>'field' = 'name' LIMIT 1), ''),"
    "  EXISTS (SELECT FROM jsonb_array_elements(r.personal) f WHERE f->>'field' = 'email'),"
    "  EXISTS (SELECT FROM jsonb_array_elements(r.personal) f WHERE f->>'field' = 'phone')"
    " FROM unnest($1::bigint[], $2::bigint[]) i (tenant_id, id)"
    " CROSS JOIN LATERAL (SELECT r.tenant_id, r.id, r.personal FROM ticket.requesters r"
    "  WHERE r.tenant_id = i.tenant_id AND r.id = i.id LIMIT 1) r"};

/* ---- Writing ---- */

const PostgresStatement telling_count_statement = {
    "telling_count",
    "SELECT notify.count_storms($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[],"
    " $5::bigint[], $6::boolean[], $7::bigint * interval '1 millisecond', $8::integer)"};

void telling_count_params(Params *p, const StormCount *counts, size_t n, int64_t window_ms,
                          int64_t alone) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, counts[i].tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, counts[i].ticket_id);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(p, counts[i].category);
    params_array(p, PARAM_TIME, n);
    for (size_t i = 0; i < n; i++)
        params_element_time_ms(p, counts[i].starts_ms);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, counts[i].group_id);
    params_array(p, PARAM_BOOL, n);
    for (size_t i = 0; i < n; i++)
        params_element_bool(p, counts[i].urgent);
    params_i64(p, window_ms);
    params_i32(p, (int32_t)alone);
}

/* An event that was told under other documents stays as it was told then; a ticket of a storm is
 * told of with it; who does not want to be told is not. */
const PostgresStatement telling_write_statement = {
    "telling_write",
    "INSERT INTO notify.deliveries (tenant_id, cause, notification, recipient, way, ticket_id, seq,"
    "  revision, urgent, destination, said, fold, due, expires, state, reason, ended_at)"
    " SELECT d.tenant_id, d.cause, d.notification, d.recipient, d.way, nullif(d.ticket_id, 0),"
    "  nullif(d.seq, 0), d.revision, d.urgent, d.destination, d.said, nullif(d.fold, ''), d.due,"
    "  d.expires, CASE WHEN d.dropped = '' THEN 'waiting' ELSE 'dropped' END,"
    "  nullif(d.dropped, ''), CASE WHEN d.dropped <> '' THEN now() END"
    " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],"
    "  $7::integer[], $8::bigint[], $9::boolean[], $10::text[], $11::jsonb[], $12::text[],"
    "  $13::timestamptz[], $14::timestamptz[], $15::text[], $16::boolean[], $17::timestamptz[])"
    "  WITH ORDINALITY d (tenant_id, cause, notification, recipient, way, ticket_id, seq, revision,"
    "   urgent, destination, said, fold, due, expires, dropped, in_storm, at, n)"
    " WHERE (SELECT 1 FROM notify.deliveries x WHERE x.tenant_id = d.tenant_id"
    "   AND x.cause = d.cause AND x.revision <> d.revision LIMIT 1) IS NULL"
    "  AND (SELECT 1 FROM notify.unsubscribed u WHERE u.tenant_id = d.tenant_id"
    "   AND u.recipient = d.recipient AND u.way = d.way AND u.notification IN ('', d.notification)"
    "   LIMIT 1) IS NULL"
    "  AND (NOT d.in_storm OR (SELECT 1 FROM notify.storm_tickets t JOIN notify.storms s"
    "    ON s.tenant_id = t.tenant_id AND s.category = t.category AND s.starts_at = t.starts_at"
    "   WHERE t.tenant_id = d.tenant_id AND t.ticket_id = d.ticket_id AND t.number > s.alone"
    "    AND d.at < s.ends_at + (s.ends_at - s.starts_at) LIMIT 1) IS NULL)"
    " ORDER BY d.n"
    " ON CONFLICT DO NOTHING"};

#define EACH(type, element, value)                                                                 \
    do {                                                                                           \
        params_array(p, (type), n);                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            element(p, (value));                                                                   \
    } while (0)

void telling_write_params(Params *p, const Notice *all, size_t n) {
    params_clear(p);
    EACH(PARAM_INT8, params_element_i64, all[i].tenant_id);
    EACH(PARAM_TEXT, params_element_text, all[i].cause);
    EACH(PARAM_TEXT, params_element_text, all[i].notification);
    EACH(PARAM_TEXT, params_element_text, all[i].recipient);
    EACH(PARAM_TEXT, params_element_text, str(notify_way_name(all[i].by)));
    EACH(PARAM_INT8, params_element_i64, all[i].ticket_id);
    EACH(PARAM_INT4, params_element_i32, all[i].seq);
    EACH(PARAM_INT8, params_element_i64, all[i].revision);
    EACH(PARAM_BOOL, params_element_bool, all[i].urgent);
    EACH(PARAM_TEXT, params_element_text, all[i].destination);
    EACH(PARAM_JSONB, params_element_text, all[i].said);
    EACH(PARAM_TEXT, params_element_text, all[i].fold);
    EACH(PARAM_TIME, params_element_time_ms, all[i].due_ms);
    EACH(PARAM_TIME, params_element_time_ms, all[i].expires_ms);
    EACH(PARAM_TEXT, params_element_text, all[i].dropped);
    EACH(PARAM_BOOL, params_element_bool, all[i].in_storm);
    EACH(PARAM_TIME, params_element_time_ms, all[i].at_ms);
}

/* ---- Storms ---- */

const PostgresStatement telling_untold_statement = {
    "telling_untold", "SELECT tenant_id, category, starts_at, ends_at, tickets, urgent, tellings"
                      " FROM notify.untold_storms($1::timestamptz, $2::integer)"};

const PostgresStatement telling_storm_groups_statement = {
    "telling_storm_groups", "SELECT group_id FROM notify.storm_tickets WHERE tenant_id = $1::bigint"
                            "  AND category = $2::text AND starts_at = $3::timestamptz"
                            " GROUP BY group_id ORDER BY count(*) DESC, group_id LIMIT 50"};

const PostgresStatement telling_storm_tickets_statement = {
    "telling_storm_tickets",
    "SELECT k.id, k.subject, k.priority, k.category FROM (SELECT t.tenant_id, t.ticket_id"
    "  FROM notify.storm_tickets t WHERE t.tenant_id = $1::bigint AND t.category = $2::text"
    "   AND t.starts_at = $3::timestamptz ORDER BY t.urgent DESC, t.number LIMIT 20) t"
    " CROSS JOIN LATERAL (SELECT k.id, k.subject, k.priority, k.category FROM ticket.tickets k"
    "  WHERE k.tenant_id = t.tenant_id AND k.id = t.ticket_id LIMIT 1) k"};

/* Of two who found the same storm one comes too late: its deliveries are the same ones. */
const PostgresStatement telling_storm_told_statement = {
    "telling_storm_told",
    "UPDATE notify.storms SET told = greatest(told, $4::integer), tellings = $5::integer + 1,"
    "  told_at = $6::timestamptz"
    " WHERE tenant_id = $1::bigint AND category = $2::text AND starts_at = $3::timestamptz"
    "  AND tellings = $5::integer"};

const PostgresStatement telling_waiting_statement = {
    "telling_waiting", "SELECT waiting, oldest_due FROM notify.waiting($1::timestamptz)"};

const PostgresStatement telling_sweep_statement = {"telling_sweep",
                                                   "SELECT notify.sweep($1::integer)"};
