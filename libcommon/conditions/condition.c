/* Names of fields and operators. */
#include "conditions/condition.h"

#include <errno.h>

static const struct {
    const char *name, *label;
} fields[FACT_FIELDS] = {
    [FACT_CHANNEL] = {"channel", "渠道"},
    [FACT_KIND] = {"kind", "类型"},
    [FACT_TIER] = {"tier", "客户等级"},
    [FACT_REGION] = {"region", "地区"},
    [FACT_PRIORITY] = {"priority", "优先级"},
    [FACT_LANGUAGE] = {"language", "语言"},
    [FACT_ORDER] = {"order", "订单"},
    [FACT_PRODUCT] = {"product", "商品"},
    [FACT_BATCH] = {"batch", "批次"},
    [FACT_DEVICE] = {"device", "设备"},
    [FACT_TAGS] = {"tags", "标签"},
    [FACT_SOURCE] = {"source", "来源"},
    [FACT_EXTERNAL_ID] = {"external_id", "外部编号"},
    [FACT_SUBJECT] = {"subject", "标题"},
    [FACT_DESCRIPTION] = {"description", "描述"},
    [FACT_TEXT] = {"text", "文本"},
    [FACT_STATUS] = {"status", "状态"},
    [FACT_CATEGORY] = {"category", "分类"},
    [FACT_GROUP] = {"group", "组"},
    [FACT_ASSIGNEE] = {"assignee", "受理人"},
    [FACT_CUSTOM] = {"custom", "自定义字段"},
};

static const struct {
    const char *name;
    ConditionOperator op;
} operators[] = {
    /* the first of an operator is its own name */
    {"one_of", CONDITION_ONE_OF},           {"is", CONDITION_ONE_OF},
    {"not_one_of", CONDITION_NOT_ONE_OF},   {"is_not", CONDITION_NOT_ONE_OF},
    {"starts_with", CONDITION_STARTS_WITH}, {"not_starts_with", CONDITION_NOT_STARTS_WITH},
    {"contains", CONDITION_CONTAINS},       {"not_contains", CONDITION_NOT_CONTAINS},
    {"present", CONDITION_PRESENT},         {"absent", CONDITION_ABSENT},
};

const char *fact_name(FactField f) {
    return fields[f].name;
}

const char *fact_label(FactField f) {
    return fields[f].label;
}

int fact_parse(Str name, FactField *ret) {
    for (int f = 0; f < FACT_CUSTOM; f++)
        if (str_is(name, fields[f].name)) {
            *ret = (FactField)f;
            return 0;
        }
    return -EINVAL;
}

const char *condition_operator_name(ConditionOperator o) {
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
        if (operators[i].op == o) return operators[i].name;
    return "?";
}

int condition_operator_parse(Str name, ConditionOperator *ret) {
    char plain[24];
    if (name.n >= sizeof(plain)) return -EINVAL;
    for (size_t i = 0; i < name.n; i++)
        plain[i] = name.p[i] == ' ' || name.p[i] == '-' ? '_' : name.p[i];
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
        if (str_is((Str){plain, name.n}, operators[i].name)) {
            *ret = operators[i].op;
            return 0;
        }
    return -EINVAL;
}

bool condition_operator_fits(ConditionOperator o, FactField f) {
    if (f != FACT_TEXT) return true;
    return o == CONDITION_CONTAINS || o == CONDITION_NOT_CONTAINS || o == CONDITION_PRESENT ||
           o == CONDITION_ABSENT;
}
