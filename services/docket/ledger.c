/* docket ledger -- everything that ever happened to one ticket. */
#include <getopt.h>
#include <stdio.h>

#include "docket/command.h"
#include "docket/lookup.h"
#include "docket/options.h"
#include "docket/promise_words.h"
#include "json/json.h"

static const char me[] = "docket ledger";

typedef struct LedgerOptions {
    const char *postgres, *tenant;
    int64_t ticket;
    bool json;
} LedgerOptions;

typedef struct Found {
    int64_t tenant_id, ticket;
    Buf tenant;
} Found;

typedef struct Word {
    const char *name, *said;
} Word;

static const Word kinds[] = {{"ticket_created", "建立 created"},
                             {"ticket_assigned", "分配 assigned"},
                             {"ticket_queued", "排队 queued"},
                             {"ticket_released", "退回 released"},
                             {"ticket_noted", "备注 noted"},
                             {"ticket_updated", "处理 worked on"},
                             {"promise_warned", "承诺将到期 promise about to break"},
                             {"promise_breached", "承诺超时 promise broken"},
                             {"promise_escalated", "升级 escalated"},
                             {0}};
/* As the router's placement and the desk name them. */
static const Word whys[] = {{"least_loaded", "负载最轻 least loaded"},
                            {"taken_from_queue", "从队列领取 taken from the queue"},
                            {"asked_for", "提交时指定 asked for"},
                            {"nobody_on_duty", "无人在岗 nobody on duty"},
                            {"nobody_skilled", "无人具备技能 nobody has the skills"},
                            {"all_full", "全员已满 everybody is full"},
                            {"behind_others", "前面有人排队 others wait already"},
                            {"paused", "分配暂停 assignment was paused"},
                            {"ran_out", "预留过期 its reservation ran out"},
                            {"no_group", "没有配置 the tenant has no documents"},
                            {"fallback", "转兜底组 moved to the fallback group"},
                            {"released", "退回队列 put back"},
                            {"moved", "配置变更转移 moved as the documents changed"},
                            {"updated", "修改 updated"},
                            {"claimed", "认领 claimed"},
                            {"assigned", "指派 assigned by a person"},
                            {"transferred", "转交 transferred"},
                            {"merged", "并入别的工单 merged"},
                            {"merged_from", "并入了别的工单 others were merged into it"},
                            {"solved", "解决 solved"},
                            {"solved_by_requester", "客户说已解决 the customer says it is solved"},
                            {"confirmed", "客户确认 the customer confirmed"},
                            {"requester_replied", "客户回复 the customer replied"},
                            {"reopened", "重新打开 reopened"},
                            {"rated", "评价 rated"},
                            {"auto_closed", "到期自动结案 closed by itself"},
                            {"deleted", "删除 deleted"},
                            {"acknowledged", "已接手 acknowledged"},
                            {"warned", "将到期 about to fall due"},
                            {"breached", "已到期 fell due"},
                            {"escalated", "无人接手 nobody acknowledged"},
                            {0}};
/* Numbers of a reason, in the order said. */
static const Word numbers[] = {{"load", "负载 load"},
                               {"capacity", "容量 capacity"},
                               {"on_duty", "在岗 on duty"},
                               {"able", "能办 able"},
                               {"from_group", "原组 from group"},
                               {"from_assignee", "原受理人 from assignee"},
                               {0}};

static Str say(const Word *words, Str name) {
    for (; words->name; words++)
        if (str_is(name, words->name)) return str(words->said);
    return name;
}

/* ---- reasons and changes, in words ---- */

static void join(Buf *b, const char *between) {
    if (b->n) buf_adds(b, between);
}

/* The first characters of a long value; never half a character. */
static void add_short(Buf *b, Str value) {
    enum { SHOWN = 60 };
    size_t n = value.n;
    if (n > SHOWN)
        for (n = SHOWN; n && ((unsigned char)value.p[n] & 0xc0) == 0x80;)
            n--;
    buf_add_str(b, (Str){value.p, n});
    if (n < value.n) buf_adds(b, "…");
}

static void add_comment(const cJSON *payload, Buf *ret) {
    const cJSON *comment = NULL, *attachments = NULL;
    Str body;
    if (json_get_object(payload, "comment", &comment) <= 0) return;
    bool is_public = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(comment, "public"));
    join(ret, "; ");
    buf_adds(ret, is_public ? "公开回复 public reply: " : "内部备注 internal note: ");
    if (json_get_string(comment, "body", &body) > 0) add_short(ret, body);
    if (json_get_array(comment, "attachments", &attachments) > 0)
        buf_printf(ret, " (附件 attachments %d)", cJSON_GetArraySize(attachments));
}

