/* Groups and memberships: the documents are their truth, so nothing of it asks PostgreSQL. */
#include "desk/people/group.h"

#include <stdlib.h>

#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/paging.h"
#include "desk/api/routes.h"

/* A membership has no row, but a number: the agent's, then the group's. Exact in JavaScript as long
 * as there are fewer than 2^31 agents and 2^22 groups. */
enum { GROUP_BITS = 22 };

typedef struct Member {
    int64_t id, user_id, group_id;
    bool first; /* her default group */
} Member;

void group_write(Request *r, const Group *g, Buf *b) {
    Str base = request_base(r);
    OUT(b, "{\"id\":");
    buf_add_i64(b, g->id);
    OUT(b, ",\"url\":\"");
    buf_add_str(b, base);
    buf_printf(b, "/api/v2/groups/%lld.json\"", (long long)g->id);
    out_text(b, "name", g->title.n ? g->title : g->name);
    out_text(b, "docket_name", g->name);
    OUT(b, ",\"description\":\"\",\"default\":false,\"is_public\":true,\"deleted\":false,"
           "\"created_at\":null,\"updated_at\":null}");
}

static void write_member(Request *r, const Member *m, Buf *b) {
    Str base = request_base(r);
    OUT(b, "{\"id\":");
    buf_add_i64(b, m->id);
    OUT(b, ",\"url\":\"");
    buf_add_str(b, base);
    buf_printf(b, "/api/v2/group_memberships/%lld.json\"", (long long)m->id);
    out_int(b, "user_id", m->user_id);
    out_int(b, "group_id", m->group_id);
    out_bool(b, "default", m->first);
    OUT(b, ",\"created_at\":null,\"updated_at\":null}");
}

/* ---- pages of what is in memory, by number ---- */

typedef struct Listed {
    int64_t id;
    const void *what;
} Listed;

