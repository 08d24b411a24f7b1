/* One query per promise about rows. */
#include "docket/verify_checks.h"

const char verify_prepare_sql[] = "CREATE AGGREGATE pg_temp.docket_merge(jsonb) (SFUNC = "
                                  "jsonb_concat, STYPE = jsonb, INITCOND = '{}');"
                                  "SET statement_timeout = '10min'; SET work_mem = '128MB'; SET "
                                  "default_transaction_read_only = on";

/* design.md §4, written again: what may follow what, and who may do it: a agent (any of the staff),
 * c customer, r router, s system. Staying is legal below `closed`; only the staff deletes or
 * merges.
 */
#define LEGAL_TRANSITIONS                                                                          \
    "(VALUES ('new','assigned','ar'),('new','in_progress','a'),('new','pending','a'),"             \
    " ('new','on_hold','a'),('new','solved','a'),"                                                 \
    " ('assigned','new','ars'),('assigned','in_progress','a'),('assigned','pending','a'),"         \
    " ('assigned','on_hold','a'),('assigned','solved','ac'),"                                      \
    " ('in_progress','new','ars'),('in_progress','assigned','ar'),('in_progress','pending','a'),"  \
    " ('in_progress','on_hold','a'),('in_progress','solved','ac'),"                                \
    " ('pending','new','acr'),('pending','assigned','ac'),('pending','in_progress','ac'),"         \
    " ('pending','on_hold','a'),('pending','solved','acs'),"                                       \
    " ('on_hold','new','ar'),('on_hold','assigned','a'),('on_hold','in_progress','a'),"            \
    " ('on_hold','pending','a'),('on_hold','solved','ac'),"                                        \
    " ('solved','assigned','acs'),('solved','new','acs'),('solved','closed','acs'))"               \
    " legal (before, after, who)"
/* Of a row's actor. A ticket's first row is its requester's and sets `new`. */
#define WHO                                                                                        \
    "CASE split_part(actor, ':', 1) WHEN 'requester' THEN 'c' WHEN 'router' THEN 'r'"              \
    " WHEN 'system' THEN 's' ELSE 'a' END"

