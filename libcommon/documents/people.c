/* The sections about who works here: settings, skills, kinds, groups, agents. */
#include <assert.h>
#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "documents/shape.h"
#include "documents/zones.h"

/* ---- settings ---- */

#define CLOSE_AFTER_MS (INT64_C(3) * 24 * 60 * 60 * 1000)

void read_settings(Compilation *c, Section s) {
    c->c->aging_ms = 30 * 60 * 1000;
    c->c->close_after_ms = CLOSE_AFTER_MS;
    c->c->presence_timeout_ms = 5 * 60 * 1000;
    c->c->default_priority = PRIORITY_NORMAL;
    c->c->default_category = STR("其他");
    c->c->default_kind = STR("咨询");
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "settings", {NULL, 0}};
    if (!shape_map(&r, s.node)) return;
    SHAPE_KEYS(&r, s.node, KEY("default_group"), KEY("default_category"), KEY("default_priority"),
               KEY("default_kind"), KEY("aging"), KEY("close_after"), KEY("presence_timeout"),
               KEY("time_zone"), KEY("agent_rate"));
    shape_duration(&r, s.node, "aging", &c->c->aging_ms);
    if (c->c->aging_ms < 1000)
        complain(&r, node_member(s.node, "aging")->line, "`aging` must be at least 1s");
    shape_duration(&r, s.node, "close_after", &c->c->close_after_ms);
    if (c->c->close_after_ms < 1000)
        complain(&r, node_member(s.node, "close_after")->line, "`close_after` must be at least 1s");
    shape_duration(&r, s.node, "presence_timeout", &c->c->presence_timeout_ms);
    if (c->c->presence_timeout_ms < 3000)
        complain(&r, node_member(s.node, "presence_timeout")->line,
                 "`presence_timeout` must be at least 3s");
    shape_int(&r, s.node, "agent_rate", 0, AGENT_RATE_MAX, &c->c->agent_rate);
    Str text = {NULL, 0};
    if (shape_text(&r, s.node, "time_zone", NAME_BYTES_MAX, &text) && text.n) {
        c->c->time_zone = keep(c, text);
        Zone *zone = zones_read(text);
        if (!zone)
            complain(&r, node_member(s.node, "time_zone")->line,
                     "unknown time zone `%.*s`; names are like Asia/Shanghai", STR_ARG(text));
        zone_free(zone);
    }
    text = (Str){NULL, 0};
    if (shape_text(&r, s.node, "default_category", TITLE_BYTES_MAX, &text) && text.n)
        c->c->default_category = keep(c, text);
    text = (Str){NULL, 0};
    if (shape_text(&r, s.node, "default_priority", NAME_BYTES_MAX, &text) && text.n &&
        ticket_priority_parse(text, &c->c->default_priority) < 0)
        complain(&r, node_member(s.node, "default_priority")->line,
                 "unknown priority `%.*s`; possible are low, normal, high and urgent",
                 STR_ARG(text));
}

void settle_settings(Compilation *c, Section s) {
    if (!s.node || s.node->kind != NODE_MAP) return;
    Reading r = {c->problems, s.file, "settings", {NULL, 0}};
    Str text = {NULL, 0};
    if (shape_text(&r, s.node, "default_kind", NAME_BYTES_MAX, &text) && text.n) {
        c->c->default_kind = keep(c, text);
        if (intern_count(c->c->kind_names))
            shape_reference(&r, node_member(s.node, "default_kind")->line, "kind", text,
                            c->c->kind_names);
    }
    text = (Str){NULL, 0};
    if (shape_text(&r, s.node, "default_group", NAME_BYTES_MAX, &text) && text.n) {
        uint32_t group = shape_reference(&r, node_member(s.node, "default_group")->line, "group",
                                         text, c->c->group_names);
        if (group != INTERN_NONE) c->c->default_group = group;
    }
}

/* ---- skills and kinds: lists of names ---- */

static void read_names(Compilation *c, Section s, const char *what, size_t max, Intern *to,
                       bool sorted) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, what, {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    const Str *names = NULL;
    size_t n = 0;
    if (!shape_texts(&r, s.node, NAME_BYTES_MAX, max, c->work, &names, &n)) return;
    const Node *member = s.node->first;
    for (size_t i = 0; i < n; i++, member = member->next)
        shape_name(&r, member->line, names[i]);
    while (sorted && n > intern_count(to)) { /* the smallest that is not in yet; 256 at most */
        const Str *least = NULL;
        for (size_t i = 0; i < n; i++) {
            if (intern_find(to, names[i]) != INTERN_NONE) continue;
            if (!least || strcmp(names[i].p, least->p) < 0) least = &names[i];
        }
        intern_add(to, *least);
    }
    for (size_t i = 0; i < n && !sorted; i++)
        intern_add(to, names[i]);
}

