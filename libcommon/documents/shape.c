/* Typed members of a Node. */
#include "documents/shape.h"

#include <errno.h>
#include <stdlib.h>

void complain(const Reading *r, long line, const char *fmt, ...) {
    Buf said = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&said, fmt, args);
    va_end(args);
    if (*r->what && r->name.n)
        problem(r->problems, (Place){r->file, line}, "%s `%.*s`: %s", r->what, STR_ARG(r->name),
                said.p);
    else if (*r->what)
        problem(r->problems, (Place){r->file, line}, "%s: %s", r->what, said.p);
    else
        problem(r->problems, (Place){r->file, line}, "%s", said.p);
    buf_done(&said);
}

bool shape_map(const Reading *r, const Node *n) {
    if (n->kind == NODE_MAP) return true;
    complain(r, n->line, "here must be `key: value` lines, not %s", node_kind_name(n));
    return false;
}

bool shape_list(const Reading *r, const Node *n) {
    if (n->kind == NODE_LIST) return true;
    complain(r, n->line, "here must be a list (`- ...` lines), not %s", node_kind_name(n));
    return false;
}

/* 1: there; 0: absent; -1: complained. */
static int text_member(const Reading *r, const Node *map, const char *key, const Node **ret) {
    const Node *n = node_member(map, key);
    if (!n || n->kind == NODE_NOTHING) return 0;
    *ret = n;
    if (n->kind == NODE_TEXT) return 1;
    complain(r, n->key_line, "`%s` must be one value, not %s", key, node_kind_name(n));
    return -1;
}

bool shape_text(const Reading *r, const Node *map, const char *key, size_t bytes_max, Str *ret) {
    const Node *n;
    int there = text_member(r, map, key, &n);
    if (there <= 0) return there == 0;
    if (n->text.n > bytes_max) {
        complain(r, n->line, "`%s` has %zu bytes; at most %zu", key, n->text.n, bytes_max);
        return false;
    }
    if (n->text.n) *ret = n->text;
    return true;
}

bool shape_int(const Reading *r, const Node *map, const char *key, int64_t low, int64_t high,
               int64_t *ret) {
    const Node *n;
    int there = text_member(r, map, key, &n);
    if (there <= 0) return there == 0;
    int64_t v;
    if (str_to_i64(n->text, &v) < 0 || v < low || v > high) {
        complain(r, n->line, "`%s: %.*s`: must be a whole number from %lld to %lld", key,
                 STR_ARG(n->text), (long long)low, (long long)high);
        return false;
    }
    *ret = v;
    return true;
}

bool shape_switch(const Reading *r, const Node *map, const char *key, bool *ret) {
    static const char *const on[] = {"on", "true", "yes"}, *const off[] = {"off", "false", "no"};
    const Node *n;
    int there = text_member(r, map, key, &n);
    if (there <= 0) return there == 0;
    for (size_t i = 0; i < 3; i++)
        if (str_eq_nocase(n->text, str(on[i])) || str_eq_nocase(n->text, str(off[i]))) {
            *ret = str_eq_nocase(n->text, str(on[i]));
            return true;
        }
    complain(r, n->line, "`%s: %.*s`: must be on or off", key, STR_ARG(n->text));
    return false;
}

bool shape_duration(const Reading *r, const Node *map, const char *key, int64_t *ret_ms) {
    const Node *n;
    int there = text_member(r, map, key, &n);
    if (there <= 0) return there == 0;
    int64_t unit = 0, count;
    switch (n->text.n ? n->text.p[n->text.n - 1] : 0) {
    case 's':
        unit = 1000;
        break;
    case 'm':
        unit = 60 * 1000;
        break;
    case 'h':
        unit = 3600 * 1000;
        break;
    case 'd':
        unit = 86400 * 1000;
        break;
    default:
        break;
    }
    const int64_t longest = 365LL * 86400 * 1000;
    if (!unit || str_to_i64((Str){n->text.p, n->text.n - 1}, &count) < 0 || count < 0 ||
        count > longest / unit) {
        complain(r, n->line, "`%s: %.*s`: must be a time such as 90s, 30m, 2h or 1d (at most 365d)",
                 key, STR_ARG(n->text));
        return false;
    }
    *ret_ms = count * unit;
    return true;
}

