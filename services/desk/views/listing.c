/* The statements are put together from our own words; every value is a parameter. */
#include "desk/views/listing.h"

#include <stdio.h>

#include "desk/api/answer.h"
#include "desk/views/statements.h"

#define COLUMNS(id)                                                                                \
    "x." id " AS id, x.updated_at, x.tenant_id, x.status, x.group_id, x.assignee_id,"              \
    " x.requester_id, x.kind, x.category, x.region, x.priority, x.external_id"

#define SHOWN "%s.status NOT IN ('deleted', 'merged')"

/* Stands in a text for the rows of a round. Part of the text and no parameter: a plan for any
 * number at all would rather sort everything. */
#define WALK "\001"

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

/* Where the page begins: behind the cursor's row, or ahead of every row there can be. */
static ListingPlace first_place(const Listing *l) {
    static const int64_t last_us = INT64_C(253402300799000000); /* the year 9999 */
    if (l->paging->has_position) return (ListingPlace){l->paging->position, l->paging->id};
    return l->paging->descending ? (ListingPlace){last_us, INT64_MAX} : (ListingPlace){-1, -1};
}

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
    l->from = first_place(l);
    l->position_at = (int)l->params->n + 1;
    l->id_at = l->position_at + by_updated;
    if (by_updated) params_i64(l->params, l->from.position);
    params_i64(l->params, l->from.id);
    l->rows_at = (int)l->params->n + 1;
    params_i64(l->params, paging_limit(paging) + paging_offset(paging));
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
    buf_adds(&l->sources, " LIMIT " WALK ")");
}

void listing_walk_besides(Listing *l, const char *where) {
    l->overlaps = true;
    listing_walk(l, where);
}

void listing_walk_tickets(Listing *l) {
    begin_source(l);
    l->walks = true;
    buf_adds(&l->sources,
             "SELECT " COLUMNS("id") " FROM ticket.tickets x WHERE x.tenant_id = $1::bigint");
    add_position(l, "id", &l->sources);
    add_order(l, "x", "id", &l->sources);
    buf_adds(&l->sources, " LIMIT " WALK ")");
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
    buf_adds(sql, "(SELECT ");
    if (l->overlaps) /* equal rows lie side by side */
        buf_adds(sql, l->by_updated ? "DISTINCT ON (u.updated_at, u.id) " : "DISTINCT ON (u.id) ");
    buf_adds(sql, "* FROM (");
    buf_add_str(sql, buf_str(&l->sources));
    buf_adds(sql, ") u");
    add_order(l, "u", "id", sql);
    buf_adds(sql, " LIMIT " WALK ") s");
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

static char *keep(Listing *l, Buf *sql) {
    char *text = arena_strndup(l->r->arena, sql->p, sql->n);
    buf_clear(sql);
    return text;
}

/* The statement with so many rows to walk; NULL: too many different ones. */
static const PostgresStatement *sized(const char *text, int walk) {
    CLEANUP(buf_done) Buf sql = {0};
    for (const char *at = text, *mark; *at; at = mark) {
        mark = strchr(at, *WALK);
        if (!mark) mark = at + strlen(at);
        buf_add(&sql, at, (size_t)(mark - at));
        if (!*mark) break;
        buf_add_i64(&sql, walk);
        mark++;
    }
    return statement_of(buf_str(&sql));
}

static bool write_page(Listing *l) {
    CLEANUP(buf_done) Buf sql = {0};
    bool good = true;
    buf_printf(&sql, "SELECT " TICKET_COLUMNS ", %s, s.id FROM ",
               l->by_updated ? POSITION : "s.id");
    if (l->reading) {
        add_walked(l, &sql);
        buf_adds(&sql, " CROSS JOIN");
        good = add_ticket(l, &sql);
    } else {
        buf_adds(&sql, "(SELECT s.id, s.updated_at FROM ");
        add_walked(l, &sql);
        buf_printf(&sql, " WHERE " SHOWN " AND ", "s");
        add_reach(l, "s", &sql);
        good = add_filter(l, PREDICATE_INDEX, "s", &sql);
    }
    add_order(l, "s", "id", &sql);
    l->count_params = *l->params;
    l->limit_at = (int)l->params->n + 1;
    params_i64(l->params, paging_limit(l->paging));
    params_i64(l->params, paging_offset(l->paging));
    buf_printf(&sql, " LIMIT $%d::bigint + 0 * num_nulls($%d::bigint) OFFSET $%d::bigint",
               l->limit_at, l->rows_at, l->limit_at + 1);
    if (!l->reading) {
        buf_adds(&sql, ") s LEFT JOIN");
        good = good && add_ticket(l, &sql);
        buf_adds(&sql, " ON true");
        add_order(l, "s", "id", &sql);
    }
    l->page_sql = keep(l, &sql);
    return good;
}

/* Where a round's walk ended; no row when it came to the end of the sources. */
static void write_end(Listing *l) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT %s, s.id FROM ", l->by_updated ? POSITION : "s.id");
    add_walked(l, &sql);
    add_order(l, "s", "id", &sql);
    /* PostgreSQL refuses parameters that nothing mentions. */
    buf_printf(&sql, " OFFSET " WALK " - 1 + 0 * num_nulls(%.*s$%d::bigint)",
               STR_ARG(buf_str(&l->reach_list)), l->rows_at);
    l->end_sql = keep(l, &sql);
}

