/* Rights by name, the built-in roles, and the two questions: is it reached, is it allowed. */
#include "rights/rights.h"

#include <errno.h>

typedef struct RightInfo {
    const char *name;
    bool reads; /* changes nothing and shows no personal data */
    const char *refusal;
} RightInfo;

static const RightInfo infos[RIGHTS] = {
    [RIGHT_TICKETS_READ] = {"tickets.read", true,
                            "您的角色不能查看工单。Your role may not read tickets."},
    [RIGHT_TICKETS_CREATE] = {"tickets.create", false,
                              "您的角色不能创建工单。Your role may not create tickets."},
    [RIGHT_TICKETS_REPLY] = {"tickets.reply", false,
                             "您的角色不能回复客户。Your role may not reply to customers."},
    [RIGHT_TICKETS_NOTE] = {"tickets.note", false,
                            "您的角色不能写内部备注。Your role may not write internal notes."},
    [RIGHT_NOTES_READ] = {"notes.read", true,
                          "您的角色不能查看内部备注。Your role may not read internal notes."},
    [RIGHT_TICKETS_EDIT] = {"tickets.edit", false,
                            "您的角色不能修改工单。Your role may not change tickets."},
    [RIGHT_TICKETS_CLAIM] = {"tickets.claim", false,
                             "您的角色不能领取工单。Your role may not claim tickets."},
    [RIGHT_TICKETS_TRANSFER] = {"tickets.transfer", false,
                                "您的角色不能转派工单。Your role may not transfer tickets."},
    [RIGHT_TICKETS_SOLVE] = {"tickets.solve", false,
                             "您的角色不能解决工单。Your role may not solve tickets."},
    [RIGHT_TICKETS_MERGE] = {"tickets.merge", false,
                             "您的角色不能合并工单。Your role may not merge tickets."},
    [RIGHT_TICKETS_DELETE] = {"tickets.delete", false,
                              "您的角色不能删除工单。Your role may not delete tickets."},
    [RIGHT_TICKETS_EXPORT] = {"tickets.export", true,
                              "您的角色不能导出工单。Your role may not export tickets."},
    [RIGHT_PERSONAL_SHOW] = {"personal.show", false,
                             "您的角色不能查看个人信息明文。Your role may not show personal data."},
    [RIGHT_LEDGER_READ] = {"ledger.read", true,
                           "您的角色不能查看工单历史。Your role may not read ticket audits."},
    [RIGHT_AUDIT_READ] = {"audit.read", true,
                          "您的角色不能查看审计日志。Your role may not read the audit log."},
    [RIGHT_USERS_READ] = {"users.read", true,
                          "您的角色不能查看用户。Your role may not read users."},
    [RIGHT_USERS_MANAGE] = {"users.manage", false,
                            "您的角色不能管理用户。Your role may not manage users."},
    [RIGHT_TOKENS_MANAGE] =
        {"tokens.manage", false,
         "您的角色不能管理他人的令牌。Your role may not manage others' tokens."},
    [RIGHT_DUTY_OWN] = {"duty.own", false,
                        "您的角色不能上下班。Your role may not go on or off duty."},
    [RIGHT_DUTY_OTHERS] = {"duty.others", false,
                           "您的角色不能安排他人上下班。Your role may not change others' duty."},
    [RIGHT_CONFIG_READ] = {"config.read", true,
                           "您的角色不能查看配置。Your role may not read the configuration."},
    [RIGHT_CONFIG_MANAGE] = {"config.manage", false,
                             "您的角色不能修改配置。Your role may not change the configuration."},
    [RIGHT_REPORTS_READ] = {"reports.read", true,
                            "您的角色不能查看报表。Your role may not read reports."},
};

static const char hidden[] = "没有这张工单。There is no such ticket.";

const char *rights_name(Right r) {
    return infos[r].name;
}

int rights_parse(Str name, Right *ret) {
    for (unsigned i = 0; i < RIGHTS; i++) {
        if (!str_is(name, infos[i].name)) continue;
        *ret = (Right)i;
        return 0;
    }
    return -EINVAL;
}

static char mark(char c) {
    return c == ':' ? '.' : c;
}

