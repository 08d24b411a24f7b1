/* Trees compared by name, values by their flow form with sorted keys. */
#include "documents/diff.h"

#include <assert.h>
#include <stdlib.h>

#include "conditions/intern.h"
#include "documents/node.h"

typedef struct Diff {
    Arena *arena;
    DocumentChange *changes;
    size_t n, room;
} Diff;

static void add_change(Diff *d, DocumentChange change) {
    if (d->n == d->room) {
        size_t room = d->room ? d->room * 2 : 32;
        DocumentChange *larger = arena_alloc(d->arena, room * sizeof(*larger));
        if (d->n) memcpy(larger, d->changes, d->n * sizeof(*larger));
        d->changes = larger;
        d->room = room;
    }
    d->changes[d->n++] = change;
}

/* ---- The flow form ---- */

static int by_key(const void *a, const void *b) {
    const Node *x = *(const Node *const *)a, *y = *(const Node *const *)b;
    return strcmp(x->key.p, y->key.p);
}

static void write_flow(const Node *n, Buf *ret);

static void write_map(const Node *n, Buf *ret) {
    const Node **members = xmalloc((n->n + 1) * sizeof(void *));
    size_t count = 0;
    for (const Node *m = n->first; m; m = m->next)
        members[count++] = m;
    qsort(members, count, sizeof(void *), by_key);
    buf_addc(ret, '{');
    for (size_t i = 0; i < count; i++) {
        if (i) buf_adds(ret, ", ");
        buf_printf(ret, "%.*s: ", STR_ARG(members[i]->key));
        write_flow(members[i], ret);
    }
    buf_addc(ret, '}');
    free(members);
}

static void write_flow(const Node *n, Buf *ret) {
    switch (n->kind) {
    case NODE_NOTHING:
        buf_adds(ret, "~");
        break;
    case NODE_TEXT:
        buf_add_str(ret, n->text);
        break;
    case NODE_LIST:
        buf_addc(ret, '[');
        for (const Node *m = n->first; m; m = m->next) {
            if (m != n->first) buf_adds(ret, ", ");
            write_flow(m, ret);
        }
        buf_addc(ret, ']');
        break;
    case NODE_MAP:
        write_map(n, ret);
        break;
    }
}

static Str flow(Diff *d, const Node *n) {
    if (!n) return STR("—");
    Buf text = {0};
    write_flow(n, &text);
    Str kept = arena_str(d->arena, buf_str(&text));
    buf_done(&text);
    return kept;
}

/* ---- One thing in both ---- */

enum { DETAIL_VALUE_MAX = 120 }; /* bytes of one value shown */

static void show_value(Buf *ret, Str value) {
    if (value.n > DETAIL_VALUE_MAX) {
        value.n = DETAIL_VALUE_MAX;
        while (value.n && ((unsigned char)value.p[value.n] & 0xc0) == 0x80)
            value.n--;
        buf_printf(ret, "%.*s…", STR_ARG(value));
    } else {
        buf_add_str(ret, value);
    }
}

static void compare_values(Diff *d, Str key, const Node *before, const Node *after, Buf *detail) {
    Str was = flow(d, before), is = flow(d, after);
    if (str_eq(was, is)) return;
    if (detail->n) buf_adds(detail, "; ");
    if (key.n) buf_printf(detail, "%.*s: ", STR_ARG(key));
    show_value(detail, was);
    buf_adds(detail, " → ");
    show_value(detail, is);
}

static void compare_things(Diff *d, const Node *before, const Node *after, Buf *detail) {
    if (before->kind != NODE_MAP || after->kind != NODE_MAP) {
        compare_values(d, (Str){NULL, 0}, before, after, detail);
        return;
    }
    for (const Node *m = after->first; m; m = m->next)
        compare_values(d, m->key, node_member(before, m->key.p), m, detail);
    for (const Node *m = before->first; m; m = m->next)
        if (!node_member(after, m->key.p)) compare_values(d, m->key, m, NULL, detail);
}

/* ---- One section in both ---- */

/* A member's own name: a text itself, the `name` of a map, the key in a map. */
static Str name_of(Diff *d, const Node *section, const Node *n) {
    if (section->kind == NODE_MAP) return n->key;
    const Node *name = node_member(n, "name");
    return name && name->kind == NODE_TEXT ? name->text : flow(d, n);
}

