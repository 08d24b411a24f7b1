/* The SQL of delivering.
 *
 * These statements must not go wrong where PostgreSQL knows nothing, or nothing that is true any
 * more, of how much waits: on a table that was counted while nothing waited, a join of a thousand
 * due rows with their siblings once read all that waited for each of them. So they leave no choice.
 * Connections of ours have sorts, hashes and merges switched off; what is looked up is asked for in
 * the order of the one index that is meant, which is why a last column is compared by two bounds
 * instead of by =, and why one is hidden from the others (|| ''); and what is updated is found by
 * its place (ctid), as the row that was locked or read just before. */
#include "notifier/delivering/statements.h"

const PostgresStatement delivering_fence = {
    "delivering_fence", "SELECT set_config('docket.tenants', ($1::bigint[])::text, true)"};

const PostgresStatement delivering_look = {
    "delivering_look", "SELECT tenant_id, destination, due, way, failures, open_for_ms, paused"
                       " FROM notify.waiting_destinations($1::bigint, $2::text, $3::integer)"};

/* What a claim gives back; `x` is the row before and the person, `u` the row after. */
#define CLAIMED                                                                                    \
    " RETURNING u.tenant_id, u.delivery_id, coalesce(u.ticket_id, 0), coalesce(u.seq, 0), "        \
    "u.cause,"                                                                                     \
    " u.notification, u.recipient, u.way, u.urgent, u.destination, u.said, u.fold, u.lease_no,"    \
    " u.attempts, u.expires, u.created_at, x.was_due, x.personal, x.email, x.name, x.locale,"      \
    " x.time_zone, x.tenant, u.revision"

/* Of a person what a letter needs; nobody who was suspended or deleted is told. */
#define PEOPLE                                                                                     \
    " SELECT p.*, coalesce(q.personal::text, '') AS personal,"                                     \
    " CASE WHEN s.suspended OR s.deleted_at IS NOT NULL THEN '' ELSE coalesce(s.email_sealed, '')" \
    " END AS email, coalesce(s.name, '') AS name, coalesce(s.locale, '') AS locale,"               \
    " coalesce(s.time_zone, '') AS time_zone, coalesce(nullif(t.title, ''), t.name, '') AS tenant" \
    " FROM picked p LEFT JOIN docket.tenants t ON t.tenant_id = p.tenant_id"                       \
    " LEFT JOIN LATERAL (SELECT r.personal FROM ticket.requesters r"                               \
    "   WHERE p.recipient LIKE 'requester:%' AND r.tenant_id = p.tenant_id"                        \
    "   AND r.id >= p.person AND r.id <= p.person ORDER BY r.id LIMIT 1) q ON true"                \
    " LEFT JOIN LATERAL (SELECT w.suspended, w.deleted_at, w.email_sealed, w.name, w.locale,"      \
    "   w.time_zone FROM access.users w"                                                           \
    "   WHERE p.recipient NOT LIKE 'requester:%' AND w.tenant_id = p.tenant_id"                    \
    "   AND w.user_id >= p.person AND w.user_id <= p.person ORDER BY w.user_id LIMIT 1) s ON true"

#define PERSON                                                                                     \
    " CASE WHEN d.recipient ~ '^(requester|agent|user):[0-9]{1,18}$'"                              \
    " THEN split_part(d.recipient, ':', 2)::bigint END AS person"

/* $1 tenants, $2 destinations, $3 how many, $4 pace ms, $5 now, $6 lease by, $7 lease ms.
 *
 * Not a row whose earlier sibling (same ticket, destination and recipient) is being tried or could
 * be: those that wait for the morning or for their digest's end hold nobody up. Of a digest only
 * its first row, the leader; the others are gathered. */
