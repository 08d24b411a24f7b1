/* The figures: whether each ticket's are those of its ledger, told anew, and whether the windows
 * are those of all ledgers together, by SQL of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "docket/verify_checks.h"
#include "docket/verify_internal.h"
#include "facts/sheet.h"
#include "kafka/admin.h"
#include "loop/loop.h"
#include "postgres/pool.h"
#include "store/histories.h"

enum { PAGE = 500, SECOND_LOOKS_MAX = 5000, PATIENCE_MS = 10000, PAUSE_MS = 200 };

/* ---- Windows ---- */

/* What a column was set to last: the rows from one that sets it to the next are a group of
 * their own. */
#define SETS(column) "count(*) FILTER (WHERE set ? '" column "') OVER w"
#define LAST(column)                                                                               \
    "first_value(set ->> '" column "') OVER (PARTITION BY tenant_id, ticket_id, n_" column         \
    " ORDER BY seq)"
#define IS_OPEN(status) status " IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')"

static const char
    windows_sql
        [] = "WITH told AS MATERIALIZED ("
             " SELECT l.tenant_id, l.ticket_id, l.seq, l.kind, l.payload, l.payload -> 'set' ||"
             "   CASE WHEN l.kind IN ('ticket_queued', 'ticket_released') AND NOT l.payload -> "
             "'set' ?"
             "    'assignee_id' THEN '{\"assignee_id\":null}'::jsonb ELSE '{}' END AS set,"
             "   l.actor ~ '^(agent|user):' AND l.payload #>> '{comment,public}' = 'true' AND "
             "l.seq > 1"
             "    AS replied,"
             "   max(CASE WHEN l.seq = 1 THEN floor(extract(epoch FROM (l.payload #>> "
             "'{set,created_at}')"
             "    ::timestamptz) * 1000) ELSE floor(extract(epoch FROM l.at) * 1000) END) OVER"
             "    (PARTITION BY l.tenant_id, l.ticket_id ORDER BY l.seq) AS ms"
             " FROM analytics.tickets t JOIN ticket.ledger l ON l.tenant_id = t.tenant_id"
             "  AND l.ticket_id = t.ticket_id AND l.seq <= t.seq"
             " WHERE $1::bigint IN (0, t.tenant_id)),"
             " counted AS (SELECT *, " SETS("status") " AS n_status, " SETS("category") " AS "
                                                                                        "n_"
                                                                                        "category,"
                                                                                        " " SETS("a"
                                                                                                 "s"
                                                                                                 "s"
                                                                                                 "i"
                                                                                                 "g"
                                                                                                 "n"
                                                                                                 "e"
                                                                                                 "e"
                                                                                                 "_"
                                                                                                 "i"
                                                                                                 "d") " AS n_assignee_id, " SETS("satisfaction") " AS n_satisfaction,"
                                                                                                                                                 "   count(*) FILTER (WHERE set ->> 'group_id' IS NOT NULL) OVER w AS n_group_id"
                                                                                                                                                 "  FROM told WINDOW w AS (PARTITION BY tenant_id, ticket_id ORDER BY seq)),"
                                                                                                                                                 " stands AS (SELECT *, " LAST(
                                                                                                                                                     "status") " AS status, coalesce(" LAST("category") ", '') AS"
                                                                                                                                                                                                        "   category, " LAST("assignee_id") " AS assignee, " LAST("satisfaction") " AS satisfaction, " LAST("group_id") " AS last_group FROM counted),"
                                                                                                                                                                                                                                                                                                                        " moved AS (SELECT *, lag(status) OVER w AS was, lag(assignee) OVER w AS had,"
                                                                                                                                                                                                                                                                                                                        "   lag(last_group) OVER w AS from_group,"
                                                                                                                                                                                                                                                                                                                        /* how often an open state was entered so far */
                                                                                                                                                                                                                                                                                                                        "   count(*) FILTER (WHERE set ? 'status' AND " IS_OPEN("status") ") OVER w AS opened,"
                                                                                                                                                                                                                                                                                                                                                                                          "   row_number() OVER (PARTITION BY tenant_id, ticket_id, replied ORDER BY seq) AS nth"
                                                                                                                                                                                                                                                                                                                                                                                          "  FROM stands WINDOW w AS (PARTITION BY tenant_id, ticket_id ORDER BY seq)),"
                                                                                                                                                                                                                                                                                                                                                                                          " happened AS (SELECT *, bool_or(status IN ('solved', 'closed')) OVER"
                                                                                                                                                                                                                                                                                                                                                                                          "   (PARTITION BY tenant_id, ticket_id, opened ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING"
                                                                                                                                                                                                                                                                                                                                                                                          "    AND 1 PRECEDING) IS TRUE AS resolved,"
                                                                                                                                                                                                                                                                                                                                                                                          "   seq > 1 AND (payload #>> '{reason,why}' = 'rated' OR coalesce(set ->> 'satisfaction', '')"
                                                                                                                                                                                                                                                                                                                                                                                          "    NOT IN ('', 'offered')) IS TRUE AS rates FROM moved),"
                                                                                                                                                                                                                                                                                                                                                                                          " should AS (SELECT tenant_id, to_timestamp(ms / 1000 - (ms / 1000)::numeric % 900) AS"
                                                                                                                                                                                                                                                                                                                                                                                          "   starts_at, category,"
                                                                                                                                                                                                                                                                                                                                                                                          "   count(*) FILTER (WHERE seq = 1) AS arrived,"
                                                                                                                                                                                                                                                                                                                                                                                          "   count(*) FILTER (WHERE seq > 1 AND assignee IS NOT NULL AND assignee IS DISTINCT FROM had)"
                                                                                                                                                                                                                                                                                                                                                                                          "    AS assigned,"
                                                                                                                                                                                                                                                                                                                                                                                          "   count(*) FILTER (WHERE replied AND nth = 1) AS first_replied,"
                                                                                                                                                                                                                                                                                                                                                                                          "   count(*) FILTER (WHERE replied) AS replied,"
                                                                                                                                                                                                                                                                                                                                                                                          "   count(*) FILTER (WHERE seq > 1 AND status <> was AND (status = 'solved' OR (status ="
                                                                                                                                                                                                                                                                                                                                                                                          "    'closed' AND NOT resolved))) AS solved,"
                                                                                                                                                                                                                                                                                                                                                                                          "   count(*) FILTER (WHERE was = 'solved' AND " IS_OPEN("status") ") AS reopened,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   count(*) FILTER (WHERE from_group <> last_group) AS transferred,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   count(*) FILTER (WHERE rates AND satisfaction = 'good') AS rated_good,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   count(*) FILTER (WHERE rates AND satisfaction = 'bad') AS rated_bad,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   count(*) FILTER (WHERE kind = 'promise_warned') AS warned,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   count(*) FILTER (WHERE kind = 'promise_breached') AS breached"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "  FROM happened GROUP BY 1, 2, 3)"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            " SELECT coalesce(s.tenant_id, w.tenant_id), format('%s %s: is %s, should be %s',"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   coalesce(s.starts_at, w.starts_at), coalesce(s.category, w.category),"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   row(w.arrived, w.assigned, w.first_replied, w.replied, w.solved, w.reopened,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "    w.transferred, w.rated_good, w.rated_bad, w.warned, w.breached),"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   row(s.arrived, s.assigned, s.first_replied, s.replied, s.solved, s.reopened,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "    s.transferred, s.rated_good, s.rated_bad, s.warned, s.breached)),"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   coalesce(row(w.arrived, w.assigned, w.first_replied, w.replied, w.solved, w.reopened,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "    w.transferred, w.rated_good, w.rated_bad, w.warned, w.breached) ="
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "    row(s.arrived, s.assigned, s.first_replied, s.replied, s.solved, s.reopened,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "     s.transferred, s.rated_good, s.rated_bad, s.warned, s.breached), false)"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            " FROM (SELECT * FROM should WHERE arrived + assigned + replied + solved + reopened +"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "   transferred + rated_good + rated_bad + warned + breached > 0) s"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            " FULL JOIN (SELECT * FROM analytics.windows w WHERE $1::bigint IN (0, w.tenant_id)) w"
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "  ON w.tenant_id = s.tenant_id AND w.starts_at = s.starts_at AND w.category = s.category";

