/* Conditions are shown as they are asked: groups and agents by their numbers. */
#include "desk/views/view_json.h"

#include "desk/api/out.h"
#include "desk/tickets/ticket_json.h"
#include "documents/forms.h"

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

void view_columns_json(Buf *ret, const View *v) {
    buf_addc(ret, '[');
    for (size_t i = 0; i < v->columns_n; i++) {
        buf_adds(ret, i ? ",{\"id\":" : "{\"id\":");
        buf_add_json(ret, v->columns[i]);
        buf_adds(ret, ",\"title\":");
        buf_add_json(ret, title_of(v->columns[i]));
        buf_addc(ret, '}');
    }
    buf_addc(ret, ']');
}

/* ---- what they hold of a ticket ---- */

static bool add_number(Buf *ret, Str column, const TicketRow *t) {
    if (str_is(column, "id"))
        out_id(ret, "id", t->id);
    else if (str_is(column, "requester"))
        out_id(ret, "requester_id", t->requester_id);
    else if (str_is(column, "assignee"))
        out_id(ret, "assignee_id", t->assignee_id);
    else if (str_is(column, "group"))
        out_id(ret, "group_id", t->group_id);
    else if (str_is(column, "form"))
        out_id(ret, "ticket_form_id", t->form_id);
    else if (str_is(column, "created_at"))
        out_time(ret, "created", t->created_ms);
    else if (str_is(column, "updated_at"))
        out_time(ret, "updated", t->updated_ms);
    else
        return false;
    return true;
}

static bool add_text(Buf *ret, Str column, const TicketRow *t) {
    const struct {
        const char *name;
        Str value;
    } texts[] = {{"status", ticket_status_shown(t->status)},
                 {"subject", t->subject},
                 {"priority", str(ticket_priority_name(t->priority))},
                 {"kind", t->kind},
                 {"category", t->category},
                 {"region", t->region},
                 {"channel", t->channel},
                 {"tier", t->tier},
                 {"order", t->order},
                 {"product", t->product},
                 {"batch", t->batch},
                 {"device", t->device},
                 {"external_id", t->external_id},
                 {"satisfaction", t->satisfaction}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (!str_is(column, texts[i].name)) continue;
        out_text_or_null(ret, texts[i].name, texts[i].value);
        return true;
    }
    return false;
}

/* Under the field's name, or, as older tickets have it, under its number. */
static Str custom_value(const TicketRow *t, Str name, const Catalog *catalog) {
    char id[24];
    const Field *f = catalog ? catalog_field_named(catalog, name) : NULL;
    Str value = ticket_custom_field(t, name);
    if (value.n || !f) return value;
    int n = snprintf(id, sizeof(id), "%lld", (long long)f->id);
    return ticket_custom_field(t, (Str){id, (size_t)n});
}

void view_row_json(Buf *ret, Str base, const View *v, const TicketRow *t, const Catalog *catalog) {
    buf_adds(ret, "{\"ticket_id\":");
    buf_add_i64(ret, t->id);
    for (size_t i = 0; i < v->columns_n; i++) {
        Str column = v->columns[i], value;
        if (add_number(ret, column, t) || add_text(ret, column, t)) continue;
        if (str_is(column, "tags")) {
            out_texts(ret, "tags", t->tags, t->tags_n);
        } else if (str_starts(column, STR("custom."))) {
            buf_addc(ret, ',');
            buf_add_json(ret, column);
            value = custom_value(t, (Str){column.p + 7, column.n - 7}, catalog);
            buf_addc(ret, ':');
            buf_add_str(ret, value.n ? value : STR("null"));
        }
    }
    buf_adds(ret, ",\"ticket\":");
    ticket_json(ret, base, t, catalog);
    buf_addc(ret, '}');
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
               "\"columns\":",
               v->id <= VIEW_BUILTIN_ID_MAX ? "true" : "false", position, sort,
               v->descending ? "desc" : "asc", sort, v->descending ? "desc" : "asc");
    view_columns_json(ret, v);
    buf_adds(ret, ",\"fields\":[],\"custom_fields\":[]},\"conditions\":{\"all\":[");
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