static void add_reason(const cJSON *payload, Buf *ret) {
    const cJSON *reason = NULL, *rules = NULL;
    Str text;
    int64_t number;
    if (json_get_object(payload, "reason", &reason) > 0) {
        if (json_get_string(reason, "why", &text) > 0) buf_add_str(ret, say(whys, text));
        if (json_get_array(reason, "rules", &rules) > 0 && cJSON_GetArraySize(rules)) {
            const cJSON *rule;
            buf_adds(ret, "规则 rules");
            cJSON_ArrayForEach(rule, rules) if (json_as_string(rule, &text) > 0)
                buf_printf(ret, " %.*s", STR_ARG(text));
        }
        if (json_get_string(reason, "matched", &text) > 0 && text.n) {
            join(ret, ": ");
            buf_add_str(ret, text);
        }
        for (const Word *w = numbers; w->name; w++)
            if (json_get_int(reason, w->name, &number) > 0) {
                join(ret, ", ");
                buf_printf(ret, "%s %lld", w->said, (long long)number);
            }
    }
    promise_words_add(payload, ret);
    if (json_get_string(payload, "note", &text) > 0) {
        join(ret, "; ");
        buf_add_str(ret, text);
    }
    add_comment(payload, ret);
}

static bool is_empty(const cJSON *value) {
    return cJSON_IsNull(value) || (cJSON_IsString(value) && !*value->valuestring) ||
           ((cJSON_IsArray(value) || cJSON_IsObject(value)) && !value->child);
}

/* A birth sets every column: what it leaves empty says nothing. Later an empty value is a change.
 */
static void add_changes(const cJSON *payload, bool birth, Str group, Str assignee, Buf *ret) {
    const cJSON *set = NULL, *value;
    if (json_get_object(payload, "set", &set) <= 0) return;
    cJSON_ArrayForEach(value, set) {
        if (birth && is_empty(value)) continue;
        Str name = str(value->string), text;
        join(ret, " ");
        buf_printf(ret, "%s=", value->string);
        if (json_as_string(value, &text) > 0)
            add_short(ret, text);
        else {
            CLEANUP(buf_done) Buf written = {0};
            json_write(&written, value);
            add_short(ret, buf_str(&written));
        }
        Str who = str_is(name, "group_id")      ? group
                  : str_is(name, "assignee_id") ? assignee
                                                : (Str){0};
        if (who.n) buf_printf(ret, "(%.*s)", STR_ARG(who));
    }
}

/* ---- the ticket ---- */

static int find(const LedgerOptions *o, PostgresSession *s, Found *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int64_t tenant_id = 0;
    int r = o->tenant ? lookup_tenant(me, s, o->tenant, &tenant_id) : 0;
    if (r) return r;
    params_i64(&p, o->ticket);
    params_i64(&p, tenant_id);
    r = lookup_run(me, s,
                   "SELECT n.tenant_id, n.name, coalesce(a.ticket_id, $1::bigint) "
                   "FROM docket.tenants n LEFT JOIN ticket.aliases a "
                   "ON a.tenant_id = n.tenant_id AND a.id = $1::bigint "
                   "WHERE $2::bigint IN (0, n.tenant_id) AND EXISTS (SELECT FROM ticket.ledger l "
                   "WHERE l.tenant_id = n.tenant_id AND l.ticket_id = coalesce(a.ticket_id, "
                   "$1::bigint)) ORDER BY 1 LIMIT 10",
                   &p, &rows);
    if (r) return r;
    if (rows_count(rows) == 1) {
        ret->tenant_id = rows_int(rows, 0, 0);
        ret->ticket = rows_int(rows, 0, 2);
        buf_add_str(&ret->tenant, rows_str(rows, 0, 1));
        return 0;
    }
    if (rows_count(rows) == 0) {
        (void)fprintf(stderr, "%s: there is no ticket %lld%s%s\n", me, (long long)o->ticket,
                      o->tenant ? " of tenant " : "", o->tenant ? o->tenant : "");
        (void)fputs("If the gate accepted it just now, it may still be under way: docket verify\n",
                    stderr);
        return 1;
    }
    (void)fprintf(stderr, "%s: several tenants have a ticket %lld; say which: --tenant", me,
                  (long long)o->ticket);
    for (size_t i = 0; i < rows_count(rows); i++)
        (void)fprintf(stderr, "%s %.*s", i ? " or" : "", STR_ARG(rows_str(rows, i, 1)));
    (void)fputc('\n', stderr);
    return 2;
}

static void print_json(const Found *f, const LedgerOptions *o, const PostgresRows *rows) {
    CLEANUP(buf_done) Buf out = {0};
    buf_addc(&out, '{');
    lookup_json_text(&out, "tenant", buf_str(&f->tenant));
    lookup_json_number(&out, "ticket_id", f->ticket);
    lookup_json_number(&out, "asked_for", o->ticket);
    lookup_json_raw(&out, "rows", STR("["));
    for (size_t i = 0; i < rows_count(rows); i++) {
        buf_adds(&out, i ? ",\n{" : "\n{");
        lookup_json_number(&out, "seq", rows_int(rows, i, 0));
        lookup_json_time(&out, "at", rows, i, 1);
        lookup_json_text(&out, "kind", rows_str(rows, i, 2));
        lookup_json_text(&out, "actor", rows_str(rows, i, 3));
        lookup_json_number(&out, "revision", rows_int(rows, i, 4));
        lookup_json_raw(&out, "payload", rows_str(rows, i, 5));
        buf_addc(&out, '}');
    }
    (void)printf("%s]}\n", out.p);
}

