/* docket explain -- why a ticket went where it went, in words: Chinese first, English beside. */
#include <getopt.h>
#include <stdio.h>

#include "docket/command.h"
#include "docket/lookup.h"
#include "docket/promise_words.h"
#include "json/json.h"

static const char me[] = "docket explain";

typedef struct ExplainOptions {
    const char *postgres, *tenant;
    int64_t ticket;
    bool json;
} ExplainOptions;

/* What a sentence may speak of: one ledger row, read. */
typedef struct Step {
    Str kind, actor, actor_name, group, assignee, from_group;
    int64_t revision;
    const cJSON *payload, *set, *reason, *comment;
    Str why, note;
} Step;

static int64_t number(const cJSON *reason, const char *name) {
    int64_t n = 0;
    return reason && json_get_int(reason, name, &n) > 0 ? n : 0;
}

static Str text(const cJSON *object, const char *name) {
    Str s = {0};
    if (object) (void)json_get_string(object, name, &s);
    return s;
}

/* The members of a list of texts, joined. */
static void add_list(Buf *b, const cJSON *object, const char *name, const char *between) {
    const cJSON *list = NULL, *item;
    size_t n = 0;
    if (!object || json_get_array(object, name, &list) <= 0) return;
    cJSON_ArrayForEach(item, list) {
        Str s;
        if (json_as_string(item, &s) > 0) {
            if (n++) buf_adds(b, between);
            buf_add_str(b, s);
        }
    }
}

/* ---- the sentences ---- */

static void say_created(const Step *s, Buf *zh, Buf *en) {
    CLEANUP(buf_done) Buf rules = {0}, skills = {0}, tags = {0};
    add_list(&rules, s->reason, "rules", "、");
    add_list(&skills, s->set, "skills", "、");
    add_list(&tags, s->set, "tags", "、");
    Str matched = text(s->reason, "matched"), category = text(s->set, "category"),
        priority = text(s->set, "priority"), kind = text(s->set, "kind"),
        channel = text(s->set, "channel");
    buf_printf(zh, "从渠道 %.*s 受理。", STR_ARG(channel));
    buf_printf(en, "Accepted from channel %.*s. ", STR_ARG(channel));
    if (rules.n) {
        buf_printf(zh, "命中规则「%s」", rules.p);
        buf_printf(en, "Rule %s held", rules.p);
        if (matched.n) {
            buf_printf(zh, "（%.*s）", STR_ARG(matched));
            buf_printf(en, " (%.*s)", STR_ARG(matched));
        }
        buf_adds(zh, "，");
        buf_adds(en, ": ");
    } else {
        buf_adds(zh, "没有规则命中，");
        buf_adds(en, "No rule held: ");
    }
    if (s->group.n) {
        buf_printf(zh, "归入组「%.*s」，", STR_ARG(s->group));
        buf_printf(en, "group %.*s, ", STR_ARG(s->group));
    } else {
        buf_adds(zh, "没有可去的组，");
        buf_adds(en, "no group, ");
    }
    buf_printf(zh, "类型 %.*s，类别 %.*s，优先级 %.*s", STR_ARG(kind), STR_ARG(category),
               STR_ARG(priority));
    buf_printf(en, "kind %.*s, category %.*s, priority %.*s", STR_ARG(kind), STR_ARG(category),
               STR_ARG(priority));
    if (skills.n) {
        buf_printf(zh, "，需要技能：%s", skills.p);
        buf_printf(en, ", skills required: %s", skills.p);
    }
    if (tags.n) {
        buf_printf(zh, "，标签：%s", tags.p);
        buf_printf(en, ", tags: %s", tags.p);
    }
    buf_adds(zh, "。");
    buf_adds(en, ".");
}

static void say_staffing(const Step *s, Buf *zh, Buf *en) {
    buf_printf(zh, "组内在岗 %lld 人，其中 %lld 人具备所需技能",
               (long long)number(s->reason, "on_duty"), (long long)number(s->reason, "able"));
    buf_printf(en, "%lld on duty in the group, %lld of them with the skills",
               (long long)number(s->reason, "on_duty"), (long long)number(s->reason, "able"));
}

