/* The text of each member of the root. */
#include "documents/sections.h"

#include <errno.h>

#include "documents/node.h"
#include "documents/shape.h"

/* Down to the end of the line, for a comment behind the last value. */
static size_t line_end(Str text, size_t at) {
    if (at == 0 || text.p[at - 1] == '\n') return at;
    while (at < text.n && text.p[at] != '\n')
        at++;
    return at;
}

/* A key stands at the beginning of its line, behind blanks or the `? ` of a wordy map. */
static size_t line_start(Str text, size_t at) {
    while (at > 0 && text.p[at - 1] != '\n')
        at--;
    return at;
}

static DocumentSection cut(Str text, const Node *root, const Node *n, Arena *arena) {
    size_t start = root->flow ? n->start : line_start(text, n->key_start);
    size_t end = root->flow ? n->end : line_end(text, n->end);
    if (n->kind == NODE_NOTHING) start = end;
    Str body = {text.p + start, end - start};
    while (body.n && strchr(" \t\r\n", body.p[body.n - 1]))
        body.n--;
    bool keyed = root->flow || n->kind == NODE_NOTHING; /* the key itself is not in `body` */
    body = str(arena_printf(arena, "%.*s%s%.*s\n", STR_ARG(keyed ? n->key : STR("")),
                            keyed ? ": " : "", STR_ARG(body)));
    return (DocumentSection){n->key, body, keyed ? n->line : n->key_line};
}

int sections_cut(Str text, Str file, Arena *arena, DocumentSection **ret, Buf *ret_problems) {
    Problems problems = {.text = ret_problems};
    const Node *root = yaml_read(text, file, 1, arena, &problems);
    if (!root) return -EINVAL;
    if (root->kind == NODE_NOTHING) return 0;
    Reading r = {&problems, file, "", {NULL, 0}};
    if (!shape_map(&r, root)) return -EINVAL;
    DocumentSection *sections = arena_alloc(arena, root->n * sizeof(*sections));
    int n = 0;
    for (const Node *member = root->first; member; member = member->next) {
        if (!shape_name(&r, member->key_line, member->key)) return -EINVAL;
        sections[n++] = cut(text, root, member, arena);
    }
    *ret = sections;
    return n;
}
