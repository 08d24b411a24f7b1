/* What dimensions, numbers and classes are called. */
#include <errno.h>
#include <string.h>

#include "analytics/reports/report.h"
#include "base/nearest.h"

static const char *const units[UNITS] = {"text",   "id",      "instant", "count",
                                         "number", "seconds", "share",   "money"};

const char *report_unit_name(ReportUnit u) {
    return units[u];
}

typedef struct Words {
    const char *zh, *en;
} Words;

static const Words dims[FACT_DIMS] = {
    [FACT_CHANNEL] = {"渠道", "Channel"},
    [FACT_KIND] = {"类型", "Kind"},
    [FACT_CATEGORY] = {"类目", "Category"},
    [FACT_PRODUCT] = {"产品", "Product"},
    [FACT_BATCH] = {"批次", "Batch"},
    [FACT_DEVICE] = {"设备", "Device"},
    [FACT_REGION] = {"地区", "Region"},
    [FACT_TIER] = {"客户等级", "Tier"},
    [FACT_LANGUAGE] = {"语言", "Language"},
    [FACT_SATISFACTION] = {"满意度", "Satisfaction"},
    [FACT_CATEGORY_TOP] = {"一级类目", "Top category"},
    [FACT_SOURCE] = {"来源", "Source"},
    [FACT_FORM] = {"表单", "Form"},
    [FACT_GROUP] = {"当前组", "Group"},
    [FACT_ASSIGNEE] = {"当前客服", "Assignee"},
    [FACT_LAST_GROUP] = {"组", "Last group"},
    [FACT_LAST_ASSIGNEE] = {"客服", "Last assignee"},
    [FACT_STATUS] = {"状态", "Status"},
    [FACT_PRIORITY] = {"优先级", "Priority"},
    [FACT_WEEKDAY] = {"星期", "Weekday"},
    [FACT_HOUR] = {"小时", "Hour"},
    [FACT_AGE_CLASS] = {"已开时长", "Age"},
    [FACT_WAIT_CLASS] = {"本状态时长", "In its state"},
    [FACT_PASSED_AGENT] = {"客服", "Agent"},
    [FACT_PASSED_GROUP] = {"组", "Group"},
    [FACT_METRIC] = {"指标", "Metric"},
    [FACT_OUTCOME] = {"结果", "Outcome"},
    [FACT_PROMISE_GROUP] = {"责任组", "Group"},
    [FACT_PROMISE_AGENT] = {"责任客服", "Agent"},
    [FACT_MOVED_FROM] = {"从", "From"},
    [FACT_MOVED_TO] = {"到", "To"},
};

const char *report_dim_zh(FactDim d) {
    return dims[d].zh;
}

const char *report_dim_en(FactDim d) {
    return dims[d].en;
}

static const char *const numbers[FACT_NUMBERS] = {
    [FACT_TO_ASSIGNED] = "到分配",
    [FACT_TO_ASSIGNED_BUSINESS] = "到分配（工时）",
    [FACT_TO_REPLY] = "首复",
    [FACT_TO_REPLY_BUSINESS] = "首复（工时）",
    [FACT_TO_SOLVED] = "首次解决",
    [FACT_TO_SOLVED_BUSINESS] = "首次解决（工时）",
    [FACT_TO_RESOLVED] = "解决",
    [FACT_TO_RESOLVED_BUSINESS] = "解决（工时）",
    [FACT_WORKED_BY_ALL] = "处理时长",
    [FACT_WORKED_BY_ALL_BUSINESS] = "处理时长（工时）",
    [FACT_REPLIES] = "客服回复",
    [FACT_REQUESTER_COMMENTS] = "客户留言",
    [FACT_PRIVATE_COMMENTS] = "内部备注",
    [FACT_MACHINE_COMMENTS] = "机器留言",
    [FACT_TOUCHES] = "操作",
    [FACT_TRANSFERS] = "流转",
    [FACT_HANDOVERS] = "转手",
    [FACT_REOPENINGS] = "重开",
    [FACT_PRIORITY_RAISES] = "升级优先级",
    [FACT_PROMISES_KEPT] = "达成承诺",
    [FACT_PROMISES_BROKEN] = "违约承诺",
    [FACT_PROMISES_OPEN] = "进行中承诺",
    [FACT_AGE_NOW] = "已开",
    [FACT_IN_STATE_NOW] = "在本状态",
    [FACT_IS_ASSIGNED] = "已分配",
    [FACT_IS_REPLIED] = "已回复",
    [FACT_IS_SOLVED] = "曾解决",
    [FACT_IS_RESOLVED] = "已解决",
    [FACT_IS_REOPENED] = "重开过",
    [FACT_IS_ONE_TOUCH] = "一次解决",
    [FACT_IS_RATED] = "已评价",
    [FACT_IS_GOOD] = "满意",
    [FACT_IS_BREACHED] = "违约",
    [FACT_TIMES] = "次数",
    [FACT_OWN_REPLIES] = "本人回复",
    [FACT_OWN_TOUCHES] = "本人操作",
    [FACT_HELD] = "持有",
    [FACT_HELD_BUSINESS] = "持有（工时）",
    [FACT_WORKED] = "处理",
    [FACT_WORKED_BUSINESS] = "处理（工时）",
    [FACT_TARGET] = "目标",
    [FACT_ELAPSED] = "用时",
    [FACT_OVER] = "超时",
    [FACT_KEPT] = "达成",
};
static const char *const stages[SHEET_STAGES] = {"新建",       "已分配", "处理中",
                                                 "待客户回复", "挂起",   "待确认"};

