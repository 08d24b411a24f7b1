/* The section `views`, and the views that need no document. */
#include "documents/views.h"

#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "documents/shape.h"

enum { VIEWS_MAX = 500 };

/* ---- the built-in ones ---- */

#define VALUE(literal)                                                                             \
    { literal, sizeof(literal) - 1 }
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const Str unsolved[] = {VALUE("new"), VALUE("assigned"), VALUE("in_progress"),
                               VALUE("pending"), VALUE("on_hold")};
static const Str pending[] = {VALUE("pending")}, solved[] = {VALUE("solved")}, me[] = {VALUE("me")},
                 own[] = {VALUE("own")};
static const Condition all_mine[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, unsolved, 5},
                                     {FACT_ASSIGNEE, {NULL, 0}, CONDITION_ONE_OF, me, 1}};
static const Condition all_unassigned[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, unsolved, 5},
                                           {FACT_GROUP, {NULL, 0}, CONDITION_ONE_OF, own, 1},
                                           {FACT_ASSIGNEE, {NULL, 0}, CONDITION_ABSENT, NULL, 0}};
static const Condition all_unsolved[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, unsolved, 5}};
static const Condition all_pending[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, pending, 1}};
static const Condition all_solved[] = {{FACT_STATUS, {NULL, 0}, CONDITION_ONE_OF, solved, 1}};
static const Str columns[] = {VALUE("id"),        VALUE("status"),     VALUE("subject"),
                              VALUE("requester"), VALUE("group"),      VALUE("assignee"),
                              VALUE("priority"),  VALUE("created_at"), VALUE("updated_at")};

#define BUILTIN(text, number, conditions, by, newest)                                              \
    {                                                                                              \
        .name = VALUE(text), .title = VALUE(text), .id = (number),                                 \
        .filter = {.all = (conditions), .all_n = COUNT(conditions)}, .sort = (by),                 \
        .descending = (newest), .columns = columns, .columns_n = COUNT(columns)                    \
    }
const View views_builtin[VIEW_BUILTIN] = {
    BUILTIN("我的未结", 1, all_mine, VIEW_BY_CREATED, false),
    BUILTIN("我组未分配", 2, all_unassigned, VIEW_BY_CREATED, false),
    BUILTIN("全部未结", 3, all_unsolved, VIEW_BY_CREATED, false),
    BUILTIN("待客户回复", 4, all_pending, VIEW_BY_UPDATED, false),
    BUILTIN("最近解决", 5, all_solved, VIEW_BY_UPDATED, true),
};

/* ---- the section ---- */

static const Condition *keep_conditions(Compilation *c, const Condition *from, size_t n) {
    Condition *kept = arena_alloc(c->c->arena, n * sizeof(*kept) + 1);
    for (size_t i = 0; i < n; i++) {
        Str *values = arena_alloc(c->c->arena, from[i].values_n * sizeof(*values) + 1);
        for (size_t v = 0; v < from[i].values_n; v++)
            values[v] = keep(c, from[i].values[v]);
        kept[i] = from[i];
        kept[i].custom = keep(c, from[i].custom);
        kept[i].values = values;
    }
    return kept;
}

static void read_sort(const Reading *r, const Node *n, View *v) {
    Str sort = {NULL, 0};
    if (!shape_text(r, n, "sort", NAME_BYTES_MAX, &sort) || !sort.n) return;
    v->descending = sort.p[0] == '-';
    if (v->descending) sort = (Str){sort.p + 1, sort.n - 1};
    if (str_is(sort, "updated_at"))
        v->sort = VIEW_BY_UPDATED;
    else if (!str_is(sort, "created_at"))
        complain(r, node_member(n, "sort")->line,
                 "unknown sort `%.*s`; possible are created_at, -created_at, updated_at and "
                 "-updated_at",
                 STR_ARG(sort));
}

