/* The section about who may what. */
#include "documents/roles.h"

#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "documents/shape.h"

enum { ROLES_MAX = 100, REACH_MAX = 100 /* of one list */ };

/* ---- the section ---- */

static void read_based_on(const Reading *r, const Node *n, Role *role) {
    Str based = {NULL, 0}, names[BUILTIN_ROLES];
    if (!shape_text(r, n, "based_on", NAME_BYTES_MAX, &based)) return;
    for (unsigned i = 0; i < BUILTIN_ROLES; i++)
        names[i] = str(rights_role_name((BuiltinRole)i));
    if (!based.n)
        complain(r, n->line,
                 "it has no `based_on`; possible are customer, agent, lead, manager, "
                 "administrator and auditor");
    else if (rights_role_parse(based, &role->like) < 0) {
        const char *guess = did_you_mean(based, names, BUILTIN_ROLES);
        complain(r, node_member(n, "based_on")->line, "unknown role `%.*s`%s", STR_ARG(based),
                 *guess ? guess
                        : "; possible are customer, agent, lead, manager, administrator and "
                          "auditor");
    }
}

static RightSet read_rights(Compilation *c, const Reading *r, const Node *n, const char *key) {
    const Node *list = node_member(n, key);
    const Str *names = NULL;
    size_t names_n = 0;
    RightSet all = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, RIGHTS, c->work, &names, &names_n)) return 0;
    for (size_t i = 0; i < names_n; i++) {
        Right right;
        Str known[RIGHTS];
        if (rights_parse(names[i], &right) == 0) {
            all |= right_bit(right);
            continue;
        }
        CLEANUP(buf_done) Buf possible = {0};
        for (unsigned k = 0; k < RIGHTS; k++) {
            known[k] = str(rights_name((Right)k));
            buf_printf(&possible, "%s%s", k ? ", " : "; possible are ", rights_name((Right)k));
        }
        const char *guess = did_you_mean(names[i], known, RIGHTS);
        complain(r, list->line, "`%s`: unknown right `%.*s`%s", key, STR_ARG(names[i]),
                 *guess ? guess : possible.p);
    }
    return all;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void read_groups_reached(Compilation *c, const Reading *r, const Node *reach, Role *role) {
    const Node *list = node_member(reach, "groups");
    const Str *names = NULL;
    size_t n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, GROUPS_MAX, c->work, &names, &n) || !list) return;
    if (!n) {
        complain(r, list->line,
                 "`groups` is empty, so it would reach nothing; name some, `own` or "
                 "`all`");
        return;
    }
    int64_t *groups = arena_alloc(c->c->arena, n * sizeof(*groups));
    role->own_groups = role->reach.all_groups = false;
    for (size_t i = 0; i < n; i++) {
        if (str_is(names[i], "own")) {
            role->own_groups = true;
            continue;
        }
        if (str_is(names[i], "all")) {
            role->reach.all_groups = true;
            continue;
        }
        uint32_t group = shape_reference(r, list->line, "group", names[i], c->c->group_names);
        if (group != INTERN_NONE) groups[role->reach.groups_n++] = c->c->groups[group].id;
    }
    if (role->reach.all_groups && (role->own_groups || role->reach.groups_n))
        complain(r, list->line, "`groups`: `all` is every group; remove the others");
    qsort(groups, role->reach.groups_n, sizeof(*groups), by_number);
    role->reach.groups = groups;
}

static void read_reach_list(Compilation *c, const Reading *r, const Node *reach, const char *key,
                            const Str **ret, size_t *ret_n) {
    const Node *list = node_member(reach, key);
    const Str *texts = NULL;
    size_t n = 0;
    if (!shape_texts(r, list, TITLE_BYTES_MAX, REACH_MAX, c->work, &texts, &n) || !list) return;
    if (!n) {
        complain(r, list->line, "`%s` is empty, so it would reach nothing; name some, or remove it",
                 key);
        return;
    }
    Str *kept = arena_alloc(c->c->arena, n * sizeof(*kept));
    for (size_t i = 0; i < n; i++)
        kept[i] = keep(c, texts[i]);
    *ret = kept;
    *ret_n = n;
}

