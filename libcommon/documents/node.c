/* libyaml's events become a tree. */
#include "documents/node.h"

#include <assert.h>
#include <yaml.h>

typedef struct Reader {
    yaml_parser_t parser;
    Str text, file;
    long first_line;
    Arena *arena;
    Problems *problems;
    size_t *line_at; /* byte where each line begins */
    size_t lines;

    Node *open[YAML_DEPTH_MAX];  /* from the root down */
    Node **tail[YAML_DEPTH_MAX]; /* where the next member goes */
    Node *root;
    size_t depth;
    Str key; /* of a map, waiting for its value */
    long key_line;
    size_t key_start;
    bool has_key;
    size_t end; /* of the last leaf read */
} Reader;

static Place at_line(const Reader *r, long line) {
    return (Place){r->file, line};
}

static long line_of(const Reader *r, yaml_mark_t mark) {
    return r->first_line + (long)mark.line;
}

/* libyaml counts lines at these too, editors do not; and a carriage return alone. */
static const char *odd_break(Str text, size_t i) {
    const unsigned char *p = (const unsigned char *)text.p + i;
    size_t left = text.n - i;
    if (p[0] == '\r' && (left < 2 || p[1] != '\n')) return "a carriage return without a line feed";
    if (left >= 2 && p[0] == 0xc2 && p[1] == 0x85) return "U+0085 (next line)";
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] == 0xa8) return "U+2028 (line separator)";
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] == 0xa9)
        return "U+2029 (paragraph separator)";
    return NULL;
}

static int count_lines(Reader *r) {
    size_t lines = 2;
    for (size_t i = 0; i < r->text.n; i++) {
        const char *odd = odd_break(r->text, i);
        if (odd) {
            problem(r->problems, at_line(r, r->first_line + (long)lines - 2),
                    "the line holds %s, which nobody sees; remove it", odd);
            return -1;
        }
        lines += r->text.p[i] == '\n';
    }
    r->line_at = arena_alloc(r->arena, lines * sizeof(*r->line_at));
    r->line_at[r->lines++] = 0;
    for (size_t i = 0; i < r->text.n; i++)
        if (r->text.p[i] == '\n') r->line_at[r->lines++] = i + 1;
    return 0;
}

