/* The section `rules`: conditions, what they set, and which rule can never be reached. */
#include <assert.h>
#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "documents/shape.h"

/* ---- set ---- */

static void read_set_skills(Compilation *c, const Reading *r, const Node *list, Rule *rule) {
    const Str *names = NULL;
    size_t n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, 16, c->work, &names, &n)) return;
    uint32_t *skills = arena_alloc(c->c->arena, n * sizeof(*skills));
    SkillSet wanted = {0};
    for (size_t i = 0; i < n; i++) {
        uint32_t skill = shape_reference(r, list->line, "skill", names[i], c->c->skill_names);
        if (skill == INTERN_NONE) return;
        skillset_add(&wanted, skill);
        skills[rule->skills_n++] = skill;
    }
    rule->skills = skills;
    if (rule->group == INTERN_NONE || !n) return;
    const GroupInside *g = &c->c->groups_inside[rule->group];
    for (size_t i = 0; i < g->held_n; i++)
        if (skillset_within(&wanted, &g->held[i])) return;
    if (g->held_n)
        complain(r, list->key_line,
                 "nobody in group `%.*s` has %s; give it to an agent there, or remove it",
                 STR_ARG(c->c->groups[rule->group].name),
                 n == 1 ? "the skill" : "all of these skills");
}

static void read_set_tags(Compilation *c, const Reading *r, const Node *list, Rule *rule) {
    const Str *names = NULL;
    size_t n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, TAGS_MAX, c->work, &names, &n)) return;
    Str *tags = arena_alloc(c->c->arena, n * sizeof(*tags));
    for (size_t i = 0; i < n; i++) {
        if (!shape_name(r, list->line, names[i])) return;
        tags[i] = arena_str(c->c->arena, names[i]);
    }
    rule->tags = tags;
    rule->tags_n = n;
}

static void read_set(Compilation *c, const Reading *r, const Node *set, Rule *rule) {
    rule->priority = -1;
    rule->group = INTERN_NONE;
    if (!set || set->kind == NODE_NOTHING) return;
    if (!shape_map(r, set)) return;
    SHAPE_KEYS(r, set, KEY("category"), KEY("priority"), KEY("kind"), KEY("group"), KEY("skills"),
               KEY("tags"));
    Str text = {NULL, 0};
    if (shape_text(r, set, "category", TITLE_BYTES_MAX, &text) && text.n)
        rule->category = arena_str(c->c->arena, text);
    text = (Str){NULL, 0};
    if (shape_text(r, set, "kind", NAME_BYTES_MAX, &text) && text.n) {
        rule->kind = arena_str(c->c->arena, text);
        if (intern_count(c->c->kind_names))
            shape_reference(r, node_member(set, "kind")->line, "kind", text, c->c->kind_names);
    }
    text = (Str){NULL, 0};
    TicketPriority priority;
    if (shape_text(r, set, "priority", NAME_BYTES_MAX, &text) && text.n) {
        if (ticket_priority_parse(text, &priority) == 0)
            rule->priority = (int)priority;
        else
            complain(r, node_member(set, "priority")->line,
                     "unknown priority `%.*s`; possible are low, normal, high and urgent",
                     STR_ARG(text));
    }
    text = (Str){NULL, 0};
    if (shape_text(r, set, "group", NAME_BYTES_MAX, &text) && text.n)
        rule->group =
            shape_reference(r, node_member(set, "group")->line, "group", text, c->c->group_names);
    const Node *skills = node_member(set, "skills"), *tags = node_member(set, "tags");
    if (skills) read_set_skills(c, r, skills, rule);
    if (tags) read_set_tags(c, r, tags, rule);
}

/* ---- rules ---- */

static bool sets_nothing(const Rule *rule) {
    return !rule->kind.n && !rule->category.n && rule->priority < 0 && rule->group == INTERN_NONE &&
           !rule->skills_n && !rule->tags_n;
}

