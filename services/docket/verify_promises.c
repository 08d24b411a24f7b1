/* What was promised, kept and broken: the rows by SQL of their own; whether something is missing,
 * or stands there that never was, by telling each ledger anew (lives/ticket_life.h), which is what
 * decides for everybody. */
#include <stdlib.h>

#include "base/clock.h"
#include "docket/verify_checks.h"
#include "docket/verify_internal.h"
#include "kafka/admin.h"
#include "loop/loop.h"
#include "postgres/pool.h"
#include "store/histories.h"

#define PROMISES                                                                                   \
    "(SELECT tenant_id, ticket_id, seq, kind, at, floor(extract(epoch FROM at) * 1000)::bigint AS" \
    "   ms, payload -> 'promise' ->> 'metric' AS metric, (payload -> 'promise' ->> 'instance')"    \
    "   AS instance, payload -> 'promise' ->> 'level' AS level, payload -> 'promise' ->> 'why' AS" \
    "   why, (payload -> 'promise' ->> 'due_ms')::bigint AS due_ms, (payload -> 'promise' ->>"     \
    "   'at_ms')::bigint AS at_ms FROM ticket.ledger WHERE kind LIKE 'promise\\_%')"
#define COUNTED "SELECT count(*) FROM ticket.ledger WHERE kind LIKE 'promise\\_%'"
/* Rows that keep a promise, each with what it keeps: a person's public reply, somebody's
 * acknowledgement, the solution. */
#define ANSWERS                                                                                    \
    "(SELECT tenant_id, ticket_id, seq, floor(extract(epoch FROM at) * 1000)::bigint AS ms,"       \
    "   payload -> 'comment' ->> 'public' = 'true' AND actor ~ '^(agent|user):' AS replied,"       \
    "   payload #>> '{reason,why}' = 'acknowledged' AS acknowledged,"                              \
    "   payload -> 'set' ->> 'status' AS status FROM ticket.ledger WHERE kind = 'ticket_updated')"

static const VerifyCheck checks[] = {
    {"no moment of a promise is recorded twice", COUNTED,
     "SELECT tenant_id, ticket_id, format('%s %s %s %s: %s times', kind, metric, instance, level,"
     "  count(*)) FROM " PROMISES " p GROUP BY tenant_id, ticket_id, kind, metric, instance, level"
     " HAVING count(*) > 1"},

    {"nothing of a promise is recorded before its time", COUNTED,
     "SELECT tenant_id, ticket_id, format('seq %s: %s %s at %s, true at %s, due at %s', seq, kind,"
     "  metric, ms, at_ms, due_ms) FROM " PROMISES " p"
     " WHERE ms < at_ms OR (kind = 'promise_breached' AND why = 'time' AND ms < due_ms)"},

    {"no warning comes after its breach", COUNTED,
     "SELECT w.tenant_id, w.ticket_id, format('seq %s: %s %s, broken at seq %s', w.seq, w.metric,"
     "  w.level, b.seq) FROM " PROMISES " w JOIN " PROMISES " b ON b.tenant_id = w.tenant_id AND"
     "  b.ticket_id = w.ticket_id AND b.metric = w.metric AND b.instance = w.instance"
     " WHERE w.kind = 'promise_warned' AND b.kind = 'promise_breached' AND b.seq < w.seq"},

    {"every escalation comes after its breach", COUNTED,
     "SELECT e.tenant_id, e.ticket_id, format('seq %s: %s %s level %s', e.seq, e.metric,"
     "  e.instance, e.level) FROM " PROMISES " e WHERE e.kind = 'promise_escalated' AND NOT EXISTS"
     "  (SELECT FROM " PROMISES " b WHERE b.tenant_id = e.tenant_id AND b.ticket_id = e.ticket_id"
     "   AND b.kind = 'promise_breached' AND b.metric = e.metric AND b.instance = e.instance"
     "   AND b.seq < e.seq)"},

    {"what is over has no promises any more", COUNTED,
     "SELECT p.tenant_id, p.ticket_id, format('seq %s: %s, over since seq %s', p.seq, p.kind,"
     "  o.seq) FROM " PROMISES " p JOIN ticket.ledger o ON o.tenant_id = p.tenant_id AND"
     "  o.ticket_id = p.ticket_id AND o.seq < p.seq"
     " WHERE o.payload -> 'set' ->> 'status' IN ('closed', 'deleted', 'merged')"},

    {"nothing is recorded as broken that was done in time",
     "SELECT count(*) FROM ticket.ledger WHERE kind = 'promise_breached'",
     "SELECT p.tenant_id, p.ticket_id, format('seq %s: %s due at %s, done at seq %s', p.seq,"
     "  p.metric, p.due_ms, a.seq) FROM " PROMISES " p JOIN " ANSWERS
     "  a ON a.tenant_id = p.tenant_id AND a.ticket_id = p.ticket_id AND a.ms <= p.due_ms"
     " WHERE p.kind = 'promise_breached' AND p.why = 'time' AND p.instance = '1'"
     "  AND ((p.metric IN ('first_reply', 'ack') AND (a.replied OR a.status IN ('solved',"
     "    'closed') OR (p.metric = 'ack' AND a.acknowledged)))"
     "   OR (p.metric = 'resolution' AND a.status IN ('solved', 'closed') AND NOT EXISTS"
     "    (SELECT FROM ticket.ledger r WHERE r.tenant_id = a.tenant_id AND r.ticket_id ="
     "     a.ticket_id AND r.seq > a.seq AND r.payload -> 'set' ? 'status'"
     "     AND floor(extract(epoch FROM r.at) * 1000) <= p.due_ms)))"},
};

