/* LATERAL ... LIMIT: one look by its key for each ticket, whatever the planner believes of the size
 * of a table that may have grown a thousandfold since it was analysed. */
#include "analytics/keeping/statements.h"

#include <stdlib.h>

const PostgresStatement keeping_tenants_statement = {
    "keeping_tenants", "SELECT set_config('docket.tenants', ($1::bigint[])::text, true)"};

/* An epoch that is still our own goes on: nobody had the partition meanwhile. */
const PostgresStatement keeping_claim_statement = {
    "keeping_claim",
    "INSERT INTO analytics.partitions AS p (partition, epoch, owner)"
    " SELECT w.partition, w.ours + 1, $3::text FROM unnest($1::integer[], $2::bigint[])"
    "  w (partition, ours) ORDER BY 1"
    " ON CONFLICT (partition) DO UPDATE SET owner = excluded.owner, claimed_at = now(),"
    "  epoch = CASE WHEN p.epoch = excluded.epoch - 1 THEN p.epoch ELSE p.epoch + 1 END"
    " RETURNING partition, epoch"};

const PostgresStatement keeping_partitions_statement = {
    "keeping_partitions",
    "SELECT p.partition, p.epoch, p.change, (p.filled * 1000)::bigint FROM analytics.partitions p"};

const PostgresStatement keeping_states_statement = {
    "keeping_states",
    "SELECT i.n::bigint - 1, t.seq, t.revision, t.sheet, t.life"
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT t.seq, t.revision, t.sheet, t.life FROM analytics.tickets t"
    "  WHERE t.tenant_id = i.tenant_id AND t.ticket_id = i.id LIMIT 1) t"};

const PostgresStatement keeping_revisions_statement = {
    "keeping_revisions", "SELECT i.tenant_id, r.revision FROM unnest($1::bigint[]) i (tenant_id)"
                         " CROSS JOIN LATERAL (SELECT r.revision FROM config.revisions r"
                         "  WHERE r.tenant_id = i.tenant_id ORDER BY r.revision DESC LIMIT 1) r"};

/* One statement, so that everything hangs on what it holds itself: a partition whose epoch is
 * another one by now, or in which something was kept that was not known when this was told, keeps
 * nothing. */
const PostgresStatement keeping_write_statement = {
    "keeping_write",
    "WITH held AS (UPDATE analytics.partitions p SET change = p.change + 1,"
    "  next_offset = CASE WHEN w.next_offset = 0 THEN p.next_offset ELSE w.next_offset END"
    "  FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[])"
    "   w (partition, epoch, change, next_offset)"
    "  WHERE p.partition = w.partition AND p.epoch = w.epoch AND p.change = w.change"
    "  RETURNING p.partition, p.change),"
    " tickets AS (INSERT INTO analytics.tickets AS t (tenant_id, ticket_id, partition, seq,"
    "   revision, due_ms, sheet, life)"
    "  SELECT d.tenant_id, d.ticket_id, d.partition, d.seq, d.revision, d.due_ms, d.sheet, d.life"
    "  FROM unnest($5::bigint[], $6::bigint[], $7::integer[], $8::integer[], $9::bigint[],"
    "   $10::bigint[], $11::bytea[], $12::bytea[])"
    "   d (tenant_id, ticket_id, partition, seq, revision, due_ms, sheet, life)"
    "  WHERE d.partition IN (SELECT h.partition FROM held h)"
    "  ON CONFLICT (tenant_id, ticket_id) DO UPDATE SET partition = excluded.partition,"
    "   seq = excluded.seq, revision = excluded.revision, due_ms = excluded.due_ms,"
    "   sheet = excluded.sheet, life = excluded.life WHERE t.seq <= excluded.seq"
    "  RETURNING t.tenant_id, t.ticket_id, t.partition),"
    " windows AS (INSERT INTO analytics.windows AS w (tenant_id, starts_at, category, arrived,"
    "   assigned, first_replied, replied, solved, reopened, transferred, rated_good, rated_bad,"
    "   warned, breached)"
    "  SELECT d.tenant_id, d.starts_at, d.category, sum(d.c0), sum(d.c1), sum(d.c2), sum(d.c3),"
    "   sum(d.c4), sum(d.c5), sum(d.c6), sum(d.c7), sum(d.c8), sum(d.c9), sum(d.c10)"
    "  FROM unnest($13::bigint[], $14::integer[], $15::timestamptz[], $16::text[],"
    "   $17::integer[], $18::integer[], $19::integer[], $20::integer[], $21::integer[],"
    "   $22::integer[], $23::integer[], $24::integer[], $25::integer[], $26::integer[],"
    "   $27::integer[]) d (tenant_id, partition, starts_at, category, c0, c1, c2, c3, c4, c5, c6,"
    "   c7, c8, c9, c10)"
    "  WHERE d.partition IN (SELECT h.partition FROM held h)"
    "  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    "  ON CONFLICT (tenant_id, starts_at, category) DO UPDATE SET"
    "   arrived = w.arrived + excluded.arrived, assigned = w.assigned + excluded.assigned,"
    "   first_replied = w.first_replied + excluded.first_replied,"
    "   replied = w.replied + excluded.replied, solved = w.solved + excluded.solved,"
    "   reopened = w.reopened + excluded.reopened,"
    "   transferred = w.transferred + excluded.transferred,"
    "   rated_good = w.rated_good + excluded.rated_good,"
    "   rated_bad = w.rated_bad + excluded.rated_bad, warned = w.warned + excluded.warned,"
    "   breached = w.breached + excluded.breached),"
    " changes AS (INSERT INTO analytics.changes (tenant_id, partition, change, ticket_ids)"
    "  SELECT t.tenant_id, h.partition, h.change, array_agg(t.ticket_id)"
    "  FROM held h JOIN tickets t ON t.partition = h.partition GROUP BY 1, 2, 3)"
    " SELECT h.partition FROM held h"};