/* How many of a round's rows fit, and how many there are. */
static bool write_count(Listing *l) {
    CLEANUP(buf_done) Buf sql = {0};
    bool good;
    buf_adds(&sql, "SELECT (count(*) FILTER (WHERE s.fits))::bigint, count(*)::bigint FROM ");
    buf_adds(&sql, "(SELECT ");
    if (l->reading) {
        buf_adds(&sql, "t.id IS NOT NULL AS fits FROM ");
        add_walked(l, &sql);
        buf_adds(&sql, " LEFT JOIN");
        good = add_ticket(l, &sql);
        buf_adds(&sql, " ON true) s");
    } else {
        buf_printf(&sql, "(" SHOWN " AND ", "s");
        add_reach(l, "s", &sql);
        good = add_filter(l, PREDICATE_INDEX, "s", &sql);
        buf_adds(&sql, ") IS TRUE AS fits FROM ");
        add_walked(l, &sql);
        buf_adds(&sql, ") s");
    }
    buf_printf(&sql, " LIMIT 1 + 0 * num_nulls($%d::bigint)", l->rows_at);
    l->count_sql = keep(l, &sql);
    return good;
}

/* ---- rounds ---- */

static int walk_of(const Listing *l) {
    int next = l->reading ? LISTING_WALK_READING : LISTING_WALK;
    return l->round == 0 && !l->counted ? LISTING_WALK_FIRST : next;
}

/* Asks for `text` of this round. False, having answered: there are too many shapes of questions. */
static bool ask(Listing *l, const char *text, const Params *p, RequestRows done) {
    const PostgresStatement *statement = sized(text, walk_of(l));
    if (!statement) {
        l->r->context = l->context;
        answer_unavailable(l->r, "this list has too many conditions", 60);
        return false;
    }
    l->r->context = l;
    request_query_rows(l->r, POSTGRES_READ_ONLY, &(PostgresQuery){statement, p}, 1, done);
    return true;
}

static void refused(Listing *l, const PostgresProblem *problem) {
    l->r->context = l->context;
    l->done(l->r, NULL, problem);
}

/* `far`: where a page that is neither full nor the last one goes on. NULL: behind its last row. */
static void finish(Listing *l, bool more, const ListingPlace *far_place) {
    size_t size = (size_t)l->paging->size, n = l->rows_n < size ? l->rows_n : size;
    ListingPlace near = {0}, far = {0};
    if (n) {
        near = l->places[0];
        far = l->places[n - 1];
    }
    if (far_place) {
        far = *far_place;
        if (!n) near = far;
    }
    bool turned = l->paging->backwards;
    for (size_t i = 0; turned && i < n / 2; i++) {
        TicketRow other = l->rows[i];
        l->rows[i] = l->rows[n - 1 - i];
        l->rows[n - 1 - i] = other;
    }
    ListingPlace first = turned ? far : near, last = turned ? near : far;
    l->page = (IndexPage){.rows = l->rows,
                          .n = n,
                          .more = more,
                          .ends = {first.position, first.id, last.position, last.id}};
    l->r->context = l->context;
    l->done(l->r, &l->page, NULL);
}

static void on_page(Request *r, const PostgresRows *const *results, const PostgresProblem *problem);

/* The next round, behind `from`; the rows found so far outlive their answer. */
static void go_on(Listing *l, ListingPlace from) {
    l->from = from;
    l->round++;
    if (l->by_updated) params_set_i64(l->params, (size_t)l->position_at, from.position);
    params_set_i64(l->params, (size_t)l->id_at, from.id);
    l->asked = paging_limit(l->paging) - (int64_t)l->rows_n;
    params_set_i64(l->params, (size_t)l->limit_at, l->asked);
    params_set_i64(l->params, (size_t)l->limit_at + 1, l->skip);
    (void)ask(l, l->page_sql, l->params, on_page);
}

static void on_passed(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused(l, problem);
        return;
    }
    int64_t fit = rows_int(results[0], 0, 0);
    l->skip -= fit < l->skip ? fit : l->skip;
    go_on(l, l->from);
}