void read_skills(Compilation *c, Section s) {
    read_names(c, s, "skills", SKILLS_MAX, c->c->skill_names, true);
    size_t n = intern_count(c->c->skill_names);
    c->c->skills = arena_alloc(c->c->arena, n * sizeof(Str));
    for (size_t i = 0; i < n; i++)
        c->c->skills[i] = intern_at(c->c->skill_names, (uint32_t)i);
}

void read_kinds(Compilation *c, Section s) {
    read_names(c, s, "kinds", KINDS_MAX, c->c->kind_names, false);
}

/* ---- groups ---- */

static void read_group(Compilation *c, Str file, const Node *n) {
    Reading r = {c->problems, file, "group", {NULL, 0}};
    Group g = {0};
    if (!take_name(c, &r, n, c->c->group_names, &g.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("fallback"), KEY("fallback_after"));
    g.title = g.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) g.title = keep(c, title);
    const Node *after = node_member(n, "fallback_after"), *to = node_member(n, "fallback");
    if (to && to->kind != NODE_NOTHING) g.fallback_after_ms = 10 * 60 * 1000;
    shape_duration(&r, n, "fallback_after", &g.fallback_after_ms);
    if (after && (!to || to->kind == NODE_NOTHING))
        complain(&r, after->line,
                 "`fallback_after` without `fallback`; name the group, or remove it");
    g.id = number_of(c, &r, n->line, "group", g.name);
    c->c->groups[c->c->groups_n++] = g;
}

static void read_fallback(Compilation *c, Str file, const Node *n, size_t group, uint32_t *ret) {
    Reading r = {c->problems, file, "group", c->c->groups[group].name};
    Str fallback = {NULL, 0};
    if (!shape_text(&r, n, "fallback", NAME_BYTES_MAX, &fallback) || !fallback.n) return;
    *ret =
        shape_reference(&r, node_member(n, "fallback")->line, "group", fallback, c->c->group_names);
    if (*ret != INTERN_NONE) c->c->groups[group].fallback_id = c->c->groups[*ret].id;
}

static void refuse_circles(Compilation *c, Str file, const long *lines, const uint32_t *to) {
    size_t n = c->c->groups_n;
    uint8_t *seen = arena_zalloc(c->work, n + 1); /* 1: on this walk, 2: on an earlier one */
    for (uint32_t start = 0; start < n; start++) {
        uint32_t at = start;
        while (at != INTERN_NONE && !seen[at]) {
            seen[at] = 1;
            at = to[at];
        }
        if (at != INTERN_NONE && seen[at] == 1) {
            Buf circle = {0};
            uint32_t step = at;
            do
                buf_printf(&circle, "%.*s -> ", STR_ARG(c->c->groups[step].name));
            while ((step = to[step]) != at && circle.n < 1000);
            Reading r = {c->problems, file, "group", c->c->groups[at].name};
            complain(&r, lines[at], "the fallbacks go in a circle: %s%.*s; remove one of them",
                     circle.p, STR_ARG(c->c->groups[at].name));
            buf_done(&circle);
        }
        for (at = start; at != INTERN_NONE && seen[at] == 1; at = to[at])
            seen[at] = 2;
    }
}

void read_groups(Compilation *c, Section s) {
    if (!s.node) return;
    Reading r = {c->problems, s.file, "groups", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > GROUPS_MAX || s.node->n == 0) {
        complain(&r, s.node->line, "%zu groups; there must be 1 to %d", s.node->n, GROUPS_MAX);
        return;
    }
    c->c->groups = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->groups));
    const Node **nodes = arena_alloc(c->work, s.node->n * sizeof(void *));
    long *lines = arena_alloc(c->work, s.node->n * sizeof(*lines));
    uint32_t *to = arena_alloc(c->work, s.node->n * sizeof(*to));
    for (const Node *n = s.node->first; n; n = n->next) {
        size_t before = c->c->groups_n;
        read_group(c, s.file, n);
        if (c->c->groups_n == before) continue;
        nodes[before] = n;
        lines[before] = n->line;
        to[before] = INTERN_NONE;
    }
    for (size_t i = 0; i < c->c->groups_n; i++)
        read_fallback(c, s.file, nodes[i], i, &to[i]);
    refuse_circles(c, s.file, lines, to);
}

/* ---- agents ---- */

