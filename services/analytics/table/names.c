/* What the parts of a question are called. */
#include <errno.h>

#include "analytics/table/question.h"

static const char *const sources[FACT_SOURCES] = {"tickets", "agent_passages", "group_passages",
                                                  "promises", "moves"};
static const char *const times[FACT_TIMES_OF] = {"created",  "assigned", "replied", "solved",
                                                 "resolved", "rated",    "entered", "due"};
static const char *const cuts[] = {"none", "quarter", "hour", "day", "week", "month"};
static const char *const dims[FACT_DIMS] = {
    [FACT_CHANNEL] = "channel",
    [FACT_KIND] = "kind",
    [FACT_CATEGORY] = "category",
    [FACT_PRODUCT] = "product",
    [FACT_BATCH] = "batch",
    [FACT_DEVICE] = "device",
    [FACT_REGION] = "region",
    [FACT_TIER] = "tier",
    [FACT_LANGUAGE] = "language",
    [FACT_SATISFACTION] = "satisfaction",
    [FACT_CATEGORY_TOP] = "category_top",
    [FACT_SOURCE] = "source",
    [FACT_FORM] = "form",
    [FACT_GROUP] = "group",
    [FACT_ASSIGNEE] = "assignee",
    [FACT_LAST_GROUP] = "last_group",
    [FACT_LAST_ASSIGNEE] = "last_assignee",
    [FACT_STATUS] = "status",
    [FACT_PRIORITY] = "priority",
    [FACT_WEEKDAY] = "weekday",
    [FACT_HOUR] = "hour",
    [FACT_AGE_CLASS] = "age_class",
    [FACT_WAIT_CLASS] = "wait_class",
    [FACT_PASSED_AGENT] = "passed_agent",
    [FACT_PASSED_GROUP] = "passed_group",
    [FACT_METRIC] = "metric",
    [FACT_OUTCOME] = "outcome",
    [FACT_PROMISE_GROUP] = "promise_group",
    [FACT_PROMISE_AGENT] = "promise_agent",
    [FACT_MOVED_FROM] = "moved_from",
    [FACT_MOVED_TO] = "moved_to",
};
static const char *const numbers[FACT_NUMBERS] = {
    [FACT_TO_ASSIGNED] = "to_assigned",
    [FACT_TO_ASSIGNED_BUSINESS] = "to_assigned_business",
    [FACT_TO_REPLY] = "to_reply",
    [FACT_TO_REPLY_BUSINESS] = "to_reply_business",
    [FACT_TO_SOLVED] = "to_solved",
    [FACT_TO_SOLVED_BUSINESS] = "to_solved_business",
    [FACT_TO_RESOLVED] = "to_resolved",
    [FACT_TO_RESOLVED_BUSINESS] = "to_resolved_business",
    [FACT_STAGE_TIME] = "stage_time_new",
    [FACT_STAGE_TIME + 1] = "stage_time_assigned",
    [FACT_STAGE_TIME + 2] = "stage_time_in_progress",
    [FACT_STAGE_TIME + 3] = "stage_time_pending",
    [FACT_STAGE_TIME + 4] = "stage_time_on_hold",
    [FACT_STAGE_TIME + 5] = "stage_time_solved",
    [FACT_STAGE_TIME_BUSINESS] = "stage_time_new_business",
    [FACT_STAGE_TIME_BUSINESS + 1] = "stage_time_assigned_business",
    [FACT_STAGE_TIME_BUSINESS + 2] = "stage_time_in_progress_business",
    [FACT_STAGE_TIME_BUSINESS + 3] = "stage_time_pending_business",
    [FACT_STAGE_TIME_BUSINESS + 4] = "stage_time_on_hold_business",
    [FACT_STAGE_TIME_BUSINESS + 5] = "stage_time_solved_business",
    [FACT_STAGE_TIMES_ENTERED] = "entered_new",
    [FACT_STAGE_TIMES_ENTERED + 1] = "entered_assigned",
    [FACT_STAGE_TIMES_ENTERED + 2] = "entered_in_progress",
    [FACT_STAGE_TIMES_ENTERED + 3] = "entered_pending",
    [FACT_STAGE_TIMES_ENTERED + 4] = "entered_on_hold",
    [FACT_STAGE_TIMES_ENTERED + 5] = "entered_solved",
    [FACT_WORKED_BY_ALL] = "worked_by_all",
    [FACT_WORKED_BY_ALL_BUSINESS] = "worked_by_all_business",
    [FACT_REPLIES] = "replies",
    [FACT_REQUESTER_COMMENTS] = "requester_comments",
    [FACT_PRIVATE_COMMENTS] = "private_comments",
    [FACT_MACHINE_COMMENTS] = "machine_comments",
    [FACT_TOUCHES] = "touches",
    [FACT_TRANSFERS] = "transfers",
    [FACT_HANDOVERS] = "handovers",
    [FACT_REOPENINGS] = "reopenings",
    [FACT_PRIORITY_RAISES] = "priority_raises",
    [FACT_PROMISES_KEPT] = "promises_kept",
    [FACT_PROMISES_BROKEN] = "promises_broken",
    [FACT_PROMISES_OPEN] = "promises_open",
    [FACT_AGE_NOW] = "age",
    [FACT_IN_STATE_NOW] = "in_state",
    [FACT_IS_ASSIGNED] = "is_assigned",
    [FACT_IS_REPLIED] = "is_replied",
    [FACT_IS_SOLVED] = "is_solved",
    [FACT_IS_RESOLVED] = "is_resolved",
    [FACT_IS_REOPENED] = "is_reopened",
    [FACT_IS_ONE_TOUCH] = "is_one_touch",
    [FACT_IS_RATED] = "is_rated",
    [FACT_IS_GOOD] = "is_good",
    [FACT_IS_BREACHED] = "is_breached",
    [FACT_TIMES] = "times",
    [FACT_OWN_REPLIES] = "own_replies",
    [FACT_OWN_TOUCHES] = "own_touches",
    [FACT_HELD] = "held",
    [FACT_HELD_BUSINESS] = "held_business",
    [FACT_WORKED] = "worked",
    [FACT_WORKED_BUSINESS] = "worked_business",
    [FACT_TARGET] = "target",
    [FACT_ELAPSED] = "elapsed",
    [FACT_OVER] = "over",
    [FACT_KEPT] = "kept",
};
static const char *const flags[FACT_FLAGS] = {"one_touch", "reopened", "rated_note", "followup",
                                              "assigned",  "replied",  "solved",     "resolved",
                                              "rated",     "breached", "promised",   "open"};