static int look_at_windows(Verify *v) {
    Finding *f = verify_begin(v, "every quarter of an hour counts what the ledgers say");
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, v->only);
    const PostgresRows *rows = verify_query(v, windows_sql, &p);
    if (!rows) return -1;
    for (size_t i = 0; i < rows_count(rows); i++) {
        f->checked++;
        if (!rows_bool(rows, i, 2))
            finding_broken(f, rows_int(rows, i, 0), "%.*s", STR_ARG(rows_str(rows, i, 1)));
    }
    return 0;
}

/* ---- Tickets ---- */

typedef struct Figures {
    int64_t tenant_id, ticket_id;
    int32_t version; /* of the ticket */
    int32_t seq;     /* of its figures; 0: there are none */
    Str sheet;       /* in the arena */
    FactSheet *anew; /* told so far, up to `seq` */
    const Calendar *hours;
    int told; /* <0: its ledger has no figures */
    bool same;
} Figures;

typedef struct Recount {
    Verify *v;
    Loop *loop;
    Histories *histories;
    HistoriesOutcome outcome;
    Arena *arena;
    Figures page[PAGE];
    History asked[PAGE];
    size_t n;
    /* Looked at a second time: they may have been about to be told. */
    struct {
        int64_t tenant_id, ticket_id;
    } again[SECOND_LOOKS_MAX];
    size_t again_n;
} Recount;

