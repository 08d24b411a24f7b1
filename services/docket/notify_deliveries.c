/* docket notify list, show, retry, drop: what was to be told, and what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "docket/notify_parts.h"

static const char me[] = "docket notify";

enum { CHANGED_MAX = 100000 };

/* ---- list ---- */

enum {
    C_TENANT,
    C_ID,
    C_CREATED,
    C_TICKET,
    C_NOTIFICATION,
    C_RECIPIENT,
    C_NAME,
    C_WAY,
    C_DESTINATION,
    C_STATE,
    C_ATTEMPTS,
    C_DOUBTS,
    C_DUE,
    C_ENDED,
    C_STATUS,
    C_REASON,
    C_URGENT,
    C_SENDING,
    C_PAUSED,
    C_OPEN,
    C_EXPIRES,
    C_SEQ,
    C_CAUSE,
    C_REVISION,
    C_FOLD,
    C_SAID
};

#define COLUMNS                                                                                    \
    "SELECT n.name, d.delivery_id, d.created_at, d.ticket_id, d.notification, d.recipient, "       \
    "coalesce(a.name, ''), d.way, d.destination, d.state, d.attempts, d.doubts, d.due, "           \
    "d.ended_at, d.status, d.reason, d.urgent, "                                                   \
    "coalesce(d.state = 'waiting' AND d.lease_until > now(), false), x.paused_at IS NOT NULL, "    \
    "coalesce(x.failures > 0 AND x.open_until > now(), false)"
#define TABLES                                                                                     \
    " FROM notify.deliveries d JOIN docket.tenants n ON n.tenant_id = d.tenant_id "                \
    "LEFT JOIN notify.destinations x ON x.tenant_id = d.tenant_id "                                \
    "AND x.destination = d.destination "                                                           \
    "LEFT JOIN config.names a ON a.tenant_id = d.tenant_id AND a.kind = 'agent' "                  \
    "AND d.recipient = 'agent:' || a.id "

typedef struct StateWord {
    const char *words, *colour;
} StateWord;

static StateWord state_word(const PostgresRows *rows, size_t i) {
    Str state = rows_str(rows, i, C_STATE);
    if (str_is(state, "delivered")) return (StateWord){"已送达 delivered", "\033[32m"};
    if (str_is(state, "refused")) return (StateWord){"被拒 refused", "\033[31m"};
    if (str_is(state, "dropped")) return (StateWord){"已放弃 dropped", "\033[2m"};
    if (rows_bool(rows, i, C_SENDING)) return (StateWord){"在途 on its way", "\033[36m"};
    if (rows_bool(rows, i, C_PAUSED)) return (StateWord){"暂停 paused", "\033[35m"};
    if (rows_bool(rows, i, C_OPEN)) return (StateWord){"等对方恢复 held back", "\033[33m"};
    return (StateWord){"等待 waiting", "\033[33m"};
}

static void add_json(Buf *b, const PostgresRows *rows, size_t i) {
    lookup_json_text(b, "tenant", rows_str(rows, i, C_TENANT));
    lookup_json_number(b, "delivery", rows_int(rows, i, C_ID));
    lookup_json_text(b, "state", rows_str(rows, i, C_STATE));
    lookup_json_bool(b, "sending", rows_bool(rows, i, C_SENDING));
    lookup_json_bool(b, "paused", rows_bool(rows, i, C_PAUSED));
    lookup_json_text(b, "notification", rows_str(rows, i, C_NOTIFICATION));
    lookup_json_text(b, "recipient", rows_str(rows, i, C_RECIPIENT));
    lookup_json_text(b, "way", rows_str(rows, i, C_WAY));
    lookup_json_text(b, "destination", rows_str(rows, i, C_DESTINATION));
    if (rows_null(rows, i, C_TICKET))
        lookup_json_raw(b, "ticket_id", STR("null"));
    else
        lookup_json_number(b, "ticket_id", rows_int(rows, i, C_TICKET));
    lookup_json_bool(b, "urgent", rows_bool(rows, i, C_URGENT));
    lookup_json_number(b, "attempts", rows_int(rows, i, C_ATTEMPTS));
    lookup_json_number(b, "doubts", rows_int(rows, i, C_DOUBTS));
    if (rows_null(rows, i, C_STATUS))
        lookup_json_raw(b, "status", STR("null"));
    else
        lookup_json_number(b, "status", rows_int(rows, i, C_STATUS));
    lookup_json_text(b, "reason", rows_str(rows, i, C_REASON));
    lookup_json_time(b, "created_at", rows, i, C_CREATED);
    lookup_json_time(b, "due", rows, i, C_DUE);
    lookup_json_time(b, "ended_at", rows, i, C_ENDED);
}

