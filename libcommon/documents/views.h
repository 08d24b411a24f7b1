/* Views -- saved lists of tickets: a tenant's own ones, from the section `views`, and those that
 * everybody has. Pure.
 *
 *   views:
 *     - name: 跨境加急
 *       title: 跨境加急未结                   # absent: the name
 *       when:                                # as in rules, with four more fields; absent: every
 * one all:
 *           - status: unsolved               # or new, open, pending, hold, solved, closed,
 * assigned, # in_progress, on_hold
 *           - group: 跨境                    # a group; own: the groups of whoever looks
 *           - assignee: me                   # an agent; me: whoever looks
 *           - category: {starts_with: 清关}
 *           - priority: [high, urgent]
 *       sort: -updated_at                    # created_at, updated_at; with - newest first
 *       columns: [id, subject, requester, status, updated_at]
 *       groups: [跨境]                       # who sees it; absent: everybody
 *
 * `group` and `assignee` take is, is_not, one_of, not_one_of, present and absent; `status` the
 * first four. */
#pragma once

#include "conditions/condition.h"
#include "documents/catalog.h"

typedef enum ViewSort { VIEW_BY_CREATED, VIEW_BY_UPDATED } ViewSort;

enum { VIEW_COLUMNS_MAX = 30, VIEW_BUILTIN = 5, VIEW_BUILTIN_ID_MAX = 99 };

typedef struct View {
    Str name, title;
    int64_t id;    /* config.names; of a built-in one 1 ... VIEW_BUILTIN */
    Filter filter; /* values of group and assignee: numbers in decimal, "own", "me" */
    ViewSort sort;
    bool descending;
    const Str *columns;
    size_t columns_n;
    const int64_t *groups; /* ids; NULL: everybody */
    size_t groups_n;
} View;

/* The tenant's own, in their order; `c` may be NULL. */
size_t catalog_views(const Catalog *c, const View **ret);
/* 我的未结 我组未分配 全部未结 待客户回复 最近解决 */
extern const View views_builtin[VIEW_BUILTIN];
const View *catalog_view(const Catalog *c, int64_t id); /* of both kinds; NULL: there is none */
