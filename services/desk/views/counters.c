/* Two sums: over what she reaches wherever it lies, asked of counters with nobody's tickets in
 * them; and over what is assigned to her besides, from the counters of her own. */
#include "desk/views/counters.h"

#include <stdio.h>

#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/tickets/ticket_json.h"
#include "desk/views/statements.h"

#define COUNTERS                                                                                   \
    "(SELECT c.*, NULL::bigint AS assignee_id, NULL::bigint AS requester_id FROM desk.counters c"  \
    " WHERE c.tenant_id = $1::bigint AND c.n <> 0) c"
#define SHOWN "%s.status NOT IN ('deleted', 'merged')"

typedef struct Sum {
    ViewCounted done;
    void *context;
} Sum;

static int take_reach(const Subject *who, Params *p, Buf *ret_sql, const char *alias) {
    ReachValue values[REACH_VALUES_MAX];
    int at = (int)p->n + 1;
    size_t n = rights_reach_sql(who, alias, at, ret_sql, values);
    for (size_t i = 0; i < n; i++) {
        params_array(p, values[i].texts ? PARAM_TEXT : PARAM_INT8, values[i].n);
        for (size_t k = 0; k < values[i].n; k++)
            if (values[i].texts)
                params_element_text(p, values[i].texts[k]);
            else
                params_element_i64(p, values[i].numbers[k]);
    }
    return at;
}

/* Appends "(SELECT ...) c": counters, each of them of tickets that the subject reaches and that fit
 * the filter (NULL: every one), together every such ticket once. False: too many values. */
static bool add_reached(Request *r, const Filter *f, Params *p, Buf *sql) {
    Subject nobody = r->subject;
    PredicateWho who = listing_who(r);
    nobody.user_id = 0;
    params_i64(p, r->subject.tenant_id);
    buf_adds(sql, "(SELECT c.status, c.group_id, c.kind, c.category, c.region, c.n FROM " COUNTERS
                  " WHERE ");
    buf_printf(sql, SHOWN " AND ", "c");
    int reach_at = take_reach(&nobody, p, sql, "c");
    size_t filter_at = p->n;
    if (f) {
        buf_adds(sql, " AND ");
        if (predicate_sql(f, &who, PREDICATE_COUNTERS, "c", r->arena, p, sql) < 0) return false;
    }
    if (r->subject.user_id && !rights_reach_all(&r->subject.reach)) {
        ReachValue values[REACH_VALUES_MAX];
        buf_printf(sql,
                   " UNION ALL SELECT x.status, x.group_id, x.kind, x.category, x.region, x.n FROM"
                   " (SELECT o.*, NULL::bigint AS requester_id FROM desk.own_counters o WHERE"
                   " o.tenant_id = $1::bigint AND o.assignee_id = $%d::bigint AND o.n <> 0) x"
                   " WHERE ",
                   (int)p->n + 1);
        params_i64(p, r->subject.user_id);
        buf_printf(sql, SHOWN " AND (", "x");
        (void)rights_reach_sql(&nobody, "x", reach_at, sql, values);
        buf_adds(sql, ") IS NOT TRUE");
        if (f) { /* the same values under the same numbers: they are there already */
            CLEANUP(params_done) Params again = {.n = filter_at};
            buf_adds(sql, " AND ");
            if (predicate_sql(f, &who, PREDICATE_COUNTERS, "x", r->arena, &again, sql) < 0)
                return false;
        }
    }
    buf_adds(sql, ") c");
    return true;
}

static void on_sum(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    Sum *s = r->context;
    r->context = s->context;
    if (problem) {
        answer_unavailable(r, "PostgreSQL refused to count", 1);
        return;
    }
    s->done(r, (ViewCount){.value = rows_int(results[0], 0, 0), .exact = true});
}

void counters_sum(Request *r, const Filter *f, ViewCounted done) {
    CLEANUP(buf_done) Buf sql = {0};
    Params *p = request_params(r);
    Sum *s = arena_alloc(r->arena, sizeof(*s));
    *s = (Sum){done, r->context};
    if (f && f->all_n + f->any_n == 0) f = NULL;
    buf_adds(&sql, "SELECT coalesce(sum(c.n), 0)::bigint FROM ");
    const PostgresStatement *statement =
        add_reached(r, f, p, &sql) ? statement_of(buf_str(&sql)) : NULL;
    if (!statement) {
        answer_unavailable(r, "this view has too many conditions", 60);
        return;
    }
    r->context = s;
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){statement, p}, 1, on_sum);
}

/* ---- by what they have in common ---- */

static const struct By {
    const char *column, *member;
    unsigned bit;
    bool number;
} bys[] = {
    {"c.status", "status", COUNTERS_STATUS, false},
    {"c.group_id", "group_id", COUNTERS_GROUP, true},
    {"c.kind", "kind", COUNTERS_KIND, false},
    {"c.category", "category", COUNTERS_CATEGORY, false},
    {"c.region", "region", COUNTERS_REGION, false},
};
enum { BYS = sizeof(bys) / sizeof(*bys) };

typedef struct Table {
    unsigned by;
} Table;

static void on_table(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    const Table *t = r->context;
    Buf *body = request_buf(r);
    char now[21];
    if (problem) {
        answer_unavailable(r, "PostgreSQL refused to count", 1);
        return;
    }
    const PostgresRows *rows = results[0];
    size_t n = rows_count(rows);
    bool more = n > COUNTERS_ROWS_MAX;
    if (more) n = COUNTERS_ROWS_MAX;
    buf_adds(body, "{\"counts\":[");
    for (size_t i = 0; i < n; i++) {
        size_t column = 1;
        buf_adds(body, i ? ",{" : "{");
        for (size_t b = 0; b < BYS; b++) {
            if (!(t->by & bys[b].bit)) continue;
            buf_printf(body, "\"%s\":", bys[b].member);
            if (!bys[b].number)
                buf_add_json(body, rows_str(rows, i, column));
            else if (rows_int(rows, i, column))
                buf_add_i64(body, rows_int(rows, i, column));
            else
                buf_adds(body, "null");
            buf_addc(body, ',');
            column++;
        }
        buf_printf(body, "\"value\":%lld}", (long long)rows_int(rows, i, 0));
    }
    clock_format_s(r->now_ms, now);
    buf_printf(body, "],\"count\":%zu,\"exact\":%s,\"refreshed_at\":\"%s\"}", n,
               more ? "false" : "true", now);
    answer_json(r, 200, buf_str(body));
}

void counters_answer(Request *r, unsigned by) {
    CLEANUP(buf_done) Buf sql = {0};
    Params *p = request_params(r);
    Table *t = arena_alloc(r->arena, sizeof(*t));
    *t = (Table){by};
    buf_adds(&sql, "SELECT sum(c.n)::bigint");
    for (size_t b = 0; b < BYS; b++)
        if (by & bys[b].bit) buf_printf(&sql, ", %s", bys[b].column);
    buf_adds(&sql, " FROM ");
    (void)add_reached(r, NULL, p, &sql);
    const char *comma = " GROUP BY ";
    for (size_t b = 0; b < BYS; b++)
        if (by & bys[b].bit) {
            buf_printf(&sql, "%s%s", comma, bys[b].column);
            comma = ", ";
        }
    buf_printf(&sql, " HAVING sum(c.n) <> 0 ORDER BY 1 DESC LIMIT %d", COUNTERS_ROWS_MAX + 1);
    const PostgresStatement *statement = statement_of(buf_str(&sql));
    if (!statement) {
        answer_unavailable(r, "too many different questions", 60);
        return;
    }
    r->context = t;
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){statement, p}, 1, on_table);
}