static int by_id(const void *a, const void *b) {
    const Listed *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void answer_page(Request *r, const char *plural, Listed *all, size_t n,
                        void (*write)(Request *r, const void *what, Buf *b)) {
    static const char *const sorts[] = {"id", "-id", "name", "created_at", "-created_at", NULL};
    Paging p;
    if (!paging_read(r, sorts, &p)) return;
    qsort(all, n, sizeof(*all), by_id);
    CLEANUP(buf_done) Buf body = {0};
    PagingEnds ends = {0};
    size_t size = (size_t)p.size, skip = (size_t)paging_offset(&p), found = 0, shown;
    size_t *at = arena_alloc(r->arena, (size + 1) * sizeof(*at));
    for (size_t i = 0; i < n && found <= size; i++) {
        size_t k = p.descending ? n - 1 - i : i;
        if (p.has_position && (p.descending ? all[k].id >= p.id : all[k].id <= p.id)) continue;
        if (skip) {
            skip--;
            continue;
        }
        at[found++] = k;
    }
    shown = found < size ? found : size;
    buf_printf(&body, "{\"%s\":[", plural);
    for (size_t i = 0; i < shown; i++) {
        const Listed *l = &all[at[paging_row(&p, shown, i)]];
        if (i) OUT(&body, ",");
        write(r, l->what, &body);
        if (i == 0) ends.first_position = ends.first_id = l->id;
        ends.last_position = ends.last_id = l->id;
    }
    OUT(&body, "]");
    paging_write(r, &p, shown, found > size, &ends, (int64_t)n, &body);
    OUT(&body, "}");
    answer_json(r, 200, buf_str(&body));
}

static void write_listed_group(Request *r, const void *what, Buf *b) {
    group_write(r, what, b);
}

static void write_listed_member(Request *r, const void *what, Buf *b) {
    write_member(r, what, b);
}

/* ---- groups ---- */

static void answer_groups(Request *r, int64_t of_agent) {
    const Group *groups = NULL;
    const Agent *agent = of_agent && r->catalog ? catalog_agent(r->catalog, of_agent) : NULL;
    size_t n = r->catalog ? catalog_groups(r->catalog, &groups) : 0, kept = 0;
    Listed *all = arena_alloc(r->arena, (n + 1) * sizeof(*all));
    for (size_t i = 0; i < n; i++) {
        bool in = !of_agent;
        for (size_t k = 0; agent && k < agent->groups_n && !in; k++)
            in = agent->groups[k] == groups[i].id;
        if (in) all[kept++] = (Listed){groups[i].id, &groups[i]};
    }
    answer_page(r, "groups", all, kept, write_listed_group);
}

static void handle_groups(Request *r) {
    answer_groups(r, 0);
}

static void handle_groups_of(Request *r) {
    answer_groups(r, r->ids[0] ? r->ids[0] : -1);
}

static void handle_group(Request *r) {
    const Group *g = r->catalog ? catalog_group(r->catalog, r->ids[0]) : NULL;
    if (!g) {
        answer_not_found(r);
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    OUT(&body, "{\"group\":");
    group_write(r, g, &body);
    OUT(&body, "}");
    answer_json(r, 200, buf_str(&body));
}

static void handle_count(Request *r) {
    const Group *groups;
    CLEANUP(buf_done) Buf body = {0};
    char now[21];
    clock_format_s(r->now_ms, now);
    buf_printf(&body, "{\"count\":{\"value\":%zu,\"refreshed_at\":\"%s\"}}",
               r->catalog ? catalog_groups(r->catalog, &groups) : 0, now);
    answer_json(r, 200, buf_str(&body));
}

/* ---- memberships ---- */

static Member member_of(const Agent *a, size_t k) {
    return (Member){.id = a->id << GROUP_BITS | a->groups[k],
                    .user_id = a->id,
                    .group_id = a->groups[k],
                    .first = k == 0};
}

static void answer_members(Request *r, int64_t user_id, int64_t group_id) {
    const Agent *agents = NULL;
    size_t n = r->catalog ? catalog_agents(r->catalog, &agents) : 0, room = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        room += agents[i].groups_n;
    Listed *all = arena_alloc(r->arena, (room + 1) * sizeof(*all));
    Member *members = arena_alloc(r->arena, (room + 1) * sizeof(*members));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < agents[i].groups_n; k++) {
            members[kept] = member_of(&agents[i], k);
            const Member *m = &members[kept];
            if ((user_id && m->user_id != user_id) || (group_id && m->group_id != group_id))
                continue;
            all[kept++] = (Listed){m->id, m};
        }
    answer_page(r, "group_memberships", all, kept, write_listed_member);
}

static void handle_members(Request *r) {
    int64_t user_id = 0, group_id = 0;
    if (request_query_int(r, "user_id", 1, TICKET_ID_MAX, &user_id) &&
        request_query_int(r, "group_id", 1, TICKET_ID_MAX, &group_id))
        answer_members(r, user_id, group_id);
}

static void handle_members_of_user(Request *r) {
    answer_members(r, r->ids[0] ? r->ids[0] : -1, 0);
}

static void handle_members_of_group(Request *r) {
    answer_members(r, 0, r->ids[0] ? r->ids[0] : -1);
}

static void handle_member(Request *r) {
    const Agent *a =
        r->catalog && r->ids[0] ? catalog_agent(r->catalog, r->ids[0] >> GROUP_BITS) : NULL;
    for (size_t k = 0; a && k < a->groups_n; k++) {
        Member m = member_of(a, k);
        if (m.id != r->ids[0]) continue;
        CLEANUP(buf_done) Buf body = {0};
        OUT(&body, "{\"group_membership\":");
        write_member(r, &m, &body);
        OUT(&body, "}");
        answer_json(r, 200, buf_str(&body));
        return;
    }
    answer_not_found(r);
}

static const Route routes[] = {
    {"GET", "/api/v2/groups", RIGHT_CONFIG_READ, 0, handle_groups},
    {"GET", "/api/v2/groups/assignable", RIGHT_CONFIG_READ, 0, handle_groups},
    {"GET", "/api/v2/groups/count", RIGHT_CONFIG_READ, 0, handle_count},
    {"GET", "/api/v2/groups/{id}", RIGHT_CONFIG_READ, 0, handle_group},
    {"GET", "/api/v2/groups/{id}/memberships", RIGHT_CONFIG_READ, 0, handle_members_of_group},
    {"GET", "/api/v2/users/{id}/groups", RIGHT_CONFIG_READ, 0, handle_groups_of},
    {"GET", "/api/v2/users/{id}/group_memberships", RIGHT_CONFIG_READ, 0, handle_members_of_user},
    {"GET", "/api/v2/group_memberships", RIGHT_CONFIG_READ, 0, handle_members},
    {"GET", "/api/v2/group_memberships/assignable", RIGHT_CONFIG_READ, 0, handle_members},
    {"GET", "/api/v2/group_memberships/{id}", RIGHT_CONFIG_READ, 0, handle_member},
};
const RouteTable group_routes = {"groups", routes, sizeof(routes) / sizeof(*routes)};