/* The documents no longer have the group or the agent it hung on. */
static void say_moved(const Step *s, Buf *zh, Buf *en) {
    Str from = s->from_group.n ? s->from_group : STR("-");
    buf_printf(zh, "配置文档去掉了它原来所在的组或座席（原组「%.*s」），改到组「%.*s」",
               STR_ARG(from), STR_ARG(s->group));
    buf_printf(en,
               "The documents dropped the group or agent it hung on (group %.*s): now group %.*s",
               STR_ARG(from), STR_ARG(s->group));
    if (s->assignee.n) {
        buf_printf(zh, "，受理人 %.*s", STR_ARG(s->assignee));
        buf_printf(en, ", assignee %.*s", STR_ARG(s->assignee));
    }
    buf_adds(zh, "。");
    buf_adds(en, ".");
}

static void say_assigned(const Step *s, Buf *zh, Buf *en) {
    long long load = (long long)number(s->reason, "load"),
              capacity = (long long)number(s->reason, "capacity");
    buf_printf(zh, "分配给 %.*s：", STR_ARG(s->assignee));
    buf_printf(en, "Given to %.*s: ", STR_ARG(s->assignee));
    if (str_is(s->why, "asked_for")) {
        buf_adds(zh, "提交方有权指定受理人，并指定了。");
        buf_adds(en, "the sender may name an assignee, and did.");
        return;
    }
    bool queued = str_is(s->why, "taken_from_queue");
    say_staffing(s, zh, en);
    buf_printf(zh, "；当时手上 %lld 件、上限 %lld 件，", load, capacity);
    buf_printf(en, "; holding %lld of at most %lld, ", load, capacity);
    if (queued) {
        buf_adds(zh, "有了空位，而这张工单按优先级与等待时间排在最前。");
        buf_adds(en, "had room, and this ticket stood first by priority and waiting time.");
    } else {
        buf_adds(zh, "在有空位的人里相对负载最轻（并列时取空闲最久者）。");
        buf_adds(en,
                 "the least loaded relative to capacity of those with room (ties: idle longest).");
    }
}

typedef struct Sentence {
    const char *why, *zh, *en;
} Sentence;

static const Sentence queued[] = {
    {"nobody_on_duty", "组内无人在岗", "nobody of the group is on duty"},
    {"nobody_skilled", "在岗的人里没有人具备所需技能", "nobody on duty has the skills"},
    {"all_full", "能办的人都已到上限", "everybody who could take it is full"},
    {"behind_others", "同类工单已有人在前面排队", "others of its kind wait already"},
    {"paused", "分配暂停（Redis 不可用或正在重建），先存档，随后分配",
     "assignment was paused (Redis away or being rebuilt); stored first, assigned later"},
    {"ran_out", "数据库太慢，预留已过期，先存档，随后分配",
     "PostgreSQL was too slow for its reservation; stored first, assigned later"},
    {"no_group", "租户还没有配置文档", "the tenant has no documents yet"},
    {"asked_for", "提交方指定了这个组", "the sender named this group"},
    {"released", "操作员把它退回了队列", "an operator put it back"},
    {0}};

static void say_queued(const Step *s, Buf *zh, Buf *en) {
    if (str_is(s->why, "fallback")) {
        buf_printf(zh, "原来的组%s%.*s%s长时间无人在岗，转到兜底组「%.*s」排队。",
                   s->from_group.n ? "「" : "", STR_ARG(s->from_group), s->from_group.n ? "」" : "",
                   STR_ARG(s->group));
        buf_printf(en, "Nobody was on duty in %.*s for too long: moved to the fallback group %.*s.",
                   STR_ARG(s->from_group.n ? s->from_group : STR("its group")), STR_ARG(s->group));
        return;
    }
    const Sentence *w = queued;
    while (w->why && !str_is(s->why, w->why))
        w++;
    buf_printf(zh, "在组「%.*s」排队：%s", STR_ARG(s->group), w->why ? w->zh : "原因未记录");
    buf_printf(en, "Waits in group %.*s: %s", STR_ARG(s->group),
               w->why ? w->en : "no reason recorded");
    int64_t on_duty;
    if (s->reason && json_get_int(s->reason, "on_duty", &on_duty) > 0) {
        buf_adds(zh, "（");
        buf_adds(en, " (");
        say_staffing(s, zh, en);
        buf_adds(zh, "）");
        buf_adds(en, ")");
    }
    buf_adds(zh, "。");
    buf_adds(en, ".");
}