RightSet rights_of_scope(Str scope) {
    if (str_is(scope, "write")) return RIGHTS_ALL;
    RightSet read = 0, family = 0, one = 0;
    size_t n = 0; /* of the family's name */
    while (n < scope.n && mark(scope.p[n]) != '.')
        n++;
    for (unsigned i = 0; i < RIGHTS; i++) {
        Str name = str(infos[i].name);
        if (infos[i].reads) read |= right_bit((Right)i);
        if (n && n < name.n && name.p[n] == '.' && memcmp(name.p, scope.p, n) == 0)
            family |= right_bit((Right)i);
        bool same = name.n == scope.n;
        for (size_t k = 0; same && k < name.n; k++)
            same = name.p[k] == mark(scope.p[k]);
        if (same) one |= right_bit((Right)i);
    }
    if (str_is(scope, "read")) return read;
    if (n == scope.n) return family;
    Str verb = {scope.p + n + 1, scope.n - n - 1};
    return str_is(verb, "write") ? family & ~read : one;
}

/* ---- roles ---- */

#define BIT(r) (UINT64_C(1) << RIGHT_##r)
#define CUSTOMER_RIGHTS                                                                            \
    (BIT(TICKETS_READ) | BIT(TICKETS_CREATE) | BIT(TICKETS_REPLY) | BIT(TICKETS_SOLVE))
#define AGENT_RIGHTS                                                                               \
    (CUSTOMER_RIGHTS | BIT(TICKETS_NOTE) | BIT(NOTES_READ) | BIT(TICKETS_EDIT) |                   \
     BIT(TICKETS_CLAIM) | BIT(TICKETS_TRANSFER) | BIT(TICKETS_MERGE) | BIT(PERSONAL_SHOW) |        \
     BIT(LEDGER_READ) | BIT(USERS_READ) | BIT(DUTY_OWN) | BIT(CONFIG_READ))
#define LEAD_RIGHTS    (AGENT_RIGHTS | BIT(DUTY_OTHERS) | BIT(REPORTS_READ))
#define MANAGER_RIGHTS (LEAD_RIGHTS | BIT(TICKETS_DELETE) | BIT(TICKETS_EXPORT) | BIT(AUDIT_READ))
#define AUDITOR_RIGHTS                                                                             \
    (BIT(TICKETS_READ) | BIT(NOTES_READ) | BIT(TICKETS_EXPORT) | BIT(LEDGER_READ) |                \
     BIT(AUDIT_READ) | BIT(USERS_READ) | BIT(CONFIG_READ) | BIT(REPORTS_READ))

static const struct {
    const char *name;
    RightSet rights;
    bool requested_only, all_groups;
} roles[BUILTIN_ROLES] = {
    [ROLE_CUSTOMER] = {"customer", CUSTOMER_RIGHTS, true, false},
    [ROLE_AGENT] = {"agent", AGENT_RIGHTS, false, false},
    [ROLE_LEAD] = {"lead", LEAD_RIGHTS, false, false},
    [ROLE_MANAGER] = {"manager", MANAGER_RIGHTS, false, true},
    [ROLE_ADMINISTRATOR] = {"administrator", RIGHTS_ALL, false, true},
    [ROLE_AUDITOR] = {"auditor", AUDITOR_RIGHTS, false, true},
};

const char *rights_role_name(BuiltinRole r) {
    return roles[r].name;
}

int rights_role_parse(Str name, BuiltinRole *ret) {
    for (unsigned i = 0; i < BUILTIN_ROLES; i++) {
        if (!str_is(name, roles[i].name)) continue;
        *ret = (BuiltinRole)i;
        return 0;
    }
    return -EINVAL;
}

RightSet rights_builtin(BuiltinRole r) {
    return roles[r].rights;
}

Reach rights_builtin_reach(BuiltinRole r, const int64_t *own_groups, size_t n) {
    bool own = !roles[r].requested_only && !roles[r].all_groups;
    return (Reach){.requested_only = roles[r].requested_only,
                   .all_groups = roles[r].all_groups,
                   .groups = own ? own_groups : NULL,
                   .groups_n = own ? n : 0};
}

/* ---- the two questions ---- */

static bool has_number(const int64_t *list, size_t n, int64_t wanted) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && list[low] == wanted;
}

static bool in_texts(const Str *list, size_t n, Str wanted) {
    if (!list) return true;
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], wanted)) return true;
    return false;
}

static bool in_categories(const Str *list, size_t n, Str category) {
    if (!list) return true;
    for (size_t i = 0; i < n; i++) {
        if (!str_starts(category, list[i])) continue;
        if (category.n == list[i].n || category.p[list[i].n] == '/') return true;
    }
    return false;
}

bool rights_reach(const Subject *who, const TicketScope *ticket) {
    const Reach *r = &who->reach;
    if (ticket->tenant_id != who->tenant_id) return false;
    if (r->requested_only) return who->user_id && ticket->requester_id == who->user_id;
    if (who->user_id && ticket->assignee_id == who->user_id) return true;
    return (r->all_groups || has_number(r->groups, r->groups_n, ticket->group_id)) &&
           in_texts(r->kinds, r->kinds_n, ticket->kind) &&
           in_categories(r->categories, r->categories_n, ticket->category) &&
           in_texts(r->regions, r->regions_n, ticket->region);
}