static int by_bytes(const void *a, const void *b) {
    const Str *x = *(const Str *const *)a, *y = *(const Str *const *)b;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* The second of two equal ones, or NULL. */
static const Str *twice(const Str *texts, size_t n) {
    const Str **sorted = xmalloc((n + 1) * sizeof(void *));
    for (size_t i = 0; i < n; i++)
        sorted[i] = &texts[i];
    qsort(sorted, n, sizeof(void *), by_bytes);
    const Str *found = NULL;
    for (size_t i = 1; i < n && !found; i++)
        if (str_eq(*sorted[i - 1], *sorted[i])) found = sorted[i];
    free(sorted);
    return found;
}

bool shape_texts(const Reading *r, const Node *n, size_t bytes_max, size_t max, Arena *arena,
                 const Str **ret, size_t *ret_n) {
    if (!n || n->kind == NODE_NOTHING) return true;
    if (n->kind == NODE_MAP) {
        complain(r, n->line, "here must be a list of texts, not a map");
        return false;
    }
    size_t count = n->kind == NODE_LIST ? n->n : 1;
    if (count > max) {
        complain(r, n->line, "%zu values; at most %zu", count, max);
        return false;
    }
    Str *texts = arena_alloc(arena, count * sizeof(*texts));
    size_t texts_n = 0;
    bool good = true;
    for (const Node *m = n->kind == NODE_LIST ? n->first : n; m;
         m = n->kind == NODE_LIST ? m->next : NULL) {
        if (m->kind == NODE_LIST || m->kind == NODE_MAP) {
            complain(r, m->line, "here must be one text, not %s", node_kind_name(m));
            good = false;
        } else if (m->kind == NODE_NOTHING || str_trim(m->text).n == 0) {
            complain(r, m->line, "an empty text; remove it or fill it in");
            good = false;
        } else if (m->text.n > bytes_max) {
            complain(r, m->line, "a text of %zu bytes; at most %zu", m->text.n, bytes_max);
            good = false;
        } else {
            texts[texts_n++] = m->text;
        }
    }
    const Str *again = twice(texts, texts_n);
    if (again) {
        complain(r, n->line, "`%.*s` is in the list twice; remove one", STR_ARG(*again));
        good = false;
    }
    *ret = texts;
    *ret_n = texts_n;
    return good;
}

void shape_keys(const Reading *r, const Node *map, const Str *known, size_t n) {
    for (const Node *m = map->first; m; m = m->next) {
        bool found = false;
        for (size_t i = 0; i < n && !found; i++)
            found = str_eq(m->key, known[i]);
        if (found) continue;
        Buf list = {0};
        for (size_t i = 0; i < n; i++)
            buf_printf(&list, "%s%.*s", i ? ", " : "", STR_ARG(known[i]));
        const char *guess = did_you_mean(m->key, known, n);
        complain(r, m->key_line, "unknown key `%.*s`%s%s%s", STR_ARG(m->key), guess,
                 *guess ? "" : "; possible are ", *guess ? "" : list.p);
        buf_done(&list);
    }
}

bool shape_name(const Reading *r, long line, Str name) {
    const char *why = NULL;
    if (!name.n)
        why = "is empty";
    else if (name.n > 128)
        why = "is longer than 128 bytes";
    else if (str_trim(name).n != name.n)
        why = "begins or ends with a blank";
    for (size_t i = 0; i < name.n && !why; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f || strchr(",=\"'\\`", name.p[i]))
            why = "holds a comma, an equals sign, a quote, a backslash or a control character";
    if (why) complain(r, line, "the name %s; choose another", why);
    return !why;
}

uint32_t shape_reference(const Reading *r, long line, const char *what, Str name,
                         const Intern *known) {
    uint32_t number = intern_find(known, name);
    if (number != INTERN_NONE) return number;
    size_t n = intern_count(known);
    Str *names = xmalloc((n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = intern_at(known, (uint32_t)i);
    complain(r, line, "unknown %s `%.*s`%s", what, STR_ARG(name), did_you_mean(name, names, n));
    free(names);
    return INTERN_NONE;
}
