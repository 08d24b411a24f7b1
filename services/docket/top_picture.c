#include "docket/top_picture.h"

#include <stdio.h>

#include "base/columns.h"
#include "json/json.h"

enum { MINUTES = 60, HEAD_LINES = 6, FOOT_LINES = 4 };

#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define RED   "\033[31m"
#define AMBER "\033[33m"
#define PLAIN "\033[0m"

typedef struct Page {
    const TopLook *look;
    Buf *to;
} Page;

static void paint(const Page *p, const char *colour) {
    if (p->look->colour) buf_adds(p->to, colour);
}

static void line_end(const Page *p) {
    buf_addc(p->to, '\n');
}

/* ---- figures ---- */

static int64_t number(const cJSON *object, const char *name) { /* -1: not there */
    int64_t value = -1;
    (void)json_get_int(object, name, &value);
    return value;
}

static const cJSON *part(const cJSON *object, const char *name) {
    const cJSON *found = NULL;
    (void)json_get_object(object, name, &found);
    return found;
}

static const cJSON *list(const cJSON *object, const char *name) {
    const cJSON *found = NULL;
    (void)json_get_array(object, name, &found);
    return found;
}

/* "12,345"; "–" for what is not known. */
static void write_count(Buf *b, int64_t value) {
    char digits[24];
    if (value < 0) {
        buf_adds(b, "–");
        return;
    }
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)value);
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) buf_addc(b, ',');
        buf_addc(b, digits[i]);
    }
}