static void on_row(void *arg, const TicketLife *life, const Event *row, bool told) {
    Figures *f = arg;
    if (!told) {
        f->hours = ticket_life_hours(life);
        return;
    }
    if (f->told < 0 || row->seq > f->seq) return;
    const Clock *clocks;
    f->told = fact_sheet_tell(f->anew, row, f->hours, NULL);
    size_t n = ticket_life_forgotten(life, &clocks);
    fact_sheet_clocks(f->anew, clocks, n);
    n = ticket_life_clocks(life, &clocks);
    fact_sheet_clocks(f->anew, clocks, n);
    if (f->told < 0 || row->seq != f->seq) return;
    CLEANUP(buf_done) Buf packed = {0};
    fact_sheet_pack(f->anew, &packed);
    f->same = str_eq(buf_str(&packed), f->sheet);
}

static void on_told(void *arg, HistoriesOutcome outcome, const char *problem) {
    Recount *r = arg;
    r->outcome = outcome;
    if (outcome != HISTORIES_DONE)
        buf_printf(&r->v->trouble, "ledgers cannot be told anew: %s", problem ? problem : "?");
    loop_stop(r->loop);
}

static void read_page(Recount *r, const PostgresRows *rows) {
    r->n = rows_count(rows);
    arena_reset(r->arena);
    for (size_t i = 0; i < r->n; i++)
        r->page[i] = (Figures){.tenant_id = rows_int(rows, i, 0),
                               .ticket_id = rows_int(rows, i, 1),
                               .version = (int32_t)rows_int(rows, i, 2),
                               .seq = (int32_t)rows_int(rows, i, 3),
                               .sheet = arena_str(r->arena, rows_str(rows, i, 4))};
}

/* Those of the page, from their ledgers. */
static int recount(Recount *r) {
    for (size_t i = 0; i < r->n; i++) {
        r->page[i].anew = fact_sheet_new();
        r->asked[i] = (History){.tenant_id = r->page[i].tenant_id,
                                .ticket_id = r->page[i].ticket_id,
                                .upto_ms = NEVER,
                                .row = on_row,
                                .row_arg = &r->page[i]};
    }
    histories_lives(r->histories, r->asked, r->n, on_told, r);
    loop_run(r->loop);
    for (size_t i = 0; i < r->n; i++) {
        r->page[i].anew = fact_sheet_free(r->page[i].anew);
        if (r->outcome == HISTORIES_DONE) ticket_life_free(r->asked[i].life);
    }
    return r->outcome == HISTORIES_DONE ? 0 : -1;
}

static bool behind(const Figures *f) {
    return f->seq < f->version;
}

#define FIGURES                                                                                    \
    "SELECT t.tenant_id, t.id, t.version::bigint, a.seq::bigint, a.sheet FROM ticket.tickets t"    \
    " LEFT JOIN analytics.tickets a ON a.tenant_id = t.tenant_id AND a.ticket_id = t.id"

static int look_at_all(Recount *r, Finding *counted) {
    int64_t tenant = 0, ticket = 0;
    do {
        CLEANUP(params_done) Params p = {0};
        params_i64(&p, tenant);
        params_i64(&p, ticket);
        params_i64(&p, r->v->only);
        params_i64(&p, PAGE);
        const PostgresRows *rows = verify_query(
            r->v,
            FIGURES " WHERE (t.tenant_id, t.id) > ($1::bigint, $2::bigint) AND $3::bigint IN"
                    " (0, t.tenant_id) ORDER BY t.tenant_id, t.id LIMIT $4::bigint",
            &p);
        if (!rows) return -1;
        read_page(r, rows);
        if (r->n && recount(r) < 0) return -1;
        for (size_t i = 0; i < r->n; i++) {
            const Figures *f = &r->page[i];
            counted->checked++;
            tenant = f->tenant_id;
            ticket = f->ticket_id;
            if ((f->same && !behind(f)) || r->again_n == SECOND_LOOKS_MAX) continue;
            r->again[r->again_n].tenant_id = tenant;
            r->again[r->again_n++].ticket_id = ticket;
        }
    } while (r->n == PAGE);
    return 0;
}