const PostgresStatement delivering_claim = {
    "delivering_claim",
    "WITH asked AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[])"
    "   a(tenant_id, destination, n, pace_ms)),"
    " paced AS (INSERT INTO notify.destinations AS s (tenant_id, destination, open_until)"
    "   SELECT a.tenant_id, a.destination, clock_timestamp() + a.pace_ms * interval '1 ms'"
    "   FROM asked a WHERE a.pace_ms > 0"
    "   ON CONFLICT (tenant_id, destination) DO UPDATE"
    "   SET open_until = excluded.open_until, changed_at = now()"
    "   WHERE coalesce(s.open_until <= clock_timestamp(), true) AND s.paused_at IS NULL"
    "   RETURNING s.tenant_id, s.destination),"
    " picked AS MATERIALIZED (SELECT p.* FROM asked a CROSS JOIN LATERAL ("
    "   SELECT d.ctid AS place, d.tenant_id, d.recipient, d.due AS was_due," PERSON
    "   FROM notify.deliveries d"
    "   WHERE d.tenant_id = a.tenant_id AND d.destination = a.destination AND d.state = 'waiting'"
    "   AND d.due <= $5::timestamptz"
    "   AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())"
    "   AND CASE WHEN d.fold IS NULL THEN (SELECT true FROM notify.deliveries e"
    "     WHERE e.tenant_id = d.tenant_id AND e.ticket_id = d.ticket_id"
    "     AND e.destination || '' = d.destination AND e.delivery_id < d.delivery_id"
    "     AND e.state = 'waiting' AND e.fold IS NULL AND e.recipient = d.recipient"
    "     AND (e.attempts > 0 OR e.due <= $5::timestamptz)"
    "     ORDER BY e.destination, e.delivery_id LIMIT 1)"
    "   ELSE (SELECT true FROM notify.deliveries f"
    "     WHERE f.tenant_id = d.tenant_id AND f.fold >= d.fold AND f.fold <= d.fold"
    "     AND f.delivery_id < d.delivery_id"
    "     AND f.state = 'waiting' AND f.fold IS NOT NULL AND f.notification = d.notification"
    "     AND f.recipient = d.recipient AND f.way = d.way"
    "     ORDER BY f.fold, f.delivery_id LIMIT 1) END IS NULL"
    "   ORDER BY d.due, d.delivery_id LIMIT a.n FOR UPDATE OF d SKIP LOCKED) p"
    "   WHERE a.pace_ms = 0 OR EXISTS (SELECT FROM paced"
    "     WHERE paced.tenant_id = a.tenant_id AND paced.destination = a.destination))"
    " UPDATE notify.deliveries u"
    " SET lease_by = $6::text, lease_until = clock_timestamp() + $7::integer * interval '1 ms',"
    " due = $5::timestamptz + $7::integer * interval '1 ms', lease_no = u.lease_no + 1,"
    " attempts = u.attempts + 1, doubts = u.doubts + (u.lease_by IS NOT NULL)::integer"
    " FROM (" PEOPLE ") x WHERE u.ctid = x.place" CLAIMED};

/* $1 tenants, $2 leaders, $3 now, $4 lease by, $5 lease ms. The digest is closed by the first who
 * gathers it: it gets its leader's name, and whoever comes later is another one. So each try has
 * the same rows. Gives back the leaders too. */
const PostgresStatement delivering_gather = {
    "delivering_gather",
    "WITH leaders AS (SELECT l.* FROM unnest($1::bigint[], $2::bigint[]) a(tenant_id, delivery_id)"
    "   CROSS JOIN LATERAL (SELECT d.* FROM notify.deliveries d"
    "     WHERE d.tenant_id = a.tenant_id AND d.delivery_id >= a.delivery_id"
    "     AND d.delivery_id <= a.delivery_id ORDER BY d.delivery_id LIMIT 1) l"
    "   WHERE l.state = 'waiting' AND l.lease_by = $4::text),"
    " picked AS MATERIALIZED (SELECT p.*, l.delivery_id AS leader FROM leaders l CROSS JOIN "
    "LATERAL ("
    "   SELECT d.ctid AS place, d.tenant_id, d.recipient, d.due AS was_due," PERSON
    "   FROM notify.deliveries d"
    "   WHERE d.tenant_id = l.tenant_id AND d.fold >= l.fold AND d.fold <= l.fold"
    "   AND d.delivery_id >= l.delivery_id"
    "   AND d.notification = l.notification AND d.recipient = l.recipient AND d.way = l.way"
    "   AND d.state = 'waiting'"
    "   ORDER BY d.fold, d.delivery_id LIMIT 1000 FOR UPDATE OF d) p)"
    " UPDATE notify.deliveries u"
    " SET lease_by = $4::text, lease_until = clock_timestamp() + $5::integer * interval '1 ms',"
    " due = $3::timestamptz + $5::integer * interval '1 ms', lease_no = u.lease_no + 1,"
    " attempts = u.attempts + (u.delivery_id <> x.leader)::integer,"
    " doubts = u.doubts + (u.lease_by IS NOT NULL AND u.delivery_id <> x.leader)::integer,"
    " fold = CASE WHEN u.fold LIKE '%/' || x.leader THEN u.fold ELSE u.fold || '/' || x.leader END"
    " FROM (" PEOPLE ") x WHERE u.ctid = x.place" CLAIMED ", x.leader"};