static void read_reach(Compilation *c, const Reading *r, const Node *n, Role *role) {
    const Node *reach = node_member(n, "reach");
    role->reach = rights_builtin_reach(role->like, NULL, 0);
    role->own_groups = !role->reach.requested_only && !role->reach.all_groups;
    if (!reach || reach->kind == NODE_NOTHING) return;
    if (!shape_map(r, reach)) return;
    SHAPE_KEYS(r, reach, KEY("groups"), KEY("kinds"), KEY("categories"), KEY("regions"));
    if (role->reach.requested_only) {
        complain(r, reach->line,
                 "a customer reaches what he asked for and nothing else; remove `reach`, or base "
                 "it on another role");
        return;
    }
    read_groups_reached(c, r, reach, role);
    role->reach.kinds = read_kind_list(c, r, reach, &role->reach.kinds_n);
    if (!role->reach.kinds_n) role->reach.kinds = NULL;
    const Node *kinds = node_member(reach, "kinds");
    if (kinds && !role->reach.kinds_n)
        complain(r, kinds->line,
                 "`kinds` is empty, so it would reach nothing; name some, or remove it");
    read_reach_list(c, r, reach, "categories", &role->reach.categories, &role->reach.categories_n);
    read_reach_list(c, r, reach, "regions", &role->reach.regions, &role->reach.regions_n);
}

static void read_role(Compilation *c, Str file, const Node *n, Intern *names) {
    Reading r = {c->problems, file, "role", {NULL, 0}};
    Role role = {0};
    BuiltinRole builtin;
    if (!take_name(c, &r, n, names, &role.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("based_on"), KEY("grant"), KEY("withdraw"),
               KEY("reach"));
    if (rights_role_parse(role.name, &builtin) == 0)
        complain(&r, n->line, "there is a built-in role of this name; choose another");
    role.title = role.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) role.title = keep(c, title);
    read_based_on(&r, n, &role);
    RightSet grant = read_rights(c, &r, n, "grant"), withdraw = read_rights(c, &r, n, "withdraw");
    if (grant & withdraw)
        complain(&r, n->line, "a right is both granted and withdrawn; remove it from one of them");
    role.rights = (rights_builtin(role.like) | grant) & ~withdraw;
    read_reach(c, &r, n, &role);
    role.id = number_of(c, &r, n->line, "role", role.name);
    c->c->roles[c->c->roles_n++] = role;
}

void read_roles(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "roles", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > ROLES_MAX) {
        complain(&r, s.node->line, "%zu roles; at most %d", s.node->n, ROLES_MAX);
        return;
    }
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    c->c->roles = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->roles));
    for (const Node *n = s.node->first; n; n = n->next)
        read_role(c, s.file, n, names);
}

/* ---- asked later ---- */

size_t catalog_roles(const Catalog *c, const Role **ret) {
    *ret = c->roles;
    return c->roles_n;
}

bool catalog_role(const Catalog *c, Str name, Role *ret) {
    BuiltinRole builtin;
    if (rights_role_parse(name, &builtin) == 0) {
        Reach reach = rights_builtin_reach(builtin, NULL, 0);
        *ret = (Role){.name = name,
                      .title = name,
                      .like = builtin,
                      .rights = rights_builtin(builtin),
                      .own_groups = !reach.requested_only && !reach.all_groups,
                      .reach = reach};
        return true;
    }
    for (size_t i = 0; c && i < c->roles_n; i++) {
        if (!str_eq(c->roles[i].name, name)) continue;
        *ret = c->roles[i];
        return true;
    }
    return false;
}

Reach role_reach(const Role *r, const int64_t *own_groups, size_t n, Arena *arena) {
    Reach reach = r->reach;
    if (!r->own_groups || n == 0) return reach;
    int64_t *all = arena_alloc(arena, (n + reach.groups_n) * sizeof(*all));
    size_t all_n = 0, i = 0, k = 0;
    while (i < n || k < reach.groups_n) {
        bool own = k == reach.groups_n || (i < n && own_groups[i] <= reach.groups[k]);
        int64_t next = own ? own_groups[i++] : reach.groups[k++];
        if (!all_n || all[all_n - 1] != next) all[all_n++] = next;
    }
    reach.groups = all;
    reach.groups_n = all_n;
    return reach;
}
