#include "analytics/radar/statements.h"

const PostgresStatement radar_tenant_statement = {
    "radar_tenant", "SELECT set_config('docket.tenants', '{' || $1::bigint::text || '}', true)"};

const PostgresStatement radar_surges_statement = {
    "radar_surges", "SELECT category, upto, fitted_to, profile, state, raging"
                    " FROM analytics.surges WHERE tenant_id = $1::bigint ORDER BY category"};

const PostgresStatement radar_first_statement = {
    "radar_first", "SELECT min(starts_at) FROM analytics.windows WHERE tenant_id = $1::bigint"};

/* Hours of the tenant's zone may begin at half past or a quarter to ours. */
const PostgresStatement radar_history_statement = {
    "radar_history",
    "SELECT w.category,"
    "  (extract(epoch FROM date_bin('1 hour', w.starts_at, $4::timestamptz)) * 1000)::bigint,"
    "  sum(w.arrived)::bigint FROM analytics.windows w"
    " WHERE w.tenant_id = $1::bigint AND w.starts_at >= $2::timestamptz"
    "  AND w.starts_at < $3::timestamptz AND w.arrived > 0 GROUP BY 1, 2 ORDER BY 1, 2"};

const PostgresStatement radar_counts_statement = {
    "radar_counts",
    "SELECT w.category, (extract(epoch FROM w.starts_at) * 1000)::bigint, w.arrived"
    " FROM analytics.windows w WHERE w.tenant_id = $1::bigint AND w.starts_at >= $2::timestamptz"
    "  AND w.starts_at < $3::timestamptz AND w.arrived > 0 ORDER BY 1, 2"};

const PostgresStatement radar_texts_statement = {
    "radar_texts",
    "SELECT t.id, t.subject, left(t.description, 4000) FROM unnest($2::bigint[]) WITH ORDINALITY"
    "  i (id, n) CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t"
    "   WHERE t.tenant_id = $1::bigint AND t.id = i.id LIMIT 1) t ORDER BY i.n"};

const PostgresStatement radar_write_statement = {
    "radar_write",
    "WITH fence AS MATERIALIZED (SELECT p.partition FROM analytics.partitions p"
    "   WHERE p.partition = $1::bigint % (SELECT count(*) FROM analytics.partitions)"
    "    AND p.owner = $2::text FOR SHARE),"
    " moved AS (INSERT INTO analytics.surges AS s"
    "   (tenant_id, category, upto, fitted_to, profile, state, raging)"
    "  SELECT $1::bigint, i.category, $4::timestamptz, $5::timestamptz, i.profile, i.state,"
    "   i.raging FROM fence, unnest($7::text[], $8::bytea[], $9::bytea[], $10::timestamptz[])"
    "    i (category, profile, state, raging)"
    "  ON CONFLICT (tenant_id, category) DO UPDATE SET upto = excluded.upto,"
    "   fitted_to = excluded.fitted_to, state = excluded.state, raging = excluded.raging,"
    "   profile = CASE WHEN $6::boolean THEN excluded.profile ELSE s.profile END"
    "   WHERE s.upto = $3::timestamptz"
    "  RETURNING s.category),"
    " all_moved AS MATERIALIZED (SELECT FROM moved HAVING count(*) = $11::bigint),"
    " recorded AS (INSERT INTO analytics.findings (tenant_id, category, began_at, found_at,"
    "   over_at, problem_id, cause_id, observed, expected, said)"
    "  SELECT $1::bigint, f.category, f.began_at, f.found_at, f.over_at, f.problem_id, f.cause_id,"
    "   f.observed, f.expected::double precision, f.said FROM all_moved,"
    "   unnest($12::text[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[],"
    "    $16::bigint[], $17::uuid[], $18::bigint[], $19::text[], $20::jsonb[])"
    "    f (category, began_at, found_at, over_at, problem_id, cause_id, observed, expected, said)"
    "  ON CONFLICT (tenant_id, category, began_at) DO NOTHING"
    "  RETURNING problem_id),"
    " told AS (INSERT INTO ticket.outbox (tenant_id, topic, key, message)"
    "  SELECT $1::bigint, 'docket.signals', m.key, m.message FROM recorded r"
    "   JOIN unnest($16::bigint[], $21::bytea[], $22::bytea[]) m (problem_id, key, message)"
    "    ON m.problem_id = r.problem_id),"
    " over AS (UPDATE analytics.findings f SET over_at = o.at FROM all_moved,"
    "   unnest($23::text[], $24::timestamptz[], $25::timestamptz[]) o (category, began_at, at)"
    "  WHERE f.tenant_id = $1::bigint AND f.category = o.category AND f.began_at = o.began_at"
    "   AND f.over_at IS NULL)"
    " SELECT (SELECT count(*) FROM all_moved), (SELECT count(*) FROM recorded)"};

