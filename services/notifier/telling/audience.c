#include "notifier/telling/audience.h"

static const Person *known(const Directory *d, const TicketView *t, int64_t id, Arena *arena) {
    const Person *p = directory_find(d, t->tenant_id, id);
    if (p) return p;
    Person *nobody = arena_zalloc(arena, sizeof(*nobody));
    nobody->tenant_id = t->tenant_id;
    nobody->id = id;
    nobody->staff = id < DIRECTORY_FIRST_REQUESTER;
    return nobody;
}

static bool member(const Person *p, int64_t group_id) {
    for (size_t i = 0; p->agent && i < p->agent->groups_n; i++)
        if (p->agent->groups[i] == group_id) return true;
    return false;
}

/* Everybody whose role is based on this one and who reaches the ticket. */
static size_t of_role(const Directory *d, const TicketView *t, BuiltinRole like, const Person **ret,
                      size_t max) {
    const TicketScope scope = {.tenant_id = t->tenant_id,
                               .group_id = t->group_id,
                               .assignee_id = t->assignee_id,
                               .requester_id = t->requester_id,
                               .kind = t->kind,
                               .category = t->category,
                               .region = t->region};
    const Person *p;
    size_t cursor = 0, n = 0;
    while (n < max && (p = directory_next_staff(d, t->tenant_id, &cursor)))
        if (p->like == like && (like != ROLE_LEAD || member(p, t->group_id)) &&
            rights_decide(&p->subject, RIGHT_TICKETS_READ, &scope, NULL) == RIGHTS_YES)
            ret[n++] = p;
    return n;
}

enum { AUDIENCE_MAX = 50 };

static size_t all_of(const Directory *d, const TicketView *t, const int64_t *ids, size_t n,
                     Arena *arena, const Person **ret) {
    if (n > AUDIENCE_MAX) n = AUDIENCE_MAX;
    for (size_t i = 0; i < n; i++)
        ret[i] = known(d, t, ids[i], arena);
    return n;
}

size_t audience_people(const Directory *d, const Catalog *c, const Recipient *to,
                       const TicketView *ticket, Arena *arena, const Person *const **ret) {
    const Person **all = arena_alloc(arena, AUDIENCE_MAX * sizeof(*all));
    size_t n = 0;
    (void)c;
    switch (to->audience) {
    case AUDIENCE_REQUESTER:
        if (ticket->requester_id) all[n++] = known(d, ticket, ticket->requester_id, arena);
        break;
    case AUDIENCE_ASSIGNEE:
        if (ticket->assignee_id) all[n++] = known(d, ticket, ticket->assignee_id, arena);
        break;
    case AUDIENCE_AGENT:
        if (to->agent_id > 0) all[n++] = known(d, ticket, to->agent_id, arena);
        break;
    case AUDIENCE_LEAD:
        n = ticket->group_id ? of_role(d, ticket, ROLE_LEAD, all, AUDIENCE_MAX) : 0;
        if (n) break;
        /* fall through */
    case AUDIENCE_MANAGER:
        n = of_role(d, ticket, ROLE_MANAGER, all, AUDIENCE_MAX);
        if (!n) n = of_role(d, ticket, ROLE_ADMINISTRATOR, all, AUDIENCE_MAX);
        break;
    case AUDIENCE_COLLABORATORS:
        n = all_of(d, ticket, ticket->collaborators, ticket->collaborators_n, arena, all);
        break;
    case AUDIENCE_FOLLOWERS:
        n = all_of(d, ticket, ticket->followers, ticket->followers_n, arena, all);
        break;
    case AUDIENCE_SYSTEM:
    case AUDIENCES:
        break;
    }
    *ret = all;
    return n;
}

Str audience_recipient(const Catalog *c, const Person *p, Arena *arena) {
    const char *kind = !p->staff                             ? "requester"
                       : p->agent || catalog_agent(c, p->id) ? "agent"
                                                             : "user";
    return str(arena_printf(arena, "%s:%lld", kind, (long long)p->id));
}
