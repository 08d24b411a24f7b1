/* The statements that make a batch of submissions tickets, in this order in one transaction,
 * READ COMMITTED: each sees what other routers committed before it began.
 *
 * Whoever has the key first holds its row until the end; the others wait in keys_statement, then
 * see the winner's row in tickets_statement. */
#include "store/new_tickets_params.h"

/* A key that is not there is claimed. One that is there stays, unless its 24 hours were over when
 * this one was accepted. before_id remembers from whom it was taken. */
const PostgresStatement keys_statement = {
    "store_new_keys",
    "INSERT INTO ticket.submission_keys AS k"
    " (tenant_id, source_id, key, ticket_id, fingerprint, created_at, before_id)"
    " SELECT i.* FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bytea[],"
    "   $6::timestamptz[], $7::bigint[]) i"
    " ON CONFLICT (tenant_id, source_id, key) DO UPDATE SET ticket_id = excluded.ticket_id,"
    "   fingerprint = excluded.fingerprint, created_at = excluded.created_at,"
    "   before_id = k.ticket_id"
    " WHERE k.created_at < excluded.created_at - interval '24 hours'"
    "    OR k.ticket_id = excluded.before_id"};

const PostgresStatement requesters_statement = {
    "store_new_requesters",
    "INSERT INTO ticket.requesters (tenant_id, contact_hash, id, personal)"
    " SELECT i.* FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::jsonb[]) i"
    " ON CONFLICT (tenant_id, contact_hash) DO NOTHING"};

/* judged: every input with its requester and what its key says.
 *   promised: it becomes a ticket. It has no key, or the key is its own; or the key belongs to
 *             another ticket, but with another body or more than 24 hours apart: then the gate has
 *             answered it all the same, and a note says so (correctness.md 4).
 *   alias_of: this id lost before; it never becomes a ticket, even when its key is long swept.
 * What is not promised becomes an alias of the key's ticket. */