/* $1 tenants, $2 destinations, $3 now: what has become too old while nothing was sent there. */
const PostgresStatement delivering_expire = {
    "delivering_expire",
    "UPDATE notify.deliveries u SET state = 'dropped', ended_at = now(), lease_no = u.lease_no + 1,"
    " lease_by = NULL, lease_until = NULL,"
    " reason = 'given up after ' || u.attempts || ' tries: ' || coalesce(u.reason, 'its "
    "destination was left alone')"
    " FROM (SELECT p.* FROM unnest($1::bigint[], $2::text[]) a(tenant_id, destination)"
    "   CROSS JOIN LATERAL (SELECT d.ctid AS place FROM notify.deliveries d"
    "     WHERE d.tenant_id = a.tenant_id AND d.destination = a.destination"
    "     AND d.state = 'waiting' AND d.due <= $3::timestamptz AND d.expires <= $3::timestamptz"
    "     AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())"
    "     ORDER BY d.due, d.delivery_id LIMIT 1000 FOR UPDATE OF d SKIP LOCKED) p) x"
    " WHERE u.ctid = x.place"};

/* Arrays: $1 tenants, $2 deliveries, $3 lease numbers, $4 states, $5 due, $6 status, $7 reasons, $8
 * doubts, $9 tries that were none; $10 now, $11 whose leases: what has been recorded has none any
 * more, so that a second time changes nothing. Gives back whose lease it still was, and whether the
 * ticket's next one waits for it. */
const PostgresStatement delivering_record = {
    "delivering_record",
    "UPDATE notify.deliveries u SET state = r.state, due = coalesce(r.due, u.due),"
    " lease_by = NULL, lease_until = NULL, status = coalesce(r.status, u.status),"
    " reason = coalesce(r.reason, u.reason), doubts = u.doubts + r.doubts,"
    " attempts = u.attempts - r.untried,"
    " ended_at = CASE WHEN r.state <> 'waiting' THEN now() END"
    " FROM (SELECT l.place, k.* FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[],"
    "   $5::timestamptz[], $6::integer[], $7::text[], $8::integer[], $9::integer[])"
    "   k(tenant_id, delivery_id, lease_no, state, due, status, reason, doubts, untried)"
    "   CROSS JOIN LATERAL (SELECT d.ctid AS place FROM notify.deliveries d"
    "     WHERE d.tenant_id = k.tenant_id AND d.delivery_id >= k.delivery_id"
    "     AND d.delivery_id <= k.delivery_id ORDER BY d.delivery_id LIMIT 1) l) r"
    " WHERE u.ctid = r.place AND u.lease_no = r.lease_no AND u.lease_by = $11::text"
    " AND u.state = 'waiting'"
    " RETURNING u.tenant_id, u.destination, r.state <> 'waiting' AND coalesce(("
    "   SELECT true FROM notify.deliveries e"
    "   WHERE e.tenant_id = u.tenant_id AND e.ticket_id = u.ticket_id"
    "   AND e.destination || '' = u.destination AND e.delivery_id > u.delivery_id"
    "   AND e.state = 'waiting' AND e.due <= $10::timestamptz"
    "   ORDER BY e.destination, e.delivery_id LIMIT 1), false)"};