static void series_params(Params *p, const RadarRound *r) {
    CLEANUP(buf_done) Buf packed = {0};
    params_array(p, PARAM_TEXT, r->series_n);
    for (size_t i = 0; i < r->series_n; i++)
        params_element_text(p, r->series[i].category);
    params_array(p, PARAM_BYTEA, r->series_n);
    for (size_t i = 0; i < r->series_n; i++) {
        buf_clear(&packed);
        if (r->fitted) watch_pack_profile(&r->series[i].watch, &packed);
        params_element_text(p, buf_str(&packed));
    }
    params_array(p, PARAM_BYTEA, r->series_n);
    for (size_t i = 0; i < r->series_n; i++) {
        buf_clear(&packed);
        surge_pack(&r->series[i].watch.surge, &packed);
        params_element_text(p, buf_str(&packed));
    }
    params_array(p, PARAM_TIME, r->series_n);
    for (size_t i = 0; i < r->series_n; i++)
        if (r->series[i].watch.began_ms)
            params_element_time_ms(p, r->series[i].watch.began_ms);
        else
            params_element_null(p);
}

static void found_params(Params *p, const RadarRound *r) {
    CLEANUP(buf_done) Buf text = {0};
#define COLUMN(type, write)                                                                        \
    params_array(p, type, r->found_n);                                                             \
    for (size_t i = 0; i < r->found_n; i++) {                                                      \
        const RadarFound *f = &r->found[i];                                                        \
        const Account *a = &f->account;                                                            \
        (void)a;                                                                                   \
        write;                                                                                     \
    }
    COLUMN(PARAM_TEXT, params_element_text(p, a->category))
    COLUMN(PARAM_TIME, params_element_time_ms(p, a->moment.began_ms))
    COLUMN(PARAM_TIME, params_element_time_ms(p, a->moment.at_ms))
    COLUMN(PARAM_TIME, if (f->over_ms) params_element_time_ms(p, f->over_ms);
           else params_element_null(p))
    COLUMN(PARAM_INT8, params_element_i64(p, f->problem_id))
    COLUMN(PARAM_UUID, params_element_uuid(p, f->cause))
    COLUMN(PARAM_INT8, params_element_i64(p, a->moment.observed))
    COLUMN(PARAM_TEXT, buf_clear(&text); buf_printf(&text, "%.17g", a->moment.expected);
           params_element_text(p, buf_str(&text)))
    COLUMN(PARAM_JSONB, params_element_text(p, a->said))
    COLUMN(PARAM_BYTEA, params_element_text(p, f->key))
    COLUMN(PARAM_BYTEA, params_element_text(p, f->message))
#undef COLUMN
}

void radar_write_params(Params *p, const RadarRound *r) {
    params_i64(p, r->tenant_id);
    params_text(p, str(r->instance));
    params_time_ms(p, r->from_ms);
    params_time_ms(p, r->upto_ms);
    params_time_ms(p, r->fitted_ms);
    params_bool(p, r->fitted);
    series_params(p, r);
    params_i64(p, (int64_t)r->series_n);
    found_params(p, r);
    params_array(p, PARAM_TEXT, r->over_n);
    for (size_t i = 0; i < r->over_n; i++)
        params_element_text(p, r->over[i].category);
    params_array(p, PARAM_TIME, r->over_n);
    for (size_t i = 0; i < r->over_n; i++)
        params_element_time_ms(p, r->over[i].began_ms);
    params_array(p, PARAM_TIME, r->over_n);
    for (size_t i = 0; i < r->over_n; i++)
        params_element_time_ms(p, r->over[i].at_ms);
}
