/* The page's statement is put together from our own words; every value is a parameter. */
#include "desk/views/listing.h"

#include <stdio.h>

#include "desk/api/answer.h"
#include "desk/views/statements.h"

#define COLUMNS(id)                                                                                \
    "x." id " AS id, x.updated_at, x.tenant_id, x.status, x.group_id, x.assignee_id,"              \
    " x.requester_id, x.kind, x.category, x.region, x.priority, x.external_id"

#define SHOWN "%s.status NOT IN ('deleted', 'merged')"

static const char *direction(const Listing *l) {
    return l->paging->descending ? "DESC" : "ASC";
}

/* ---- parts that are in several places ---- */

static void add_reach(const Listing *l, const char *alias, Buf *sql) {
    ReachValue values[REACH_VALUES_MAX];
    (void)rights_reach_sql(&l->r->subject, alias, l->reach_at, sql, values);
}

static void take_reach(Listing *l) {
    CLEANUP(buf_done) Buf unused = {0};
    ReachValue values[REACH_VALUES_MAX];
    l->reach_at = (int)l->params->n + 1;
    size_t n = rights_reach_sql(&l->r->subject, "x", l->reach_at, &unused, values);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&l->reach_list, "$%d::%s[], ", l->reach_at + (int)i,
                   values[i].texts ? "text" : "bigint");
        params_array(l->params, values[i].texts ? PARAM_TEXT : PARAM_INT8, values[i].n);
        for (size_t k = 0; k < values[i].n; k++)
            if (values[i].texts)
                params_element_text(l->params, values[i].texts[k]);
            else
                params_element_i64(l->params, values[i].numbers[k]);
    }
}

/* False when the view has more values than a statement takes. */
static bool add_filter(Listing *l, PredicateTable table, const char *alias, Buf *sql) {
    if (!l->filter) return true;
    PredicateWho who = listing_who(l->r);
    buf_adds(sql, " AND ");
    if (!l->filter_at) {
        l->filter_at = l->params->n;
        return predicate_sql(l->filter, &who, table, alias, l->r->arena, l->params, sql) == 0;
    }
    /* The same values under the same numbers: they are there already. */
    CLEANUP(params_done) Params again = {.n = l->filter_at};
    return predicate_sql(l->filter, &who, table, alias, l->r->arena, &again, sql) == 0;
}

static void add_position(const Listing *l, const char *id, Buf *sql) {
    char sign = l->paging->descending ? '<' : '>';
    if (!l->paging->has_position) return;
    if (l->by_updated)
        buf_printf(sql,
                   " AND (x.updated_at, x.%s) %c (timestamptz 'epoch' + $%d::bigint * interval '1 "
                   "microsecond', $%d::bigint)",
                   id, sign, l->position_at, l->id_at);
    else
        buf_printf(sql, " AND x.%s %c $%d::bigint", id, sign, l->id_at);
}

static void add_order(const Listing *l, const char *alias, const char *id, Buf *sql) {
    if (l->by_updated)
        buf_printf(sql, " ORDER BY %s.updated_at %s, %s.%s %s", alias, direction(l), alias, id,
                   direction(l));
    else
        buf_printf(sql, " ORDER BY %s.%s %s", alias, id, direction(l));
}

static void begin_source(Listing *l) {
    buf_adds(&l->sources, l->sources_n++ ? " UNION ALL (" : "(");
}

/* ---- sources ---- */

Listing *listing_new(Request *r, const Paging *paging, bool by_updated, const Filter *filter,
                     IndexDone done) {
    Listing *l = arena_zalloc(r->arena, sizeof(*l));
    l->r = r;
    l->paging = paging;
    l->by_updated = by_updated;
    l->filter = filter && filter->all_n + filter->any_n ? filter : NULL;
    l->reading = l->filter && predicate_needs(l->filter) == PREDICATE_TICKETS;
    l->done = done;
    l->context = r->context;
    l->params = request_params(r);
    params_i64(l->params, r->subject.tenant_id); /* $1 */
    take_reach(l);
    l->position_at = (int)l->params->n + 1;
    l->id_at = l->position_at + by_updated;
    if (paging->has_position && by_updated) params_i64(l->params, paging->position);
    if (paging->has_position) params_i64(l->params, paging->id);
    l->rows_at = (int)l->params->n + 1;
    params_i64(l->params, paging_limit(paging) + paging_offset(paging));
    /* Part of the text: a plan for any number at all would rather sort everything. */
    l->walk = l->reading ? LISTING_WALK_READING : LISTING_WALK;
    return l;
}

