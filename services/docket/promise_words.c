/* Chinese first, English beside. */
#include "docket/promise_words.h"

#include "json/json.h"

typedef struct Pair {
    const char *name, *zh, *en;
} Pair;

static const Pair metrics[] = {{"first_reply", "首次回复", "first reply"},
                               {"next_reply", "后续回复", "next reply"},
                               {"periodic_update", "定期更新", "periodic update"},
                               {"resolution", "解决", "resolution"},
                               {"requester_wait", "客户等待", "requester wait"},
                               {"agent_work", "处理用时", "agent work"},
                               {"ack", "接手", "acknowledgement"},
                               {"stage_new", "新建阶段", "the stage new"},
                               {"stage_assigned", "已分配阶段", "the stage assigned"},
                               {"stage_in_progress", "处理中阶段", "the stage in progress"},
                               {"stage_pending", "待客户回复阶段", "the stage pending"},
                               {"stage_on_hold", "挂起阶段", "the stage on hold"},
                               {0}};
/* What a step of an escalation asked for and did not get. */
static const struct {
    const char *asked, *why, *zh, *en;
} denied[] = {
    {"raise", "highest", "优先级已是最高", "its priority is the highest already"},
    {"move", "there_already", "它已在该组", "it is in that group already"},
    {"move", "no_such_group", "该组已不存在", "that group is no more"},
    {"reassign", "nobody_has_room", "同组没有别人有空位，仍由原受理人处理",
     "nobody else of its group has room, so its assignee keeps it"},
    {"reassign", "paused", "改派暂停（Redis 不可用），仍由原受理人处理",
     "reassignment was paused (Redis away), so its assignee keeps it"},
    {"reassign", "ran_out", "数据库太慢，预留过期，仍由原受理人处理",
     "PostgreSQL was too slow for the reservation, so its assignee keeps it"},
    {"reassign", "nobody_has_it", "它还没有受理人", "nobody has it"},
    {"reassign", "not_in_work", "它不在处理中", "it is not being worked on"},
    {"withheld", "acknowledged", "已有人接手，只作记录", "recorded only, for somebody is on it"},
    {"withheld", "over", "时钟已停，只作记录", "recorded only, for its clock has ended"},
};

static Pair find(const Pair *pairs, Str name) {
    for (; pairs->name; pairs++)
        if (str_is(name, pairs->name)) return *pairs;
    return (Pair){0};
}

static Str text(const cJSON *object, const char *name) {
    Str s = {0};
    if (object) (void)json_get_string(object, name, &s);
    return s;
}

static int64_t number(const cJSON *object, const char *name) {
    int64_t n = 0;
    return object && json_get_int(object, name, &n) > 0 ? n : 0;
}

static bool is_set(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* 5400000 -> "1h30m"; whole seconds, the two largest units. */
static void add_duration(Buf *b, int64_t ms) {
    static const struct {
        int64_t s;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t s = ms / 1000;
    int said = 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units) && said < 2; i++) {
        if (s < units[i].s && (said || i < 3)) continue;
        buf_printf(b, "%lld%c", (long long)(s / units[i].s), units[i].name);
        s %= units[i].s;
        said++;
    }
}

/* ---- For the table ---- */

void promise_words_add(const cJSON *payload, Buf *ret) {
    const cJSON *promise = NULL, *reason = NULL;
    Str metric, why;
    if (json_get_object(payload, "promise", &promise) <= 0 ||
        json_get_string(promise, "metric", &metric) <= 0)
        return;
    (void)json_get_object(payload, "reason", &reason);
    Pair m = find(metrics, metric);
    if (ret->n) buf_adds(ret, ": ");
    if (m.name)
        buf_printf(ret, "%s %s", m.zh, m.en);
    else
        buf_add_str(ret, metric);
    if (number(promise, "instance") > 1)
        buf_printf(ret, " #%lld", (long long)number(promise, "instance"));
    if (number(promise, "target_ms")) {
        buf_addc(ret, ' ');
        add_duration(ret, number(promise, "target_ms"));
    }
    if (text(promise, "level").n)
        buf_printf(ret, ", 级 level %.*s", STR_ARG(text(promise, "level")));
    if (text(promise, "policy").n)
        buf_printf(ret, ", 策略 policy %.*s", STR_ARG(text(promise, "policy")));
    if (str_is(text(promise, "why"), "policy_change"))
        buf_adds(ret, ", 因策略变更 by a change of policy");
    if (is_set(promise, "late")) buf_adds(ret, ", 迟到 told late");
    if (is_set(promise, "notify_lead")) buf_adds(ret, ", 通知组长 tell the lead");
    if (is_set(promise, "notify_manager")) buf_adds(ret, ", 通知主管 tell the manager");
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        why = text(reason, denied[i].asked);
        if (str_is(why, denied[i].why)) buf_printf(ret, ", %s %s", denied[i].zh, denied[i].en);
    }
}