const char *report_number_zh(FactNumber n) {
    if (n >= FACT_STAGE_TIME && n < FACT_WORKED_BY_ALL)
        return stages[(n - FACT_STAGE_TIME) % SHEET_STAGES];
    return numbers[n];
}

static const char *const flag_words[FACT_FLAGS] = {
    [FLAG_ONE_TOUCH] = "一次解决", [FLAG_REOPENED] = "重开过", [FLAG_RATED_NOTE] = "有评语",
    [FLAG_FOLLOWUP] = "跟进单",    [FLAG_ASSIGNED] = "曾分配", [FLAG_REPLIED] = "已回复",
    [FLAG_SOLVED] = "曾解决",      [FLAG_RESOLVED] = "已解决", [FLAG_RATED] = "已评价",
    [FLAG_BREACHED] = "有违约",    [FLAG_PROMISED] = "有承诺", [FLAG_OPEN] = "未解决"};

const char *report_flag_zh(FactFlag f) {
    return flag_words[f];
}

static const char *const time_words[FACT_TIMES_OF] = {"创建", "首次分配", "首次回复", "首次解决",
                                                      "解决", "评价",     "进入状态", "到期"};

const char *report_time_zh(FactTimeField f) {
    return time_words[f];
}

static const char *const outcomes[OUTCOME_STATES] = {"open", "kept", "broken", "cancelled"};

const char *report_outcome_name(OutcomeState s) {
    return outcomes[s];
}

int report_outcome_parse(Str name, OutcomeState *ret) {
    for (int i = 0; i < OUTCOME_STATES; i++) {
        if (!str_is(name, outcomes[i])) continue;
        *ret = (OutcomeState)i;
        return 0;
    }
    return -EINVAL;
}

const char *report_weekday_name(int64_t weekday) {
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    return weekday >= 0 && weekday < 7 ? names[weekday] : "";
}

#define H 3600
#define D 86400
const int64_t report_age_classes[REPORT_AGE_CLASSES] = {H,     4 * H, 8 * H,  D,      2 * D,
                                                        3 * D, 7 * D, 14 * D, 30 * D, 90 * D};

const char *report_age_class_name(int64_t place) {
    static const char *const names[REPORT_AGE_CLASSES + 1] = {
        "<1h",   "1h-4h",  "4h-8h",   "8h-1d",   "1d-2d", "2d-3d",
        "3d-7d", "7d-14d", "14d-30d", "30d-90d", ">90d"};
    return place >= 0 && place <= REPORT_AGE_CLASSES ? names[place] : "";
}

const char *report_nearest(Str name, const char *const *names, size_t n) {
    CLEANUP(mem_freep) Str *candidates = xcalloc(n + 1, sizeof(*candidates));
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (names[i]) candidates[known++] = str(names[i]);
    return nearest(name, candidates, known).p;
}