void listing_walk(Listing *l, const char *where) {
    begin_source(l);
    l->walks = true;
    buf_printf(&l->sources,
               "SELECT " COLUMNS("ticket_id") " FROM desk.ticket_index x WHERE x.tenant_id = "
                                              "$1::bigint AND %s",
               where);
    add_position(l, "ticket_id", &l->sources);
    add_order(l, "x", "ticket_id", &l->sources);
    buf_printf(&l->sources, " LIMIT %d)", l->walk);
}

void listing_walk_tickets(Listing *l) {
    begin_source(l);
    l->walks = true;
    buf_adds(&l->sources,
             "SELECT " COLUMNS("id") " FROM ticket.tickets x WHERE x.tenant_id = $1::bigint");
    add_position(l, "id", &l->sources);
    add_order(l, "x", "id", &l->sources);
    buf_printf(&l->sources, " LIMIT %d)", l->walk);
}

void listing_pick(Listing *l, const char *where) {
    begin_source(l);
    buf_printf(&l->sources,
               "SELECT " COLUMNS("id") " FROM ticket.tickets x WHERE x.tenant_id = $1::bigint AND "
                                       "%s AND ",
               where);
    add_reach(l, "x", &l->sources);
    (void)add_filter(l, PREDICATE_TICKETS, "x", &l->sources);
    add_position(l, "id", &l->sources);
    add_order(l, "x", "id", &l->sources);
    buf_printf(&l->sources, " LIMIT $%d::bigint)", l->rows_at);
}

void listing_pick_index(Listing *l, const char *where, int most) {
    begin_source(l);
    buf_printf(&l->sources,
               "SELECT x.* FROM (SELECT " COLUMNS(
                   "ticket_id") " FROM desk.ticket_index x WHERE x.tenant_id = $1::bigint AND %s "
                                "ORDER BY x.ticket_id DESC LIMIT %d) x WHERE ",
               where, most);
    add_reach(l, "x", &l->sources);
    add_position(l, "id", &l->sources);
    add_order(l, "x", "id", &l->sources);
    buf_printf(&l->sources, " LIMIT %d)", l->walk);
}

void listing_pick_organization(Listing *l, int64_t organization_id) {
    begin_source(l);
    buf_printf(
        &l->sources,
        "SELECT x.* FROM (SELECT u.user_id FROM access.users u WHERE u.tenant_id = $1::bigint"
        " AND u.organization_id = $%d::bigint ORDER BY u.user_id LIMIT 1000) u CROSS JOIN "
        "LATERAL (SELECT " COLUMNS("ticket_id") " FROM desk.ticket_index x WHERE "
                                                "x.tenant_id = $1::bigint AND "
                                                "x.requester_id = u.user_id AND ",
        (int)l->params->n + 1);
    params_i64(l->params, organization_id);
    add_reach(l, "x", &l->sources);
    add_position(l, "ticket_id", &l->sources);
    add_order(l, "x", "ticket_id", &l->sources);
    buf_printf(&l->sources, " LIMIT $%d::bigint) x)", l->rows_at);
}

/* ---- the whole ---- */

static void add_walked(Listing *l, Buf *sql) {
    buf_adds(sql, "(SELECT * FROM (");
    buf_add_str(sql, buf_str(&l->sources));
    buf_adds(sql, ") u");
    add_order(l, "u", "id", sql);
    buf_printf(sql, " LIMIT %d) s", l->walk);
}

#define POSITION "(extract(epoch FROM s.updated_at) * 1000000)::bigint"

/* The ticket as it is now, if it still is what was looked for. LIMIT 1: its key, and nothing else,
 * finds it. */
static bool add_ticket(Listing *l, Buf *sql) {
    buf_adds(sql, " LATERAL (SELECT t.* FROM ticket.tickets t WHERE t.tenant_id = $1::bigint AND "
                  "t.id = s.id AND ");
    buf_printf(sql, SHOWN " AND ", "t");
    add_reach(l, "t", sql);
    bool fits = add_filter(l, PREDICATE_TICKETS, "t", sql);
    buf_adds(sql, " LIMIT 1) t");
    return fits;
}