static void print_table(const PostgresRows *rows) {
    CLEANUP(table_done) Table table = {0};
    static const char *const head[] = {"序 seq", "时间 at",  "事件 what",
                                       "谁 who", "原因 why", "变更 changed"};
    for (size_t i = 0; i < 6; i++)
        table_add(&table, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++) {
        CLEANUP(cjson_freep) cJSON *payload = NULL;
        CLEANUP(buf_done) Buf why = {0}, changed = {0};
        JsonLimits limits = {.bytes = 4 << 20, .depth = 64, .members = 10000};
        char when[20];
        if (json_parse(rows_str(rows, i, 5), &limits, &payload, NULL) == 0) {
            add_reason(payload, &why);
            add_changes(payload, rows_int(rows, i, 0) == 1, rows_str(rows, i, 7),
                        rows_str(rows, i, 8), &changed);
        }
        lookup_local_time(rows_time_ms(rows, i, 1), when);
        table_addf(&table, "%lld", (long long)rows_int(rows, i, 0));
        table_add(&table, str(when));
        table_add(&table, say(kinds, rows_str(rows, i, 2)));
        table_addf(&table, "%.*s%s%.*s", STR_ARG(rows_str(rows, i, 3)),
                   rows_null(rows, i, 6) ? "" : " ", STR_ARG(rows_str(rows, i, 6)));
        table_add(&table, buf_str(&why));
        table_add(&table, buf_str(&changed));
    }
    table_print(&table, 6);
}

static int show(const LedgerOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    Found f = {0};
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0) r = find(o, s, &f);
    if (r == 0) {
        params_i64(&p, f.tenant_id);
        params_i64(&p, f.ticket);
        r = lookup_run(
            me, s,
            "SELECT l.seq, l.at, l.kind, l.actor, l.revision, l.payload, "
            "(SELECT name FROM config.names n WHERE n.tenant_id = $1::bigint AND n.kind = 'agent' "
            "AND l.actor IN ('agent:' || n.id, 'user:' || n.id)), "
            "(SELECT name FROM config.names n WHERE n.tenant_id = $1::bigint AND n.kind = 'group' "
            "AND n.id::text = l.payload->'set'->>'group_id'), "
            "(SELECT name FROM config.names n WHERE n.tenant_id = $1::bigint AND n.kind = 'agent' "
            "AND n.id::text = l.payload->'set'->>'assignee_id') "
            "FROM ticket.ledger l WHERE l.tenant_id = $1::bigint AND l.ticket_id = $2::bigint "
            "ORDER BY l.seq",
            &p, &rows);
    }
    if (r == 0 && o->json)
        print_json(&f, o, rows);
    else if (r == 0) {
        (void)printf("工单 ticket %lld, 租户 tenant %s\n", (long long)f.ticket, f.tenant.p);
        if (f.ticket != o->ticket)
            (void)printf("%lld 是同一请求的另一个号 is another id of it: both were given out for "
                         "one submission\n",
                         (long long)o->ticket);
        print_table(rows);
    }
    buf_done(&f.tenant);
    return r;
}

static int ledger_run(int argc, char **argv) {
    LedgerOptions o = {0};
    const Option options[] = {{"tenant", OPTION_TEXT, &o.tenant, 0, 0},
                              {"postgres", OPTION_TEXT, &o.postgres, 0, 0},
                              {"json", OPTION_FLAG, &o.json, 0, 0}};
    if (options_read(me, argc, argv, options, 3)) return 2;
    if (argc - optind != 1 || str_to_i64(str(argv[optind]), &o.ticket) < 0 || o.ticket < 1) {
        (void)fprintf(stderr, "%s: which ticket? Give its number: docket ledger 100000\n", me);
        return 2;
    }
    return show(&o);
}

const Command ledger_command = {
    .name = "ledger",
    .summary = "everything that ever happened to one ticket",
    .help = "Usage: docket ledger TICKET [--tenant NAME] [--json]\n"
            "\n"
            "One line for each thing that happened: when (local time), what, who, why, and the\n"
            "fields it changed. An id that lost a race to another leads to the one that won.\n"
            "Personal data is masked, as it is stored.\n"
            "\n"
            "  --tenant NAME    may be left out when only one tenant has such a ticket\n"
            "  --postgres URL   default: $DOCKET_POSTGRES\n"
            "  --json           one JSON object: tenant, ticket_id, asked_for, rows\n"
            "\n"
            "Exit: 0 good, 1 there is no such ticket, 2 usage or not possible.\n",
    .run = ledger_run,
};
