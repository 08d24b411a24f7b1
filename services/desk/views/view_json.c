/* Conditions are shown as they are asked: groups and agents by their numbers. */
#include "desk/views/view_json.h"

static const struct {
    const char *name, *title;
} column_titles[] = {
    {"id", "编号"},
    {"status", "状态"},
    {"subject", "标题"},
    {"requester", "客户"},
    {"group", "组"},
    {"assignee", "受理人"},
    {"priority", "优先级"},
    {"kind", "类型"},
    {"category", "分类"},
    {"region", "地区"},
    {"channel", "渠道"},
    {"tier", "客户等级"},
    {"tags", "标签"},
    {"order", "订单"},
    {"product", "商品"},
    {"batch", "批次"},
    {"device", "设备"},
    {"external_id", "外部编号"},
    {"form", "表单"},
    {"satisfaction", "评价"},
    {"created_at", "创建时间"},
    {"updated_at", "更新时间"},
};

static Str title_of(Str column) {
    for (size_t i = 0; i < sizeof(column_titles) / sizeof(*column_titles); i++)
        if (str_is(column, column_titles[i].name)) return str(column_titles[i].title);
    return column; /* custom.NAME */
}

static void add_conditions(Buf *ret, const Condition *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *op = condition_operator_name(c[i].op);
        bool one = c[i].values_n == 1;
        if (one && c[i].op == CONDITION_ONE_OF) op = "is";
        if (one && c[i].op == CONDITION_NOT_ONE_OF) op = "is_not";
        buf_adds(ret, i ? ",{\"field\":\"" : "{\"field\":\"");
        buf_adds(ret, fact_name(c[i].field));
        if (c[i].field == FACT_CUSTOM) { /* the inside of a JSON string */
            CLEANUP(buf_done) Buf quoted = {0};
            buf_add_json(&quoted, c[i].custom);
            buf_addc(ret, '.');
            buf_add(ret, quoted.p + 1, quoted.n - 2);
        }
        buf_printf(ret, "\",\"operator\":\"%s\",\"value\":", op);
        if (c[i].values_n == 0) buf_adds(ret, "null");
        if (one) buf_add_json(ret, c[i].values[0]);
        for (size_t v = 0; !one && v < c[i].values_n; v++) {
            buf_addc(ret, v ? ',' : '[');
            buf_add_json(ret, c[i].values[v]);
        }
        buf_adds(ret, !one && c[i].values_n ? "]}" : "}");
    }
}

void view_json(Buf *ret, Str base, const Catalog *catalog, const View *v, int position) {
    (void)catalog;
    const char *sort = v->sort == VIEW_BY_UPDATED ? "updated_at" : "created_at";
    CLEANUP(buf_done) Buf url = {0};
    buf_printf(&url, "%.*s/api/v2/views/%lld.json", STR_ARG(base), (long long)v->id);
    buf_adds(ret, "{\"url\":");
    buf_add_json(ret, buf_str(&url));
    buf_printf(ret, ",\"id\":%lld,\"title\":", (long long)v->id);
    buf_add_json(ret, v->title);
    buf_adds(ret, ",\"raw_title\":");
    buf_add_json(ret, v->name);
    buf_printf(ret,
               ",\"active\":true,\"default\":%s,\"position\":%d,\"description\":\"\","
               "\"execution\":{\"group_by\":null,\"group_order\":\"asc\",\"sort_by\":\"%s\","
               "\"sort_order\":\"%s\",\"group\":null,\"sort\":{\"id\":\"%s\",\"order\":\"%s\"},"
               "\"columns\":[",
               v->id <= VIEW_BUILTIN_ID_MAX ? "true" : "false", position, sort,
               v->descending ? "desc" : "asc", sort, v->descending ? "desc" : "asc");
    for (size_t i = 0; i < v->columns_n; i++) {
        buf_adds(ret, i ? ",{\"id\":" : "{\"id\":");
        buf_add_json(ret, v->columns[i]);
        buf_adds(ret, ",\"title\":");
        buf_add_json(ret, title_of(v->columns[i]));
        buf_addc(ret, '}');
    }
    buf_adds(ret, "],\"fields\":[],\"custom_fields\":[]},\"conditions\":{\"all\":[");
    add_conditions(ret, v->filter.all, v->filter.all_n);
    buf_adds(ret, "],\"any\":[");
    add_conditions(ret, v->filter.any, v->filter.any_n);
    buf_adds(ret, "]},\"restriction\":");
    if (v->groups) {
        buf_printf(ret, "{\"type\":\"Group\",\"id\":%lld,\"ids\":[",
                   v->groups_n ? (long long)v->groups[0] : 0);
        for (size_t i = 0; i < v->groups_n; i++)
            buf_printf(ret, "%s%lld", i ? "," : "", (long long)v->groups[i]);
        buf_adds(ret, "]}");
    } else {
        buf_adds(ret, "null");
    }
    buf_adds(ret, ",\"created_at\":null,\"updated_at\":null}");
}
