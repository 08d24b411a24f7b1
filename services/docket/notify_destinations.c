/* docket notify destinations, pause, resume: how those do who are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "docket/notify_parts.h"

static const char me[] = "docket notify";

enum { C_TENANT, C_DESTINATION, C_WAITING, C_OLDEST, C_FAILURES, C_SINCE, C_OPEN, C_PAUSED, C_WHY };

static const char list_sql[] =
    "SELECT n.name, coalesce(w.destination, x.destination), coalesce(w.waiting, 0), w.oldest, "
    "coalesce(x.failures, 0), x.failing_since, CASE WHEN x.open_until > now() THEN x.open_until "
    "END, x.paused_at, x.paused_why FROM (SELECT tenant_id, destination, count(*) AS waiting, "
    "min(due) AS oldest FROM notify.deliveries WHERE state = 'waiting' "
    "AND ($1::bigint = 0 OR tenant_id = $1::bigint) GROUP BY 1, 2) w "
    "FULL JOIN (SELECT * FROM notify.destinations WHERE $1::bigint = 0 OR tenant_id = $1::bigint) "
    "x ON x.tenant_id = w.tenant_id AND x.destination = w.destination "
    "JOIN docket.tenants n ON n.tenant_id = coalesce(w.tenant_id, x.tenant_id) ORDER BY 1, 2";

static void add_json(const PostgresRows *rows, size_t i) {
    CLEANUP(buf_done) Buf b = {0};
    buf_addc(&b, '{');
    lookup_json_text(&b, "tenant", rows_str(rows, i, C_TENANT));
    lookup_json_text(&b, "destination", rows_str(rows, i, C_DESTINATION));
    lookup_json_number(&b, "waiting", rows_int(rows, i, C_WAITING));
    lookup_json_time(&b, "oldest_due", rows, i, C_OLDEST);
    lookup_json_number(&b, "failures", rows_int(rows, i, C_FAILURES));
    lookup_json_time(&b, "failing_since", rows, i, C_SINCE);
    lookup_json_time(&b, "held_back_until", rows, i, C_OPEN);
    lookup_json_time(&b, "paused_at", rows, i, C_PAUSED);
    lookup_json_text(&b, "paused_why", rows_str(rows, i, C_WHY));
    (void)printf("%s}\n", b.p);
}

static void add_time(Table *t, const PostgresRows *rows, size_t i, size_t column) {
    char when[20] = "-";
    if (!rows_null(rows, i, column)) lookup_local_time(rows_time_ms(rows, i, column), when);
    table_add(t, str(when));
}

int notify_destinations(const NotifyOptions *o) {
    static const char *const head[] = {"租户 tenant",       "目的地 destination", "等待 waiting",
                                       "最早 oldest due",   "连续失败 failures",  "自 since",
                                       "暂缓 held back to", "暂停 paused",        "原因 why"};
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(table_done) Table t = {0};
    const PostgresRows *rows;
    int64_t tenant_id = 0;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0 && o->tenant) r = lookup_tenant(me, s, o->tenant, &tenant_id);
    if (r) return r;
    params_i64(&p, tenant_id);
    r = lookup_run(me, s, list_sql, &p, &rows);
    if (r) return r;
    bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    const char **colours = xcalloc(rows_count(rows) + 1, sizeof(*colours));
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        table_add(&t, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (o->json) {
            add_json(rows, i);
            continue;
        }
        table_add(&t, rows_str(rows, i, C_TENANT));
        table_add(&t, rows_str(rows, i, C_DESTINATION));
        table_addf(&t, "%lld", (long long)rows_int(rows, i, C_WAITING));
        add_time(&t, rows, i, C_OLDEST);
        table_addf(&t, "%lld", (long long)rows_int(rows, i, C_FAILURES));
        add_time(&t, rows, i, C_SINCE);
        add_time(&t, rows, i, C_OPEN);
        add_time(&t, rows, i, C_PAUSED);
        table_add(&t, rows_str(rows, i, C_WHY));
        if (coloured && !rows_null(rows, i, C_PAUSED))
            colours[i + 1] = "\033[35m";
        else if (coloured && rows_int(rows, i, C_FAILURES))
            colours[i + 1] = "\033[33m";
    }
    if (!o->json && rows_count(rows) == 0)
        (void)puts("还没有通知任何人 nobody was told anything yet");
    else if (!o->json)
        table_print_coloured(&t, sizeof(head) / sizeof(*head), colours);
    free(colours);
    return 0;
}

/* ---- pause and resume ---- */

static const char pause_sql[] =
    "INSERT INTO notify.destinations AS x (tenant_id, destination, paused_at, paused_why, told_at) "
    "VALUES ($1::bigint, $2::text, now(), $3::text, now()) ON CONFLICT (tenant_id, destination) "
    "DO UPDATE SET paused_at = coalesce(x.paused_at, now()), paused_why = excluded.paused_why, "
    "told_at = coalesce(x.told_at, now()), changed_at = now() RETURNING true";

/* What had failed there is tried at once. */
static const char resume_sql[] =
    "WITH x AS (UPDATE notify.destinations SET paused_at = NULL, paused_why = NULL, told_at = "
    "NULL, failures = 0, failing_since = NULL, open_until = NULL, changed_at = now() WHERE "
    "tenant_id = $1::bigint AND destination = $2::text RETURNING 1), d AS (UPDATE "
    "notify.deliveries SET due = now() WHERE tenant_id = $1::bigint AND destination = $2::text "
    "AND state = 'waiting' AND attempts > 0 AND due > now() RETURNING 1) "
    "SELECT EXISTS (SELECT FROM x)";

/* How many places there are where something was sent to, for who types one wrong. */
static int unknown(PostgresSession *s, const Params *p, const char *destination) {
    const PostgresRows *rows;
    int r = lookup_run(me, s,
                       "SELECT destination FROM notify.destinations WHERE tenant_id = $1::bigint "
                       "AND $2::text <> '' UNION SELECT destination FROM notify.deliveries WHERE "
                       "tenant_id = $1::bigint AND state = 'waiting' LIMIT 10000",
                       p, &rows);
    return r ? r
             : lookup_unknown(me, "destination", destination, rows,
                              "All of them: docket notify destinations");
}

int notify_pause(const NotifyOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf why = {0};
    const PostgresRows *rows;
    int64_t tenant_id;
    int r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s);
    if (r || (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0) return r;
    buf_printf(&why, "paused by %.*s%s%s", STR_ARG(notify_actor(o)), o->why ? ": " : "",
               o->why ? o->why : "");
    params_i64(&p, tenant_id);
    params_text(&p, str(o->words[0]));
    params_text(&p, buf_str(&why));
    r = lookup_run(me, s, pause_sql, &p, &rows);
    if (r) return r;
    if (o->json)
        (void)puts("{\"paused\":true}");
    else
        (void)printf("已暂停 paused: %s\n继续 to go on: docket notify resume '%s' --tenant %s\n",
                     o->words[0], o->words[0], o->tenant);
    return 0;
}

int notify_resume(const NotifyOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int64_t tenant_id;
    int r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s);
    if (r || (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0) return r;
    params_i64(&p, tenant_id);
    params_text(&p, str(o->words[0]));
    r = lookup_run(me, s, resume_sql, &p, &rows);
    if (r) return r;
    if (!rows_bool(rows, 0, 0)) return unknown(s, &p, o->words[0]);
    if (o->json)
        (void)puts("{\"paused\":false}");
    else
        (void)printf("已恢复 goes on: %s\n", o->words[0]);
    return 0;
}