static void add_row(Table *t, const PostgresRows *rows, size_t i) {
    char created[20], when[20];
    bool over = !rows_null(rows, i, C_ENDED);
    Str name = rows_str(rows, i, C_NAME);
    lookup_local_time(rows_time_ms(rows, i, C_CREATED), created);
    lookup_local_time(rows_time_ms(rows, i, over ? C_ENDED : C_DUE), when);
    table_addf(t, "%lld", (long long)rows_int(rows, i, C_ID));
    table_add(t, str(state_word(rows, i).words));
    table_add(t, str(created));
    if (rows_null(rows, i, C_TICKET))
        table_add(t, STR("-"));
    else
        table_addf(t, "%lld", (long long)rows_int(rows, i, C_TICKET));
    table_add(t, rows_str(rows, i, C_NOTIFICATION));
    table_add(t, name.n ? name : rows_str(rows, i, C_RECIPIENT));
    table_add(t, rows_str(rows, i, C_DESTINATION));
    table_addf(t, "%lld%s", (long long)rows_int(rows, i, C_ATTEMPTS),
               rows_int(rows, i, C_DOUBTS) ? " ?" : "");
    table_addf(t, "%s %s", over ? "=" : ">", when);
    table_add(t, rows_str(rows, i, C_REASON));
}

static void print_rows(const PostgresRows *rows, size_t n) {
    static const char *const head[] = {"编号 number",       "状态 state", "产生 made",
                                       "工单 ticket",       "通知 what",  "给 whom",
                                       "目的地 where",      "次数 tries", "=完成 >下次 ended, next",
                                       "答复 what was said"};
    CLEANUP(table_done) Table table = {0};
    bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    const char **colours = xcalloc(n + 1, sizeof(*colours));
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        table_add(&table, str(head[i]));
    for (size_t i = 0; i < n; i++) {
        add_row(&table, rows, i);
        colours[i + 1] = coloured ? state_word(rows, i).colour : NULL;
    }
    table_print_coloured(&table, sizeof(head) / sizeof(*head), colours);
    free(colours);
}

int notify_list(const NotifyOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r || (r = notify_filter(o, s, &p)) != 0) return r;
    params_i64(&p, o->limit + 1);
    r = lookup_run(me, s,
                   COLUMNS TABLES "WHERE " NOTIFY_FILTER
                                  " ORDER BY d.delivery_id DESC LIMIT $7::bigint",
                   &p, &rows);
    if (r) return r;
    size_t n = rows_count(rows);
    bool more = (int64_t)n > o->limit;
    if (more) n--;
    if (o->json) {
        for (size_t i = 0; i < n; i++) {
            CLEANUP(buf_done) Buf line = {0};
            buf_addc(&line, '{');
            add_json(&line, rows, i);
            (void)printf("%s}\n", line.p);
        }
    } else if (n == 0) {
        (void)puts("没有这样的通知 there is no such delivery");
    } else {
        print_rows(rows, n);
    }
    if (more)
        (void)fprintf(stderr, "还有更多 there are more than %lld: --limit\n", (long long)o->limit);
    return 0;
}

/* ---- show ---- */

static void add_line(Table *t, const char *label, Str value) {
    if (!value.n) return;
    table_add(t, str(label));
    table_add(t, value);
}

static void add_time(Table *t, const char *label, const PostgresRows *rows, size_t column) {
    char when[20];
    if (rows_null(rows, 0, column)) return;
    lookup_local_time(rows_time_ms(rows, 0, column), when);
    add_line(t, label, str(when));
}

static void add_number(Table *t, const char *label, const PostgresRows *rows, size_t column) {
    if (rows_null(rows, 0, column)) return;
    table_add(t, str(label));
    table_addf(t, "%lld", (long long)rows_int(rows, 0, column));
}

