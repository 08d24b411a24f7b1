/* GET of a ticket's tags, and the tags that open tickets have. */
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/tickets/reader.h"

static void on_ticket(Request *r, const TicketRow *t) {
    if (!t || t->status == TICKET_DELETED) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_TICKETS_READ, t)) return;
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"tags\":[");
    for (size_t i = 0; i < t->tags_n; i++) {
        if (i) buf_addc(&body, ',');
        buf_add_json(&body, t->tags[i]);
    }
    buf_adds(&body, "]}");
    answer_json(r, 200, buf_str(&body));
}

static void get_tags(Request *r) {
    ticket_read(r, r->ids[0], on_ticket);
}

/* Of the newest open tickets that the subject reaches, the most frequent: enough to choose from, at
 * a bounded cost; "covers" says so. */
enum { TAGS_SHOWN = 100, TICKETS_LOOKED_AT = 2000 };

static void on_tags(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    (void)problem;
    size_t n = results ? rows_count(results[0]) : 0;
    int64_t looked_at = n ? rows_int(results[0], 0, 2) : 0;
    if (n && rows_null(results[0], 0, 0)) n = 0;
    bool all = looked_at < TICKETS_LOOKED_AT && n < TAGS_SHOWN;
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"tags\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(&body, ',');
        buf_adds(&body, "{\"name\":");
        buf_add_json(&body, rows_str(results[0], i, 0));
        buf_printf(&body, ",\"count\":%lld}", (long long)rows_int(results[0], i, 1));
    }
    buf_printf(&body,
               "],\"next_page\":null,\"previous_page\":null,\"count\":%zu,\"covers\":{"
               "\"status\":\"unsolved\",\"tickets\":%lld,\"newest\":%d,\"most_frequent\":%d,"
               "\"exact\":%s}}",
               n, (long long)looked_at, TICKETS_LOOKED_AT, TAGS_SHOWN, all ? "true" : "false");
    answer_json(r, 200, buf_str(&body));
}

static const PostgresStatement all_tags = {
    "desk_all_tags",
    "WITH o AS MATERIALIZED (SELECT t.tags FROM ticket.tickets t"
    "  WHERE t.tenant_id = $1::bigint"
    "  AND t.status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')"
    "  AND (t.assignee_id = $6::bigint OR (($4::boolean OR t.group_id = ANY ($5::bigint[]))"
    "   AND ($7::boolean OR t.kind = ANY ($8::text[]))"
    "   AND ($9::boolean OR t.region = ANY ($10::text[]))"
    "   AND ($11::boolean OR EXISTS (SELECT FROM unnest($12::text[]) c"
    "     WHERE t.category = c OR starts_with(t.category, c || '/')))))"
    "  ORDER BY t.id DESC LIMIT $2::bigint)"
    " SELECT x.tag, x.n, (SELECT count(*) FROM o)::bigint FROM (SELECT) one LEFT JOIN (SELECT"
    "   tag, count(*)::bigint AS n FROM o CROSS JOIN LATERAL unnest(o.tags) tag"
    "   GROUP BY tag ORDER BY count(*) DESC, tag LIMIT $3::bigint) x ON true"
    " ORDER BY x.n DESC, x.tag"};

/* NULL: everything. */
static void add_list(Params *p, const Str *texts, size_t n) {
    params_bool(p, !texts);
    params_array(p, PARAM_TEXT, texts ? n : 0);
    for (size_t i = 0; texts && i < n; i++)
        params_element_text(p, texts[i]);
}

static void list_tags(Request *r) {
    const Reach *reach = &r->subject.reach;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, TICKETS_LOOKED_AT);
    params_i64(p, TAGS_SHOWN);
    params_bool(p, reach->all_groups);
    params_array(p, PARAM_INT8, reach->groups_n);
    for (size_t i = 0; i < reach->groups_n; i++)
        params_element_i64(p, reach->groups[i]);
    params_i64(p, r->subject.user_id);
    add_list(p, reach->kinds, reach->kinds_n);
    add_list(p, reach->regions, reach->regions_n);
    add_list(p, reach->categories, reach->categories_n);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&all_tags, p}, 1, on_tags);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}/tags", RIGHT_TICKETS_READ, ROUTE_TICKET, get_tags},
    {"GET", "/api/v2/tags", RIGHT_TICKETS_READ, 0, list_tags},
};
const RouteTable ticket_tag_routes = {"tags", routes, sizeof(routes) / sizeof(*routes)};