/* Arrays: $1 tenants, $2 destinations, $3 failures, $4 open for ms, $5 gone for good, $6 why, $7
 * may it be paused; $8 now, $9 ms until it is. Gives back which of them are paused. */
const PostgresStatement delivering_fail = {
    "delivering_fail",
    "INSERT INTO notify.destinations AS s"
    " (tenant_id, destination, failures, failing_since, open_until, paused_at, paused_why)"
    " SELECT f.tenant_id, f.destination, f.failures, $8::timestamptz,"
    " clock_timestamp() + f.open_ms * interval '1 ms',"
    " CASE WHEN f.dead THEN $8::timestamptz END, CASE WHEN f.dead THEN f.why END"
    " FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bigint[], $5::boolean[], $6::text[],"
    "   $7::boolean[]) f(tenant_id, destination, failures, open_ms, dead, why, pausable)"
    " ON CONFLICT (tenant_id, destination) DO UPDATE SET failures = excluded.failures,"
    " failing_since = coalesce(s.failing_since, excluded.failing_since),"
    " open_until = greatest(s.open_until, excluded.open_until), changed_at = now(),"
    " (paused_at, paused_why, told_at) = (SELECT"
    "   CASE WHEN p.now THEN $8::timestamptz ELSE s.paused_at END,"
    "   CASE WHEN p.now THEN p.why ELSE s.paused_why END,"
    "   CASE WHEN p.now THEN NULL ELSE s.told_at END"
    "   FROM (SELECT s.paused_at IS NULL AND (f.dead OR (f.pausable AND s.failing_since <="
    "           $8::timestamptz - $9::bigint * interval '1 ms')) AS now, f.why"
    "         FROM unnest($1::bigint[], $2::text[], $5::boolean[], $6::text[], $7::boolean[])"
    "           f(tenant_id, destination, dead, why, pausable)"
    "         WHERE f.tenant_id = s.tenant_id AND f.destination = s.destination LIMIT 1) p)"
    " RETURNING s.tenant_id, s.destination, s.paused_at IS NOT NULL"};

/* $1 tenants, $2 destinations that live, $3 pace ms: the circuit is closed, what its maker allows
 * stays as it is. */
const PostgresStatement delivering_revive = {
    "delivering_revive",
    "UPDATE notify.destinations s SET failures = 0, failing_since = NULL, changed_at = now(),"
    " open_until = CASE WHEN a.pace_ms > 0"
    "   THEN clock_timestamp() + a.pace_ms * interval '1 ms' END"
    " FROM unnest($1::bigint[], $2::text[], $3::integer[]) a(tenant_id, destination, pace_ms)"
    " WHERE s.tenant_id = a.tenant_id AND s.destination = a.destination AND s.failures > 0"};

/* $1 now, $2 expires: the managers of a tenant hear once of what was paused. */
const PostgresStatement delivering_tell_owner = {
    "delivering_tell_owner",
    "WITH told AS (UPDATE notify.destinations s SET told_at = $1::timestamptz"
    "   WHERE s.paused_at IS NOT NULL AND s.told_at IS NULL"
    "   RETURNING s.tenant_id, s.destination, s.paused_at, s.paused_why, s.failing_since)"
    " INSERT INTO notify.deliveries (tenant_id, cause, notification, recipient, way, revision,"
    "   urgent, destination, said, due, expires)"
    " SELECT t.tenant_id, 'paused.' || t.destination || '.' || extract(epoch FROM "
    "t.paused_at)::bigint,"
    " '', 'user:' || u.user_id, 'mail', 0, false, 'mail', jsonb_build_object('event',"
    "   jsonb_build_object('name', 'paused', 'actor', t.destination, 'reason', "
    "coalesce(t.paused_why, ''),"
    "   'at_ms', (extract(epoch FROM coalesce(t.failing_since, t.paused_at)) * 1000)::bigint)),"
    " $1::timestamptz, $2::timestamptz"
    " FROM told t JOIN access.users u ON u.tenant_id = t.tenant_id"
    " AND u.role IN ('manager', 'administrator') AND u.email_sealed IS NOT NULL"
    " AND NOT u.suspended AND u.deleted_at IS NULL"
    " ON CONFLICT DO NOTHING"};
