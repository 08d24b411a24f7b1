/* Every report. */
#include "analytics/reports/report.h"

/* clang-format off */
#define COUNTED(NAME, ZH, EN)         {NAME, ZH, EN, UNIT_COUNT, FORM_COUNT, {0}, {0}}
#define PART(NAME, ZH, EN)            {NAME, ZH, EN, UNIT_SHARE, FORM_PART, {0}, {0}}
#define REQUESTERS                    {"requesters", "请求人数", "Requesters", UNIT_COUNT, FORM_VALUE, {MEASURE_REQUESTERS, 0, 0}, {0}}
#define SUM(NAME, ZH, EN, UNIT, N)    {NAME, ZH, EN, UNIT, FORM_VALUE, {MEASURE_SUM, N, 0}, {0}}
#define MEAN(NAME, ZH, EN, N)         {NAME, ZH, EN, UNIT_SECONDS, FORM_VALUE, {MEASURE_AVERAGE, N, 0}, {0}}
#define MOST(NAME, ZH, EN, N)         {NAME, ZH, EN, UNIT_SECONDS, FORM_VALUE, {MEASURE_MOST, N, 0}, {0}}
#define P(NAME, ZH, EN, N, SHARE)     {NAME, ZH, EN, UNIT_SECONDS, FORM_VALUE, {MEASURE_PERCENTILE, N, SHARE}, {0}}
#define SHARE(NAME, ZH, EN, N)        {NAME, ZH, EN, UNIT_SHARE, FORM_VALUE, {MEASURE_AVERAGE, N, 0}, {0}}
#define HAVING(NAME, ZH, EN, N)       {NAME, ZH, EN, UNIT_COUNT, FORM_HAVING, {MEASURE_SUM, N, 0}, {0}}
#define NOT(NAME, ZH, EN, N)          {NAME, ZH, EN, UNIT_COUNT, FORM_NOT, {MEASURE_SUM, N, 0}, {0}}
#define WITHOUT(NAME, ZH, EN, N)      {NAME, ZH, EN, UNIT_COUNT, FORM_WITHOUT, {MEASURE_SUM, N, 0}, {0}}
#define LESS(NAME, ZH, EN, UNIT, A, B) {NAME, ZH, EN, UNIT, FORM_LESS, {MEASURE_SUM, A, 0}, {MEASURE_SUM, B, 0}}
#define LESS_PART(NAME, ZH, EN, A, B) {NAME, ZH, EN, UNIT_SHARE, FORM_LESS_PART, {MEASURE_SUM, A, 0}, {MEASURE_SUM, B, 0}}
#define OPEN_NOW                      {"open_now", "当前持有", "Open now", UNIT_COUNT, FORM_JOINED, {0}, {0}}