static void on_end(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused(l, problem);
        return;
    }
    if (!rows_count(results[0])) {
        finish(l, false, NULL);
        return;
    }
    ListingPlace end = {rows_int(results[0], 0, 0), rows_int(results[0], 0, 1)};
    if (l->round + 1 == LISTING_ROUNDS) {
        finish(l, l->paging->by_cursor, &end); /* pages by number cannot say where to go on */
    } else if (l->skip) { /* how many of those that were passed over were to be counted? */
        l->count_params.bytes = l->params->bytes;
        l->from = end;
        (void)ask(l, l->count_sql, &l->count_params, on_passed);
    } else {
        go_on(l, end);
    }
}

static bool is_there(const Listing *l, int64_t id) {
    for (size_t i = 0; i < l->rows_n; i++)
        if (l->rows[i].id == id) return true;
    return false;
}

static void on_page(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused(l, problem);
        return;
    }
    const PostgresRows *rows = results[0];
    size_t n = rows_count(rows), before = l->rows_n;
    ListingPlace last = l->from;
    for (size_t i = 0; i < n; i++) {
        last = (ListingPlace){rows_int(rows, i, TICKET_COLUMNS_N),
                              rows_int(rows, i, TICKET_COLUMNS_N + 1)};
        if (rows_null(rows, i, 0)) continue; /* has moved on since */
        TicketRow ticket = ticket_row_read(rows, i, 0, r->subject.tenant_id, r->arena);
        if (is_there(l, ticket.id)) continue; /* has moved from one source to another */
        l->places[l->rows_n] = last;
        l->rows[l->rows_n++] = ticket;
    }
    if (n) l->skip = 0;
    bool round_full = (int64_t)n == l->asked;
    if (l->rows_n > (size_t)l->paging->size || (!round_full && !l->walks)) {
        finish(l, l->rows_n > (size_t)l->paging->size, NULL);
        return;
    }
    for (size_t i = before; i < l->rows_n; i++)
        l->rows[i] = ticket_row_keep(&l->rows[i], r->arena);
    if (round_full && l->round + 1 < LISTING_ROUNDS) {
        go_on(l, last);
    } else if (round_full) {
        finish(l, l->paging->by_cursor, &last);
    } else {
        l->end_params.bytes = l->params->bytes; /* it has grown since */
        (void)ask(l, l->end_sql, &l->end_params, on_end);
    }
}

static void sources_done(Listing *l) {
    buf_done(&l->sources);
    buf_done(&l->reach_list);
}

void listing_run(Listing *l) {
    l->end_params = *l->params;
    bool good = write_page(l) && (l->paging->by_cursor || write_count(l));
    if (l->walks) write_end(l);
    sources_done(l);
    if (!good) {
        answer_unavailable(l->r, "this list has too many conditions", 60);
        return;
    }
    size_t most = (size_t)paging_limit(l->paging);
    l->rows = arena_alloc(l->r->arena, most * sizeof(*l->rows));
    l->places = arena_alloc(l->r->arena, most * sizeof(*l->places));
    l->asked = paging_limit(l->paging);
    l->skip = paging_offset(l->paging);
    (void)ask(l, l->page_sql, l->params, on_page);
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

static void count_ends(Listing *l, bool exact) {
    l->r->context = l->context;
    l->counted(l->r, l->counted_n < l->most ? l->counted_n : l->most, exact);
}

static void refused_to_count(Listing *l) { /* numbers and texts of our own: it takes them all */
    l->r->context = l->context;
    answer_unavailable(l->r, "PostgreSQL refused to count", 1);
}

static void on_count(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem);

static void on_count_end(Request *r, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused_to_count(l);
        return;
    }
    if (!rows_count(results[0])) { /* what was there has moved meanwhile */
        count_ends(l, true);
        return;
    }
    if (l->by_updated)
        params_set_i64(l->params, (size_t)l->position_at, rows_int(results[0], 0, 0));
    params_set_i64(l->params, (size_t)l->id_at, rows_int(results[0], 0, 1));
    l->round++;
    (void)ask(l, l->count_sql, l->params, on_count);
}

/* A round is counted whole: where it ends tells whether there may be more. */
static void on_count(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Listing *l = r->context;
    if (problem) {
        refused_to_count(l);
        return;
    }
    l->counted_n += rows_int(results[0], 0, 0);
    bool over = !l->walks || rows_int(results[0], 0, 1) < walk_of(l);
    if (over || l->counted_n > l->most || l->round + 1 == LISTING_ROUNDS) {
        count_ends(l, over && l->counted_n <= l->most);
    } else {
        l->end_params.bytes = l->params->bytes;
        (void)ask(l, l->end_sql, &l->end_params, on_count_end);
    }
}

void listing_run_count(Listing *l) {
    l->end_params = *l->params;
    bool good = write_count(l);
    if (l->walks) write_end(l);
    sources_done(l);
    if (good) {
        (void)ask(l, l->count_sql, l->params, on_count);
        return;
    }
    l->r->context = l->context;
    answer_unavailable(l->r, "this view has too many conditions", 60);
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
