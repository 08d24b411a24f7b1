/* The desk's lists and counts without a desk: runs their statements on one connection and says how
 * many rows PostgreSQL read for each. For tests/service/test_desk_cost.py.
 *
 *   listing_driver URL TENANT USER GROUP PLAN
 *
 * USER 0: reaches everything; else an agent who is in GROUP only. PLAN: plan_cache_mode. Prints
 * lines
 * "<question> <tickets shown or counted> <rows read>". */
#include <stdio.h>
#include <stdlib.h>

#include "desk/api/answer.h"
#include "desk/views/counters.h"
#include "desk/views/view_list.h"
#include "postgres/session.h"

static PostgresSession *session;
static const char *question;
static int64_t shown, rows_read;
static bool more;

/* ---- what the frame would do ---- */

static void give_up(const char *what, const Buf *trouble) {
    (void)fprintf(stderr, "%s: %s: %s\n", question, what, trouble && trouble->p ? trouble->p : "");
    exit(1);
}

static const PostgresRows *run(const char *sql, const Params *p) {
    CLEANUP(buf_done) Buf trouble = {0};
    const PostgresRows *rows = NULL;
    if (postgres_session_run(session, sql, p, &rows, &trouble) < 0) give_up(sql, &trouble);
    return rows;
}

static const char count_rows[] =
    "SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM "
    "pg_stat_xact_all_tables WHERE schemaname IN ('ticket', 'desk')";

void request_query_rows(Request *r, unsigned flags, const PostgresQuery *queries, size_t n,
                        RequestRows done) {
    CLEANUP(params_done) Params tenant = {0};
    (void)flags;
    if (n != 1) give_up("one statement is enough", NULL);
    run("BEGIN READ ONLY", NULL);
    params_i64(&tenant, r->subject.tenant_id);
    run("SELECT set_config('docket.tenants', '{' || $1::bigint || '}', true)", &tenant);
    /* Twice: how much was read must be asked before the answer is looked at. */
    int64_t before = rows_int(run(count_rows, NULL), 0, 0);
    run(queries[0].statement->sql, queries[0].params);
    rows_read += rows_int(run(count_rows, NULL), 0, 0) - before;
    run("COMMIT", NULL);
    run("BEGIN READ ONLY", NULL);
    run("SELECT set_config('docket.tenants', '{' || $1::bigint || '}', true)", &tenant);
    const PostgresRows *rows = run(queries[0].statement->sql, queries[0].params);
    done(r, &rows, NULL);
}

enum { KEPT_MAX = 100 };
static Params params[KEPT_MAX];
static Buf bufs[KEPT_MAX];
static size_t params_n, bufs_n;

Params *request_params(Request *r) {
    (void)r;
    if (params_n == KEPT_MAX) give_up("too many parameters", NULL);
    return &params[params_n++];
}
Buf *request_buf(Request *r) {
    (void)r;
    if (bufs_n == KEPT_MAX) give_up("too many buffers", NULL);
    return &bufs[bufs_n++];
}
int64_t paging_limit(const Paging *p) {
    return p->size + 1;
}
int64_t paging_offset(const Paging *p) {
    return p->by_cursor ? 0 : (p->page - 1) * p->size;
}
size_t paging_row(const Paging *p, size_t n, size_t i) {
    return p->backwards ? n - 1 - i : i;
}
void answer_unavailable(Request *r, const char *reason, int retry_after_s) {
    (void)r;
    (void)retry_after_s;
    give_up(reason, NULL);
}
void answer_json(Request *r, int status, Str body) {
    (void)r;
    (void)status;
    shown = (int64_t)body.n;
}

/* ---- the questions ---- */

static void on_page(Request *r, const IndexPage *page, const PostgresProblem *problem) {
    (void)r;
    (void)problem;
    shown = (int64_t)page->n;
    more = page->more;
}

static void on_count(Request *r, ViewCount c) {
    (void)r;
    shown = c.value;
    more = !c.exact;
}

static void begin(const char *what) {
    question = what;
    shown = rows_read = 0;
    more = false;
}

static void say(void) {
    (void)printf("%s %lld %lld %s\n", question, (long long)shown, (long long)rows_read,
                 more ? "more" : "end");
    run("COMMIT", NULL);
}

