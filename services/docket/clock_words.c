/* Chinese first, English beside. */
#include "docket/clock_words.h"

#include <stdio.h>

#include "base/clock.h"
#include "docket/lookup.h"

static const char *const metrics_zh[METRICS] = {
    "首次回复", "下次回复", "定期更新",   "解决",       "客户等待",       "客服处理",
    "响应确认", "新建阶段", "已分配阶段", "处理中阶段", "待客户回复阶段", "挂起阶段"};
static const char *const states_zh[TICKET_STATUSES] = {
    "新建", "已分配", "处理中", "待客户回复", "挂起", "待客户确认", "已结案", "已删除", "已合并"};
static const char *const spans_zh[SPAN_KINDS] = {"计时", "非工作时间", "停表", "已解决"};
static const char *const acts_zh[PROMISE_ACTS] = {"预警", "违约", "升级"};
static const char *const acts_en[PROMISE_ACTS] = {"warned", "breached", "escalated"};

/* "1d 2h 3m 4s", of nothing "0s"; milliseconds only where they are all there is. */
static void add_length(Buf *b, int64_t ms) {
    static const struct {
        int64_t ms;
        char letter;
    } units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
    bool any = false;
    if (ms < 0) {
        buf_addc(b, '-');
        ms = -ms;
    }
    if (ms > 0 && ms < 1000) {
        buf_printf(b, "%lldms", (long long)ms);
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        int64_t n = ms / units[i].ms;
        ms %= units[i].ms;
        if (!n) continue;
        buf_printf(b, "%s%lld%c", any ? " " : "", (long long)n, units[i].letter);
        any = true;
    }
    if (!any) buf_adds(b, "0s");
}

static const char *length(Arena *arena, int64_t ms) {
    CLEANUP(buf_done) Buf b = {0};
    add_length(&b, ms);
    return arena_strndup(arena, b.p, b.n);
}

static const char *local(Arena *arena, int64_t at_ms) {
    char when[20];
    lookup_local_time(at_ms, when);
    return arena_strndup(arena, when, strlen(when));
}

/* The hours by which it counts, by the policy in force or in force when it ended. */
static Str hours_of(const LifeStep *step, const Clock *c) {
    if (!step || !step->policy || !c->target_ms) return (Str){NULL, 0};
    const Target *t = &step->policy->targets[c->metric][step->priority];
    return t->within_ms ? t->hours_name : (Str){NULL, 0};
}

static const LifeStep *step_of(const TicketLife *l, const Clock *c) {
    return life_step_before(l, c->ended_ms != NEVER ? c->ended_ms : ticket_life_now_ms(l));
}

/* ---- The page ---- */

static void print_state(const Clock *c) {
    static const char *const zh[] = {"计时中", "停表", "已完成", "已取消"};
    static const char *const en[] = {"running", "paused", "fulfilled", "cancelled"};
    bool broken = c->breached_ms != NEVER;
    (void)printf("  %s %s", zh[c->status], en[c->status]);
    if (broken)
        (void)printf("，违约 broken");
    else if (c->status == CLOCK_FULFILLED && c->target_ms)
        (void)printf("，守约 kept");
    else if (!c->target_ms)
        (void)printf("，没有承诺 nothing promised");
}

static void print_promise(const TicketLife *l, const Clock *c, Arena *arena) {
    int64_t elapsed = clock_elapsed(c), due = clock_reach(c, c->since_ms, c->target_ms);
    Str hours = hours_of(step_of(l, c), c);
    print_state(c);
    (void)printf("\n  已用 elapsed %s", length(arena, elapsed));
    if (c->target_ms) {
        (void)printf("，承诺 target %s", length(arena, c->target_ms));
        if (hours.n && !str_is(hours, "calendar"))
            (void)printf("（日历 calendar %.*s）", STR_ARG(hours));
        else
            (void)printf("（全天候 around the clock）");
        if (due != NEVER && c->breached_ms == NEVER)
            (void)printf("，到期 due %s，剩余 left %s", local(arena, due),
                         length(arena, c->target_ms - elapsed));
    }
    (void)putchar('\n');
    if (c->breached_ms != NEVER)
        (void)printf("  违约于 broken at %s：%s\n", local(arena, c->breached_ms),
                     c->breach_cause == BREACH_POLICY_CHANGE
                         ? "承诺变短或改变 the promise had changed"
                         : "时间到了 time ran out");
}

static void add_why(Table *t, const Span *s) {
    CLEANUP(buf_done) Buf why = {0};
    const LifeStep *step = s->step;
    if (!step) {
        table_add(t, STR(""));
        return;
    }
    buf_printf(&why, "%s %s", states_zh[step->status], ticket_status_name(step->status));
    if (step->policy)
        buf_printf(&why, "；%.*s / %s，第 %lld 版 revision", STR_ARG(step->policy->name),
                   ticket_priority_name(step->priority), (long long)step->revision);
    else
        buf_adds(&why, "；没有政策 no policy");
    table_add(t, buf_str(&why));
}

