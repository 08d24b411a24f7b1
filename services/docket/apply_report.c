/* What `docket apply` says. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "docket/apply_internal.h"

bool apply_is_moved(const Apply *a, const ApplyThing *t) {
    for (size_t i = 0; i < a->moves_n; i++)
        if (strcmp(a->moves[i].kind, t->kind) == 0 && str_eq(a->moves[i].from, t->name))
            return true;
    return false;
}

static const char *section_label(Str section) {
    static const char *const labels[][2] = {
        {"settings", "设置"}, {"skills", "技能"}, {"kinds", "类型"},        {"groups", "组"},
        {"agents", "客服"},   {"rules", "规则"},  {"roles", "角色"},        {"views", "视图"},
        {"fields", "字段"},   {"forms", "表单"},  {"standards", "处理标准"}};
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
        if (str_is(section, labels[i][0])) return labels[i][1];
    return "";
}

static const char *kind_label(const char *kind) {
    return *kind == 'g' ? "组" : *kind == 'a' ? "客服" : "技能";
}

static void print_changes(const Apply *a) {
    static const char *const signs[] = {"+", "-", "~", "⇅"};
    static const char *const colours[] = {"\033[32m", "\033[31m", "\033[33m", "\033[36m"};
    bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    for (size_t i = 0; i < a->changes_n; i++) {
        const DocumentChange *c = &a->changes[i];
        (void)printf("  %s%s %s %.*s", coloured ? colours[c->kind] : "", signs[c->kind],
                     section_label(c->section), STR_ARG(c->section));
        if (c->kind == DIFF_REORDERED)
            (void)printf(" 次序改变 in another order");
        else
            (void)printf(" %.*s", STR_ARG(c->name));
        if (c->detail.n) (void)printf("：%.*s", STR_ARG(c->detail));
        (void)printf("%s\n", coloured ? "\033[0m" : "");
    }
}

static void print_refusals(const Apply *a) {
    for (size_t i = 0; i < a->gone_n; i++) {
        const ApplyThing *t = &a->gone[i];
        if (t->users)
            (void)fprintf(
                stderr,
                "角色 %.*s 还有 %lld 人（或令牌）在用，不能删除 role `%.*s` is still that of "
                "%lld: %.*s%s\n  请先改派 give them another first: docket user role USER "
                "ROLE --tenant %.*s, docket token revoke\n",
                STR_ARG(t->name), (long long)t->users, STR_ARG(t->name), (long long)t->users,
                STR_ARG(t->who), t->users > 20 ? " ..." : "", STR_ARG(a->tenant.name));
        if (!t->open_tickets || apply_is_moved(a, t)) continue;
        (void)fprintf(stderr,
                      "%s %.*s 还有 %lld 张未完结工单，不能删除 %s `%.*s` still has %lld open "
                      "tickets and cannot be removed.\n",
                      kind_label(t->kind), STR_ARG(t->name), (long long)t->open_tickets, t->kind,
                      STR_ARG(t->name), (long long)t->open_tickets);
        if (*t->kind == 's')
            (void)fprintf(stderr, "  请先保留，直到它们办结 keep it until they are solved\n");
        else
            (void)fprintf(stderr, "  请指明去处 say where they go: --move-%s %.*s=NAME\n", t->kind,
                          STR_ARG(t->name));
    }
}

void apply_say(const Apply *a, int outcome, bool same) {
    if (a->problems.n) {
        (void)fprintf(stderr, "%s", a->problems.p);
        (void)fprintf(stderr, "文档有误，未改动 the documents are wrong; nothing was changed\n");
        return;
    }
    Str title = a->tenant.title.n ? a->tenant.title : a->tenant.name;
    if (same) {
        (void)printf("%.*s（%.*s）：与第 %lld 版相同，无需改动 the same as revision %lld, nothing "
                     "to do\n",
                     STR_ARG(title), STR_ARG(a->tenant.name), (long long)a->revision,
                     (long long)a->revision);
        return;
    }
    (void)printf("%.*s（%.*s）：第 %lld 版 → 第 %lld 版 revision %lld → %lld\n", STR_ARG(title),
                 STR_ARG(a->tenant.name), (long long)a->revision, (long long)a->revision + 1,
                 (long long)a->revision, (long long)a->revision + 1);
    print_changes(a);
    if (!a->changes_n) (void)printf("  （仅注释或排版 only comments or layout）\n");
    (void)fflush(stdout);
    print_refusals(a);
    if (outcome < 0)
        (void)fprintf(stderr, "未改动 nothing was changed\n");
    else if (a->o->check)
        (void)printf("检查通过，未写入 checked; nothing was written\n");
    else
        (void)printf("已生效：%zu 处改动 applied: %zu changes\n", a->changes_n, a->changes_n);
    if (outcome == 0 && a->moves_n && !a->o->check)
        (void)printf("移走 %lld 张工单 moved %lld tickets\n", (long long)a->moved,
                     (long long)a->moved);
}

static void add_problems(const Apply *a, Buf *json) {
    Str rest = buf_str(&a->problems);
    bool first = true;
    while (rest.n) {
        Str line = str_cut(rest, '\n', &rest);
        if (!line.n) continue;
        if (!first) buf_addc(json, ',');
        buf_add_json(json, line);
        first = false;
    }
}

void apply_say_json(const Apply *a, int outcome, bool same) {
    static const char *const kinds[] = {"added", "removed", "changed", "reordered"};
    CLEANUP(buf_done) Buf json = {0};
    bool applied = outcome == 0 && !same && !a->o->check;
    buf_adds(&json, "{\"tenant\":");
    buf_add_json(&json, a->tenant.name);
    buf_printf(&json, ",\"ok\":%s,\"applied\":%s,\"revision\":%lld,\"changes\":[",
               outcome == 0 ? "true" : "false", applied ? "true" : "false",
               (long long)a->revision + applied);
    for (size_t i = 0; i < a->changes_n; i++) {
        if (i) buf_addc(&json, ',');
        buf_printf(&json, "{\"change\":\"%s\",\"section\":", kinds[a->changes[i].kind]);
        buf_add_json(&json, a->changes[i].section);
        buf_adds(&json, ",\"name\":");
        buf_add_json(&json, a->changes[i].name);
        buf_adds(&json, ",\"detail\":");
        buf_add_json(&json, a->changes[i].detail);
        buf_addc(&json, '}');
    }
    buf_adds(&json, "],\"refused\":[");
    bool first = true;
    for (size_t i = 0; i < a->gone_n; i++) {
        if (a->gone[i].users) {
            buf_adds(&json,
                     first ? "{\"kind\":\"role\",\"name\":" : ",{\"kind\":\"role\",\"name\":");
            buf_add_json(&json, a->gone[i].name);
            buf_printf(&json, ",\"users\":%lld,\"who\":", (long long)a->gone[i].users);
            buf_add_json(&json, a->gone[i].who);
            buf_addc(&json, '}');
            first = false;
        }
        if (!a->gone[i].open_tickets || apply_is_moved(a, &a->gone[i])) continue;
        buf_printf(&json, "%s{\"kind\":\"%s\",\"name\":", first ? "" : ",", a->gone[i].kind);
        buf_add_json(&json, a->gone[i].name);
        buf_printf(&json, ",\"open_tickets\":%lld}", (long long)a->gone[i].open_tickets);
        first = false;
    }
    buf_printf(&json, "],\"moved\":%lld,\"problems\":[", (long long)a->moved);
    add_problems(a, &json);
    buf_adds(&json, "]}");
    (void)printf("%s\n", json.p);
}