/* ---- what people did ---- */

static void say_who(const Step *s, Buf *zh, Buf *en) {
    Str number, who = str_cut(s->actor, ':', &number);
    Str name = s->actor_name.n ? s->actor_name : number;
    if (str_is(who, "requester")) {
        buf_adds(zh, "客户");
        buf_adds(en, "The customer");
    } else if (str_is(who, "system")) {
        buf_adds(zh, "系统");
        buf_adds(en, "The system");
    } else {
        buf_printf(zh, "座席 %.*s", STR_ARG(name));
        buf_printf(en, "Agent %.*s", STR_ARG(name));
    }
}

/* Of the desk's reasons; the others show in what was set. */
static const Sentence deeds[] = {
    {"claimed", "从池中认领", "claimed it from the pool"},
    {"assigned", "指派了它", "gave it to somebody"},
    {"transferred", "转交了它", "transferred it"},
    {"released", "把它退回队列", "put it back into the queue"},
    {"solved", "认为已解决", "solved it"},
    {"solved_by_requester", "说问题已解决", "says that it is solved"},
    {"confirmed", "确认已解决，结案", "confirmed the solution: closed"},
    {"requester_replied", "回复了", "replied"},
    {"reopened", "把它重新打开", "reopened it"},
    {"rated", "评价了服务", "rated the service"},
    {"auto_closed", "在约定的天数内无人异议后结案",
     "closed it, nobody having answered for the days agreed"},
    {"deleted", "删除了它", "deleted it"},
    {"acknowledged", "说已接手，不再升级", "acknowledged it: no further escalation"},
    {"merged", "把它并入另一张工单", "merged it into another ticket"},
    {"merged_from", "把别的工单并入了它", "merged other tickets into it"},
    {"updated", "更新了它", "updated it"},
    {0}};

static const struct {
    const char *name, *zh;
} states[] = {{"new", "新建"},           {"assigned", "已分配"}, {"in_progress", "处理中"},
              {"pending", "待客户回复"}, {"on_hold", "挂起"},    {"solved", "待客户确认"},
              {"closed", "已结案"},      {"deleted", "已删除"},  {"merged", "已合并"}};

static void say_state(Str status, Buf *zh, Buf *en) {
    if (!status.n) return;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (str_is(status, states[i].name)) buf_printf(zh, "；状态：%s", states[i].zh);
    buf_printf(en, "; now %.*s", STR_ARG(status));
}

static void say_place(const Step *s, Buf *zh, Buf *en) {
    const cJSON *assignee = s->set ? cJSON_GetObjectItemCaseSensitive(s->set, "assignee_id") : NULL;
    if (s->group.n) {
        buf_printf(zh, "；组「%.*s」", STR_ARG(s->group));
        buf_printf(en, "; group %.*s", STR_ARG(s->group));
    }
    if (s->assignee.n) {
        buf_printf(zh, "；受理人 %.*s", STR_ARG(s->assignee));
        buf_printf(en, "; assignee %.*s", STR_ARG(s->assignee));
    } else if (assignee && cJSON_IsNull(assignee)) {
        buf_adds(zh, "；没有受理人");
        buf_adds(en, "; nobody has it");
    }
}

/* Which other fields, by their columns; their values are the ledger's to show. */
static void say_fields(const Step *s, Buf *zh, Buf *en) {
    const cJSON *value;
    size_t n = 0;
    cJSON_ArrayForEach(value, s->set) {
        Str name = str(value->string);
        if (str_is(name, "status") || str_is(name, "group_id") || str_is(name, "assignee_id"))
            continue;
        buf_printf(zh, "%s%s", n ? "、" : "；改了 ", value->string);
        buf_printf(en, "%s%s", n ? ", " : "; set ", value->string);
        n++;
    }
}