static const Str done[] = {STR("solved"), STR("closed")};
static const Str custom[] = {STR("5")};
static const Condition of_done[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, done, 2}};
static const Condition of_custom[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, done, 2},
                                      {FACT_CUSTOM, STR("level"), CONDITION_ONE_OF, custom, 1}};
static const View own[] = {
    {.filter = {.all = of_done, .all_n = 1}, .sort = VIEW_BY_UPDATED, .descending = true},
    {.filter = {.all = of_custom, .all_n = 2}, .sort = VIEW_BY_UPDATED, .descending = true},
};

static void ask_page(Request *r, const char *name, const View *v, bool by_cursor) {
    Paging *p = arena_zalloc(r->arena, sizeof(*p));
    *p = (Paging){.by_cursor = by_cursor,
                  .size = 50,
                  .page = 3,
                  .descending = v->descending,
                  .sort = v->sort == VIEW_BY_UPDATED ? STR("updated_at") : STR("created_at")};
    begin(name);
    Listing *l = listing_new(r, p, v->sort == VIEW_BY_UPDATED, &v->filter, on_page);
    view_sources(l, v);
    listing_run(l);
    say();
}

static void ask_count(Request *r, const char *name, const View *v) {
    begin(name);
    view_count(r, v, on_count);
    say();
}

static void ask_list(Request *r, const char *name, IndexBy by, int64_t id, Str text, Str sort) {
    Paging *p = arena_zalloc(r->arena, sizeof(*p));
    *p = (Paging){.by_cursor = true, .size = 50, .descending = true, .sort = sort};
    begin(name);
    index_list(r, &(IndexWanted){by, id, text}, p, on_page);
    say();
}

int main(int argc, char **argv) {
    CLEANUP(buf_done) Buf trouble = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    if (argc != 6) return 2;
    int64_t user = strtoll(argv[3], NULL, 10), group = strtoll(argv[4], NULL, 10);
    question = "connect";
    if (postgres_session_open(argv[1], "listing_driver", 0, &session, &trouble) < 0)
        give_up("postgres", &trouble);
    run(arena_printf(arena, "SET plan_cache_mode = %s", argv[5]), NULL);
    Request r = {.arena = arena,
                 .subject = {.tenant_id = strtoll(argv[2], NULL, 10),
                             .user_id = user,
                             .like = user ? ROLE_AGENT : ROLE_ADMINISTRATOR}};
    r.subject.reach = user ? rights_builtin_reach(ROLE_AGENT, &group, 1)
                           : rights_builtin_reach(ROLE_ADMINISTRATOR, NULL, 0);

    ask_page(&r, "mine", &views_builtin[0], true);
    ask_page(&r, "unassigned", &views_builtin[1], true);
    ask_page(&r, "unsolved", &views_builtin[2], true);
    ask_page(&r, "pending", &views_builtin[3], true);
    ask_page(&r, "solved", &views_builtin[4], true);
    ask_page(&r, "done", &own[0], true);
    ask_page(&r, "done-page-3", &own[0], false);
    ask_page(&r, "done-custom", &own[1], true);
    ask_list(&r, "every-by-id", INDEX_EVERY, 0, STR(""), STR("id"));
    ask_list(&r, "every-by-updated", INDEX_EVERY, 0, STR(""), STR("updated_at"));
    ask_list(&r, "external", INDEX_EXTERNAL_ID, 0, STR("x7"), STR("id"));
    ask_list(&r, "requested", INDEX_REQUESTED, 6, STR(""), STR("id"));
    ask_list(&r, "assigned", INDEX_ASSIGNED, 5, STR(""), STR("id"));
    ask_count(&r, "count-unsolved", &views_builtin[2]);
    ask_count(&r, "count-mine", &views_builtin[0]);
    ask_count(&r, "count-done", &own[0]);
    ask_count(&r, "count-done-custom", &own[1]);
    begin("count-every");
    counters_sum(&r, NULL, on_count);
    say();
    begin("counts");
    counters_answer(&r, COUNTERS_STATUS | COUNTERS_GROUP);
    say();
    for (size_t i = 0; i < params_n; i++)
        params_done(&params[i]);
    for (size_t i = 0; i < bufs_n; i++)
        buf_done(&bufs[i]);
    (void)postgres_session_free(session);
    return 0;
}