typedef struct Things {
    Intern *names;
    const Node **nodes;
} Things;

static Things things_of(Diff *d, const Node *section) {
    Things t = {.names = intern_new(false)};
    bool has_members = section && (section->kind == NODE_LIST || section->kind == NODE_MAP);
    t.nodes = arena_alloc(d->arena, ((has_members ? section->n : 0) + 1) * sizeof(void *));
    if (!has_members) return t;
    for (const Node *n = section->first; n; n = n->next)
        t.nodes[intern_add(t.names, name_of(d, section, n))] = n; /* of two alike the last */
    return t;
}

/* The things that stay follow each other as before. */
static bool same_order(const Things *before, const Things *after) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < intern_count(after->names); i++) {
        uint32_t was = intern_find(before->names, intern_at(after->names, i));
        if (was == INTERN_NONE) continue;
        if (was < last) return false;
        last = was;
    }
    return true;
}

static void diff_section(Diff *d, Str section, const Node *before, const Node *after) {
    Things was = things_of(d, before), is = things_of(d, after);
    for (uint32_t i = 0; i < intern_count(is.names); i++) {
        DocumentChange change = {
            DIFF_ADDED, section, arena_str(d->arena, intern_at(is.names, i)), {NULL, 0}};
        uint32_t old = intern_find(was.names, change.name);
        assert(is.nodes);
        Buf detail = {0};
        if (old != INTERN_NONE) {
            assert(was.nodes);
            change.kind = DIFF_CHANGED;
            compare_things(d, was.nodes[old], is.nodes[i], &detail);
            change.detail = arena_str(d->arena, buf_str(&detail));
        } else if (after && after->kind == NODE_MAP) {
            show_value(&detail, flow(d, is.nodes[i]));
            change.detail = arena_str(d->arena, buf_str(&detail));
        }
        if (old == INTERN_NONE || detail.n) add_change(d, change);
        buf_done(&detail);
    }
    for (uint32_t i = 0; i < intern_count(was.names); i++)
        if (intern_find(is.names, intern_at(was.names, i)) == INTERN_NONE)
            add_change(d, (DocumentChange){DIFF_REMOVED,
                                           section,
                                           arena_str(d->arena, intern_at(was.names, i)),
                                           {NULL, 0}});
    bool ordered = before && before->kind == NODE_LIST;
    if (ordered && !same_order(&was, &is))
        add_change(d, (DocumentChange){DIFF_REORDERED, section, section, {NULL, 0}});
    intern_free(was.names);
    intern_free(is.names);
}

/* ---- All ---- */

static size_t read_all(Diff *d, const DocumentSource *sources, size_t n, const Node **ret) {
    Buf ignored = {0};
    Problems problems = {.text = &ignored};
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const Node *root = yaml_read(sources[i].text, sources[i].name, 1, d->arena, &problems);
        if (root && root->kind == NODE_MAP) ret[found++] = root;
    }
    buf_done(&ignored);
    return found;
}

static const Node *find(const Node *const *roots, size_t n, Str section) {
    for (size_t i = 0; i < n; i++)
        for (const Node *m = roots[i]->first; m; m = m->next)
            if (str_eq(m->key, section)) return m;
    return NULL;
}

size_t documents_diff(const DocumentSource *before, size_t before_n, const DocumentSource *after,
                      size_t after_n, Arena *arena, const DocumentChange **ret) {
    Diff d = {.arena = arena};
    const Node **was = arena_alloc(arena, (before_n + 1) * sizeof(void *));
    const Node **is = arena_alloc(arena, (after_n + 1) * sizeof(void *));
    size_t was_n = read_all(&d, before, before_n, was), is_n = read_all(&d, after, after_n, is);
    for (size_t i = 0; i < is_n; i++)
        for (const Node *m = is[i]->first; m; m = m->next)
            diff_section(&d, m->key, find(was, was_n, m->key), m);
    for (size_t i = 0; i < was_n; i++)
        for (const Node *m = was[i]->first; m; m = m->next)
            if (!find(is, is_n, m->key)) diff_section(&d, m->key, m, NULL);
    *ret = d.changes;
    return d.n;
}