static void say_comment(const Step *s, Buf *zh, Buf *en) {
    const cJSON *attachments = NULL;
    if (!s->comment) return;
    bool is_public = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(s->comment, "public"));
    bool customer = str_starts(s->actor, STR("requester:"));
    buf_adds(zh, is_public ? customer ? "；写了回复" : "；公开回复了客户" : "；写了内部备注");
    buf_adds(en, is_public ? customer ? "; wrote a reply" : "; replied to the customer"
                           : "; left an internal note");
    if (json_get_array(s->comment, "attachments", &attachments) > 0) {
        buf_printf(zh, "（附件 %d 个）", cJSON_GetArraySize(attachments));
        buf_printf(en, " (%d attachments)", cJSON_GetArraySize(attachments));
    }
}

static void say_updated(const Step *s, Buf *zh, Buf *en) {
    const Sentence *w = deeds;
    while (w->why && !str_is(s->why, w->why))
        w++;
    say_who(s, zh, en);
    buf_printf(zh, "%s", w->why ? w->zh : "更新了它");
    buf_printf(en, " %s", w->why ? w->en : "updated it");
    if (s->reason && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(s->reason, "above_capacity"))) {
        buf_adds(zh, "（超出其上限）");
        buf_adds(en, " (above the assignee's capacity)");
    }
    say_state(text(s->set, "status"), zh, en);
    say_place(s, zh, en);
    say_fields(s, zh, en);
    say_comment(s, zh, en);
    buf_adds(zh, "。");
    buf_adds(en, ".");
}

static void say_step(const Step *s, Buf *zh, Buf *en) {
    if (str_is(s->kind, "ticket_created")) {
        say_created(s, zh, en);
    } else if (str_is(s->kind, "ticket_updated")) {
        say_updated(s, zh, en);
    } else if (str_starts(s->kind, STR("promise_"))) {
        promise_words_explain(s->kind, s->payload, &(PromiseNames){s->group, s->assignee}, zh, en);
    } else if (str_is(s->why, "moved")) {
        say_moved(s, zh, en);
    } else if (str_is(s->kind, "ticket_assigned")) {
        say_assigned(s, zh, en);
    } else if (str_is(s->kind, "ticket_queued")) {
        say_queued(s, zh, en);
    } else if (str_is(s->kind, "ticket_released")) {
        buf_printf(zh, "从受理人手里退回，重新在组「%.*s」排队，等待时间照旧计算。",
                   STR_ARG(s->group));
        buf_printf(en, "Taken off its assignee: waits in group %.*s again, at its old age.",
                   STR_ARG(s->group));
    }
    if (s->note.n) {
        buf_printf(zh, "%s备注：%.*s", zh->n ? " " : "", STR_ARG(s->note));
        buf_printf(en, "%sNote: %.*s", en->n ? " " : "", STR_ARG(s->note));
    }
    if (s->revision) {
        buf_printf(zh, "（配置第 %lld 版）", (long long)s->revision);
        buf_printf(en, " (revision %lld)", (long long)s->revision);
    }
}

/* ---- reading ---- */

static const char rows_sql[] =
    "SELECT l.seq, l.at, l.kind, l.actor, l.revision, l.payload,"
    " (SELECT name FROM config.names n WHERE n.tenant_id = l.tenant_id AND n.kind = 'group'"
    "  AND n.id::text = l.payload->'set'->>'group_id'),"
    " (SELECT name FROM config.names n WHERE n.tenant_id = l.tenant_id AND n.kind = 'agent'"
    "  AND n.id::text = l.payload->'set'->>'assignee_id'),"
    " (SELECT name FROM config.names n WHERE n.tenant_id = l.tenant_id AND n.kind = 'group'"
    "  AND n.id::text = l.payload->'reason'->>'from_group'),"
    " (SELECT name FROM config.names n WHERE n.tenant_id = l.tenant_id AND n.kind = 'agent'"
    "  AND l.actor IN ('agent:' || n.id, 'user:' || n.id))"
    " FROM ticket.ledger l WHERE l.tenant_id = $1::bigint AND l.ticket_id = $2::bigint"
    " ORDER BY l.seq";