static void show(const PostgresRows *rows) {
    CLEANUP(table_done) Table t = {0};
    StateWord state = state_word(rows, 0);
    add_line(&t, "状态 state", str(state.words));
    add_number(&t, "编号 number", rows, C_ID);
    add_line(&t, "租户 tenant", rows_str(rows, 0, C_TENANT));
    add_line(&t, "通知 notification", rows_str(rows, 0, C_NOTIFICATION));
    add_line(&t, "给 recipient", rows_str(rows, 0, C_RECIPIENT));
    add_line(&t, "姓名 name", rows_str(rows, 0, C_NAME));
    add_line(&t, "方式 way", rows_str(rows, 0, C_WAY));
    add_line(&t, "目的地 destination", rows_str(rows, 0, C_DESTINATION));
    add_number(&t, "工单 ticket", rows, C_TICKET);
    add_line(&t, "起因 cause", rows_str(rows, 0, C_CAUSE));
    add_number(&t, "配置 revision of documents", rows, C_REVISION);
    add_line(&t, "汇总 folded into", rows_str(rows, 0, C_FOLD));
    add_line(&t, "加急 urgent", rows_bool(rows, 0, C_URGENT) ? STR("yes") : STR("no"));
    add_time(&t, "产生 made", rows, C_CREATED);
    if (rows_null(rows, 0, C_ENDED)) {
        add_time(&t, "不早于 not before", rows, C_DUE);
        add_time(&t, "放弃于 given up", rows, C_EXPIRES);
    }
    add_time(&t, "结束 ended", rows, C_ENDED);
    add_number(&t, "次数 tries", rows, C_ATTEMPTS);
    add_number(&t, "结果不明 tries of which nobody knows", rows, C_DOUBTS);
    add_number(&t, "状态码 last answer", rows, C_STATUS);
    add_line(&t, "答复 what was said", rows_str(rows, 0, C_REASON));
    add_line(&t, "内容 made from", rows_str(rows, 0, C_SAID));
    const char **colours = xcalloc(t.n / 2, sizeof(*colours));
    if (isatty(STDOUT_FILENO) && !getenv("NO_COLOR")) colours[0] = state.colour;
    table_print_coloured(&t, 2, colours);
    free(colours);
}

int notify_show(const NotifyOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r || (r = notify_filter(o, s, &p)) != 0) return r;
    r = lookup_run(me, s,
                   COLUMNS ", d.expires, d.seq, d.cause, d.revision, d.fold, d.said" TABLES
                           "WHERE " NOTIFY_FILTER,
                   &p, &rows);
    if (r) return r;
    if (rows_count(rows) != 1) {
        (void)fprintf(stderr, "%s: there is no delivery %s; docket notify list\n", me, o->words[0]);
        return 1;
    }
    if (!o->json) {
        show(rows);
        return 0;
    }
    CLEANUP(buf_done) Buf line = {0};
    buf_addc(&line, '{');
    add_json(&line, rows, 0);
    lookup_json_time(&line, "expires", rows, 0, C_EXPIRES);
    lookup_json_text(&line, "cause", rows_str(rows, 0, C_CAUSE));
    lookup_json_number(&line, "revision", rows_int(rows, 0, C_REVISION));
    lookup_json_text(&line, "fold", rows_str(rows, 0, C_FOLD));
    lookup_json_raw(&line, "said", rows_str(rows, 0, C_SAID));
    (void)printf("%s}\n", line.p);
    return 0;
}

/* ---- retry and drop ---- */

/* What was looked at, locked, and whether it was changed. Numbers rise, so that two who do this do
 * not wait for each other in a circle. */
#define LOOKED_AT                                                                                  \
    "WITH found AS (SELECT d.tenant_id, d.delivery_id, d.state, d.doubts, d.way, "                 \
    "coalesce(d.state = 'waiting' AND d.lease_until > now(), false) AS sending "                   \
    "FROM notify.deliveries d WHERE " NOTIFY_FILTER " AND (cardinality($6::bigint[]) > 0 OR "      \
    "$2::text <> '' OR d.state = ANY ($7::text[])) "                                               \
    "ORDER BY d.tenant_id, d.delivery_id LIMIT $8::bigint FOR UPDATE), done AS ("
#define WHAT_BECAME                                                                                \
    " RETURNING d.delivery_id) SELECT f.delivery_id, f.state, f.sending, f.doubts, f.way, "        \
    "g.delivery_id IS NOT NULL FROM found f LEFT JOIN done g ON g.delivery_id = f.delivery_id "    \
    "ORDER BY f.delivery_id"

/* A lease that ran out without a word: somebody may have sent it. */
#define DOUBTS "doubts = d.doubts + (d.state = 'waiting' AND d.lease_by IS NOT NULL)::integer "