static void print_spans(const TicketLife *l, const Clock *c, Arena *arena) {
    CLEANUP(table_done) Table t = {0};
    Span *spans;
    size_t n = clock_spans(l, c, arena, &spans);
    for (size_t i = 0; i < n; i++) {
        const Span *s = &spans[i];
        table_addf(&t, "    %s", local(arena, s->from_ms));
        table_addf(&t, "%s", local(arena, s->to_ms));
        table_addf(&t, "%s", length(arena, s->to_ms - s->from_ms));
        table_addf(&t, "%s %s", spans_zh[s->kind], span_kind_name(s->kind));
        add_why(&t, s);
    }
    table_print(&t, 5);
}

static void print_end(const TicketLife *l, const Clock *c, Arena *arena) {
    const LifeStep *s = c->ended_ms == NEVER ? NULL : life_step_at(l, c->ended_ms);
    if (!s) return;
    (void)printf("  止于 ended %s：", local(arena, c->ended_ms));
    if (s->status == TICKET_MERGED || s->status == TICKET_DELETED)
        (void)printf("%s %s", states_zh[s->status], ticket_status_name(s->status));
    else if (s->acknowledged && c->metric == METRIC_ACK)
        (void)printf("已确认 acknowledged");
    else if (s->status >= TICKET_SOLVED || c->metric >= METRIC_STAGE_NEW)
        (void)printf("进入 %s %s", states_zh[s->status], ticket_status_name(s->status));
    else if (s->spoke)
        (void)printf("公开回复 a reply");
    else
        (void)printf("%s %s", states_zh[s->status], ticket_status_name(s->status));
    (void)printf("（%.*s，账本第 %d 行 ledger row %d）\n", STR_ARG(s->actor), s->seq, s->seq);
}

static void print_recorded(const TicketLife *l, const Clock *c, Arena *arena) {
    const LifeStep *steps;
    size_t n = ticket_life_steps(l, &steps);
    for (size_t i = 0; i < n; i++) {
        const LifeStep *s = &steps[i];
        if (s->kind < LEDGER_PROMISE_WARNED || s->kind >= LEDGER_KINDS || s->metric != c->metric ||
            s->instance != c->instance)
            continue;
        int act = (int)s->kind - LEDGER_PROMISE_WARNED;
        (void)printf(
            "  记录 recorded %s：%s %s%s%s，真于 true at %s%s（账本第 %d 行 ledger row %d）\n",
            local(arena, s->at_ms), acts_zh[act], acts_en[act], *s->level ? " " : "", s->level,
            local(arena, s->true_ms), s->late ? "，迟 late" : "", s->seq, s->seq);
    }
}

void clock_page_print(const ClockPage *p, Arena *arena) {
    const TicketLife *l = p->life;
    const Policy *policy = ticket_life_policy(l);
    const Catalog *documents = ticket_life_catalog(l);
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks);
    (void)printf("工单 ticket %lld，%s %s，优先级 priority %s\n", (long long)p->ticket,
                 states_zh[ticket_life_status(l)], ticket_status_name(ticket_life_status(l)),
                 ticket_priority_name(ticket_life_priority(l)));
    if (p->ticket != p->asked_for)
        (void)printf("%lld 是同一请求的另一个号 is another id of the same submission\n",
                     (long long)p->asked_for);
    if (policy)
        (void)printf("政策 policy %.*s，第 %lld 版 revision\n", STR_ARG(policy->title),
                     (long long)catalog_revision(documents));
    else
        (void)printf("没有政策 no policy\n");
    (void)printf("截至 judged at %s，账本 ledger %d 行 rows\n", local(arena, ticket_life_now_ms(l)),
                 ticket_life_seq(l));
    for (size_t i = 0; i < n; i++) {
        const Clock *c = &clocks[i];
        (void)printf("\n%s %s %d\n", metrics_zh[c->metric], metric_name(c->metric), c->instance);
        print_promise(l, c, arena);
        print_spans(l, c, arena);
        print_end(l, c, arena);
        print_recorded(l, c, arena);
    }
}

/* ---- JSON ---- */

static void json_instant(Buf *b, const char *key, int64_t at_ms) {
    char when[25];
    if (at_ms == NEVER) {
        lookup_json_raw(b, key, STR("null"));
        return;
    }
    clock_format_ms(at_ms, when);
    lookup_json_text(b, key, str(when));
}

