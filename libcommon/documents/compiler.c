/* Sections are found, read in the order of their references, and checked together: a catalog's
 * birth, and its end. */
#include "documents/catalog.h"

#include <assert.h>
#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "documents/shape.h"

static const struct {
    const char *name;
    void (*read)(Compilation *c, Section s);
} sections[] = {
    {"settings", read_settings},   {"skills", read_skills},
    {"kinds", read_kinds},         {"groups", read_groups},
    {"agents", read_agents},       {"rules", read_rules},
    {"fields", read_fields},       {"forms", read_forms},
    {"standards", read_standards}, {"roles", read_roles},
    {"views", read_views},         {"calendars", read_calendars},
    {"policies", read_policies},   {"systems", read_systems},
    {"templates", read_templates}, {"notifications", read_notifications},
};
enum { SECTIONS = sizeof(sections) / sizeof(*sections) };

static long section_number(Str name) {
    for (long i = 0; i < SECTIONS; i++)
        if (str_is(name, sections[i].name)) return i;
    return -1;
}

static void unknown_section(Compilation *c, Str file, const Node *n) {
    Str names[SECTIONS];
    CLEANUP(buf_done) Buf possible = {0};
    for (size_t i = 0; i < SECTIONS; i++) {
        names[i] = str(sections[i].name);
        buf_printf(&possible, "%s%s",
                   i == 0              ? "; possible are "
                   : i == SECTIONS - 1 ? " and "
                                       : ", ",
                   sections[i].name);
    }
    const char *guess = did_you_mean(n->key, names, SECTIONS);
    problem(c->problems, (Place){file, n->key_line}, "unknown section `%.*s`%s", STR_ARG(n->key),
            *guess ? guess : possible.p);
}

static void find_sections(Compilation *c, const DocumentSource *source, Section ret[SECTIONS]) {
    const Node *root =
        yaml_read(source->text, source->name, source->first_line, c->work, c->problems);
    if (!root || root->kind == NODE_NOTHING) return;
    Reading r = {c->problems, source->name, "", {NULL, 0}};
    if (!shape_map(&r, root)) return;
    for (const Node *n = root->first; n; n = n->next) {
        long i = section_number(n->key);
        if (i < 0)
            unknown_section(c, source->name, n);
        else if (ret[i].node)
            problem(c->problems, (Place){source->name, n->key_line},
                    "section `%s` is in %.*s:%ld already; put them together", sections[i].name,
                    STR_ARG(ret[i].file), ret[i].node->key_line);
        else
            ret[i] = (Section){n, source->name};
    }
}

static uint32_t *sort_ids(Arena *arena, size_t n, const int64_t *ids) {
    uint32_t *order = arena_alloc(arena, n * sizeof(*order));
    for (size_t i = 0; i < n; i++) { /* by insertion: ids come in order, as a rule */
        size_t at = i;
        while (at > 0 && ids[order[at - 1]] > ids[i]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = (uint32_t)i;
    }
    return order;
}

static void sort_by_id(Compilation *c) {
    size_t most = c->c->groups_n > c->c->agents_n ? c->c->groups_n : c->c->agents_n;
    int64_t *ids = arena_alloc(c->work, most * sizeof(*ids));
    for (size_t i = 0; i < c->c->groups_n; i++)
        ids[i] = c->c->groups[i].id;
    c->c->groups_by_id = sort_ids(c->c->arena, c->c->groups_n, ids);
    for (size_t i = 0; i < c->c->agents_n; i++)
        ids[i] = c->c->agents[i].id;
    c->c->agents_by_id = sort_ids(c->c->arena, c->c->agents_n, ids);
}

/* FNV-1a over what a node says, whatever its layout. */
static uint64_t mark_of(uint64_t mark, const Node *n) {
    const Str parts[] = {n->key, n->text};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < parts[i].n; k++)
            mark = (mark ^ (unsigned char)parts[i].p[k]) * UINT64_C(0x100000001b3);
        mark = (mark ^ (256 + (uint64_t)n->kind)) * UINT64_C(0x100000001b3);
    }
    for (const Node *m = n->first; m; m = m->next)
        mark = mark_of(mark, m);
    return (mark ^ 512) * UINT64_C(0x100000001b3);
}

static void mark_promises(Catalog *c, const Section found[SECTIONS]) {
    c->promises_mark = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < SECTIONS; i++)
        if (found[i].node &&
            (sections[i].read == read_calendars || sections[i].read == read_policies))
            c->promises_mark = mark_of(c->promises_mark, found[i].node);
}

static void compile_sections(Compilation *c, const DocumentSource *sources, size_t n) {
    Section found[SECTIONS] = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += sources[i].text.n;
    if (bytes > YAML_BYTES_MAX) {
        problem(c->problems, (Place){n ? sources[0].name : STR("documents"), 0},
                "%zu bytes of documents; at most %d MiB", bytes, YAML_BYTES_MAX >> 20);
        return;
    }
    for (size_t i = 0; i < n; i++)
        find_sections(c, &sources[i], found);
    if (c->problems->n) return; /* what follows would complain of what could not be read */
    for (size_t i = 0; i < SECTIONS; i++) {
        sections[i].read(c, found[i]);
        if (sections[i].read == read_agents) settle_groups(c);
        if (sections[i].read == read_groups) settle_settings(c, found[0]);
    }
    if (!found[section_number(STR("groups"))].node)
        problem(c->problems, (Place){n ? sources[0].name : STR("documents"), 0},
                "there is no section `groups`; at least one group must take the tickets");
    sort_by_id(c);
    mark_promises(c->c, found);
}

Catalog *catalog_compile(const DocumentSource *sources, size_t n, int64_t revision,
                         NameLookup lookup, void *arg, Buf *ret_problems) {
    Catalog *c = xcalloc(1, sizeof(*c));
    c->references = 1;
    c->revision = revision;
    c->arena = arena_new(0);
    c->skill_names = intern_new(false);
    c->group_names = intern_new(false);
    c->agent_names = intern_new(false);
    c->kind_names = intern_new(false);
    c->field_names = intern_new(false);
    c->calendar_names = intern_new(false);
    c->system_names = intern_new(false);
    c->template_names = intern_new(false);
    CLEANUP(arena_freep) Arena *work = arena_new(0);
    Problems problems = {.text = ret_problems};
    Compilation compilation = {
        .c = c, .work = work, .problems = &problems, .lookup = lookup, .lookup_arg = arg};
    compile_sections(&compilation, sources, n);
    problems_end(&problems);
    if (problems.n) return catalog_unref(c);
    return c;
}

Catalog *catalog_ref(const Catalog *c) {
    Catalog *shared = (Catalog *)(uintptr_t)c; /* the count is no part of what is constant */
    shared->references++;
    return shared;
}

Catalog *catalog_unref(const Catalog *c) {
    Catalog *shared = (Catalog *)(uintptr_t)c;
    if (!shared || --shared->references > 0) return NULL;
    matcher_free(shared->matcher);
    keywords_free(shared->words);
    fields_done(shared);
    calendars_done(shared);
    matcher_free(shared->policy_matcher);
    matcher_free(shared->notification_matcher);
    templates_done(shared);
    intern_free(shared->system_names);
    intern_free(shared->template_names);
    intern_free(shared->calendar_names);
    intern_free(shared->field_names);
    intern_free(shared->skill_names);
    intern_free(shared->group_names);
    intern_free(shared->agent_names);
    intern_free(shared->kind_names);
    arena_free(shared->arena);
    free(shared);
    return NULL;
}
