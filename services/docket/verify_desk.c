/* What the desk answers lists and counts from against the tickets themselves; of the tenants that a
 * desk has read. SQL of its own: nothing of desk.follow() is used. */
#include "docket/verify_checks.h"
#include "docket/verify_internal.h"
#include "kafka/admin.h"

#define OF_THE_DESK "tenant_id IN (SELECT tenant_id FROM desk.fills WHERE done)"

static const VerifyCheck checks[] = {
    {"the desk's index says of every ticket what its row says",
     "SELECT count(*) FROM ticket.tickets WHERE " OF_THE_DESK,
     "SELECT coalesce(t.tenant_id, i.tenant_id), coalesce(t.id, i.ticket_id),"
     "  CASE WHEN t.id IS NULL THEN 'an index row without a ticket' WHEN i.ticket_id IS NULL THEN"
     "    'not in the index' WHEN i.seq <> t.version THEN format('seq %s, version %s', i.seq,"
     "    t.version) ELSE 'another state, place, person or word at the same version' END"
     " FROM (SELECT * FROM ticket.tickets WHERE " OF_THE_DESK ") t FULL JOIN"
     "  (SELECT * FROM desk.ticket_index WHERE " OF_THE_DESK ") i"
     "  ON i.tenant_id = t.tenant_id AND i.ticket_id = t.id"
     " WHERE t.id IS NULL OR i.ticket_id IS NULL OR i.seq <> t.version OR i.status <> t.status"
     "  OR nullif(i.group_id, 0) IS DISTINCT FROM t.group_id OR nullif(i.assignee_id, 0) IS"
     "  DISTINCT FROM t.assignee_id OR i.requester_id <> t.requester_id OR i.kind <> t.kind OR"
     "  i.category <> t.category OR i.region <> t.region OR i.priority <> t.priority OR"
     "  i.external_id <> t.external_id OR i.created_at <> t.created_at OR i.updated_at <>"
     "  t.updated_at OR i.generated_at < t.updated_at"},

    {"the desk's counters equal the tickets", "SELECT count(*) FROM desk.counters",
     "SELECT coalesce(t.tenant_id, c.tenant_id), format('%s/%s/%s/%s/%s', coalesce(t.status,"
     "  c.status), coalesce(t.g, c.group_id), coalesce(t.k, c.kind), coalesce(t.a, c.category),"
     "  coalesce(t.r, c.region)), format('counter %s, tickets %s', coalesce(c.n, 0),"
     "  coalesce(t.n, 0))"
     " FROM (SELECT tenant_id, status, coalesce(group_id, 0) AS g, left(kind, 120) AS k,"
     "   left(category, 120) AS a, left(region, 120) AS r, count(*) AS n FROM ticket.tickets"
     "   WHERE " OF_THE_DESK " GROUP BY 1, 2, 3, 4, 5, 6) t"
     " FULL JOIN (SELECT * FROM desk.counters WHERE " OF_THE_DESK ") c ON c.tenant_id ="
     "   t.tenant_id AND c.status = t.status AND c.group_id = t.g AND c.kind = t.k AND"
     "   c.category = t.a AND c.region = t.r"
     " WHERE coalesce(t.n, 0) <> coalesce(c.n, 0)"},

    {"the desk's counters of what each person has equal the tickets",
     "SELECT count(*) FROM desk.own_counters",
     "SELECT coalesce(t.tenant_id, c.tenant_id), format('%s: %s/%s/%s/%s/%s', coalesce(t.p,"
     "  c.assignee_id), coalesce(t.status, c.status), coalesce(t.g, c.group_id), coalesce(t.k,"
     "  c.kind), coalesce(t.a, c.category), coalesce(t.r, c.region)), format('counter %s, tickets"
     " %s', coalesce(c.n, 0), coalesce(t.n, 0))"
     " FROM (SELECT tenant_id, assignee_id AS p, status, coalesce(group_id, 0) AS g, left(kind,"
     "   120) AS k, left(category, 120) AS a, left(region, 120) AS r, count(*) AS n"
     "   FROM ticket.tickets WHERE assignee_id IS NOT NULL AND " OF_THE_DESK
     "   GROUP BY 1, 2, 3, 4, 5, 6, 7) t"
     " FULL JOIN (SELECT * FROM desk.own_counters WHERE " OF_THE_DESK ") c ON c.tenant_id ="
     "   t.tenant_id AND c.assignee_id = t.p AND c.status = t.status AND c.group_id = t.g AND"
     "   c.kind = t.k AND c.category = t.a AND c.region = t.r"
     " WHERE coalesce(t.n, 0) <> coalesce(c.n, 0)"},
};

int verify_desk(Verify *v) {
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (verify_check(v, &checks[i]) < 0) return -1;
    return 0;
}

int64_t verify_desk_under_way(Verify *v, KafkaAdmin *admin, Buf *ret_what) {
    const PostgresRows *rows = verify_query(
        v, "SELECT count(*)::bigint, (count(*) FILTER (WHERE NOT done))::bigint FROM desk.fills",
        NULL);
    if (!rows) return -1;
    if (rows_int(rows, 0, 0) == 0) return 0; /* no desk has ever run */
    int64_t fills = rows_int(rows, 0, 1), lag = 0;
    if (fills) buf_printf(ret_what, "%lld tenants to be read by a desk; ", (long long)fills);
    if (kafka_admin_lag(admin, "docket.events", "docket-desk", &lag, &v->trouble) < 0) return -1;
    if (lag) buf_printf(ret_what, "%lld in docket.events for the desk; ", (long long)lag);
    return fills + lag;
}