/* What was kept since those documents were being applied, and told by older ones. */
const PostgresStatement keeping_recheck_statement = {
    "keeping_recheck",
    "SELECT DISTINCT t.ticket_id, t.partition FROM analytics.changes c"
    " CROSS JOIN LATERAL unnest(c.ticket_ids) x (id)"
    " JOIN analytics.tickets t ON t.tenant_id = c.tenant_id AND t.ticket_id = x.id"
    " WHERE c.tenant_id = $1::bigint AND c.at >= $2::timestamptz - interval '10 seconds'"
    "  AND t.revision < $3::bigint AND t.partition = ANY ($4::integer[])"
    " LIMIT 2000"};

const PostgresStatement keeping_look_statement = {
    "keeping_look", "SELECT tenant_id, ticket_id, lacks FROM analytics.look_through($1::bigint,"
                    "  $2::bigint, $3::integer, interval '30 seconds')"};

const PostgresStatement keeping_estimate_statement = {"keeping_estimate",
                                                      "SELECT analytics.estimated_tickets()"};

/* Whoever emptied the figures meanwhile has put it to 0. */
const PostgresStatement keeping_filled_statement = {
    "keeping_filled", "UPDATE analytics.partitions p SET filled = ($4::bigint / 1000.0)::real"
                      " FROM unnest($1::integer[], $2::bigint[]) w (partition, epoch)"
                      " WHERE p.partition = w.partition AND p.epoch = w.epoch AND p.filled < 1"
                      "  AND p.filled = ($3::bigint / 1000.0)::real"
                      " RETURNING p.partition"};

const PostgresStatement keeping_sweep_statement = {"keeping_sweep",
                                                   "SELECT analytics.sweep($1::integer)"};

/* ---- Parameters ---- */

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void keeping_tenants_params(Params *p, const Story *const *stories, size_t n) {
    CLEANUP(mem_freep) int64_t *tenants = xmalloc((n + 1) * sizeof(*tenants));
    size_t unique = 0;
    for (size_t i = 0; i < n; i++) /* runs of one tenant are the rule */
        if (!unique || tenants[unique - 1] != stories[i]->tenant_id)
            tenants[unique++] = stories[i]->tenant_id;
    qsort(tenants, unique, sizeof(*tenants), by_number);
    size_t kept = 0;
    for (size_t i = 0; i < unique; i++)
        if (!kept || tenants[kept - 1] != tenants[i]) tenants[kept++] = tenants[i];
    params_clear(p);
    params_array(p, PARAM_INT8, kept);
    for (size_t i = 0; i < kept; i++)
        params_element_i64(p, tenants[i]);
}

static void add_tickets(Params *p, const Story *const *stories, size_t n) {
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, stories[i]->tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, stories[i]->ticket_id);
}

void keeping_shares_params(Params *p, const Share *shares, size_t n) {
    params_clear(p);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, shares[i].partition);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, shares[i].epoch);
}

void keeping_states_params(Params *p, const Story *const *stories, size_t n) {
    params_clear(p);
    add_tickets(p, stories, n);
}

static void add_records(Params *p, const Story *const *stories, size_t n) {
    CLEANUP(buf_done) Buf packed = {0};
    add_tickets(p, stories, n);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, stories[i]->partition);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, stories[i]->record.sheet->seq);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++) {
        const Catalog *c = ticket_life_catalog(stories[i]->record.life);
        params_element_i64(p, c ? catalog_revision(c) : 0);
    }
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++) {
        int64_t due = ticket_life_promised_ms(stories[i]->record.life);
        if (due == NEVER)
            params_element_null(p);
        else
            params_element_i64(p, due);
    }
    params_array(p, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&packed);
        fact_sheet_pack(stories[i]->record.sheet, &packed);
        params_element_text(p, buf_str(&packed));
    }
    params_array(p, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++) {
        if (ticket_life_over(stories[i]->record.life)) {
            params_element_null(p);
            continue;
        }
        buf_clear(&packed);
        ticket_life_pack(stories[i]->record.life, &packed);
        params_element_text(p, buf_str(&packed));
    }
}

static void add_windows(Params *p, const Windows *windows) {
    const Window *all;
    size_t n = windows_all(windows, &all);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, all[i].tenant_id);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, all[i].partition);
    params_array(p, PARAM_TIME, n);
    for (size_t i = 0; i < n; i++)
        params_element_time_ms(p, all[i].starts_ms);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(p, all[i].category);
    for (int c = 0; c < WINDOW_COUNTS; c++) {
        params_array(p, PARAM_INT4, n);
        for (size_t i = 0; i < n; i++)
            params_element_i32(p, all[i].counts[c]);
    }
}

void keeping_write_params(Params *p, const Story *const *stories, size_t n, const Windows *windows,
                          const KeptPartition *partitions, size_t partitions_n) {
    params_clear(p);
    params_array(p, PARAM_INT4, partitions_n);
    for (size_t i = 0; i < partitions_n; i++)
        params_element_i32(p, partitions[i].partition);
    params_array(p, PARAM_INT8, partitions_n);
    for (size_t i = 0; i < partitions_n; i++)
        params_element_i64(p, partitions[i].epoch);
    params_array(p, PARAM_INT8, partitions_n);
    for (size_t i = 0; i < partitions_n; i++)
        params_element_i64(p, partitions[i].change);
    params_array(p, PARAM_INT8, partitions_n);
    for (size_t i = 0; i < partitions_n; i++)
        params_element_i64(p, partitions[i].next_offset);
    add_records(p, stories, n);
    add_windows(p, windows);
}