/* "45s" "12m03s" "5h07m" "3d04h" */
static void write_span(Buf *b, int64_t s) {
    if (s < 0)
        buf_adds(b, "–");
    else if (s < 60)
        buf_printf(b, "%llds", (long long)s);
    else if (s < 3600)
        buf_printf(b, "%lldm%02llds", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        buf_printf(b, "%lldh%02lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        buf_printf(b, "%lldd%02lldh", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

static void add_count(const Page *p, int64_t value, size_t columns) {
    CLEANUP(buf_done) Buf text = {0};
    write_count(&text, value);
    columns_add(p->to, buf_str(&text), columns, true);
}

static void add_span(const Page *p, int64_t s, size_t columns) {
    CLEANUP(buf_done) Buf text = {0};
    write_span(&text, s);
    columns_add(p->to, buf_str(&text), columns, true);
}

/* ---- lines ---- */

static void write_title(const Page *p, const cJSON *board) {
    Str at = {NULL, 0};
    (void)json_get_string(board, "at", &at);
    CLEANUP(buf_done) Buf when = {0};
    if (at.n >= 19) buf_printf(&when, "%.10s %.8s UTC", at.p, at.p + 11);
    paint(p, BOLD);
    columns_add(p->to, STR("工单现场 Live board"), p->look->columns - 24, false);
    paint(p, PLAIN);
    columns_add(p->to, buf_str(&when), 24, true);
    line_end(p);
}

static void label(const Page *p, const char *text) {
    paint(p, DIM);
    columns_add(p->to, str(text), 16, false);
    paint(p, PLAIN);
}

/* One of eight heights a minute; as many of the latest as there is room for. */
static void write_minutes(const Page *p, const cJSON *minutes, size_t columns) {
    static const char *const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int n = cJSON_GetArraySize(minutes), from = n > (int)columns ? n - (int)columns : 0;
    int64_t most = 1, value = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, minutes) if (json_as_int(one, &value) == 1 && value > most) most =
        value;
    int place = 0;
    cJSON_ArrayForEach(one, minutes) {
        if (place++ < from) continue;
        if (json_as_int(one, &value) != 1 || value <= 0)
            buf_adds(p->to, " ");
        else
            buf_adds(p->to, heights[(value * 8 - 1) / most]);
    }
}

static void write_arrived(const Page *p, const cJSON *board) {
    const cJSON *arrived = part(board, "arrived");
    label(p, "到达 arriving");
    add_count(p, number(arrived, "last_minute"), 8);
    buf_adds(p->to, " 分钟 minute");
    add_count(p, number(arrived, "last_hour"), 10);
    buf_adds(p->to, " 小时 hour  ");
    size_t used = 16 + 8 + 12 + 10 + 12; /* columns of the above */
    if (p->look->columns > used)
        write_minutes(p, list(arrived, "minutes"), p->look->columns - used);
    line_end(p);
}

static void write_waiting(const Page *p, const cJSON *board) {
    const cJSON *waiting = part(board, "waiting"), *risk = part(board, "at_risk");
    int64_t at_risk = number(risk, "tickets");
    label(p, "等待 waiting");
    add_count(p, number(waiting, "tickets"), 8);
    buf_adds(p->to, " 最久 oldest ");
    add_span(p, number(waiting, "oldest_s"), 9);
    buf_adds(p->to, "  一小时内到期 due within the hour ");
    if (at_risk > 0) paint(p, AMBER);
    add_count(p, at_risk, 0 + 6);
    paint(p, PLAIN);
    line_end(p);
}

static void write_agents(const Page *p, const cJSON *board) {
    const cJSON *agents = part(board, "agents");
    label(p, "客服 agents");
    add_count(p, number(agents, "on_duty"), 8);
    buf_adds(p->to, " 在岗 on duty");
    add_count(p, number(agents, "free"), 6);
    buf_adds(p->to, " 空闲 free");
    add_count(p, number(agents, "busy"), 6);
    buf_adds(p->to, " 满载 busy  ");
    write_count(p->to, number(agents, "in_hand"));
    buf_adds(p->to, "/");
    write_count(p->to, number(agents, "capacity"));
    line_end(p);
}

enum { NAME = 18, WAITING = 9, OLDEST = 9, RISK = 9, FREE = 10 };

static size_t bar_columns(const Page *p) {
    size_t rest = NAME + WAITING + OLDEST + RISK + FREE + 2;
    return p->look->columns > rest ? p->look->columns - rest : 0;
}

static void write_group_heads(const Page *p) {
    paint(p, DIM);
    columns_add(p->to, STR("组 group"), NAME, false);
    columns_add(p->to, STR("等待 wait"), WAITING, true);
    buf_adds(p->to, "  ");
    columns_add(p->to, STR(""), bar_columns(p), false);
    columns_add(p->to, STR("最久 old"), OLDEST, true);
    columns_add(p->to, STR("到期 due"), RISK, true);
    columns_add(p->to, STR("空闲 free"), FREE, true);
    paint(p, PLAIN);
    line_end(p);
}

static void write_group(const Page *p, const cJSON *group, int64_t most) {
    Str title = {NULL, 0};
    const cJSON *agents = part(group, "agents");
    int64_t waiting = number(group, "waiting"), free_n = number(agents, "free");
    int64_t risk = number(group, "at_risk");
    if (json_get_string(group, "title", &title) != 1) title = STR("（无组 none）");
    columns_add(p->to, title, NAME, false);
    add_count(p, waiting, WAITING);
    buf_adds(p->to, "  ");
    if (waiting > 0 && free_n == 0) paint(p, RED);
    columns_add_bar(p->to, (double)waiting, (double)most, bar_columns(p));
    paint(p, PLAIN);
    add_span(p, number(group, "oldest_s"), OLDEST);
    if (risk > 0) paint(p, AMBER);
    add_count(p, risk, RISK);
    paint(p, PLAIN);
    CLEANUP(buf_done) Buf text = {0};
    write_count(&text, free_n);
    buf_addc(&text, '/');
    write_count(&text, number(agents, "on_duty"));
    columns_add(p->to, buf_str(&text), FREE, true);
    line_end(p);
}

static void write_groups(const Page *p, const cJSON *board) {
    const cJSON *groups = list(board, "groups"), *group;
    size_t room = p->look->lines > HEAD_LINES + FOOT_LINES
                      ? p->look->lines - HEAD_LINES - FOOT_LINES
                      : (p->look->lines ? 1 : SIZE_MAX),
           shown = 0, all = (size_t)cJSON_GetArraySize(groups);
    int64_t most = 1;
    cJSON_ArrayForEach(group, groups) if (number(group, "waiting") > most) most =
        number(group, "waiting");
    write_group_heads(p);
    cJSON_ArrayForEach(group, groups) {
        if (shown == room) break;
        write_group(p, group, most);
        shown++;
    }
    if (shown == all) return;
    paint(p, DIM);
    buf_printf(p->to, "… 另有 %zu 组 more groups", all - shown);
    paint(p, PLAIN);
    line_end(p);
}

static void write_services(const Page *p, const cJSON *board) {
    const cJSON *services = list(board, "services"), *service;
    if (!cJSON_GetArraySize(services)) return;
    line_end(p);
    label(p, "落后 behind");
    cJSON_ArrayForEach(service, services) {
        Str name = {NULL, 0};
        (void)json_get_string(service, "name", &name);
        int64_t behind = number(service, "behind");
        columns_add(p->to, name, columns_of(name) + 1, false);
        if (behind < 0 || behind > 10000) paint(p, AMBER);
        write_count(p->to, behind);
        paint(p, PLAIN);
        buf_adds(p->to, "  ");
    }
    line_end(p);
}

static void write_words(const Page *p, const cJSON *board) {
    double filled = 1;
    bool complete = true;
    (void)json_get_bool(board, "complete", &complete);
    (void)json_get_number(board, "filled", &filled);
    if (!complete) {
        paint(p, AMBER);
        buf_printf(p->to, "数据正在补齐 being filled from the ledger: %.0f %%", filled * 100);
        paint(p, PLAIN);
        line_end(p);
    }
    if (p->look->trouble) {
        paint(p, RED);
        columns_add(p->to, str(p->look->trouble), p->look->columns, false);
        paint(p, PLAIN);
        line_end(p);
    }
}

void top_picture_write(const cJSON *board, const TopLook *look, Buf *ret) {
    TopLook wide = *look;
    if (wide.columns < 60) wide.columns = 60;
    Page p = {&wide, ret};
    write_title(&p, board);
    write_arrived(&p, board);
    write_waiting(&p, board);
    write_agents(&p, board);
    line_end(&p);
    write_groups(&p, board);
    write_services(&p, board);
    write_words(&p, board);
}
