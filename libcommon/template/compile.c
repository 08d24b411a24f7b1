/* A source cut into parts, every name resolved against what is known. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/nearest.h"
#include "template/template_internal.h"

typedef struct Scope { /* the things that names at one level mean */
    const TemplateName *names;
    size_t names_n;
    bool loop, text; /* {{-first}}; {{.}} */
    Str tag;         /* as it was opened, for {{/tag}} */
    size_t part;     /* its PART_SECTION */
    long line;
    Scan scan;      /* where it began */
    uint64_t asked; /* roots that are there inside of it */
} Scope;

typedef struct Compiler {
    Template *t;
    Str source;
    size_t at;
    long line;
    Scope scopes[TEMPLATE_DEPTH_MAX + 1];
    int depth;
    Scan scan;
    size_t room;
    int problems;
    TemplateComplaint complain;
    void *arg;
} Compiler;

static void wrong(Compiler *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void wrong(Compiler *c, const char *fmt, ...) {
    CLEANUP(buf_done) Buf what = {0};
    if (++c->problems > TEMPLATE_PROBLEMS_MAX) return;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&what, fmt, args);
    va_end(args);
    c->complain(c->arg, c->line, what.p);
}

static Part *new_part(Compiler *c, PartKind kind) {
    Template *t = c->t;
    if (t->parts_n == c->room) {
        Part *larger = arena_alloc(t->arena, (c->room * 2 + 16) * sizeof(*larger));
        if (t->parts_n) memcpy(larger, t->parts, t->parts_n * sizeof(*larger));
        t->parts = larger;
        c->room = c->room * 2 + 16;
    }
    Part *p = &t->parts[t->parts_n++];
    *p = (Part){.kind = kind};
    return p;
}

/* ---- Names ---- */

static const TemplateName *find(const TemplateName *names, size_t n, Str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i].name, name)) return &names[i];
    return NULL;
}

enum { CANDIDATES_MAX = 400 };

/* What could have been meant: names of every level, and of the maps among them. */
static void unknown(Compiler *c, Str name) {
    Str candidates[CANDIDATES_MAX];
    size_t n = 0;
    for (int level = c->depth; level >= 0; level--) {
        const Scope *s = &c->scopes[level];
        for (size_t i = 0; i < s->names_n && n < CANDIDATES_MAX; i++) {
            const TemplateName *one = &s->names[i];
            candidates[n++] = one->name;
            for (size_t k = 0; one->kind == TEMPLATE_IS_MAP && k < one->members_n; k++)
                if (n < CANDIDATES_MAX)
                    candidates[n++] = str(arena_printf(c->t->arena, "%.*s.%.*s", STR_ARG(one->name),
                                                       STR_ARG(one->members[k].name)));
        }
    }
    const char *guess = did_you_mean(name, candidates, n);
    if (*guess) {
        wrong(c, "unknown variable `%.*s`%s", STR_ARG(name), guess);
        return;
    }
    CLEANUP(buf_done) Buf possible = {0};
    const Scope *root = &c->scopes[0];
    for (size_t i = 0; i < root->names_n; i++)
        buf_printf(&possible, "%s%.*s", i ? ", " : "", STR_ARG(root->names[i].name));
    wrong(c, "unknown variable `%.*s`; possible are %s", STR_ARG(name),
          possible.n ? possible.p : "none");
}

static bool loop_word(Compiler *c, Str name, Part *p) {
    p->word = str_is(name, "-first") ? LOOP_FIRST : LOOP_LAST;
    p->is = TEMPLATE_IS_FLAG;
    for (p->level = c->depth; p->level > 0 && !c->scopes[p->level].loop; p->level--)
        ;
    if (p->level > 0) return true;
    wrong(c, "`%.*s` has a meaning inside of a loop only", STR_ARG(name));
    return false;
}

static bool itself(Compiler *c, Part *p) {
    p->level = c->depth;
    p->is = TEMPLATE_IS_TEXT;
    if (c->scopes[c->depth].text) return true;
    wrong(c, "`.` is an item that is a text; there is none here");
    return false;
}

/* A root that is asked for where it may be absent is one that is needed. */
static void note_root(Compiler *c, const TemplateName *name, bool asks) {
    uint64_t bit = UINT64_C(1) << (size_t)(name - c->scopes[0].names);
    c->t->uses |= bit;
    for (int level = c->depth; level > 0 && !asks; level--)
        asks = c->scopes[level].asked & bit;
    if (!asks) c->t->needs |= bit;
}