/* ---- Sentences ---- */

static void say_what(Str kind, const cJSON *promise, Buf *zh, Buf *en) {
    Str metric = text(promise, "metric"), level = text(promise, "level");
    Pair m = find(metrics, metric);
    CLEANUP(buf_done) Buf target = {0};
    add_duration(&target, number(promise, "target_ms"));
    buf_adds(zh, "承诺「");
    buf_adds(en, "The promise of ");
    if (m.name) {
        buf_adds(zh, m.zh);
        buf_adds(en, m.en);
    } else {
        buf_add_str(zh, metric);
        buf_add_str(en, metric);
    }
    buf_printf(zh, "」%s（策略「", target.p);
    buf_add_str(zh, text(promise, "policy"));
    buf_adds(zh, "」）");
    buf_printf(en, " within %s (policy ", target.p);
    buf_add_str(en, text(promise, "policy"));
    buf_adds(en, ") ");
    if (str_is(kind, "promise_warned")) {
        bool share = level.n && level.p[level.n - 1] == '%';
        buf_printf(zh, share ? "已用去 %.*s" : "只剩 %.*s", STR_ARG(level));
        buf_printf(en, share ? "has used up %.*s of its time" : "has %.*s left", STR_ARG(level));
    } else if (str_is(kind, "promise_breached")) {
        bool changed = str_is(text(promise, "why"), "policy_change");
        buf_adds(zh, changed ? "因策略或优先级变更而超时" : "没有守住：到期时仍未做到");
        buf_adds(en, changed ? "is broken by a change of policy or priority" : "was not kept");
    } else {
        buf_printf(zh, "超时后仍无人接手，升级到第 %.*s 级", STR_ARG(level));
        buf_printf(en, "was broken and nobody acknowledged it: escalated to level %.*s",
                   STR_ARG(level));
    }
    if (is_set(promise, "late")) {
        buf_adds(zh, "（事后补记）");
        buf_adds(en, " (told late)");
    }
}

static void say_told(const cJSON *promise, Buf *zh, Buf *en) {
    bool lead = is_set(promise, "notify_lead"), manager = is_set(promise, "notify_manager");
    if (!lead && !manager) return;
    buf_printf(zh, "；通知%s%s%s", lead ? "组长" : "", lead && manager ? "和" : "",
               manager ? "主管" : "");
    buf_printf(en, "; %s%s%s told", lead ? "the lead" : "", lead && manager ? " and " : "",
               manager ? (lead ? "the manager are" : "the manager is") : " is");
}

static void say_done(const cJSON *payload, const PromiseNames *names, Buf *zh, Buf *en) {
    const cJSON *set = NULL, *reason = NULL;
    (void)json_get_object(payload, "set", &set);
    (void)json_get_object(payload, "reason", &reason);
    Str priority = text(set, "priority"), before = text(reason, "from_priority");
    if (priority.n) {
        buf_printf(zh, "；优先级 %.*s → %.*s", STR_ARG(before), STR_ARG(priority));
        buf_printf(en, "; priority %.*s to %.*s", STR_ARG(before), STR_ARG(priority));
    }
    if (names->group.n) {
        buf_printf(zh, "；转到组「%.*s」排队", STR_ARG(names->group));
        buf_printf(en, "; moved to the queue of group %.*s", STR_ARG(names->group));
    }
    if (names->assignee.n) {
        buf_printf(zh, "；改派给 %.*s（手上 %lld 件，上限 %lld 件）", STR_ARG(names->assignee),
                   (long long)number(reason, "load"), (long long)number(reason, "capacity"));
        buf_printf(en, "; given to %.*s, who held %lld of at most %lld", STR_ARG(names->assignee),
                   (long long)number(reason, "load"), (long long)number(reason, "capacity"));
    }
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        if (!str_is(text(reason, denied[i].asked), denied[i].why)) continue;
        buf_printf(zh, "；%s", denied[i].zh);
        buf_printf(en, "; %s", denied[i].en);
    }
}

void promise_words_explain(Str kind, const cJSON *payload, const PromiseNames *names, Buf *zh,
                           Buf *en) {
    const cJSON *promise = NULL;
    if (json_get_object(payload, "promise", &promise) <= 0) return;
    say_what(kind, promise, zh, en);
    say_told(promise, zh, en);
    say_done(payload, names, zh, en);
    buf_adds(zh, "。");
    buf_adds(en, ".");
}