static const char retry_sql[] = LOOKED_AT
    "UPDATE notify.deliveries d SET state = 'waiting', due = now(), attempts = 0, "
    "expires = greatest(d.expires, now() + interval '1 day'), ended_at = NULL, lease_by = NULL, "
    "lease_until = NULL, lease_no = d.lease_no + 1, " DOUBTS
    "FROM found f WHERE d.tenant_id = f.tenant_id "
    "AND d.delivery_id = f.delivery_id AND f.state <> 'delivered' AND NOT f.sending "
    "AND (f.doubts = 0 OR f.way <> 'sms' OR $9::boolean)" WHAT_BECAME;

static const char drop_sql[] = LOOKED_AT
    "UPDATE notify.deliveries d SET state = 'dropped', ended_at = now(), reason = $9::text, "
    "lease_by = NULL, lease_until = NULL, lease_no = d.lease_no + 1, " DOUBTS "FROM found f "
    "WHERE d.tenant_id = f.tenant_id AND d.delivery_id = f.delivery_id AND f.state = 'waiting' "
    "AND NOT f.sending" WHAT_BECAME;

/* Why it was left as it is. */
static const char *hindrance(const PostgresRows *rows, size_t i, bool drops) {
    Str state = rows_str(rows, i, 1);
    if (rows_bool(rows, i, 2)) return "正在发送 it is on its way just now; ask again in a minute";
    if (str_is(state, "delivered"))
        return drops ? "已送达 it was delivered" : "已送达 it was delivered, and is not sent twice";
    if (!drops)
        return "结果不明的短信 an SMS that may have been sent; --despite-doubt sends it all the "
               "same";
    return str_is(state, "refused") ? "早已结束 it is over: refused"
                                    : "早已放弃 it was dropped before";
}

static int report(const NotifyOptions *o, const PostgresRows *rows, bool drops) {
    size_t n = rows_count(rows), changed = 0;
    for (size_t i = 0; i < n; i++) {
        bool done = rows_bool(rows, i, 5);
        changed += done;
        if (o->json) {
            CLEANUP(buf_done) Buf line = {0};
            buf_addc(&line, '{');
            lookup_json_number(&line, "delivery", rows_int(rows, i, 0));
            lookup_json_bool(&line, "done", done);
            if (!done) lookup_json_text(&line, "why_not", str(hindrance(rows, i, drops)));
            (void)printf("%s}\n", line.p);
        } else if (!done) {
            (void)fprintf(stderr, "%s: %lld: %s\n", me, (long long)rows_int(rows, i, 0),
                          hindrance(rows, i, drops));
        }
    }
    if (!o->json)
        (void)printf("%s: %zu / %zu\n", drops ? "已放弃 dropped" : "将立即再发 is tried again now",
                     changed, n);
    return n > 0 && changed == n ? 0 : 1;
}

static int change(const NotifyOptions *o, bool drops, Str reason) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    bool narrow = o->words_n || o->state || o->destination || o->person || o->ticket;
    if (!narrow || (!o->words_n && !o->tenant)) {
        (void)fprintf(stderr,
                      "%s: which? Give numbers, or --tenant and one of --state, --destination, "
                      "--ticket, --person\n",
                      me);
        return 2;
    }
    int r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s);
    if (r || (r = notify_filter(o, s, &p)) != 0) return r;
    params_array(&p, PARAM_TEXT, drops ? 1 : 2);
    params_element_text(&p, STR("waiting"));
    if (!drops) params_element_text(&p, STR("refused"));
    params_i64(&p, CHANGED_MAX);
    if (drops)
        params_text(&p, reason);
    else
        params_bool(&p, o->despite_doubt);
    r = lookup_run(me, s, drops ? drop_sql : retry_sql, &p, &rows);
    if (r) return r;
    int status = report(o, rows, drops);
    if (o->words_n && rows_count(rows) < (size_t)o->words_n) {
        (void)fprintf(stderr, "%s: there is no such delivery among them; docket notify list\n", me);
        status = 1;
    }
    return status;
}

int notify_retry(const NotifyOptions *o) {
    return change(o, false, (Str){NULL, 0});
}

int notify_drop(const NotifyOptions *o) {
    CLEANUP(buf_done) Buf reason = {0};
    if (!o->why || !*o->why) {
        (void)fprintf(stderr, "%s: drop needs --why TEXT: it stands in the record\n", me);
        return 2;
    }
    buf_printf(&reason, "dropped by %.*s: %s", STR_ARG(notify_actor(o)), o->why);
    return change(o, true, buf_str(&reason));
}