/* Fills where the value comes from; false, having complained. *ret_name NULL: not of a name. */
static bool resolve(Compiler *c, Str name, bool asks, Part *p, const TemplateName **ret_name) {
    *ret_name = NULL;
    if (str_is(name, ".")) return itself(c, p);
    if (str_is(name, "-first") || str_is(name, "-last")) return loop_word(c, name, p);
    const TemplateName *found = NULL;
    Str rest, first = str_cut(name, '.', &rest);
    for (p->level = c->depth; p->level >= 0; p->level--)
        if ((found = find(c->scopes[p->level].names, c->scopes[p->level].names_n, first))) break;
    if (!found) {
        unknown(c, name);
        return false;
    }
    if (p->level == 0) note_root(c, found, asks && !rest.p);
    p->path[p->path_n++] = found->name;
    p->is = found->kind;
    while (rest.p) {
        Str next = str_cut(rest, '.', &rest);
        if (found->kind == TEMPLATE_IS_OPEN && next.n && p->path_n < PATH_MAX_NAMES && !rest.p) {
            p->path[p->path_n++] = next;
            p->is = TEMPLATE_IS_TEXT;
            *ret_name = NULL;
            return true;
        }
        if (found->kind == TEMPLATE_IS_MAP)
            found = find(found->members, found->members_n, next);
        else
            found = NULL;
        if (!found || p->path_n == PATH_MAX_NAMES) {
            unknown(c, name);
            return false;
        }
        p->path[p->path_n++] = found->name;
        p->is = found->kind;
    }
    *ret_name = found;
    return true;
}

/* ---- Tags ---- */

static void on_value(Compiler *c, Str name) {
    Part p = {.kind = PART_VALUE};
    const TemplateName *known;
    const char *why;
    if (!resolve(c, name, false, &p, &known)) return;
    if (p.is == TEMPLATE_IS_MAP || p.is == TEMPLATE_IS_OPEN || p.is == TEMPLATE_IS_LIST) {
        bool list = p.is == TEMPLATE_IS_LIST;
        wrong(c, "`%.*s` is a %s; write {{#%.*s}} ... {{/%.*s}}%s", STR_ARG(name),
              list ? "list" : "map", STR_ARG(name), STR_ARG(name),
              list ? "" : ", or name a member of it");
        return;
    }
    if (scan_value(&c->scan, p.is, &p.place, &why) < 0)
        wrong(c, "`%.*s`: %s", STR_ARG(name), why);
    else
        *new_part(c, PART_VALUE) = p;
}

/* What names mean inside of a section. */
static void enter(Compiler *c, Str tag, const Part *p, const TemplateName *known) {
    Scope *s = &c->scopes[++c->depth];
    *s = (Scope){.tag = tag, .part = c->t->parts_n - 1, .line = c->line, .scan = c->scan};
    if (p->inverted) return;
    s->loop = p->is == TEMPLATE_IS_LIST;
    s->text = p->is == TEMPLATE_IS_TEXT || (s->loop && known && !known->members_n);
    if (known && (p->is == TEMPLATE_IS_MAP || p->is == TEMPLATE_IS_LIST)) {
        s->names = known->members;
        s->names_n = known->members_n;
    }
    if (known && p->level == 0 && p->path_n == 1)
        s->asked = UINT64_C(1) << (size_t)(known - c->scopes[0].names);
}

static void on_section(Compiler *c, Str name, bool inverted) {
    Part p = {.kind = PART_SECTION, .inverted = inverted};
    const TemplateName *known = NULL;
    if (c->depth == TEMPLATE_DEPTH_MAX) {
        wrong(c, "sections in sections deeper than %d; make it simpler", TEMPLATE_DEPTH_MAX);
        c->at = c->source.n; /* what follows would only complain of its end */
        return;
    }
    if (!resolve(c, name, true, &p, &known)) p.is = TEMPLATE_IS_FLAG; /* said; its end is awaited */
    *new_part(c, PART_SECTION) = p;
    enter(c, name, &p, known);
}

static void on_close(Compiler *c, Str name) {
    if (c->depth == 0) {
        wrong(c, "{{/%.*s}} closes nothing; remove it, or open {{#%.*s}} before", STR_ARG(name),
              STR_ARG(name));
        return;
    }
    const Scope *s = &c->scopes[c->depth];
    if (!str_eq(s->tag, name))
        wrong(c, "{{/%.*s}} where {{#%.*s}} of line %ld is open; close that first", STR_ARG(name),
              STR_ARG(s->tag), s->line);
    else if (!scan_same(&s->scan, &c->scan))
        wrong(c,
              "{{/%.*s}} stands in another place (tag, quotes) than its {{#%.*s}}; put the "
              "whole element or string inside",
              STR_ARG(name), STR_ARG(name));
    c->t->parts[s->part].end = c->t->parts_n;
    c->depth--;
}

static void on_tag(Compiler *c, Str tag) {
    char sign = tag.n ? tag.p[0] : 0;
    bool section = sign == '#' || sign == '^' || sign == '/';
    Str name = str_trim(section ? (Str){tag.p + 1, tag.n - 1} : tag);
    if (sign == '!') return;
    if (sign == '{' || sign == '&')
        wrong(c,
              "`{{%c` would write a value unescaped, which is never done; write {{...}} (and a "
              "blank between it and a brace)",
              sign);
    else if (sign == '>')
        wrong(c, "`{{>` would include another template, which is not done; write it out");
    else if (sign == '=')
        wrong(c, "`{{=` would change the braces, which is not done");
    else if (!name.n)
        wrong(c, "a tag without a name");
    else if (name.n > TEMPLATE_NAME_MAX || memchr(name.p, '\n', name.n) ||
             memchr(name.p, '{', name.n))
        wrong(c, "a tag that is no name; is `}}` missing?");
    else if (sign == '/')
        on_close(c, name);
    else if (section)
        on_section(c, name, sign == '^');
    else
        on_value(c, name);
}