RightsVerdict rights_decide(const Subject *who, Right what, const TicketScope *ticket,
                            const char **ret_reason) {
    if (ticket && (!rights_has(who, RIGHT_TICKETS_READ) || !rights_reach(who, ticket))) {
        if (ret_reason) *ret_reason = hidden;
        return RIGHTS_HIDDEN;
    }
    if (!rights_has(who, what)) {
        if (ret_reason) *ret_reason = infos[what].refusal;
        return RIGHTS_NO;
    }
    return RIGHTS_YES;
}

bool rights_reach_all(const Reach *r) {
    return !r->requested_only && r->all_groups && !r->kinds && !r->categories && !r->regions;
}

/* Everything that the narrow list lets through, the wide one does too. */
static bool texts_cover(const Str *wide, size_t wide_n, const Str *narrow, size_t narrow_n,
                        bool (*in)(const Str *, size_t, Str)) {
    if (!wide) return true;
    if (!narrow) return false;
    for (size_t i = 0; i < narrow_n; i++)
        if (!in(wide, wide_n, narrow[i])) return false;
    return true;
}

bool rights_may_give(const Subject *who, RightSet rights, const Reach *reach) {
    const Reach *own = &who->reach;
    if (rights & ~who->rights) return false;
    if (reach->requested_only) return true; /* sees what he asked for himself, nobody else's */
    if (own->requested_only) return false;
    if (!own->all_groups) {
        if (reach->all_groups) return false;
        for (size_t i = 0; i < reach->groups_n; i++)
            if (!has_number(own->groups, own->groups_n, reach->groups[i])) return false;
    }
    return texts_cover(own->kinds, own->kinds_n, reach->kinds, reach->kinds_n, in_texts) &&
           texts_cover(own->categories, own->categories_n, reach->categories, reach->categories_n,
                       in_categories) &&
           texts_cover(own->regions, own->regions_n, reach->regions, reach->regions_n, in_texts);
}

/* ---- the same in SQL ---- */

static void numbers(ReachValue *v, const int64_t *list, size_t n) {
    *v = (ReachValue){.numbers = list, .n = n};
}

size_t rights_reach_sql(const Subject *who, const char *alias, int first, Buf *sql,
                        ReachValue values[REACH_VALUES_MAX]) {
    const Reach *r = &who->reach;
    size_t n = 0;
    /* One number as an array's first: an equality, so that indexes keep their order behind it. */
    buf_printf(sql, "(%s.tenant_id = ($%d::bigint[])[1]", alias, first + (int)n);
    numbers(&values[n++], &who->tenant_id, 1);
    if (rights_reach_all(r)) {
        buf_addc(sql, ')');
        return n;
    }
    buf_printf(sql, " AND ");
    int own = first + (int)n;
    numbers(&values[n++], &who->user_id, who->user_id ? 1 : 0);
    if (r->requested_only) {
        buf_printf(sql, "%s.requester_id = ($%d::bigint[])[1])", alias, own);
        return n;
    }
    buf_printf(sql, "(%s.assignee_id = ($%d::bigint[])[1] OR (", alias, own);
    const char *and = "";
    if (!r->all_groups) {
        buf_printf(sql, "%s.group_id = ANY ($%d::bigint[])", alias, first + (int)n);
        numbers(&values[n++], r->groups, r->groups_n);
        and = " AND ";
    }
    if (r->kinds) {
        buf_printf(sql, "%s%s.kind = ANY ($%d::text[])", and, alias, first + (int)n);
        values[n++] = (ReachValue){.texts = r->kinds, .n = r->kinds_n};
        and = " AND ";
    }
    if (r->categories) {
        buf_printf(sql,
                   "%sEXISTS (SELECT FROM unnest($%d::text[]) reached(c) WHERE"
                   " %s.category = reached.c OR starts_with(%s.category, reached.c || '/'))",
                   and, first + (int)n, alias, alias);
        values[n++] = (ReachValue){.texts = r->categories, .n = r->categories_n};
        and = " AND ";
    }
    if (r->regions) {
        buf_printf(sql, "%s%s.region = ANY ($%d::text[])", and, alias, first + (int)n);
        values[n++] = (ReachValue){.texts = r->regions, .n = r->regions_n};
    }
    buf_adds(sql, ")))");
    return n;
}
