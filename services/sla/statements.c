/* LATERAL ... LIMIT: one look by its key for each ticket, whatever the planner believes of the size
 * of a table that may have grown a thousandfold since it was analysed. */
#include "sla/statements.h"

#include <stdlib.h>
#include <string.h>

const PostgresStatement sla_tenants_statement = {
    "sla_tenants", "SELECT set_config('docket.tenants', ($1::bigint[])::text, true)"};

const PostgresStatement sla_states_statement = {
    "sla_states", "SELECT i.n::bigint - 1, l.seq, l.state, l.revision"
                  " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
                  " CROSS JOIN LATERAL (SELECT l.seq, l.state, l.revision FROM sla.lives l"
                  "  WHERE l.tenant_id = i.tenant_id AND l.ticket_id = i.id LIMIT 1) l"};

const PostgresStatement sla_newer_statement = {
    "sla_newer",
    "SELECT i.n::bigint - 1, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor,"
    "  l.at, l.revision, l.trace, l.payload"
    " FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) WITH ORDINALITY i (tenant_id, id, seq,"
    "  n) CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l WHERE l.tenant_id = i.tenant_id"
    "   AND l.ticket_id = i.id AND l.seq > i.seq ORDER BY l.seq LIMIT 200) l"};

const PostgresStatement sla_revisions_statement = {
    "sla_revisions", "SELECT i.tenant_id, r.revision FROM unnest($1::bigint[]) i (tenant_id)"
                     " CROSS JOIN LATERAL (SELECT r.revision FROM config.revisions r"
                     "  WHERE r.tenant_id = i.tenant_id ORDER BY r.revision DESC LIMIT 1) r"};

const PostgresStatement sla_clock_statement = {"sla_clock", "SELECT clock_timestamp()"};

/* An epoch that is still our own goes on: nobody had the partition meanwhile. */
const PostgresStatement sla_claim_statement = {
    "sla_claim",
    "INSERT INTO sla.partitions AS p (partition, epoch, owner)"
    " SELECT w.partition, w.ours + 1, $3::text FROM unnest($1::integer[], $2::bigint[])"
    "  w (partition, ours) ORDER BY 1"
    " ON CONFLICT (partition) DO UPDATE SET owner = excluded.owner, claimed_at = now(),"
    "  epoch = CASE WHEN p.epoch = excluded.epoch - 1 THEN p.epoch ELSE p.epoch + 1 END"
    " RETURNING partition, epoch"};

const PostgresStatement sla_hold_statement = {
    "sla_hold", "SELECT p.partition FROM sla.partitions p"
                " JOIN unnest($1::integer[], $2::bigint[]) w (partition, epoch)"
                "  ON w.partition = p.partition AND w.epoch = p.epoch ORDER BY 1 FOR SHARE OF p"};

const PostgresStatement sla_look_statement = {
    "sla_look", "SELECT p.partition FROM sla.partitions p"
                " JOIN unnest($1::integer[], $2::bigint[]) w (partition, epoch)"
                "  ON w.partition = p.partition AND w.epoch = p.epoch"};

/* A row that stands at a later seq, or is over, is left as it is: an event of long ago may have
 * come again. */
const PostgresStatement sla_write_statement = {
    "sla_write",
    "INSERT INTO sla.lives AS l (tenant_id, ticket_id, partition, seq, revision, priority, next_ms,"
    "  state, over_at)"
    " SELECT d.tenant_id, d.ticket_id, d.partition, d.seq, d.revision, d.priority, d.next_ms,"
    "  d.state, CASE WHEN d.state IS NULL THEN now() END"
    " FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::bigint[],"
    "  $6::smallint[], $7::bigint[], $8::bytea[])"
    "  d (tenant_id, ticket_id, partition, seq, revision, priority, next_ms, state)"
    " WHERE d.partition = ANY (ARRAY(SELECT p.partition FROM sla.partitions p"
    "  JOIN unnest($9::integer[], $10::bigint[]) w (partition, epoch)"
    "   ON w.partition = p.partition AND w.epoch = p.epoch))"
    " ON CONFLICT (tenant_id, ticket_id) DO UPDATE SET partition = excluded.partition,"
    "  seq = excluded.seq, revision = excluded.revision, priority = excluded.priority,"
    "  next_ms = excluded.next_ms, state = excluded.state, over_at = excluded.over_at"
    " WHERE l.seq < excluded.seq OR (l.seq = excluded.seq AND l.state IS NOT NULL)"};