const Report reports[] = {
    {"volume", "工单量与趋势", "Volume and trend",
     "任一维度的工单量及其随时间的变化。", "How many tickets came, by any dimension, and how that moves.",
     FACT_TICKETS, FACT_AT_CREATED, false, false, CUT_DAY, {0}, 0, 100, 0, 0,
     {COUNTED("tickets", "工单数", "Tickets"), REQUESTERS,
      SUM("resolved", "已解决", "Resolved", UNIT_COUNT, FACT_IS_RESOLVED)}},
    {"categories", "热点类目", "Top categories",
     "工单最多的十个类目，并与上一周期对比。", "The ten categories with most tickets, against the period before.",
     FACT_TICKETS, FACT_AT_CREATED, false, true, CUT_NONE, {FACT_CATEGORY}, 1, 10, 0, 0,
     {COUNTED("tickets", "工单数", "Tickets"), PART("share", "占比", "Share"), REQUESTERS}},
    {"sla", "SLA 达成", "Promises kept",
     "各指标、组、客服、客户等级的承诺达成情况。", "Promises kept and broken, per metric, group, agent or tier.",
     FACT_PROMISES, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_METRIC}, 1, 100, 0, 0,
     {COUNTED("promises", "承诺数", "Promises"),
      SUM("kept", "达成", "Kept", UNIT_COUNT, FACT_KEPT), NOT("broken", "违约", "Broken", FACT_KEPT),
      WITHOUT("undecided", "未定", "Undecided", FACT_KEPT),
      SHARE("kept_share", "达成率", "Kept share", FACT_KEPT),
      MEAN("over_mean", "平均超时", "Mean overrun", FACT_OVER),
      P("over_p90", "超时 P90", "Overrun P90", FACT_OVER, 0.9),
      MOST("over_most", "最长超时", "Worst overrun", FACT_OVER)}},
    {"agents", "客服绩效", "Agents",
     "每位客服的处理量、首次回复、解决时长、重开率、满意度与负荷。",
     "Handled, first reply, resolution, reopen rate, satisfaction and load of each agent.",
     FACT_AGENT_PASSAGES, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_PASSED_AGENT}, 1, 100, 0, EXTRA_OPEN_NOW,
     {COUNTED("tickets", "处理工单", "Tickets"), SUM("replies", "回复", "Replies", UNIT_COUNT, FACT_OWN_REPLIES),
      SUM("touches", "操作", "Touches", UNIT_COUNT, FACT_OWN_TOUCHES),
      P("to_reply_p50", "首复 P50", "First reply P50", FACT_TO_REPLY, 0.5),
      P("to_resolved_p50", "解决 P50", "Resolution P50", FACT_TO_RESOLVED, 0.5),
      SHARE("reopened_share", "重开率", "Reopen rate", FACT_IS_REOPENED),
      SHARE("good_share", "满意率", "Satisfaction", FACT_IS_GOOD), HAVING("rated", "评价数", "Ratings", FACT_IS_GOOD),
      SUM("worked", "处理时长", "Worked", UNIT_SECONDS, FACT_WORKED),
      SUM("held", "持有时长", "Held", UNIT_SECONDS, FACT_HELD), OPEN_NOW}},
    {"departments", "部门绩效", "Departments",
     "每个组的处理量、首次回复、解决时长、重开率、满意度与负荷。",
     "Handled, first reply, resolution, reopen rate, satisfaction and load of each group.",
     FACT_GROUP_PASSAGES, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_PASSED_GROUP}, 1, 100, 0, EXTRA_OPEN_NOW,
     {COUNTED("tickets", "经手工单", "Tickets"),
      P("to_reply_p50", "首复 P50", "First reply P50", FACT_TO_REPLY, 0.5),
      P("to_resolved_p50", "解决 P50", "Resolution P50", FACT_TO_RESOLVED, 0.5),
      SHARE("reopened_share", "重开率", "Reopen rate", FACT_IS_REOPENED),
      SHARE("good_share", "满意率", "Satisfaction", FACT_IS_GOOD), HAVING("rated", "评价数", "Ratings", FACT_IS_GOOD),
      SHARE("breached_share", "违约率", "Breached", FACT_IS_BREACHED),
      SUM("worked", "处理时长", "Worked", UNIT_SECONDS, FACT_WORKED),
      SUM("held", "持有时长", "Held", UNIT_SECONDS, FACT_HELD), OPEN_NOW}},
    {"backlog", "积压工单", "Backlog",
     "未解决工单按等待时长分布。", "What is open now, by its age.",
     FACT_TICKETS, FACT_AT_CREATED, true, false, CUT_NONE, {FACT_AGE_CLASS}, 1, 100, 1U << FLAG_OPEN, 0,
     {COUNTED("tickets", "工单数", "Tickets"), PART("share", "占比", "Share"),
      MEAN("age_mean", "平均已开", "Mean age", FACT_AGE_NOW), MOST("age_most", "最久", "Oldest", FACT_AGE_NOW),
      SHARE("breached_share", "违约率", "Breached", FACT_IS_BREACHED)}},
    {"stages", "阶段漏斗", "Stages",
     "工单到达各阶段的比例及停留时长。", "How many tickets came to each stage, and how long they stayed.",
     FACT_TICKETS, FACT_AT_CREATED, false, false, CUT_NONE, {0}, 0, 100, 0, EXTRA_STAGES,
     {COUNTED("tickets", "工单数", "Tickets")}},
    {"waiting", "等待分布", "Where tickets wait",
     "工单在各组持有却无人处理的时间，以及各阶段的停留。",
     "How long tickets lay with each group without being worked on, and in which stage.",
     FACT_GROUP_PASSAGES, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_PASSED_GROUP}, 1, 100, 0, EXTRA_STAGES_BESIDE,
     {COUNTED("tickets", "经手工单", "Tickets"),
      LESS("waited", "等待", "Waited", UNIT_SECONDS, FACT_HELD, FACT_WORKED),
      LESS_PART("waited_share", "等待占比", "Waited share", FACT_HELD, FACT_WORKED),
      SUM("held", "持有", "Held", UNIT_SECONDS, FACT_HELD), SUM("worked", "处理", "Worked", UNIT_SECONDS, FACT_WORKED),
      MEAN("held_mean", "平均持有", "Mean held", FACT_HELD), P("held_p90", "持有 P90", "Held P90", FACT_HELD, 0.9)}},
    {"satisfaction", "满意度", "Satisfaction",
     "满意与不满意的评价，附评语。", "Good and bad ratings, with the requesters' comments.",
     FACT_TICKETS, FACT_AT_RATED, false, false, CUT_NONE, {FACT_LAST_GROUP}, 1, 100, 1U << FLAG_RATED, EXTRA_COMMENTS,
     {COUNTED("rated", "评价数", "Ratings"), SUM("good", "满意", "Good", UNIT_COUNT, FACT_IS_GOOD),
      NOT("bad", "不满意", "Bad", FACT_IS_GOOD), SHARE("good_share", "满意率", "Satisfaction", FACT_IS_GOOD)}},
    {"cost", "服务成本", "Cost",
     "处理时长乘以客服费率。", "Agents' time by their rate (settings: agent_rate).",
     FACT_TICKETS, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_CATEGORY_TOP}, 1, 100, 0, 0,
     {COUNTED("tickets", "工单数", "Tickets"),
      SUM("worked", "处理时长", "Worked", UNIT_SECONDS, FACT_WORKED_BY_ALL),
      {"cost", "成本", "Cost", UNIT_MONEY, FORM_COST, {MEASURE_SUM, FACT_WORKED_BY_ALL, 0}, {0}},
      {"cost_each", "单均成本", "Cost of each", UNIT_MONEY, FORM_COST_EACH, {MEASURE_SUM, FACT_WORKED_BY_ALL, 0}, {0}}}},
    {"arrivals", "到达规律", "Arrivals",
     "按星期与小时的到达量，附预测与所需人力。",
     "Arrivals by weekday and hour, with a forecast and the staffing it asks for.",
     FACT_TICKETS, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_WEEKDAY, FACT_HOUR}, 2, 168, 0, EXTRA_FORECAST,
     {COUNTED("tickets", "工单数", "Tickets"), PART("share", "占比", "Share")}},
    {"one_touch", "一次解决率", "One-touch rate",
     "一次回复、一人处理即解决的工单。", "Resolved with at most one reply, by one agent, never reopened.",
     FACT_TICKETS, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_CATEGORY_TOP}, 1, 100, 0, 0,
     {COUNTED("tickets", "工单数", "Tickets"),
      HAVING("resolved", "已解决", "Resolved", FACT_IS_ONE_TOUCH),
      SUM("one_touch", "一次解决", "One touch", UNIT_COUNT, FACT_IS_ONE_TOUCH),
      SHARE("one_touch_share", "一次解决率", "One-touch rate", FACT_IS_ONE_TOUCH)}},
    {"transfers", "流转矩阵", "Transfers",
     "工单在组之间的流转次数。", "How often tickets went from one group to another.",
     FACT_MOVES, FACT_AT_CREATED, false, false, CUT_NONE, {FACT_MOVED_FROM, FACT_MOVED_TO}, 2, 400, 0, EXTRA_MATRIX,
     {SUM("transfers", "流转次数", "Transfers", UNIT_COUNT, FACT_TIMES),
      {"tickets", "工单数", "Tickets", UNIT_COUNT, FORM_VALUE, {MEASURE_TICKETS, 0, 0}, {0}}}},
    {.name = NULL},
};
/* clang-format on */

const Report *report_find(Str name) {
    for (const Report *r = reports; r->name; r++)
        if (str_is(name, r->name)) return r;
    return NULL;
}
