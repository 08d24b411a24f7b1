/* The section `standards`: what is demanded before a state, and the words of replies. */
#include <stdlib.h>

#include "documents/catalog_internal.h"

enum { STANDARDS_MAX = 500, EVIDENCE_MAX = 20, WORDS_MAX = 2000 };

static const Str *read_categories(Compilation *c, const Reading *r, const Node *n, size_t *ret_n) {
    const Str *names = NULL;
    *ret_n = 0;
    if (!shape_texts(r, node_member(n, "categories"), TITLE_BYTES_MAX, VALUES_MAX, c->work, &names,
                     ret_n))
        return NULL;
    Str *kept = arena_alloc(c->c->arena, *ret_n * sizeof(*kept));
    for (size_t i = 0; i < *ret_n; i++)
        kept[i] = keep(c, names[i]);
    return kept;
}

static void read_evidence(Compilation *c, const Reading *r, const Node *n, Standard *s) {
    const Node *list = node_member(n, "evidence");
    if (!list || list->kind == NODE_NOTHING || !shape_list(r, list)) return;
    if (list->n > EVIDENCE_MAX) {
        complain(r, list->line, "%zu pieces of evidence; at most %d", list->n, EVIDENCE_MAX);
        return;
    }
    Evidence *evidence = arena_alloc(c->c->arena, list->n * sizeof(*evidence));
    for (const Node *m = list->first; m; m = m->next) {
        Str class = {NULL, 0}, title = {NULL, 0};
        if (m->kind == NODE_TEXT) {
            class = m->text;
        } else {
            if (!shape_map(r, m)) continue;
            SHAPE_KEYS(r, m, KEY("class"), KEY("title"));
            if (!shape_text(r, m, "class", NAME_BYTES_MAX, &class) ||
                !shape_text(r, m, "title", TITLE_BYTES_MAX, &title))
                continue;
        }
        if (!class.n) {
            complain(r, m->line, "evidence needs a `class`: the class of the attachment");
            continue;
        }
        if (!shape_name(r, m->line, class)) continue;
        Evidence *e = &evidence[s->evidence_n++];
        e->class = keep(c, class);
        e->title = title.n ? keep(c, title) : e->class;
    }
    s->evidence = evidence;
}

typedef struct Words {
    Str *p;
    size_t n, room;
} Words;

static void read_words(Compilation *c, const Reading *r, const Node *reply, const char *key,
                       Words *all, ReplyWords *ret) {
    const Str *words = NULL;
    size_t n = 0;
    const Node *list = node_member(reply, key);
    if (!shape_texts(r, list, 200, WORDS_MAX, c->work, &words, &n)) return;
    if (all->n + n > WORDS_MAX) {
        complain(r, list->line, "more than %d words in all standards", WORDS_MAX);
        return;
    }
    if (all->n + n > all->room) {
        all->room = (all->n + n) * 2;
        Str *larger = arena_alloc(c->work, all->room * sizeof(*larger));
        if (all->n) memcpy(larger, all->p, all->n * sizeof(*larger));
        all->p = larger;
    }
    Str *kept = arena_alloc(c->c->arena, n * sizeof(*kept));
    *ret = (ReplyWords){kept, n, all->n};
    for (size_t i = 0; i < n; i++)
        all->p[all->n++] = kept[i] = keep(c, words[i]);
}

static void read_reply(Compilation *c, const Reading *r, const Node *n, Words *all, Standard *s) {
    const Node *reply = node_member(n, "reply");
    if (!reply || reply->kind == NODE_NOTHING || !shape_map(r, reply)) return;
    SHAPE_KEYS(r, reply, KEY("must"), KEY("must_not"));
    read_words(c, r, reply, "must", all, &s->must);
    read_words(c, r, reply, "must_not", all, &s->must_not);
    for (size_t i = 0; i < s->must.n; i++)
        for (size_t k = 0; k < s->must_not.n; k++)
            if (s->must.n == 1 && str_eq(s->must.words[i], s->must_not.words[k]))
                complain(r, reply->line, "`%.*s` is both demanded and forbidden; remove one",
                         STR_ARG(s->must.words[i]));
}

static void read_standard(Compilation *c, Str file, const Node *n, Intern *names, Words *all) {
    Reading r = {c->problems, file, "standard", {NULL, 0}};
    Standard s = {0};
    if (!take_name(c, &r, n, names, &s.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("kinds"), KEY("categories"), KEY("before"),
               KEY("fields"), KEY("evidence"), KEY("reply"));
    s.title = s.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) s.title = keep(c, title);
    size_t mistakes = c->problems->n;
    s.kinds = read_kind_list(c, &r, n, &s.kinds_n);
    s.categories = read_categories(c, &r, n, &s.categories_n);
    s.before = read_states(c, &r, n, "before");
    s.fields = read_field_list(c, &r, n, &s.fields_n);
    read_evidence(c, &r, n, &s);
    read_reply(c, &r, n, all, &s);
    bool demands = s.fields_n || s.evidence_n;
    if (c->problems->n == mistakes) {
        if (demands && !s.before)
            complain(&r, n->line,
                     "it demands fields or evidence, but not when; add `before: [solved]`");
        else if (!demands && s.before)
            complain(&r, n->line,
                     "`before` without `fields` or `evidence`; say what is demanded, or remove it");
        else if (!demands && !s.must.n && !s.must_not.n)
            complain(&r, n->line,
                     "it demands nothing; give it `fields`, `evidence` or `reply`, or remove it");
    }
    c->c->standards[c->c->standards_n++] = s;
}

void read_standards(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "standards", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > STANDARDS_MAX) {
        complain(&r, s.node->line, "%zu standards; at most %d", s.node->n, STANDARDS_MAX);
        return;
    }
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    Words words = {0};
    c->c->standards = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->standards));
    for (const Node *n = s.node->first; n; n = n->next)
        read_standard(c, s.file, n, names, &words);
    if (c->problems->n || !words.n) return;
    CLEANUP(buf_done) Buf why = {0};
    c->c->words = keywords_new(words.p, words.n, KEYWORDS_FASTEST, &why);
    c->c->words_n = words.n;
    if (!c->c->words) complain(&r, s.node->line, "the words of replies: %s", why.p);
}

/* ---- asking ---- */

size_t catalog_standards(const Catalog *c, const Standard **ret) {
    *ret = c->standards;
    return c->standards_n;
}

static bool lies_in(Str category, Str above) {
    return str_starts(category, above) && (category.n == above.n || category.p[above.n] == '/');
}

bool standard_covers(const Standard *s, Str kind, Str category) {
    bool fits = s->kinds_n == 0, lies = s->categories_n == 0;
    for (size_t i = 0; i < s->kinds_n; i++)
        fits = fits || str_eq(s->kinds[i], kind);
    for (size_t i = 0; i < s->categories_n; i++)
        lies = lies || lies_in(category, s->categories[i]);
    return fits && lies;
}

size_t catalog_words(const Catalog *c) {
    return c->words_n;
}

static void word_found(void *arg, uint32_t word, size_t end) {
    bool *found = arg;
    (void)end;
    found[word] = true;
}

void catalog_find_words(const Catalog *c, Str text, bool *found) {
    memset(found, 0, c->words_n * sizeof(*found));
    if (c->words && text.n) keywords_scan(c->words, text, word_found, found);
}