/* ---- Telling the ledgers anew ---- */

enum { PAGE = 500 };

typedef struct Retelling {
    Verify *v;
    Loop *loop;
    Finding *missing, *invented;
    bool scheduled; /* there is a scheduler: what is due must be told */
    int64_t judge_ms;
    History asked[PAGE];
    size_t n;
    HistoriesOutcome outcome;
    Arena *arena;
} Retelling;

static void on_told(void *arg, HistoriesOutcome outcome, const char *problem) {
    Retelling *r = arg;
    r->outcome = outcome;
    if (outcome != HISTORIES_DONE)
        buf_printf(&r->v->trouble, "ledgers cannot be told anew: %s", problem ? problem : "?");
    loop_stop(r->loop);
}

static void look_for_missing(Retelling *r, const History *h) {
    PromiseMoment *due;
    size_t n = ticket_life_due(h->life, r->arena, &due);
    for (size_t i = 0; i < n; i++) {
        char when[25];
        if (due[i].at_ms > r->judge_ms) continue;
        clock_format_ms(due[i].at_ms, when);
        finding_broken(r->missing, h->tenant_id, "ticket %lld: %s %s %d %s since %s",
                       (long long)h->ticket_id, promise_act_name(due[i].act),
                       metric_name(due[i].metric), due[i].instance, due[i].level, when);
    }
}

static History *find(Retelling *r, int64_t tenant, int64_t ticket) {
    for (size_t i = 0; i < r->n; i++)
        if (r->asked[i].tenant_id == tenant && r->asked[i].ticket_id == ticket) return &r->asked[i];
    return NULL;
}

/* The breaches on record, each of which the ledger without them must bear out. */
static int look_for_invented(Retelling *r) {
    CLEANUP(params_done) Params p = {0};
    params_array(&p, PARAM_INT8, r->n);
    for (size_t i = 0; i < r->n; i++)
        params_element_i64(&p, r->asked[i].tenant_id);
    params_array(&p, PARAM_INT8, r->n);
    for (size_t i = 0; i < r->n; i++)
        params_element_i64(&p, r->asked[i].ticket_id);
    const PostgresRows *rows =
        verify_query(r->v,
                     "SELECT l.tenant_id, l.ticket_id, l.seq, l.payload -> 'promise' ->> 'metric',"
                     " (l.payload -> 'promise' ->> 'instance')::bigint"
                     " FROM unnest($1::bigint[], $2::bigint[]) i (tenant_id, id)"
                     " JOIN ticket.ledger l ON l.tenant_id = i.tenant_id AND l.ticket_id = i.id"
                     " WHERE l.kind = 'promise_breached'",
                     &p);
    if (!rows) return -1;
    for (size_t i = 0; i < rows_count(rows); i++) {
        const History *h = find(r, rows_int(rows, i, 0), rows_int(rows, i, 1));
        ClockMetric metric;
        if (!h || h->fate != HISTORY_TOLD) continue;
        r->invented->checked++;
        if (metric_parse(rows_str(rows, i, 3), &metric) == 0 &&
            ticket_life_is_true(h->life, PROMISE_BREACHED, metric, (int32_t)rows_int(rows, i, 4),
                                (Str){NULL, 0}))
            continue;
        finding_broken(r->invented, h->tenant_id, "ticket %lld: seq %lld, %.*s",
                       (long long)h->ticket_id, (long long)rows_int(rows, i, 2),
                       STR_ARG(rows_str(rows, i, 3)));
    }
    return 0;
}