/* The first of those looked at again, as they are now; true ones are forgotten. */
static int look_again(Recount *r, bool last, bool followed, Finding *wrong, Finding *missing) {
    size_t left = 0;
    for (size_t from = 0, n; from < r->again_n; from += n) {
        CLEANUP(params_done) Params p = {0};
        n = r->again_n - from < PAGE ? r->again_n - from : PAGE;
        params_array(&p, PARAM_INT8, n);
        for (size_t i = 0; i < n; i++)
            params_element_i64(&p, r->again[from + i].tenant_id);
        params_array(&p, PARAM_INT8, n);
        for (size_t i = 0; i < n; i++)
            params_element_i64(&p, r->again[from + i].ticket_id);
        const PostgresRows *rows =
            verify_query(r->v,
                         FIGURES " JOIN unnest($1::bigint[], $2::bigint[]) i (tenant_id, id)"
                                 " ON t.tenant_id = i.tenant_id AND t.id = i.id",
                         &p);
        if (!rows) return -1;
        read_page(r, rows);
        if (r->n && recount(r) < 0) return -1;
        for (size_t i = 0; i < r->n; i++) {
            const Figures *f = &r->page[i];
            if (f->same && !behind(f)) continue;
            r->again[left].tenant_id = f->tenant_id;
            r->again[left++].ticket_id = f->ticket_id;
            if (!last) continue;
            if (f->seq && !f->same)
                finding_broken(wrong, f->tenant_id,
                               "ticket %lld: figures of seq %d are not those "
                               "of its ledger",
                               (long long)f->ticket_id, (int)f->seq);
            if (followed && behind(f))
                finding_broken(missing, f->tenant_id, "ticket %lld: seq %d of %d",
                               (long long)f->ticket_id, (int)f->seq, (int)f->version);
        }
    }
    r->again_n = left;
    return 0;
}

static int look_at_tickets(Recount *r, bool followed) {
    Finding *wrong = verify_begin(r->v, "every ticket's figures are those of its ledger");
    Finding *missing = verify_begin(r->v, "no ticket's figures stay behind its ledger");
    int result = look_at_all(r, wrong);
    missing->checked = wrong->checked;
    int64_t until = clock_monotonic_ms() + PATIENCE_MS;
    for (bool last = false; result == 0 && r->again_n && !last;) {
        loop_run_for(r->loop, PAUSE_MS);
        last = !followed || clock_monotonic_ms() >= until;
        result = look_again(r, last, followed, wrong, missing);
    }
    return result;
}

/* Where none has ever run nobody is to blame. */
static int analytics_exists(Verify *v, bool *ret) {
    const PostgresRows *rows =
        verify_query(v, "SELECT to_regclass('analytics.partitions') IS NOT NULL", NULL);
    if (!rows) return -1;
    *ret = rows_bool(rows, 0, 0);
    if (!*ret) return 0;
    if (!(rows = verify_query(v, "SELECT EXISTS (SELECT FROM analytics.partitions)", NULL)))
        return -1;
    *ret = rows_bool(rows, 0, 0);
    return 0;
}

int verify_analytics(Verify *v, bool followed) {
    bool exists;
    if (analytics_exists(v, &exists) < 0) return -1;
    if (!exists) return 0;
    CLEANUP(mem_freep) Recount *r = xcalloc(1, sizeof(*r));
    r->v = v;
    r->loop = loop_new();
    r->arena = arena_new(0);
    PostgresPool *pool =
        postgres_pool_new(r->loop,
                          &(PostgresPoolSettings){.postgres = {.url = v->postgres_url,
                                                               .application_name = "docket-verify",
                                                               .statement_timeout_ms = 60000,
                                                               .transaction_timeout_ms = 90000},
                                                  .connections = 1,
                                                  .patience_ms = 60000},
                          &v->trouble);
    int result = pool ? 0 : -1;
    if (pool) {
        r->histories = histories_new(r->loop, pool);
        result = look_at_tickets(r, followed);
        histories_free(r->histories);
    }
    postgres_pool_free(pool);
    loop_run_for(r->loop, 0); /* what was freed later */
    arena_free(r->arena);
    loop_free(r->loop);
    return result < 0 ? result : look_at_windows(v);
}

int64_t verify_analytics_under_way(Verify *v, KafkaAdmin *admin, Buf *ret_what) {
    bool exists;
    int64_t lag = 0;
    if (analytics_exists(v, &exists) < 0) return -1;
    if (!exists) return 0;
    if (kafka_admin_lag(admin, "docket.events", "docket-analytics", &lag, &v->trouble) < 0)
        return -1;
    if (lag) buf_printf(ret_what, "%lld in docket.events for analytics; ", (long long)lag);
    const PostgresRows *rows =
        verify_query(v, "SELECT count(*)::bigint FROM analytics.partitions WHERE filled < 1", NULL);
    if (!rows) return -1;
    if (rows_int(rows, 0, 0))
        buf_printf(ret_what, "%lld partitions are still filled with figures; ",
                   (long long)rows_int(rows, 0, 0));
    return lag + rows_int(rows, 0, 0);
}