static void json_promise(Buf *b, const TicketLife *l, const Clock *c) {
    static const char *const statuses[] = {"running", "paused", "fulfilled", "cancelled"};
    static const char *const causes[] = {"", "time", "policy_change"};
    int64_t elapsed = clock_elapsed(c);
    lookup_json_text(b, "metric", str(metric_name(c->metric)));
    lookup_json_number(b, "instance", c->instance);
    lookup_json_text(b, "status", str(statuses[c->status]));
    json_instant(b, "started_at", c->start_ms);
    lookup_json_number(b, "elapsed_ms", elapsed);
    if (c->target_ms) {
        Str hours = hours_of(step_of(l, c), c);
        lookup_json_number(b, "target_ms", c->target_ms);
        lookup_json_number(b, "left_ms", c->target_ms - elapsed);
        lookup_json_text(b, "hours", hours.n ? hours : STR("calendar"));
    } else {
        lookup_json_raw(b, "target_ms", STR("null"));
        lookup_json_raw(b, "left_ms", STR("null"));
        lookup_json_raw(b, "hours", STR("null"));
    }
    json_instant(b, "due_at", clock_reach(c, c->since_ms, c->target_ms));
    json_instant(b, "breached_at", c->breached_ms);
    if (c->breached_ms == NEVER)
        lookup_json_raw(b, "breach_cause", STR("null"));
    else
        lookup_json_text(b, "breach_cause", str(causes[c->breach_cause]));
    json_instant(b, "fulfilled_at", c->status == CLOCK_FULFILLED ? c->ended_ms : NEVER);
    json_instant(b, "cancelled_at", c->status == CLOCK_CANCELLED ? c->ended_ms : NEVER);
}

static void json_spans(Buf *b, const TicketLife *l, const Clock *c, Arena *arena) {
    Span *spans;
    size_t n = clock_spans(l, c, arena, &spans);
    lookup_json_raw(b, "spans", STR("["));
    for (size_t i = 0; i < n; i++) {
        const LifeStep *step = spans[i].step;
        buf_adds(b, i ? ",\n{" : "\n{");
        json_instant(b, "from", spans[i].from_ms);
        json_instant(b, "to", spans[i].to_ms);
        lookup_json_text(b, "kind", str(span_kind_name(spans[i].kind)));
        if (step) {
            lookup_json_text(b, "status", str(ticket_status_name(step->status)));
            lookup_json_text(b, "priority", str(ticket_priority_name(step->priority)));
            lookup_json_text(b, "policy", step->policy ? step->policy->name : STR(""));
            lookup_json_number(b, "revision", step->revision);
            lookup_json_number(b, "seq", step->seq);
        }
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

static void json_recorded(Buf *b, const TicketLife *l, const Clock *c) {
    const LifeStep *steps;
    size_t n = ticket_life_steps(l, &steps), written = 0;
    lookup_json_raw(b, "recorded", STR("["));
    for (size_t i = 0; i < n; i++) {
        const LifeStep *s = &steps[i];
        if (s->kind < LEDGER_PROMISE_WARNED || s->kind >= LEDGER_KINDS || s->metric != c->metric ||
            s->instance != c->instance)
            continue;
        buf_adds(b, written++ ? ",\n{" : "\n{");
        lookup_json_text(b, "act", str(acts_en[s->kind - LEDGER_PROMISE_WARNED]));
        lookup_json_text(b, "level", str(s->level));
        json_instant(b, "at", s->at_ms);
        json_instant(b, "true_at", s->true_ms);
        lookup_json_bool(b, "late", s->late);
        lookup_json_number(b, "seq", s->seq);
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

void clock_page_json(const ClockPage *p, Arena *arena, Buf *ret) {
    const TicketLife *l = p->life;
    const Policy *policy = ticket_life_policy(l);
    const Catalog *documents = ticket_life_catalog(l);
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks);
    buf_addc(ret, '{');
    lookup_json_number(ret, "ticket_id", p->ticket);
    lookup_json_number(ret, "asked_for", p->asked_for);
    json_instant(ret, "judged_at", ticket_life_now_ms(l));
    lookup_json_number(ret, "seq", ticket_life_seq(l));
    lookup_json_text(ret, "status", str(ticket_status_name(ticket_life_status(l))));
    lookup_json_text(ret, "priority", str(ticket_priority_name(ticket_life_priority(l))));
    lookup_json_text(ret, "policy", policy ? policy->name : STR(""));
    lookup_json_number(ret, "revision", documents ? catalog_revision(documents) : 0);
    lookup_json_raw(ret, "clocks", STR("["));
    for (size_t i = 0; i < n; i++) {
        buf_adds(ret, i ? ",\n{" : "\n{");
        json_promise(ret, l, &clocks[i]);
        json_spans(ret, l, &clocks[i], arena);
        json_recorded(ret, l, &clocks[i]);
        buf_addc(ret, '}');
    }
    buf_adds(ret, "]}");
}