static bool write_page(Listing *l) {
    Buf *sql = &l->sql;
    buf_printf(sql, "SELECT " TICKET_COLUMNS ", %s, s.id FROM ", l->by_updated ? POSITION : "s.id");
    if (l->reading) {
        add_walked(l, sql);
        buf_adds(sql, " CROSS JOIN");
        if (!add_ticket(l, sql)) return false;
        add_order(l, "s", "id", sql);
    } else {
        buf_adds(sql, "(SELECT s.id, s.updated_at FROM ");
        add_walked(l, sql);
        buf_printf(sql, " WHERE " SHOWN " AND ", "s");
        add_reach(l, "s", sql);
        if (!add_filter(l, PREDICATE_INDEX, "s", sql)) return false;
        add_order(l, "s", "id", sql);
    }
    buf_printf(sql, " LIMIT $%d::bigint + 0 * num_nulls($%d::bigint) OFFSET $%d::bigint",
               (int)l->params->n + 1, l->rows_at, (int)l->params->n + 2);
    params_i64(l->params, paging_limit(l->paging));
    params_i64(l->params, paging_offset(l->paging));
    if (!l->reading) {
        buf_adds(sql, ") s LEFT JOIN");
        if (!add_ticket(l, sql)) return false;
        buf_adds(sql, " ON true");
        add_order(l, "s", "id", sql);
    }
    return true;
}

/* Where the walk ended; no row when it came to the end of the sources. */
static const PostgresStatement *write_end(Listing *l) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT %s, s.id FROM ", l->by_updated ? POSITION : "s.id");
    add_walked(l, &sql);
    add_order(l, "s", "id", &sql);
    /* PostgreSQL refuses parameters that nothing mentions. */
    buf_printf(&sql, " OFFSET %d + 0 * num_nulls(%.*s$%d::bigint)", l->walk - 1,
               STR_ARG(buf_str(&l->reach_list)), l->rows_at);
    return statement_of(buf_str(&sql));
}

static void finish(Listing *l) {
    l->r->context = l->context;
    l->done(l->r, &l->page, NULL);
}

static void refused(Listing *l, const PostgresProblem *problem) {
    l->r->context = l->context;
    l->done(l->r, NULL, problem);
}

static void on_end(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused(l, problem);
        return;
    }
    if (rows_count(results[0])) {
        int64_t position = rows_int(results[0], 0, 0), id = rows_int(results[0], 0, 1);
        PagingEnds *ends = &l->page.ends;
        l->page.more = true;
        if (l->paging->backwards || l->page.n == 0) {
            ends->first_position = position;
            ends->first_id = id;
        }
        if (!l->paging->backwards || l->page.n == 0) {
            ends->last_position = position;
            ends->last_id = id;
        }
    }
    finish(l);
}

/* The walk was shorter than it might have been: where did it end? Its parameters are the page's. */
static void ask_end(Listing *l) {
    l->end_params.bytes = l->params->bytes; /* it has grown since */
    TicketRow *kept = arena_alloc(l->r->arena, (l->page.n + 1) * sizeof(*kept));
    for (size_t i = 0; i < l->page.n; i++)
        kept[i] = ticket_row_keep(&l->page.rows[i], l->r->arena);
    l->page.rows = kept;
    l->r->context = l;
    request_query_rows(l->r, POSTGRES_READ_ONLY, &(PostgresQuery){l->end, &l->end_params}, 1,
                       on_end);
}

static void on_page(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused(l, problem);
        return;
    }
    const PostgresRows *rows = results[0];
    size_t n = rows_count(rows), shown = 0;
    bool full = n > (size_t)l->paging->size;
    if (full) n--;
    TicketRow *tickets = arena_alloc(r->arena, (n + 1) * sizeof(*tickets));
    for (size_t i = 0; i < n; i++) {
        size_t at = paging_row(l->paging, n, i);
        if (rows_null(rows, at, 0)) continue; /* has moved on since */
        tickets[shown++] = ticket_row_read(rows, at, 0, r->subject.tenant_id, r->arena);
    }
    l->page = (IndexPage){.rows = tickets, .n = shown, .more = full};
    if (n) {
        size_t first = paging_row(l->paging, n, 0), last = paging_row(l->paging, n, n - 1);
        l->page.ends = (PagingEnds){
            rows_int(rows, first, TICKET_COLUMNS_N), rows_int(rows, first, TICKET_COLUMNS_N + 1),
            rows_int(rows, last, TICKET_COLUMNS_N), rows_int(rows, last, TICKET_COLUMNS_N + 1)};
    }
    if (!full && l->end)
        ask_end(l);
    else
        finish(l);
}