static int find(const char *const *names, int n, Str name) {
    for (int i = 0; i < n; i++)
        if (str_is(name, names[i])) return i;
    return -EINVAL;
}

const char *fact_source_name(FactSource s) {
    return sources[s];
}

const char *fact_time_name(FactTimeField f) {
    return times[f];
}

const char *fact_dim_name(FactDim d) {
    return dims[d];
}

const char *fact_number_name(FactNumber n) {
    return numbers[n];
}

const char *fact_flag_name(FactFlag f) {
    return flags[f];
}

const char *fact_cut_name(FactCut c) {
    return cuts[c];
}

int fact_source_parse(Str name, FactSource *ret) {
    int i = find(sources, FACT_SOURCES, name);
    if (i >= 0) *ret = (FactSource)i;
    return i < 0 ? i : 0;
}

int fact_time_parse(Str name, FactTimeField *ret) {
    int i = find(times, FACT_TIMES_OF, name);
    if (i >= 0) *ret = (FactTimeField)i;
    return i < 0 ? i : 0;
}

int fact_dim_parse(Str name, FactDim *ret) {
    int i = find(dims, FACT_DIMS, name);
    if (i >= 0) *ret = (FactDim)i;
    return i < 0 ? i : 0;
}

int fact_number_parse(Str name, FactNumber *ret) {
    int i = find(numbers, FACT_NUMBERS, name);
    if (i >= 0) *ret = (FactNumber)i;
    return i < 0 ? i : 0;
}

int fact_flag_parse(Str name, FactFlag *ret) {
    int i = find(flags, FACT_FLAGS, name);
    if (i >= 0) *ret = (FactFlag)i;
    return i < 0 ? i : 0;
}

int fact_cut_parse(Str name, FactCut *ret) {
    int i = find(cuts, sizeof(cuts) / sizeof(*cuts), name);
    if (i >= 0) *ret = (FactCut)i;
    return i < 0 ? i : 0;
}

/* ---- Kinds ---- */

bool fact_dim_is_text(FactDim d) {
    return d <= FACT_CATEGORY_TOP;
}

bool fact_number_is_duration(FactNumber n) {
    return n < FACT_STAGE_TIMES_ENTERED || n == FACT_WORKED_BY_ALL ||
           n == FACT_WORKED_BY_ALL_BUSINESS || n == FACT_AGE_NOW || n == FACT_IN_STATE_NOW ||
           (n >= FACT_HELD && n <= FACT_OVER);
}

bool fact_number_is_yes_no(FactNumber n) {
    return (n >= FACT_IS_ASSIGNED && n <= FACT_IS_BREACHED) || n == FACT_KEPT;
}

bool fact_dim_has(FactSource s, FactDim d) {
    if (d < FACT_TICKET_DIMS) return true;
    switch (s) {
    case FACT_AGENT_PASSAGES:
        return d == FACT_PASSED_AGENT;
    case FACT_GROUP_PASSAGES:
        return d == FACT_PASSED_GROUP;
    case FACT_PROMISES:
        return d >= FACT_METRIC && d <= FACT_PROMISE_AGENT;
    case FACT_MOVES:
        return d == FACT_MOVED_FROM || d == FACT_MOVED_TO;
    case FACT_TICKETS:
    case FACT_SOURCES:
        break;
    }
    return false;
}

bool fact_number_has(FactSource s, FactNumber n) {
    if (n < FACT_TICKET_NUMBERS) return true;
    switch (s) {
    case FACT_AGENT_PASSAGES:
        return n >= FACT_TIMES && n <= FACT_WORKED_BUSINESS;
    case FACT_GROUP_PASSAGES:
        return n == FACT_TIMES || (n >= FACT_HELD && n <= FACT_WORKED_BUSINESS);
    case FACT_PROMISES:
        return n >= FACT_TARGET && n <= FACT_KEPT;
    case FACT_MOVES:
        return n == FACT_TIMES;
    case FACT_TICKETS:
    case FACT_SOURCES:
        break;
    }
    return false;
}

FactQuestion fact_question(FactSource source) {
    return (FactQuestion){.source = source, .to_ms = INT64_MAX, .order_by = -1};
}
