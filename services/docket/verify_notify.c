/* Who was told: whether each delivery is of something that happened, is for eyes that may see it,
 * and whether what was promised to somebody was written down. SQL of its own. */
#include "docket/verify_checks.h"
#include "docket/verify_internal.h"
#include "kafka/admin.h"

/* Deliveries about a row of a ticket's ledger, with that row. */
#define TOLD                                                                                       \
    "(SELECT d.*, d.said #>> '{event,name}' AS event, l.actor, l.payload FROM notify.deliveries d" \
    "  JOIN ticket.ledger l ON l.tenant_id = d.tenant_id AND l.ticket_id = d.ticket_id AND l.seq"  \
    "   = d.seq)"
#define COUNTED "SELECT count(*) FROM notify.deliveries"

static const VerifyCheck checks[] = {
    {"every delivery is of something that happened", COUNTED,
     "SELECT d.tenant_id, coalesce(d.ticket_id, 0), format('delivery %s: %s', d.delivery_id,"
     "  d.cause) FROM notify.deliveries d"
     " WHERE CASE WHEN d.ticket_id IS NOT NULL THEN d.cause <> format('%s.%s', d.ticket_id, d.seq)"
     "   OR NOT EXISTS (SELECT FROM ticket.ledger l WHERE l.tenant_id = d.tenant_id"
     "    AND l.ticket_id = d.ticket_id AND l.seq = d.seq)"
     "  WHEN d.cause LIKE 'storm.%' THEN NOT EXISTS (SELECT FROM notify.storms s"
     "    WHERE s.tenant_id = d.tenant_id AND d.cause LIKE format('storm.%s.%s.%%', s.category,"
     "     floor(extract(epoch FROM s.starts_at) * 1000)::bigint) AND s.tellings > 0)"
     "  ELSE d.cause NOT LIKE 'paused.%' END"},

    {"nobody is told of what he did himself", COUNTED " WHERE ticket_id IS NOT NULL",
     "SELECT tenant_id, ticket_id, format('delivery %s: seq %s, %s told of the deed of %s',"
     "  delivery_id, seq, recipient, actor) FROM " TOLD " d"
     " WHERE actor ~ '^(agent|user|requester):' AND recipient ~ '^(agent|user|requester):'"
     "  AND split_part(actor, ':', 2) = split_part(recipient, ':', 2)"
     "  AND NOT (recipient LIKE 'requester:%' AND event IN ('ticket_created', 'reply_received',"
     "   'ticket_reopened'))"},

    {"no private note reaches who writes from outside",
     COUNTED " WHERE said #>> '{event,name}' = 'note_added'",
     "SELECT tenant_id, ticket_id, format('delivery %s: seq %s, %s', delivery_id, seq, recipient)"
     " FROM " TOLD " d WHERE recipient LIKE 'requester:%' AND (event = 'note_added'"
     "  OR (payload #>> '{comment,public}' = 'false' AND said ? 'comment'))"},

    {"storms count each new ticket once", "SELECT count(*) FROM notify.storms",
     "SELECT s.tenant_id, s.category, format('%s: %s tickets, counted %s, the last is number %s',"
     "  s.starts_at, s.tickets, count(t.number), coalesce(max(t.number), 0))"
     " FROM notify.storms s LEFT JOIN notify.storm_tickets t ON t.tenant_id = s.tenant_id"
     "  AND t.category = s.category AND t.starts_at = s.starts_at"
     " GROUP BY s.tenant_id, s.category, s.starts_at, s.tickets, s.urgent"
     " HAVING count(t.number) <> s.tickets OR coalesce(max(t.number), 0) <> s.tickets"
     "  OR count(*) FILTER (WHERE t.urgent) <> s.urgent"},
};

/* What is old enough that it must have been written down, and young enough to be told at all. */
#define LATELY                                                                                     \
    "at < now() - $1::bigint * interval '1 millisecond' AND at > now() - interval '23 hours'"

static int look(Verify *v, const char *promise, const char *sql) {
    Finding *f = verify_begin(v, promise);
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, v->grace_ms);
    const PostgresRows *rows = verify_query(v, sql, &p);
    if (!rows) return -1;
    for (size_t i = 0; i < rows_count(rows); i++) {
        f->checked++;
        if (rows_bool(rows, i, 2)) continue;
        finding_broken(f, rows_int(rows, i, 0), "%.*s", STR_ARG(rows_str(rows, i, 1)));
    }
    return 0;
}

/* Where none has ever told anything nobody is to blame. */
static int notifier_exists(Verify *v, bool *ret) {
    const PostgresRows *rows =
        verify_query(v, "SELECT to_regclass('notify.deliveries') IS NOT NULL", NULL);
    if (!rows) return -1;
    *ret = rows_bool(rows, 0, 0);
    if (!*ret) return 0;
    if (!(rows = verify_query(v, "SELECT EXISTS (SELECT FROM notify.deliveries)", NULL))) return -1;
    *ret = rows_bool(rows, 0, 0);
    return 0;
}

int verify_notify(Verify *v) {
    bool exists;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (verify_check(v, &checks[i]) < 0) return -1;
    if (notifier_exists(v, &exists) < 0) return -1;
    if (!exists) return 0;
    /* Whoever it was, there is a delivery for it, or one that says that there was nobody. */
    if (look(v, "of a promise somebody is told where its policy asks for it",
             "SELECT l.tenant_id, format('ticket %s: seq %s, %s', l.ticket_id, l.seq, l.kind),"
             "  EXISTS (SELECT FROM notify.deliveries d WHERE d.tenant_id = l.tenant_id AND"
             "   d.cause = format('%s.%s', l.ticket_id, l.seq)) OR EXISTS (SELECT FROM"
             "   notify.unsubscribed u WHERE u.tenant_id = l.tenant_id)"
             " FROM ticket.ledger l WHERE l.kind LIKE 'promise\\_%' AND (l.payload #>"
             "   '{promise,notify_lead}' = 'true' OR l.payload #> '{promise,notify_manager}' ="
             "   'true') AND " LATELY) < 0)
        return -1;
    return look(v, "every storm that is over was told",
                "SELECT s.tenant_id, format('%s since %s: %s tickets', s.category, s.starts_at,"
                "  s.tickets), s.tellings > 0 FROM (SELECT *, ends_at AS at FROM notify.storms) s"
                " WHERE s.tickets > s.alone AND " LATELY);
}

int64_t verify_notify_under_way(Verify *v, KafkaAdmin *admin, Buf *ret_what) {
    bool exists;
    int64_t lag = 0;
    if (notifier_exists(v, &exists) < 0) return -1;
    if (!exists) return 0;
    if (kafka_admin_lag(admin, "docket.events", "docket-notifier", &lag, &v->trouble) < 0)
        return -1;
    if (lag) buf_printf(ret_what, "%lld in docket.events for the notifier; ", (long long)lag);
    return lag;
}