/* False when its conditions are not to be judged further. */
static bool read_rule(Compilation *c, Str file, const Node *n, Intern *names, Rule *rule) {
    Reading r = {c->problems, file, "rule", {NULL, 0}};
    rule->place = (Place){file, n->line};
    rule->priority = -1;
    rule->group = INTERN_NONE;
    if (!shape_map(&r, n)) return false;
    Str name = {NULL, 0};
    if (!shape_text(&r, n, "name", NAME_BYTES_MAX, &name)) return false;
    if (!name.n) {
        complain(&r, n->line, "it has no `name`; give it one");
        return false;
    }
    r.name = name;
    if (!shape_name(&r, n->line, name)) return false;
    size_t known = intern_count(names);
    if (intern_add(names, name) < known) {
        complain(&r, n->line, "the name is taken already further up; choose another");
        return false;
    }
    rule->name = arena_str(c->c->arena, name);
    Buf quoted = {0};
    buf_add_json(&quoted, name);
    rule->quoted = arena_str(c->c->arena, buf_str(&quoted));
    buf_done(&quoted);
    SHAPE_KEYS(&r, n, KEY("name"), KEY("when"), KEY("set"), KEY("stop"), KEY("override"));
    shape_switch(&r, n, "stop", &rule->stops);
    shape_switch(&r, n, "override", &rule->overrides);
    size_t mistakes = c->problems->n;
    read_set(c, &r, node_member(n, "set"), rule);
    if (c->problems->n == mistakes && sets_nothing(rule) && !rule->stops)
        complain(&r, n->line, "it sets nothing and does not stop; give it a `set`, or remove it");
    return read_when(c, &r, node_member(n, "when"), &rule->filter);
}

static void refuse_unreachable(Compilation *c, const bool *sound) {
    bool *stopping = arena_zalloc(c->work, c->c->rules_n + 1);
    for (size_t i = 0; i < c->c->rules_n; i++) {
        const Rule *rule = &c->c->rules[i];
        Reading r = {c->problems, rule->place.file, "rule", rule->name};
        long earlier = sound[i] ? matcher_covered_by(c->c->matcher, i, stopping) : -1;
        if (earlier >= 0)
            complain(&r, rule->place.line,
                     "it can never match: `%.*s` (line %ld) stops everything that it would take; "
                     "move it up, or remove it",
                     STR_ARG(c->c->rules[earlier].name), c->c->rules[earlier].place.line);
        else if (sound[i] && matcher_contradicts_itself(c->c->matcher, i))
            complain(&r, rule->place.line,
                     "it can never match: `all` demands a condition and its opposite");
        stopping[i] = sound[i] && rule->stops;
    }
}

static void compile_filters(Compilation *c, const bool *sound) {
    Filter *filters = arena_zalloc(c->work, (c->c->rules_n + 1) * sizeof(*filters));
    for (size_t i = 0; i < c->c->rules_n; i++)
        if (sound[i]) filters[i] = c->c->rules[i].filter;
    CLEANUP(buf_done) Buf why = {0};
    Place place = {c->c->rules_n ? c->c->rules[0].place.file : STR("documents"), 0};
    if (c->keywords > KEYWORDS_MAX) {
        problem(c->problems, place, "%zu keywords in all rules; at most %d", c->keywords,
                KEYWORDS_MAX);
        return;
    }
    c->c->matcher = matcher_new(filters, c->c->rules_n, KEYWORDS_FASTEST, &why);
    if (!c->c->matcher) problem(c->problems, place, "rules: %s", why.p);
}

/* The reason's parts that are the same for every ticket. */
static void write_reasons(Compilation *c) {
    Catalog *k = c->c;
    k->reason_tail = str(arena_printf(k->arena, "\",\"revision\":%lld}", (long long)k->revision));
    CLEANUP(buf_done) Buf text = {0};
    buf_adds(&text, "没有规则符合");
    if (k->groups_n)
        buf_printf(&text, "，进入默认组 %.*s", STR_ARG(k->groups[k->default_group].name));
    k->unmatched = arena_str(k->arena, buf_str(&text)); /* names hold nothing to escape */
}

void read_rules(Compilation *c, Section s) {
    size_t n = 0;
    Reading r = {c->problems, s.file, "rules", {NULL, 0}};
    if (s.node && s.node->kind != NODE_NOTHING && shape_list(&r, s.node)) {
        n = s.node->n;
        if (n > RULES_MAX) {
            complain(&r, s.node->line, "%zu rules; at most %d", n, RULES_MAX);
            return;
        }
    }
    c->c->rules = arena_zalloc(c->c->arena, n * sizeof(*c->c->rules));
    bool *sound = arena_zalloc(c->work, n + 1);
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    const Node *node = n ? s.node->first : NULL;
    for (; c->c->rules_n < n; node = node->next, c->c->rules_n++)
        sound[c->c->rules_n] = read_rule(c, s.file, node, names, &c->c->rules[c->c->rules_n]);
    compile_filters(c, sound);
    if (c->c->matcher) refuse_unreachable(c, sound);
    for (size_t i = 0; i < n; i++)
        c->c->rules[i].filter = (Filter){0}; /* the matcher has it */
    write_reasons(c);
}