static uint32_t *read_references(Compilation *c, const Reading *r, const Node *n, const char *key,
                                 const char *what, const Intern *known, size_t *ret_n) {
    const Node *list = node_member(n, key);
    const Str *names = NULL;
    size_t names_n = 0;
    *ret_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, GROUPS_MAX, c->work, &names, &names_n)) return NULL;
    uint32_t *numbers = arena_alloc(c->c->arena, names_n * sizeof(*numbers));
    const Node *member = list && list->kind == NODE_LIST ? list->first : list;
    for (size_t i = 0; member && i < names_n; i++, member = member->next) {
        assert(member); /* as many as names */
        uint32_t number = shape_reference(r, member->line, what, names[i], known);
        if (number != INTERN_NONE) numbers[(*ret_n)++] = number;
    }
    return numbers;
}

static void read_agent_skills(Compilation *c, const Reading *r, const Node *n, Agent *a,
                              SkillSet *ret) {
    size_t skills_n;
    const uint32_t *skills =
        read_references(c, r, n, "skills", "skill", c->c->skill_names, &skills_n);
    for (size_t i = 0; i < skills_n; i++)
        skillset_add(ret, skills[i]);
    Str *sorted = arena_alloc(c->c->arena, skills_n * sizeof(*sorted));
    for (uint32_t skill = 0; skill < intern_count(c->c->skill_names); skill++)
        if (skillset_has(ret, skill)) sorted[a->skills_n++] = c->c->skills[skill];
    a->skills = sorted;
}

static void read_agent(Compilation *c, Str file, const Node *n) {
    Reading r = {c->problems, file, "agent", {NULL, 0}};
    Agent a = {0};
    AgentInside inside = {0};
    if (!take_name(c, &r, n, c->c->agent_names, &a.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("groups"), KEY("skills"), KEY("capacity"),
               KEY("capacity_max"), KEY("duty"));
    a.title = a.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) a.title = keep(c, title);
    int64_t capacity = CAPACITY_DEFAULT;
    shape_int(&r, n, "capacity", 0, CAPACITY_MAX, &capacity);
    a.capacity = (int32_t)capacity;
    int64_t capacity_max = capacity;
    shape_int(&r, n, "capacity_max", 0, CAPACITY_MAX, &capacity_max);
    if (capacity_max < capacity)
        complain(&r, node_member(n, "capacity_max")->line,
                 "`capacity_max` is less than `capacity`, %lld", (long long)capacity);
    a.capacity_max = (int32_t)capacity_max;
    shape_switch(&r, n, "duty", &a.on_duty);

    size_t mistakes = c->problems->n;
    inside.groups = read_references(c, &r, n, "groups", "group", c->c->group_names, &a.groups_n);
    if (!a.groups_n && c->problems->n == mistakes)
        complain(&r, n->line, "it is in no group, so no ticket would ever reach it; add `groups`");
    int64_t *groups = arena_alloc(c->c->arena, a.groups_n * sizeof(*groups));
    for (size_t i = 0; i < a.groups_n; i++)
        groups[i] = c->c->groups[inside.groups[i]].id;
    a.groups = groups;
    read_agent_skills(c, &r, n, &a, &inside.skills);
    a.id = number_of(c, &r, n->line, "agent", a.name);
    c->c->agents_inside[c->c->agents_n] = inside;
    c->c->agents[c->c->agents_n++] = a;
}

void read_agents(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "agents", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > AGENTS_MAX) {
        complain(&r, s.node->line, "%zu agents; at most %d", s.node->n, AGENTS_MAX);
        return;
    }
    c->c->agents = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->agents));
    c->c->agents_inside = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->agents_inside));
    for (const Node *n = s.node->first; n; n = n->next)
        read_agent(c, s.file, n);
}

static void hold_skills(GroupInside *g, const SkillSet *skills) {
    for (size_t i = 0; i < g->held_n; i++)
        if (memcmp(&g->held[i], skills, sizeof(*skills)) == 0) return;
    g->held[g->held_n++] = *skills;
}

void settle_groups(Compilation *c) {
    Catalog *k = c->c;
    k->groups_inside = arena_zalloc(k->arena, k->groups_n * sizeof(*k->groups_inside));
    size_t *members = arena_zalloc(c->work, (k->groups_n + 1) * sizeof(*members));
    for (size_t i = 0; i < k->agents_n; i++)
        for (size_t g = 0; g < k->agents[i].groups_n; g++)
            members[k->agents_inside[i].groups[g]]++;
    for (size_t g = 0; g < k->groups_n; g++)
        k->groups_inside[g].held = arena_alloc(k->arena, members[g] * sizeof(SkillSet));
    for (size_t i = 0; i < k->agents_n; i++)
        for (size_t g = 0; g < k->agents[i].groups_n; g++)
            hold_skills(&k->groups_inside[k->agents_inside[i].groups[g]],
                        &k->agents_inside[i].skills);
}