const PostgresStatement tickets_statement = {
    "store_new_tickets",
    "WITH judged AS (SELECT i.*,"
    "  (SELECT r.id FROM ticket.requesters r"
    "    WHERE r.tenant_id = i.tenant_id AND r.contact_hash = i.contact_hash) AS requester_id,"
    "  (SELECT a.ticket_id FROM ticket.aliases a"
    "    WHERE a.tenant_id = i.tenant_id AND a.id = i.id) AS alias_of,"
    "  k.ticket_id AS key_ticket_id,"
    "  k.ticket_id IS NULL OR k.ticket_id = i.id OR k.fingerprint <> i.fingerprint"
    "    OR k.created_at NOT BETWEEN i.created_at - interval '24 hours'"
    "      AND i.created_at + interval '24 hours' AS promised,"
    "  CASE WHEN k.ticket_id <> i.id"
    "    THEN 'its idempotency key belongs to ticket ' || k.ticket_id"
    "    WHEN k.before_id IS NOT NULL"
    "    THEN 'its idempotency key belonged to ticket ' || k.before_id END AS key_note"
    " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],"
    "   $7::text[], $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[], $12::text[],"
    "   $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],"
    "   $20::text[], $21::text[], $22::text[], $23::text[], $24::jsonb[], $25::timestamptz[],"
    "   $26::uuid[], $27::bigint[], $28::bytea[], $29::jsonb[], $30::text[], $31::jsonb[],"
    "   $32::text[], $33::text[], $34::bytea[], $35::jsonb[])"
    "  i (tenant_id, id, status, priority, kind, category, channel, group_id, assignee_id,"
    "   contact_hash, source_id, subject, description, skills, tags, tier, region, order_ref,"
    "   product, batch, device, language, external_id, custom_fields, created_at, cause_id,"
    "   revision, trace, created, placed_kind, placed, note, key, fingerprint, personal)"
    " LEFT JOIN LATERAL (SELECT * FROM ticket.submission_keys k WHERE k.tenant_id = i.tenant_id"
    "   AND k.source_id = i.source_id AND k.key = i.key LIMIT 1) k ON true),"
    " stored AS (INSERT INTO ticket.tickets (tenant_id, id, version, status, priority, kind,"
    "   category, channel, group_id, assignee_id, requester_id, source_id, subject, description,"
    "   skills, tags, tier, region, order_ref, product, batch, device, language, external_id,"
    "   custom_fields, created_at, updated_at, followup_of)"
    "  SELECT tenant_id, id, CASE WHEN note IS NULL AND key_note IS NULL THEN 2 ELSE 3 END, status,"
    "   priority, kind, category, channel, group_id, assignee_id, requester_id, source_id, subject,"
    "   description, skills::text[], tags::text[], tier, region, order_ref, product, batch, device,"
    "   language, external_id, custom_fields, created_at, " STORE_NOW ","
    "   (created -> 'set' ->> 'followup_of')::bigint"
    "  FROM judged WHERE promised AND alias_of IS NULL"
    "  ON CONFLICT (tenant_id, id) DO NOTHING"
    "  RETURNING tenant_id, id, requester_id, version, updated_at),"
    " recorded AS (INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind,"
    "   actor, at, revision, trace, payload)"
    "  SELECT j.tenant_id, j.id, l.seq, j.cause_id, l.seq - 1, l.kind, l.actor, " STORE_NOW
    ", j.revision,"
    "   j.trace, l.payload"
    "  FROM stored s JOIN judged j ON j.tenant_id = s.tenant_id AND j.id = s.id"
    "  CROSS JOIN LATERAL (VALUES"
    "   (1, 'ticket_created', 'requester:' || s.requester_id, j.created),"
    "   (2, j.placed_kind, 'router', j.placed),"
    "   (3, 'ticket_noted', 'router', CASE WHEN s.version = 3 THEN"
    "     jsonb_build_object('note', concat_ws('; ', j.note, j.key_note)) END))"
    "   l (seq, kind, actor, payload) WHERE l.payload IS NOT NULL),"
    " sealed AS (INSERT INTO ticket.personal (tenant_id, ticket_id, fields)"
    "  SELECT j.tenant_id, j.id, j.personal FROM stored s"
    "  JOIN judged j ON j.tenant_id = s.tenant_id AND j.id = s.id WHERE j.personal IS NOT NULL),"
    " lost AS (INSERT INTO ticket.aliases (tenant_id, id, ticket_id)"
    "  SELECT j.tenant_id, j.id, coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "    WHERE a.tenant_id = j.tenant_id AND a.id = j.key_ticket_id), j.key_ticket_id)"
    "  FROM judged j WHERE NOT j.promised AND j.alias_of IS NULL AND (SELECT t.id"
    "    FROM ticket.tickets t WHERE t.tenant_id = j.tenant_id AND t.id = j.id) IS NULL"
    "  ON CONFLICT (tenant_id, id) DO NOTHING)"
    " SELECT tenant_id, id, requester_id, version, updated_at FROM stored"};

const PostgresStatement nested_statement = {"store_nested",
                                            "SELECT set_config('enable_nestloop', 'on', true)"};

const PostgresStatement moved_statement = {
    "store_new_moved",
    "WITH locked AS (SELECT i.*, t.version, greatest(" STORE_NOW ", t.updated_at) AS at"
    "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bytea[])"
    "   i (tenant_id, id, stored_as, cause_id, revision, trace)"
    "  CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t WHERE t.tenant_id = i.tenant_id"
    "   AND t.id = i.id LIMIT 1 FOR NO KEY UPDATE) t),"
    " changed AS (UPDATE ticket.tickets t SET version = l.version + 1, updated_at = l.at"
    "  FROM locked l WHERE t.tenant_id = l.tenant_id AND t.id = l.id)"
    " INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind, actor, at,"
    "   revision, trace, payload)"
    "  SELECT tenant_id, id, version + 1, cause_id, 2, 'ticket_noted', 'router', at, revision,"
    "   trace, jsonb_build_object('stored_as', stored_as, 'note',"
    "   'another submission came with this id; it is ticket ' || stored_as) FROM locked"};

