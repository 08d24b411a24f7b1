/* One query per promise about rows. */
#include "docket/verify_checks.h"

const char verify_prepare_sql[] = "CREATE AGGREGATE pg_temp.docket_merge(jsonb) (SFUNC = "
                                  "jsonb_concat, STYPE = jsonb, INITCOND = '{}');"
                                  "SET statement_timeout = '10min'; SET work_mem = '128MB'; SET "
                                  "default_transaction_read_only = on";

/* design.md §4, written again: what may follow what. Staying is legal below `closed`. */
#define LEGAL_TRANSITIONS                                                                          \
    "(VALUES "                                                                                     \
    "('new','assigned'),('new','in_progress'),('new','pending'),('new','on_hold'),('new','solved'" \
    "),"                                                                                           \
    " ('assigned','new'),('assigned','in_progress'),('assigned','pending'),('assigned','on_hold')" \
    ","                                                                                            \
    " ('assigned','solved'),('in_progress','new'),('in_progress','assigned'),('in_progress','"     \
    "pending'),"                                                                                   \
    " ('in_progress','on_hold'),('in_progress','solved'),('pending','new'),('pending','in_"        \
    "progress'),"                                                                                  \
    " ('pending','on_hold'),('pending','solved'),('on_hold','new'),('on_hold','in_progress'),"     \
    " ('on_hold','pending'),('on_hold','solved'),('solved','assigned'),('solved','new'),('solved'" \
    ",'closed'))"

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
     "\"form_id\":null,\"followup_of\":null,\"satisfaction\":\"\"}'::"
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
     "  AND (before, after) NOT IN (SELECT * FROM " LEGAL_TRANSITIONS " legal)"},

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
     "SELECT t.tenant_id, t.id, format('requester %s, ledger %s', t.requester_id, l.actor) FROM "
     "ticket.tickets t"
     " JOIN ticket.ledger l ON l.tenant_id = t.tenant_id AND l.ticket_id = t.id AND l.seq = 1"
     " LEFT JOIN ticket.requesters r ON r.tenant_id = t.tenant_id AND r.id = t.requester_id"
     " WHERE r.id IS NULL OR (l.actor LIKE 'requester:%' AND l.actor <> 'requester:' || "
     "t.requester_id)"},

    {"nobody was given more than her capacity by the machine", "SELECT count(*) FROM ticket.agents",
     "SELECT a.tenant_id, a.agent_id, format('%s tickets, capacity %s', count(*), a.capacity) FROM "
     "ticket.agents a"
     " JOIN ticket.tickets t ON t.tenant_id = a.tenant_id AND t.assignee_id = a.agent_id"
     "  AND t.status IN ('assigned', 'in_progress')"
     " JOIN LATERAL (SELECT l.actor, l.at FROM ticket.ledger l WHERE l.tenant_id = t.tenant_id AND "
     "l.ticket_id = t.id"
     "   AND l.payload -> 'set' ? 'assignee_id' ORDER BY seq DESC LIMIT 1) last ON true"
     " GROUP BY a.tenant_id, a.agent_id, a.capacity, a.changed_at HAVING count(*) > a.capacity"
     "  AND bool_and(last.actor = 'router') AND bool_and(last.at > a.changed_at)"},
};

const size_t verify_checks_n = sizeof(verify_checks) / sizeof(verify_checks[0]);