/* ---- The source ---- */

static void words(Compiler *c, size_t from, size_t to) {
    if (to <= from) return;
    Str s = {c->source.p + from, to - from};
    const char *why = scan_words(&c->scan, s);
    if (why) wrong(c, "%s", why);
    new_part(c, PART_WORDS)->words = s;
}

static bool only_blanks(Str s, size_t from, size_t to) {
    while (from < to && (s.p[from] == ' ' || s.p[from] == '\t'))
        from++;
    return from == to;
}

/* A section's or remark's tag alone on its line: the line's bounds instead of the tag's. */
static void widen(const Compiler *c, size_t *open, size_t *close) {
    size_t from = *open, to = *close;
    if (!strchr("#^/!", c->source.p[*open + 2])) return;
    while (from > 0 && c->source.p[from - 1] != '\n')
        from--;
    while (to < c->source.n && c->source.p[to] != '\n')
        to++;
    if (!only_blanks(c->source, from, *open) || !only_blanks(c->source, *close, to)) return;
    *open = from;
    *close = to < c->source.n ? to + 1 : to;
}

static size_t seek(Str s, size_t from, const char *two) {
    for (size_t i = from; i + 1 < s.n; i++)
        if (s.p[i] == two[0] && s.p[i + 1] == two[1]) return i;
    return s.n;
}

static void count_lines(Compiler *c, size_t from, size_t to) {
    for (; from < to; from++)
        c->line += c->source.p[from] == '\n';
}

static void compile(Compiler *c) {
    while (c->at < c->source.n && c->problems < TEMPLATE_PROBLEMS_MAX) {
        size_t open = seek(c->source, c->at, "{{"), close, from = open;
        if (open == c->source.n) {
            words(c, c->at, open);
            break;
        }
        if (c->t->parts_n + 2 > TEMPLATE_PARTS_MAX) {
            wrong(c, "more than %d tags and texts; make it simpler", TEMPLATE_PARTS_MAX);
            return;
        }
        close = seek(c->source, open + 2, "}}");
        if (close == c->source.n) {
            count_lines(c, c->at, open);
            wrong(c, "`{{` without its `}}`");
            return;
        }
        Str tag = {c->source.p + open + 2, close - open - 2};
        size_t behind = close + 2;
        widen(c, &from, &behind);
        if (from < c->at) from = c->at;
        words(c, c->at, from);
        count_lines(c, c->at, open);
        c->at = behind;
        on_tag(c, str_trim(tag));
        count_lines(c, open, behind);
    }
}

Template *template_compile(Str source, TemplateEscape escape, const TemplateName *known,
                           size_t known_n, TemplateComplaint complain, void *arg) {
    Compiler c = {.line = 1, .complain = complain, .arg = arg, .scan = {.escape = escape}};
    CLEANUP(template_freep) Template *t = xcalloc(1, sizeof(*t));
    t->arena = arena_new(0);
    t->escape = escape;
    c.t = t;
    c.scopes[0] = (Scope){.names = known,
                          .names_n = known_n < TEMPLATE_NAMES_MAX ? known_n : TEMPLATE_NAMES_MAX};
    if (source.n > TEMPLATE_BYTES_MAX) {
        wrong(&c, "%zu bytes; at most %d KiB", source.n, TEMPLATE_BYTES_MAX >> 10);
        return NULL;
    }
    if (!str_is_text(source)) {
        wrong(&c, "it is no UTF-8 text");
        return NULL;
    }
    while (escape == TEMPLATE_HEADER && source.n && source.p[source.n - 1] == '\n')
        source.n--;
    c.source = arena_str(t->arena, source);
    compile(&c);
    if (!c.problems && c.depth) {
        const Scope *s = &c.scopes[c.depth];
        c.line = s->line;
        wrong(&c, "{{#%.*s}} is never closed; write {{/%.*s}} where it ends", STR_ARG(s->tag),
              STR_ARG(s->tag));
    }
    if (!c.problems && !scan_at_rest(&c.scan))
        wrong(&c, "it ends inside of %s; close it",
              escape == TEMPLATE_JSON ? "a JSON string" : "a tag or remark");
    return c.problems ? NULL : TAKE(t);
}

Template *template_free(Template *t) {
    if (!t) return NULL;
    arena_free(t->arena);
    free(t);
    return NULL;
}

TemplateEscape template_escape(const Template *t) {
    return t->escape;
}

uint64_t template_uses(const Template *t) {
    return t->uses;
}

uint64_t template_needs(const Template *t) {
    return t->needs;
}