const PostgresStatement sla_load_statement = {
    "sla_load", "SELECT tenant_id, ticket_id, partition, seq, revision, priority, next_ms"
                " FROM sla.load_lives($1::integer[], $2::bigint, $3::bigint, $4::integer)"};

const PostgresStatement sla_open_statement = {
    "sla_open", "SELECT tenant_id, ticket_id, known"
                " FROM sla.open_tickets($1::bigint, $2::bigint, $3::integer)"};

const PostgresStatement sla_sweep_statement = {"sla_sweep", "SELECT sla.sweep_lives($1::integer)"};

/* ---- Parameters ---- */

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void sla_tenants_params(Params *p, const Story *const *stories, size_t n) {
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

void sla_states_params(Params *p, const Story *const *stories, size_t n) {
    params_clear(p);
    add_tickets(p, stories, n);
}

void sla_newer_params(Params *p, const Story *const *stories, size_t n) {
    params_clear(p);
    add_tickets(p, stories, n);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, stories[i]->known_seq);
}

LedgerRow sla_ledger_row(const PostgresRows *rows, size_t row) {
    LedgerRow l = {.tenant_id = rows_int(rows, row, 1),
                   .ticket_id = rows_int(rows, row, 2),
                   .seq = (int32_t)rows_int(rows, row, 3),
                   .cause = rows_uuid(rows, row, 4),
                   .step = (int32_t)rows_int(rows, row, 5),
                   .kind = LEDGER_KINDS,
                   .actor = rows_str(rows, row, 7),
                   .at_ms = rows_time_ms(rows, row, 8),
                   .revision = rows_int(rows, row, 9),
                   .payload = rows_str(rows, row, 11)};
    (void)ledger_kind_parse(rows_str(rows, row, 6), &l.kind);
    return l;
}

static void add_shares(Params *p, const Share *shares, size_t n) {
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, shares[i].partition);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, shares[i].epoch);
}

void sla_claim_params(Params *p, const Share *shares, size_t n, Str instance) {
    params_clear(p);
    add_shares(p, shares, n);
    params_text(p, instance);
}

void sla_hold_params(Params *p, const Share *shares, size_t n) {
    params_clear(p);
    add_shares(p, shares, n);
}

void sla_write_params(Params *p, const Story *const *stories, size_t n, const Share *shares,
                      size_t shares_n) {
    params_clear(p);
    add_tickets(p, stories, n);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, stories[i]->partition);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, stories[i]->kept.seq);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, stories[i]->kept.revision);
    params_array(p, PARAM_INT2, n);
    for (size_t i = 0; i < n; i++)
        params_element_i16(p, (int16_t)ticket_life_priority(stories[i]->life));
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        if (ticket_life_next_ms(stories[i]->life) == NEVER)
            params_element_null(p);
        else
            params_element_i64(p, ticket_life_next_ms(stories[i]->life));
    params_array(p, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++)
        if (stories[i]->kept.over)
            params_element_null(p);
        else
            params_element_text(p, stories[i]->kept.state);
    add_shares(p, shares, shares_n);
}

void sla_load_params(Params *p, const Share *shares, size_t n, int64_t tenant_id, int64_t ticket_id,
                     int32_t at_most) {
    params_clear(p);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, shares[i].partition);
    params_i64(p, tenant_id);
    params_i64(p, ticket_id);
    params_i32(p, at_most);
}