/* libyaml's columns are characters. */
static size_t byte_of(const Reader *r, yaml_mark_t mark) {
    if (mark.line >= r->lines) return r->text.n;
    size_t at = r->line_at[mark.line];
    if (at == 0 && r->text.n >= 3 && memcmp(r->text.p, "\xef\xbb\xbf", 3) == 0) at = 3;
    for (size_t left = mark.column; left && at < r->text.n; left--) {
        at++;
        while (at < r->text.n && ((unsigned char)r->text.p[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

static int add_key(Reader *r, Node *map, const yaml_event_t *e) {
    Str key = {(const char *)e->data.scalar.value, e->data.scalar.length};
    long line = line_of(r, e->start_mark);
    if (map->n >= YAML_KEYS_MAX) {
        problem(r->problems, at_line(r, line), "more than %d keys in one map", YAML_KEYS_MAX);
        return -1;
    }
    for (const Node *m = map->first; m; m = m->next)
        if (str_eq(m->key, key)) {
            problem(r->problems, at_line(r, line),
                    "`%.*s` is here twice (first in line %ld); remove one of them", STR_ARG(key),
                    m->key_line);
            return -1;
        }
    r->key = arena_str(r->arena, key);
    r->key_line = line;
    r->key_start = byte_of(r, e->start_mark);
    r->has_key = true;
    return 0;
}

/* Hangs `n` where it belongs; opens it when it can have members. */
static int add_node(Reader *r, Node *n) {
    if (r->depth) {
        Node *parent = r->open[r->depth - 1];
        if (parent->kind == NODE_MAP) {
            assert(r->has_key);
            n->key = r->key;
            n->key_line = r->key_line;
            n->key_start = r->key_start;
            r->has_key = false;
        }
        *r->tail[r->depth - 1] = n;
        r->tail[r->depth - 1] = &n->next;
        parent->n++;
    } else {
        r->root = n;
    }
    if (n->kind == NODE_TEXT) {
        n->end = r->end;
        return 0;
    }
    if (r->depth == YAML_DEPTH_MAX) {
        problem(r->problems, at_line(r, n->line), "nested deeper than %d levels", YAML_DEPTH_MAX);
        return -1;
    }
    r->open[r->depth] = n;
    r->tail[r->depth] = &n->first;
    r->depth++;
    return 0;
}

static int wants_plain(Reader *r, const yaml_event_t *e, const yaml_char_t *anchor,
                       const yaml_char_t *tag) {
    if (anchor) {
        problem(r->problems, at_line(r, line_of(r, e->start_mark)),
                "anchors and aliases (`&%s`) are not taken; write it out", (const char *)anchor);
        return -1;
    }
    if (tag) {
        problem(r->problems, at_line(r, line_of(r, e->start_mark)),
                "tags (`%s`) are not taken; remove it", (const char *)tag);
        return -1;
    }
    return 0;
}

static Node *new_node(Reader *r, NodeKind kind, const yaml_event_t *e) {
    Node *n = arena_zalloc(r->arena, sizeof(*n));
    n->kind = kind;
    n->line = line_of(r, e->start_mark);
    n->start = byte_of(r, e->start_mark);
    return n;
}

static int open_node(Reader *r, NodeKind kind, bool flow, const yaml_event_t *e) {
    if (r->depth && r->open[r->depth - 1]->kind == NODE_MAP && !r->has_key) {
        problem(r->problems, at_line(r, line_of(r, e->start_mark)), "a key must be plain text");
        return -1;
    }
    Node *n = new_node(r, kind, e);
    n->flow = flow;
    return add_node(r, n);
}

static int on_scalar(Reader *r, const yaml_event_t *e) {
    r->end = byte_of(r, e->end_mark);
    if (r->depth && r->open[r->depth - 1]->kind == NODE_MAP && !r->has_key)
        return add_key(r, r->open[r->depth - 1], e);
    Str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool nothing = plain && (text.n == 0 || str_is(text, "~") || str_is(text, "null"));
    if (text.n && memchr(text.p, 0, text.n)) {
        problem(r->problems, at_line(r, line_of(r, e->start_mark)), "the text holds a NUL");
        return -1;
    }
    Node *n = new_node(r, NODE_TEXT, e);
    n->text = arena_str(r->arena, text);
    n->block = e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
               e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    if (add_node(r, n) < 0) return -1;
    if (nothing) n->kind = NODE_NOTHING;
    return 0;
}

static void close_node(Reader *r, const yaml_event_t *e) {
    Node *n = r->open[--r->depth];
    /* A block ends where the next thing begins; only a flow has a bracket of its own. */
    if (e->end_mark.index > e->start_mark.index) r->end = byte_of(r, e->end_mark);
    n->end = r->end;
}

/* 1: go on, 0: the end, -1: a problem. */
static int on_event(Reader *r, const yaml_event_t *e) {
    switch (e->type) {
    case YAML_STREAM_END_EVENT:
        return 0;
    case YAML_DOCUMENT_START_EVENT:
        if (r->root) {
            problem(r->problems, at_line(r, line_of(r, e->start_mark)),
                    "a second document begins; put it into a file of its own");
            return -1;
        }
        return 1;
    case YAML_ALIAS_EVENT:
        return wants_plain(r, e, e->data.alias.anchor, NULL) < 0 ? -1 : 1;
    case YAML_SCALAR_EVENT:
        if (wants_plain(r, e, e->data.scalar.anchor, e->data.scalar.tag) < 0) return -1;
        return on_scalar(r, e) < 0 ? -1 : 1;
    case YAML_SEQUENCE_START_EVENT:
        if (wants_plain(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag) < 0)
            return -1;
        return open_node(r, NODE_LIST, e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE,
                         e) < 0
                   ? -1
                   : 1;
    case YAML_MAPPING_START_EVENT:
        if (wants_plain(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag) < 0)
            return -1;
        return open_node(r, NODE_MAP, e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE, e) < 0
                   ? -1
                   : 1;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(r, e);
        return 1;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return 1;
}

static void say_what_libyaml_says(Reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_READER_ERROR) {
        long line = r->first_line;
        for (size_t i = 0; i < p->problem_offset && i < r->text.n; i++)
            line += r->text.p[i] == '\n';
        problem(r->problems, at_line(r, line), "no valid UTF-8 text: %s; save the file as UTF-8",
                p->problem);
        return;
    }
    problem(r->problems, at_line(r, line_of(r, p->problem_mark)), "no valid YAML: %s%s%s",
            p->problem ? p->problem : "?", p->context ? ", " : "", p->context ? p->context : "");
}

static int read_events(Reader *r) {
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r->parser, &e)) {
            say_what_libyaml_says(r);
            return -1;
        }
        int more = on_event(r, &e);
        yaml_event_delete(&e);
        if (more <= 0) return more;
    }
}

const Node *yaml_read(Str text, Str file, long first_line, Arena *arena, Problems *problems) {
    Reader r = {
        .text = text, .file = file, .first_line = first_line, .arena = arena, .problems = problems};
    if (text.n > YAML_BYTES_MAX) {
        problem(problems, at_line(&r, 0), "%zu bytes; at most %d MiB", text.n,
                YAML_BYTES_MAX >> 20);
        return NULL;
    }
    if (count_lines(&r) < 0) return NULL;
    int made = yaml_parser_initialize(&r.parser);
    assert(made); /* it fails for want of memory only */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    int outcome = read_events(&r);
    yaml_parser_delete(&r.parser);
    if (outcome < 0) return NULL;
    if (!r.root) r.root = arena_zalloc(arena, sizeof(*r.root));
    return r.root;
}

const Node *node_member(const Node *map, const char *key) {
    if (!map || map->kind != NODE_MAP) return NULL;
    for (const Node *m = map->first; m; m = m->next)
        if (str_is(m->key, key)) return m;
    return NULL;
}

const char *node_kind_name(const Node *n) {
    static const char *const names[] = {"nothing", "a text", "a list", "a map"};
    return names[n->kind];
}
