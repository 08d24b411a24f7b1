/* The reach is asked over counters with nobody's tickets in them; what a person reaches because it
 * is assigned to her is added from where that is known. */
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

static void take_reach(const Subject *who, Params *p, int *ret_at, Buf *ret_sql,
                       const char *alias) {
    ReachValue values[REACH_VALUES_MAX];
    *ret_at = (int)p->n + 1;
    size_t n = rights_reach_sql(who, alias, *ret_at, ret_sql, values);
    for (size_t i = 0; i < n; i++) {
        params_array(p, values[i].texts ? PARAM_TEXT : PARAM_INT8, values[i].n);
        for (size_t k = 0; k < values[i].n; k++)
            if (values[i].texts)
                params_element_text(p, values[i].texts[k]);
            else
                params_element_i64(p, values[i].numbers[k]);
    }
}

static void on_sum(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    Sum *s = r->context;
    r->context = s->context;
    if (problem) {
        answer_unavailable(r, "PostgreSQL refused to count", 1);
        return;
    }
    const PostgresRows *rows = results[0];
    int64_t done = rows_int(rows, 0, 2);
    s->done(r, (ViewCount){.value = rows_int(rows, 0, 0) + rows_int(rows, 0, 1) + done,
                           .exact = done < COUNT_MAX});
}

/* "<source> that is hers, outside what she reaches in any case, and fits" as a count. */
static bool add_own(Request *r, const Filter *f, PredicateTable table, const char *source, int me,
                    int reach_at, size_t filter_at, Buf *sql) {
    Subject nobody = r->subject;
    PredicateWho who = listing_who(r);
    ReachValue values[REACH_VALUES_MAX];
    nobody.user_id = 0;
    buf_printf(sql,
               ", (SELECT count(*)::bigint FROM %s x WHERE x.tenant_id = $1::bigint AND "
               "x.assignee_id = $%d::bigint AND x.assignee_id <> 0 AND ",
               source, me);
    buf_printf(sql, SHOWN " AND (", "x");
    (void)rights_reach_sql(&nobody, "x", reach_at, sql, values);
    buf_adds(sql, ") IS NOT TRUE");
    if (f) {
        CLEANUP(params_done) Params again = {.n = filter_at};
        buf_adds(sql, " AND ");
        if (predicate_sql(f, &who, table, "x", r->arena, &again, sql) < 0) return false;
    }
    buf_adds(sql, ")");
    return true;
}

#define OPEN_TICKETS                                                                               \
    "(SELECT * FROM ticket.tickets o WHERE o.status IN ('new', 'assigned', 'in_progress', "        \
    "'pending', 'on_hold'))"

void counters_sum(Request *r, const Filter *f, ViewCounted done) {
    CLEANUP(buf_done) Buf sql = {0};
    Params *p = request_params(r);
    Subject nobody = r->subject;
    PredicateWho who = listing_who(r);
    Sum *s = arena_alloc(r->arena, sizeof(*s));
    int reach_at, me;
    bool good = true;
    if (f && f->all_n + f->any_n == 0) f = NULL;
    *s = (Sum){done, r->context};
    nobody.user_id = 0;
    params_i64(p, r->subject.tenant_id);
    buf_adds(&sql, "SELECT (SELECT coalesce(sum(c.n), 0)::bigint FROM " COUNTERS " WHERE ");
    buf_printf(&sql, SHOWN " AND ", "c");
    take_reach(&nobody, p, &reach_at, &sql, "c");
    size_t filter_at = p->n;
    if (f) {
        buf_adds(&sql, " AND ");
        good = predicate_sql(f, &who, PREDICATE_COUNTERS, "c", r->arena, p, &sql) == 0;
    }
    buf_adds(&sql, ")");
    if (r->subject.user_id && !rights_reach_all(&r->subject.reach)) {
        me = (int)p->n + 1;
        params_i64(p, r->subject.user_id);
        good =
            good && add_own(r, f, PREDICATE_TICKETS, OPEN_TICKETS, me, reach_at, filter_at, &sql);
        char *walked = arena_printf(
            r->arena,
            "(SELECT * FROM desk.ticket_index o WHERE o.tenant_id = $1::bigint AND o.assignee_id = "
            "$%d::bigint AND o.assignee_id <> 0 AND o.status IN ('solved', 'closed') ORDER BY "
            "o.ticket_id DESC LIMIT %d)",
            me, COUNT_MAX);
        good = good && add_own(r, f, PREDICATE_INDEX, walked, me, reach_at, filter_at, &sql);
    } else {
        buf_adds(&sql, ", 0::bigint, 0::bigint");
    }
    const PostgresStatement *statement = good ? statement_of(buf_str(&sql)) : NULL;
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
    Subject nobody = r->subject;
    Table *t = arena_alloc(r->arena, sizeof(*t));
    int reach_at;
    *t = (Table){by};
    nobody.user_id = 0;
    params_i64(p, r->subject.tenant_id);
    buf_adds(&sql, "SELECT sum(c.n)::bigint");
    for (size_t b = 0; b < BYS; b++)
        if (by & bys[b].bit) buf_printf(&sql, ", %s", bys[b].column);
    buf_adds(&sql, " FROM " COUNTERS " WHERE ");
    buf_printf(&sql, SHOWN " AND ", "c");
    take_reach(&nobody, p, &reach_at, &sql, "c");
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