static void read_columns(Compilation *c, const Reading *r, const Node *n, View *v) {
    static const Str known[] = {
        VALUE("id"),         VALUE("status"),      VALUE("subject"),      VALUE("requester"),
        VALUE("group"),      VALUE("assignee"),    VALUE("priority"),     VALUE("kind"),
        VALUE("category"),   VALUE("region"),      VALUE("channel"),      VALUE("tier"),
        VALUE("tags"),       VALUE("order"),       VALUE("product"),      VALUE("batch"),
        VALUE("device"),     VALUE("external_id"), VALUE("satisfaction"), VALUE("form"),
        VALUE("created_at"), VALUE("updated_at")};
    const Node *list = node_member(n, "columns");
    const Str *names = NULL;
    size_t names_n = 0;
    v->columns = columns;
    v->columns_n = COUNT(columns);
    if (!shape_texts(r, list, NAME_BYTES_MAX, VIEW_COLUMNS_MAX, c->work, &names, &names_n) ||
        !names_n)
        return;
    Str *kept = arena_alloc(c->c->arena, names_n * sizeof(*kept));
    for (size_t i = 0; i < names_n; i++) {
        size_t at = 0;
        while (at < COUNT(known) && !str_eq(known[at], names[i]))
            at++;
        if (at == COUNT(known) && !str_starts(names[i], STR("custom."))) {
            const char *guess = did_you_mean(names[i], known, COUNT(known));
            complain(r, list->line, "unknown column `%.*s`%s", STR_ARG(names[i]),
                     *guess ? guess : "; possible are the ticket's fields and custom.NAME");
            return;
        }
        kept[i] = keep(c, names[i]);
    }
    v->columns = kept;
    v->columns_n = names_n;
}

static void read_view_groups(Compilation *c, const Reading *r, const Node *n, View *v) {
    const Node *list = node_member(n, "groups");
    const Str *names = NULL;
    size_t names_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, GROUPS_MAX, c->work, &names, &names_n) || !names_n)
        return;
    int64_t *groups = arena_alloc(c->c->arena, names_n * sizeof(*groups));
    for (size_t i = 0; i < names_n; i++) {
        uint32_t group = shape_reference(r, list->line, "group", names[i], c->c->group_names);
        if (group != INTERN_NONE) groups[v->groups_n++] = c->c->groups[group].id;
    }
    v->groups = groups;
}

static void read_view(Compilation *c, Str file, const Node *n, Intern *names) {
    Reading r = {c->problems, file, "view", {NULL, 0}};
    View v = {.id = 0};
    if (!take_name(c, &r, n, names, &v.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("when"), KEY("sort"), KEY("columns"),
               KEY("groups"));
    v.title = v.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) v.title = keep(c, title);
    Filter filter = {0};
    if (read_when(c, &r, node_member(n, "when"), &filter)) {
        v.filter = filter;
        v.filter.all = keep_conditions(c, filter.all, filter.all_n);
        v.filter.any = keep_conditions(c, filter.any, filter.any_n);
    }
    read_sort(&r, n, &v);
    read_columns(c, &r, n, &v);
    read_view_groups(c, &r, n, &v);
    v.id = number_of(c, &r, n->line, "view", v.name);
    c->c->views[c->c->views_n++] = v;
}

void read_views(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "views", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > VIEWS_MAX) {
        complain(&r, s.node->line, "%zu views; at most %d", s.node->n, VIEWS_MAX);
        return;
    }
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    c->c->views = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->views) + 1);
    size_t keywords = c->keywords; /* views have no part in the rules' database */
    c->of_tickets = true;
    for (const Node *n = s.node->first; n; n = n->next)
        read_view(c, s.file, n, names);
    c->of_tickets = false;
    c->keywords = keywords;
}

/* ---- asked later ---- */

size_t catalog_views(const Catalog *c, const View **ret) {
    *ret = c ? c->views : NULL;
    return c ? c->views_n : 0;
}

const View *catalog_view(const Catalog *c, int64_t id) {
    for (size_t i = 0; i < VIEW_BUILTIN; i++)
        if (views_builtin[i].id == id) return &views_builtin[i];
    for (size_t i = 0; c && i < c->views_n; i++)
        if (c->views[i].id == id) return &c->views[i];
    return NULL;
}