static int look_at(Retelling *r, Histories *histories) {
    int result = 0;
    histories_lives(histories, r->asked, r->n, on_told, r);
    loop_run(r->loop);
    if (r->outcome != HISTORIES_DONE) return -1;
    for (size_t i = 0; i < r->n; i++) {
        const History *h = &r->asked[i];
        if (h->fate == HISTORY_BROKEN)
            finding_broken(r->missing, h->tenant_id, "ticket %lld: its ledger cannot be told: %s",
                           (long long)h->ticket_id, h->problem ? h->problem : "?");
        if (h->fate != HISTORY_TOLD) continue;
        r->missing->checked++;
        if (r->scheduled) look_for_missing(r, h);
    }
    result = look_for_invented(r);
    for (size_t i = 0; i < r->n; i++)
        r->asked[i].life = ticket_life_free(r->asked[i].life);
    arena_reset(r->arena);
    return result;
}

/* The next tickets of tenants that promise something, open or with something on record. */
static int next_page(Retelling *r) {
    const History *last = r->n ? &r->asked[r->n - 1] : NULL;
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, last ? last->tenant_id : 0);
    params_i64(&p, last ? last->ticket_id : 0);
    params_i64(&p, r->v->only);
    params_i64(&p, PAGE);
    const PostgresRows *rows = verify_query(
        r->v,
        "SELECT t.tenant_id, t.id FROM ticket.tickets t"
        " WHERE (t.tenant_id, t.id) > ($1::bigint, $2::bigint) AND $3::bigint IN (0, t.tenant_id)"
        "  AND t.tenant_id IN (SELECT tenant_id FROM config.documents WHERE kind = 'policies')"
        "  AND (t.status NOT IN ('closed', 'merged', 'deleted') OR EXISTS (SELECT FROM"
        "   ticket.ledger l WHERE l.tenant_id = t.tenant_id AND l.ticket_id = t.id"
        "    AND l.kind LIKE 'promise\\_%'))"
        " ORDER BY t.tenant_id, t.id LIMIT $4::bigint",
        &p);
    if (!rows) return -1;
    r->n = rows_count(rows);
    for (size_t i = 0; i < r->n; i++)
        r->asked[i] = (History){.tenant_id = rows_int(rows, i, 0),
                                .ticket_id = rows_int(rows, i, 1),
                                .upto_ms = NEVER,
                                .judge_ms = r->judge_ms,
                                .history = true};
    return 0;
}

static int retell(Retelling *r) {
    CLEANUP(postgres_pool_freep)
    PostgresPool *pool =
        postgres_pool_new(r->loop,
                          &(PostgresPoolSettings){.postgres = {.url = r->v->postgres_url,
                                                               .application_name = "docket-verify",
                                                               .statement_timeout_ms = 60000,
                                                               .transaction_timeout_ms = 90000},
                                                  .connections = 1,
                                                  .patience_ms = 60000},
                          &r->v->trouble);
    if (!pool) return -1;
    Histories *histories = histories_new(r->loop, pool);
    int result = next_page(r);
    while (result == 0 && r->n) {
        result = look_at(r, histories);
        if (result == 0) result = next_page(r);
    }
    histories_free(histories);
    return result;
}

/* Where none has ever run nobody is to blame. */
static int scheduler_exists(Verify *v, bool *ret) {
    const PostgresRows *rows =
        verify_query(v, "SELECT to_regclass('sla.partitions') IS NOT NULL", NULL);
    if (!rows) return -1;
    *ret = rows_bool(rows, 0, 0);
    if (!*ret) return 0;
    if (!(rows = verify_query(v, "SELECT EXISTS (SELECT FROM sla.partitions)", NULL))) return -1;
    *ret = rows_bool(rows, 0, 0);
    return 0;
}

int verify_promises(Verify *v) {
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (verify_check(v, &checks[i]) < 0) return -1;
    CLEANUP(mem_freep) Retelling *r = xcalloc(1, sizeof(*r));
    r->v = v;
    r->missing = verify_begin(v, "every due promise fired once");
    r->invented = verify_begin(v, "every breach on record was one");
    r->judge_ms = clock_wall_ms() - v->grace_ms;
    if (scheduler_exists(v, &r->scheduled) < 0) return -1;
    r->loop = loop_new();
    r->arena = arena_new(0);
    int result = retell(r);
    loop_run_for(r->loop, 0); /* what was freed later */
    arena_free(r->arena);
    loop_free(r->loop);
    return result;
}

int64_t verify_promises_under_way(Verify *v, KafkaAdmin *admin, Buf *ret_what) {
    bool scheduled;
    int64_t lag = 0;
    if (scheduler_exists(v, &scheduled) < 0) return -1;
    if (!scheduled) return 0;
    if (kafka_admin_lag(admin, "docket.events", "docket-sla", &lag, &v->trouble) < 0) return -1;
    if (lag) buf_printf(ret_what, "%lld in docket.events for the scheduler; ", (long long)lag);
    return lag;
}
