/* Counts: of views, of all tickets, and by what tickets have in common. */
#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/views/counters.h"
#include "desk/views/view_list.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

enum { COUNT_MANY_MAX = 20 };

/* ---- views ---- */

static void add_view_count(Request *r, Buf *body, int64_t id, ViewCount c) {
    CLEANUP(buf_done) Buf url = {0};
    char now[21];
    clock_format_s(r->now_ms, now);
    buf_printf(&url, "%.*s/api/v2/views/%lld/count.json", STR_ARG(request_base(r)), (long long)id);
    ADD(body, "{\"url\":");
    buf_add_json(body, buf_str(&url));
    buf_printf(body,
               ",\"view_id\":%lld,\"value\":%lld,\"pretty\":\"%lld%s\",\"fresh\":true,\"active\":"
               "true,\"exact\":%s,\"refreshed_at\":\"%s\"}",
               (long long)id, (long long)c.value, (long long)c.value, c.exact ? "" : "+",
               c.exact ? "true" : "false", now);
}

static void on_one(Request *r, ViewCount c) {
    Buf *body = request_buf(r);
    ADD(body, "{\"view_count\":");
    add_view_count(r, body, r->ids[0], c);
    ADD(body, "}");
    answer_json(r, 200, buf_str(body));
}

static void count_view(Request *r) {
    const View *v = catalog_view(r->catalog, r->ids[0]);
    if (v && view_shown(r, v))
        view_count(r, v, on_one);
    else
        answer_not_found(r);
}

typedef struct Many { /* one after the other */
    const View *views[COUNT_MANY_MAX];
    size_t n, at;
    Buf *body;
} Many;

static void on_many(Request *r, ViewCount c);

static void next_of_many(Request *r) {
    Many *m = r->context;
    if (m->at < m->n) {
        view_count(r, m->views[m->at], on_many);
        return;
    }
    ADD(m->body, "]}");
    answer_json(r, 200, buf_str(m->body));
}

static void on_many(Request *r, ViewCount c) {
    Many *m = r->context;
    if (m->at) ADD(m->body, ",");
    add_view_count(r, m->body, m->views[m->at++]->id, c);
    next_of_many(r);
}

static void count_many(Request *r) {
    int64_t *ids;
    size_t n;
    /* zenpy calls them so. */
    const char *name =
        !request_query(r, "ids").p && request_query(r, "count_many").p ? "count_many" : "ids";
    if (!request_query_ids(r, name, COUNT_MANY_MAX, &ids, &n)) return;
    Many *m = arena_zalloc(r->arena, sizeof(*m));
    for (size_t i = 0; i < n; i++) {
        const View *v = catalog_view(r->catalog, ids[i]);
        if (v && view_shown(r, v)) m->views[m->n++] = v;
    }
    m->body = request_buf(r);
    ADD(m->body, "{\"view_counts\":[");
    r->context = m;
    next_of_many(r);
}

/* ---- tickets ---- */

static void on_tickets(Request *r, ViewCount c) {
    Buf *body = request_buf(r);
    char now[21];
    clock_format_s(r->now_ms, now);
    buf_printf(body, "{\"count\":{\"value\":%lld,\"refreshed_at\":\"%s\",\"exact\":%s}}",
               (long long)c.value, now, c.exact ? "true" : "false");
    answer_json(r, 200, buf_str(body));
}

static void count_tickets(Request *r) {
    counters_sum(r, NULL, on_tickets);
}

/* ---- by what they have in common ---- */

static void count_by(Request *r) {
    static const struct {
        const char *name;
        unsigned by;
    } words[] = {{"status", COUNTERS_STATUS},
                 {"group", COUNTERS_GROUP},
                 {"kind", COUNTERS_KIND},
                 {"category", COUNTERS_CATEGORY},
                 {"region", COUNTERS_REGION}};
    Str rest = request_query(r, "by");
    unsigned by = 0;
    if (!rest.p) rest = STR("status");
    while (rest.p) {
        Str word = str_cut(rest, ',', &rest);
        size_t i = 0;
        while (i < sizeof(words) / sizeof(*words) && !str_is(word, words[i].name))
            i++;
        if (i == sizeof(words) / sizeof(*words)) {
            answer_bad_request(r, "by", "names nothing that tickets are counted by",
                               "send some of status,group,kind,category,region");
            return;
        }
        by |= words[i].by;
    }
    counters_answer(r, by);
}

static const Route routes[] = {
    {"GET", "/api/v2/views/{id}/count", RIGHT_TICKETS_READ, 0, count_view},
    {"GET", "/api/v2/views/count_many", RIGHT_TICKETS_READ, 0, count_many},
    {"GET", "/api/v2/tickets/count", RIGHT_TICKETS_READ, 0, count_tickets},
    {"GET", "/api/v2/counts", RIGHT_TICKETS_READ, 0, count_by},
};
const RouteTable count_routes = {"counts", routes, sizeof(routes) / sizeof(*routes)};