const VerifyCheck verify_checks[] = {
    {"every ledger is gap-free from 1", "SELECT count(*) FROM ticket.ledger",
     "SELECT tenant_id, ticket_id, format('%s rows, seq %s to %s', count(*), min(seq), max(seq)) "
     "FROM ticket.ledger"
     " GROUP BY 1, 2 HAVING min(seq) <> 1 OR max(seq) <> count(*)"},

    {"every ticket has its ledger, and its version is the last seq",
     "SELECT count(*) FROM ticket.tickets",
     "SELECT coalesce(t.tenant_id, l.tenant_id), coalesce(t.id, l.ticket_id),"
     "  CASE WHEN t.id IS NULL THEN 'a ledger without a ticket' WHEN l.ticket_id IS NULL THEN 'no "
     "ledger'"
     "       ELSE format('version %s, last seq %s', t.version, l.last) END"
     " FROM ticket.tickets t FULL JOIN"
     "  (SELECT tenant_id, ticket_id, max(seq) AS last FROM ticket.ledger GROUP BY 1, 2) l"
     "  ON l.tenant_id = t.tenant_id AND l.ticket_id = t.id"
     " WHERE t.id IS NULL OR l.ticket_id IS NULL OR t.version <> l.last"},

    {"every ticket row is the projection of its ledger", "SELECT count(*) FROM ticket.tickets",
     "SELECT t.tenant_id, t.id, format('row and ledger differ in %s', (SELECT string_agg(c.key, ', "
     "' ORDER BY c.key)"
     "   FROM jsonb_each(is_now) c WHERE c.value IS DISTINCT FROM should_be -> c.key))"
     " FROM ticket.tickets t"
     " JOIN (SELECT tenant_id, ticket_id, pg_temp.docket_merge(payload -> 'set' ORDER BY seq)"
     "         FILTER (WHERE payload ? 'set') AS told, max(at) AS last_at FROM ticket.ledger GROUP "
     "BY 1, 2) l"
     "  ON l.tenant_id = t.tenant_id AND l.ticket_id = t.id"
     " CROSS JOIN LATERAL (SELECT"
     "   to_jsonb(t) - '{tenant_id,id,version,requester_id,created_at,updated_at}'::text[] AS "
     "is_now,"
     "   "
     "'{\"status\":\"new\",\"group_id\":null,\"assignee_id\":null,\"skills\":[],\"tags\":[],"
     "\"custom_fields\":{},"
     "\"subject\":\"\",\"description\":\"\",\"tier\":\"\",\"region\":\"\",\"order_ref\":\"\","
     "\"product\":\"\",\"batch\":\"\","
     "\"device\":\"\",\"language\":\"\",\"external_id\":\"\",\"kind\":\"\",\"category\":\"\","
     "\"form_id\":null,\"followup_of\":null,\"satisfaction\":\"\","
     "\"collaborator_ids\":[],\"follower_ids\":[],\"problem_id\":null}'::"
     "jsonb"
     "   || coalesce(told, '{}') - '{requester_id,created_at}'::text[] AS should_be) both_of"
     " WHERE is_now <> should_be OR t.updated_at <> l.last_at"},

    {"every ticket took a legal path through its states",
     "SELECT count(*) FROM ticket.ledger WHERE payload -> 'set' ? 'status'",
     "SELECT tenant_id, ticket_id, format('seq %s: %s to %s', seq, before, after) FROM ("
     "  SELECT tenant_id, ticket_id, seq, payload -> 'set' ->> 'status' AS after,"
     "    lag(payload -> 'set' ->> 'status', 1, 'new') OVER (PARTITION BY tenant_id, ticket_id "
     "ORDER BY seq) AS before"
     "  FROM ticket.ledger WHERE payload -> 'set' ? 'status') steps"
     " WHERE NOT (before = after AND before IN "
     "('new','assigned','in_progress','pending','on_hold','solved'))"
     "  AND NOT (after IN ('deleted','merged') AND before NOT IN ('deleted','merged'))"
     "  AND (before, after) NOT IN (SELECT before, after FROM " LEGAL_TRANSITIONS ")"},

    {"nobody took a step that is another's to take",
     "SELECT count(*) FROM ticket.ledger WHERE kind = 'ticket_updated'",
     "SELECT tenant_id, ticket_id, format('seq %s: %s to %s by %s', seq, before, after, actor)"
     " FROM (SELECT tenant_id, ticket_id, seq, actor, " WHO " AS who,"
     "    payload -> 'set' ->> 'status' AS after,"
     "    lag(payload -> 'set' ->> 'status', 1, 'new') OVER (PARTITION BY tenant_id, ticket_id"
     "      ORDER BY seq) AS before"
     "  FROM ticket.ledger WHERE payload -> 'set' ? 'status') steps"
     " WHERE before <> after AND CASE WHEN after IN ('deleted', 'merged') THEN who <> 'a'"
     "  ELSE NOT EXISTS (SELECT FROM " LEGAL_TRANSITIONS
     "   WHERE legal.before = steps.before AND legal.after = steps.after"
     "     AND strpos(legal.who, steps.who) > 0) END"},

    {"work handed from one person to another comes with a word",
     "SELECT count(*) FROM ticket.ledger WHERE kind = 'ticket_updated'",
     "SELECT tenant_id, ticket_id, format('seq %s: from %s to %s without a note', seq, before, "
     "after)"
     " FROM (SELECT tenant_id, ticket_id, seq, kind, actor, payload,"
     "    payload -> 'set' ->> 'assignee_id' AS after,"
     "    lag(payload -> 'set' ->> 'assignee_id') OVER (PARTITION BY tenant_id, ticket_id"
     "      ORDER BY seq) AS before"
     "  FROM ticket.ledger WHERE payload -> 'set' ? 'assignee_id') steps"
     " WHERE kind = 'ticket_updated' AND before <> after AND " WHO " = 'a'"
     "  AND NOT payload ? 'note' AND NOT payload ? 'comment'"},

    {"every change by people has room for its number", "SELECT count(*) FROM ticket.tickets",
     "SELECT tenant_id, id, format('version %s: comments are numbered to 8191', version)"
     " FROM ticket.tickets WHERE version > 8191"},

    {"nobody holds an open ticket without a state that has an assignee",
     "SELECT count(*) FROM ticket.tickets",
     "SELECT tenant_id, id, format('%s with assignee %s', status, coalesce(assignee_id::text, "
     "'nobody'))"
     " FROM ticket.tickets WHERE (status IN ('assigned','in_progress') AND assignee_id IS NULL)"
     "  OR (status = 'new' AND assignee_id IS NOT NULL)"},

    {"the first row of a ledger creates, and only it", "SELECT count(*) FROM ticket.tickets",
     "SELECT tenant_id, ticket_id, format('seq %s is %s', seq, kind) FROM ticket.ledger"
     " WHERE (seq = 1) <> (kind = 'ticket_created')"},

    {"no row of a ledger is older than the one ahead of it", "SELECT count(*) FROM ticket.ledger",
     "SELECT tenant_id, ticket_id, format('seq %s at %s, before it %s', seq, at, ahead) FROM "
     "(SELECT *,"
     "  lag(at) OVER (PARTITION BY tenant_id, ticket_id ORDER BY seq) AS ahead FROM ticket.ledger) "
     "l WHERE at < ahead"},

    {"every key leads to a ticket", "SELECT count(*) FROM ticket.submission_keys",
     "SELECT k.tenant_id, k.ticket_id, format('key %s of source %s: no such ticket', k.key, "
     "k.source_id)"
     " FROM ticket.submission_keys k WHERE NOT EXISTS"
     "  (SELECT FROM ticket.tickets t WHERE t.tenant_id = k.tenant_id AND t.id = k.ticket_id)"},

    {"every alias leads to a ticket and is none itself", "SELECT count(*) FROM ticket.aliases",
     "SELECT a.tenant_id, a.id, format('alias of %s', a.ticket_id) FROM ticket.aliases a WHERE NOT "
     "EXISTS"
     "  (SELECT FROM ticket.tickets t WHERE t.tenant_id = a.tenant_id AND t.id = a.ticket_id)"
     "  OR EXISTS (SELECT FROM ticket.tickets t WHERE t.tenant_id = a.tenant_id AND t.id = a.id)"},

    {"every ticket has a requester, the one its ledger names",
     "SELECT count(*) FROM ticket.requesters",
     "SELECT t.tenant_id, t.id, format('requester %s, ledger %s', t.requester_id, l.said)"
     " FROM ticket.tickets t"
     " JOIN LATERAL (SELECT seq > 1 AS by_people, coalesce(payload -> 'set' ->> 'requester_id',"
     "    substring(actor FROM '^requester:(.*)$')) AS said FROM ticket.ledger l"
     "   WHERE l.tenant_id = t.tenant_id AND l.ticket_id = t.id"
     "     AND (seq = 1 OR payload -> 'set' ? 'requester_id') ORDER BY seq DESC LIMIT 1) l ON true"
     " LEFT JOIN ticket.requesters r ON r.tenant_id = t.tenant_id AND r.id = t.requester_id"
     " WHERE l.said <> t.requester_id::text"
     "  OR (r.id IS NULL AND (NOT l.by_people OR t.requester_id >= 1000000000000))"},

    /* Of what she has, each came to her at the last row by which it did not count for her before:
     * reopened, claimed or handed over by people it may be more than she has room for. */
    {"nobody was given more than her capacity by the machine", "SELECT count(*) FROM ticket.agents",
     "WITH held AS MATERIALIZED (SELECT tenant_id, id, assignee_id FROM ticket.tickets"
     "   WHERE status IN ('assigned', 'in_progress') AND assignee_id IS NOT NULL),"
     " overfull AS MATERIALIZED (SELECT a.tenant_id, a.agent_id, a.capacity, a.changed_at,"
     "    count(*) AS n FROM ticket.agents a JOIN held h ON h.tenant_id = a.tenant_id"
     "     AND h.assignee_id = a.agent_id"
     "  GROUP BY a.tenant_id, a.agent_id HAVING count(*) > a.capacity),"
     " known AS (SELECT o.agent_id, h.tenant_id, h.id, l.seq, l.actor, l.at,"
     "    pg_temp.docket_merge(coalesce(l.payload -> 'set', '{}')) OVER (PARTITION BY h.tenant_id,"
     "      h.id ORDER BY l.seq) AS so_far"
     "  FROM overfull o JOIN held h ON h.tenant_id = o.tenant_id AND h.assignee_id = o.agent_id"
     "  JOIN ticket.ledger l ON l.tenant_id = h.tenant_id AND l.ticket_id = h.id),"
     " hers AS (SELECT *, so_far ->> 'status' IN ('assigned', 'in_progress')"
     "    AND so_far ->> 'assignee_id' = agent_id::text AS counts FROM known),"
     " came AS (SELECT DISTINCT ON (tenant_id, id) tenant_id, agent_id, id, actor, at"
     "  FROM (SELECT *, lag(counts, 1, false) OVER (PARTITION BY tenant_id, id ORDER BY seq)"
     "    AS counted FROM hers) h WHERE counts IS TRUE AND counted IS NOT TRUE"
     "  ORDER BY tenant_id, id, seq DESC)"
     " SELECT o.tenant_id, o.agent_id, format('%s tickets, capacity %s', o.n, o.capacity)"
     " FROM overfull o JOIN came c ON c.tenant_id = o.tenant_id AND c.agent_id = o.agent_id"
     " GROUP BY o.tenant_id, o.agent_id, o.n, o.capacity, o.changed_at"
     " HAVING bool_and(c.actor = 'router') AND bool_and(c.at > o.changed_at)"},
};

const size_t verify_checks_n = sizeof(verify_checks) / sizeof(verify_checks[0]);