const PostgresStatement find_moved_statement = {
    "store_find_moved",
    "SELECT i.n, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor, l.at,"
    "       l.revision, l.trace, l.payload, (l.payload ->> 'stored_as')::bigint"
    " FROM unnest($1::bigint[], $2::bigint[], $3::uuid[]) WITH ORDINALITY i (tenant_id, id, "
    "cause_id, n)"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l WHERE l.tenant_id = i.tenant_id"
    "   AND l.ticket_id = i.id AND l.cause_id = i.cause_id AND l.step = 2 LIMIT 1) l"
    " WHERE l.payload ->> 'stored_as' IS NOT NULL ORDER BY i.n"};

/* Several tickets may continue one: each gets the next number, in the order given. Whoever was not
 * stored, or by another cause, continues nothing. */
const PostgresStatement follows_statement = {
    "store_new_follows",
    "WITH asked AS MATERIALIZED (SELECT i.*, r.id AS source"
    "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bytea[])"
    "   WITH ORDINALITY i (tenant_id, continues, id, cause_id, revision, trace, n)"
    "  CROSS JOIN LATERAL (SELECT coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "   WHERE a.tenant_id = i.tenant_id AND a.id = i.continues), i.continues) AS id OFFSET 0) r"
    "  CROSS JOIN LATERAL (SELECT FROM ticket.ledger l WHERE l.tenant_id = i.tenant_id"
    "   AND l.ticket_id = i.id AND l.seq = 1 AND l.cause_id = i.cause_id LIMIT 1) l"
    "  WHERE r.id <> i.id),"
    " told AS MATERIALIZED (SELECT a.n, l.* FROM asked a CROSS JOIN LATERAL"
    "   (SELECT * FROM ticket.ledger l WHERE l.tenant_id = a.tenant_id AND l.ticket_id = a.source"
    "    AND l.cause_id = a.cause_id AND l.step = 3 LIMIT 1) l),"
    " held AS MATERIALIZED (SELECT a.*, t.version, greatest(" STORE_NOW ", t.updated_at) AS at"
    "  FROM asked a CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t"
    "   WHERE t.tenant_id = a.tenant_id AND t.id = a.source AND t.status <> 'deleted'"
    "    AND t.version < 8000 LIMIT 1 FOR NO KEY UPDATE) t"
    "  WHERE a.n NOT IN (SELECT n FROM told)),"
    " numbered AS (SELECT *, row_number() OVER (PARTITION BY tenant_id, source ORDER BY n)::integer"
    "   AS k FROM held),"
    " changed AS (UPDATE ticket.tickets t SET version = c.version + c.k, updated_at = c.at"
    "  FROM (SELECT tenant_id, source, version, max(k) AS k, max(at) AS at FROM numbered"
    "   GROUP BY 1, 2, 3) c WHERE t.tenant_id = c.tenant_id AND t.id = c.source),"
    " recorded AS (INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind,"
    "   actor, at, revision, trace, payload)"
    "  SELECT tenant_id, source, version + k, cause_id, 3, 'ticket_noted', 'router', at, revision,"
    "   trace, jsonb_build_object('followup_id', id, 'note', format("
    "    '工单 %s 是本工单的跟进 (ticket %s continues this one)', id, id)) FROM numbered"
    "  RETURNING *)"
    " SELECT a.n, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor, l.at,"
    "  l.revision, l.trace, l.payload FROM recorded l JOIN asked a ON a.tenant_id = l.tenant_id"
    "  AND a.cause_id = l.cause_id"
    " UNION ALL SELECT n, tenant_id, ticket_id, seq, cause_id, step, kind, actor, at,"
    "  revision, trace, payload FROM told ORDER BY 1"};