static void explain_row(const PostgresRows *rows, size_t i, Buf *zh, Buf *en) {
    CLEANUP(cjson_freep) cJSON *payload = NULL;
    JsonLimits limits = {.bytes = 4 << 20, .depth = 64, .members = 10000};
    Step s = {.kind = rows_str(rows, i, 2),
              .actor = rows_str(rows, i, 3),
              .actor_name = rows_str(rows, i, 9),
              .revision = rows_int(rows, i, 4),
              .group = rows_str(rows, i, 6),
              .assignee = rows_str(rows, i, 7),
              .from_group = rows_str(rows, i, 8)};
    if (json_parse(rows_str(rows, i, 5), &limits, &payload, NULL) == 0) {
        s.payload = payload;
        (void)json_get_object(payload, "set", &s.set);
        (void)json_get_object(payload, "reason", &s.reason);
        (void)json_get_object(payload, "comment", &s.comment);
        s.why = text(s.reason, "why");
        s.note = text(payload, "note");
    }
    say_step(&s, zh, en);
}

static void print_json(const ExplainOptions *o, int64_t ticket, const PostgresRows *rows) {
    CLEANUP(buf_done) Buf out = {0};
    buf_addc(&out, '{');
    lookup_json_number(&out, "ticket_id", ticket);
    lookup_json_number(&out, "asked_for", o->ticket);
    lookup_json_raw(&out, "steps", STR("["));
    for (size_t i = 0; i < rows_count(rows); i++) {
        CLEANUP(buf_done) Buf zh = {0}, en = {0};
        explain_row(rows, i, &zh, &en);
        buf_adds(&out, i ? ",\n{" : "\n{");
        lookup_json_number(&out, "seq", rows_int(rows, i, 0));
        lookup_json_time(&out, "at", rows, i, 1);
        lookup_json_text(&out, "kind", rows_str(rows, i, 2));
        lookup_json_number(&out, "revision", rows_int(rows, i, 4));
        lookup_json_text(&out, "zh", buf_str(&zh));
        lookup_json_text(&out, "en", buf_str(&en));
        buf_addc(&out, '}');
    }
    (void)printf("%s]}\n", out.p);
}

static int explain(const ExplainOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int64_t tenant_id, ticket;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0) r = lookup_ticket(me, s, o->tenant, o->ticket, &tenant_id, &ticket);
    if (r) return r;
    params_i64(&p, tenant_id);
    params_i64(&p, ticket);
    if ((r = lookup_run(me, s, rows_sql, &p, &rows)) != 0) return r;
    if (o->json) {
        print_json(o, ticket, rows);
        return 0;
    }
    (void)printf("工单 ticket %lld\n", (long long)ticket);
    if (ticket != o->ticket)
        (void)printf("%lld 是同一请求的另一个号 is another id of the same submission\n",
                     (long long)o->ticket);
    for (size_t i = 0; i < rows_count(rows); i++) {
        CLEANUP(buf_done) Buf zh = {0}, en = {0};
        char when[20];
        explain_row(rows, i, &zh, &en);
        lookup_local_time(rows_time_ms(rows, i, 1), when);
        (void)printf("\n%lld. %s\n   %s\n   %s\n", (long long)rows_int(rows, i, 0), when,
                     zh.p ? zh.p : "", en.p ? en.p : "");
    }
    return 0;
}

static int explain_run(int argc, char **argv) {
    static const struct option options[] = {{"tenant", required_argument, NULL, 't'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    ExplainOptions o = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 't':
            o.tenant = optarg;
            break;
        case 'p':
            o.postgres = optarg;
            break;
        case 'j':
            o.json = true;
            break;
        default:
            return 2;
        }
    }
    if (argc - optind != 1 || str_to_i64(str(argv[optind]), &o.ticket) < 0 || o.ticket < 1) {
        (void)fprintf(stderr, "%s: which ticket? Give its number: docket explain 100000\n", me);
        return 2;
    }
    return explain(&o);
}

const Command explain_command = {
    .name = "explain",
    .summary = "why a ticket went where it went, in words",
    .help =
        "Usage: docket explain TICKET [--tenant NAME] [--json]\n"
        "\n"
        "A sentence for each decision, from the reasons that the ledger keeps and the revision\n"
        "of the documents that it was made by. An id that lost a race leads to the one that won.\n"
        "\n"
        "  --tenant NAME    may be left out when only one tenant has such a ticket\n"
        "  --postgres URL   default: $DOCKET_POSTGRES\n"
        "  --json           one JSON object: ticket_id, asked_for, steps with `zh` and `en`\n"
        "\n"
        "Exit: 0 good, 1 there is no such ticket, 2 usage or not possible.\n",
    .run = explain_run,
};