void listing_run(Listing *l) {
    const PostgresStatement *page = NULL;
    bool ends = l->walks && l->paging->by_cursor; /* offset pages go no further in any case */
    l->end_params = *l->params;
    if (write_page(l)) page = statement_of(buf_str(&l->sql));
    if (page && ends && !(l->end = write_end(l))) page = NULL;
    buf_done(&l->sources);
    buf_done(&l->sql);
    buf_done(&l->reach_list);
    if (!page) {
        answer_unavailable(l->r, "this list has too many conditions", 60);
        return;
    }
    l->r->context = l;
    request_query_rows(l->r, POSTGRES_READ_ONLY, &(PostgresQuery){page, l->params}, 1, on_page);
}

/* ---- counting ---- */

Listing *listing_new_count(Request *r, const Filter *filter, int64_t most, ListingCounted done) {
    static const Paging one = {.by_cursor = true, .descending = true};
    Paging *p = arena_alloc(r->arena, sizeof(*p));
    *p = one;
    p->size = most;
    Listing *l = listing_new(r, p, true, filter, NULL);
    l->counted = done;
    l->most = most;
    return l;
}

static void on_count(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Listing *l = r->context;
    r->context = l->context;
    if (problem) { /* numbers and texts of our own: PostgreSQL takes them all */
        answer_unavailable(r, "PostgreSQL refused to count", 1);
        return;
    }
    int64_t n = rows_int(results[0], 0, 0), walked = rows_int(results[0], 0, 1);
    bool exact = n <= l->most && (!l->walks || walked < l->walk);
    l->counted(r, n < l->most ? n : l->most, exact);
}

/* A walk is counted whole: where it ends tells whether there may be more. */
void listing_run_count(Listing *l) {
    Buf *sql = &l->sql;
    buf_adds(sql, "SELECT (count(*) FILTER (WHERE s.fits))::bigint, count(*)::bigint FROM ");
    buf_adds(sql, "(SELECT ");
    bool good = true;
    if (l->reading) {
        buf_adds(sql, "t.id IS NOT NULL AS fits FROM ");
        add_walked(l, sql);
        buf_adds(sql, " LEFT JOIN");
        good = add_ticket(l, sql);
        buf_adds(sql, " ON true) s");
    } else {
        buf_printf(sql, "(" SHOWN " AND ", "s");
        add_reach(l, "s", sql);
        good = add_filter(l, PREDICATE_INDEX, "s", sql);
        buf_adds(sql, ") IS TRUE AS fits FROM ");
        add_walked(l, sql);
        buf_adds(sql, ") s");
    }
    buf_printf(sql, " LIMIT 1 + 0 * num_nulls($%d::bigint)", l->rows_at);
    const PostgresStatement *count = good ? statement_of(buf_str(sql)) : NULL;
    buf_done(&l->sources);
    buf_done(&l->sql);
    buf_done(&l->reach_list);
    if (!count) {
        l->r->context = l->context;
        answer_unavailable(l->r, "this view has too many conditions", 60);
        return;
    }
    l->r->context = l;
    request_query_rows(l->r, POSTGRES_READ_ONLY, &(PostgresQuery){count, l->params}, 1, on_count);
}

PredicateWho listing_who(Request *r) {
    PredicateWho who = {.user_id = r->subject.user_id,
                        .groups = r->subject.reach.groups,
                        .groups_n = r->subject.reach.groups_n};
    const Agent *agent = r->catalog && who.user_id ? catalog_agent(r->catalog, who.user_id) : NULL;
    if (agent) {
        who.groups = agent->groups;
        who.groups_n = agent->groups_n;
    }
    return who;
}
