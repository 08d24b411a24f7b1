/* Hyperscan's pure literal compiler, and the plain search that gives the same answers. */
#include "conditions/keywords.h"

#include <assert.h>
#include <hs/hs.h>
#include <malloc.h>

#include "base/arena.h"

typedef struct Word {
    Str text; /* ASCII letters in lower case */
    bool bound_left, bound_right;
} Word;

struct Keywords {
    Arena *arena;
    Word *words;
    size_t n;
    hs_database_t *database; /* NULL: the plain search */
    hs_scratch_t *scratch;
    uint32_t *by_head;     /* plain: numbers of words, grouped by first byte ... */
    uint32_t head_at[257]; /* ... where each group begins */
};

static unsigned char lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool is_word_byte(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

static Word word_of(Arena *arena, Str s) {
    char *copy = arena_strndup(arena, s.p, s.n);
    bool ascii = true;
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80) ascii = false;
        copy[i] = (char)lower(s.p[i]);
    }
    return (Word){.text = {copy, s.n},
                  .bound_left = ascii && is_word_byte(s.p[0]),
                  .bound_right = ascii && is_word_byte(s.p[s.n - 1])};
}

static int compile(Keywords *k, Buf *ret_problem) {
    const char **expressions = arena_alloc(k->arena, k->n * sizeof(*expressions));
    unsigned *flags = arena_alloc(k->arena, k->n * sizeof(*flags));
    unsigned *ids = arena_alloc(k->arena, k->n * sizeof(*ids));
    size_t *lengths = arena_alloc(k->arena, k->n * sizeof(*lengths));
    for (size_t i = 0; i < k->n; i++) {
        expressions[i] = k->words[i].text.p;
        flags[i] = HS_FLAG_CASELESS;
        ids[i] = (unsigned)i;
        lengths[i] = k->words[i].text.n;
    }
    hs_compile_error_t *error = NULL;
    if (hs_compile_lit_multi(expressions, flags, ids, lengths, (unsigned)k->n, HS_MODE_BLOCK, NULL,
                             &k->database, &error) != HS_SUCCESS) {
        if (ret_problem) buf_printf(ret_problem, "Hyperscan: %s", error->message);
        hs_free_compile_error(error);
        return -1;
    }
    if (hs_alloc_scratch(k->database, &k->scratch) != HS_SUCCESS) {
        if (ret_problem) buf_adds(ret_problem, "Hyperscan: no scratch memory");
        return -1;
    }
    if (k->n > 100) (void)malloc_trim(0); /* compiling took some 20 MiB, and keeps none of it */
    return 0;
}

static void group_by_head(Keywords *k) {
    uint32_t next[256];
    for (size_t i = 0; i < k->n; i++)
        k->head_at[(unsigned char)k->words[i].text.p[0] + 1]++;
    for (int c = 0; c < 256; c++) {
        k->head_at[c + 1] += k->head_at[c];
        next[c] = k->head_at[c];
    }
    k->by_head = arena_alloc(k->arena, k->n * sizeof(*k->by_head));
    for (size_t i = 0; i < k->n; i++)
        k->by_head[next[(unsigned char)k->words[i].text.p[0]]++] = (uint32_t)i;
}

Keywords *keywords_new(const Str *words, size_t n, KeywordEngine engine, Buf *ret_problem) {
    CLEANUP(keywords_freep) Keywords *k = xcalloc(1, sizeof(*k));
    k->arena = arena_new(0);
    k->n = n;
    k->words = arena_alloc(k->arena, n * sizeof(*k->words));
    for (size_t i = 0; i < n; i++) {
        assert(words[i].n > 0);
        k->words[i] = word_of(k->arena, words[i]);
    }
    if (n && engine == KEYWORDS_FASTEST && hs_valid_platform() == HS_SUCCESS) {
        if (compile(k, ret_problem) < 0) return NULL;
    } else {
        group_by_head(k);
    }
    return TAKE(k);
}

Keywords *keywords_free(Keywords *k) {
    if (!k) return NULL;
    hs_free_scratch(k->scratch);
    hs_free_database(k->database);
    arena_free(k->arena);
    free(k);
    return NULL;
}

static bool bounded(const Word *w, Str text, size_t end) {
    size_t start = end - w->text.n;
    if (w->bound_left && start > 0 && is_word_byte(text.p[start - 1])) return false;
    return !(w->bound_right && end < text.n && is_word_byte(text.p[end]));
}

typedef struct Scan {
    const Keywords *k;
    Str text;
    KeywordHit hit;
    void *arg;
} Scan;

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg) {
    const Scan *scan = arg;
    (void)from, (void)flags; /* literals have one length: no need to pay for the start */
    if (bounded(&scan->k->words[id], scan->text, (size_t)to)) scan->hit(scan->arg, id, (size_t)to);
    return 0;
}

static bool occurs_at(const Word *w, Str text, size_t start) {
    if (w->text.n > text.n - start) return false;
    for (size_t i = 0; i < w->text.n; i++)
        if (lower(text.p[start + i]) != (unsigned char)w->text.p[i]) return false;
    return bounded(w, text, start + w->text.n);
}

static void scan_plainly(const Keywords *k, Str text, KeywordHit hit, void *arg) {
    for (size_t start = 0; start < text.n; start++) {
        unsigned char head = lower(text.p[start]);
        for (uint32_t i = k->head_at[head]; i < k->head_at[head + 1]; i++)
            if (occurs_at(&k->words[k->by_head[i]], text, start))
                hit(arg, k->by_head[i], start + k->words[k->by_head[i]].text.n);
    }
}

void keywords_scan(Keywords *k, Str text, KeywordHit hit, void *arg) {
    if (!k->n || !text.n) return;
    assert(text.n <= UINT32_MAX);
    if (!k->database) {
        scan_plainly(k, text, hit, arg);
        return;
    }
    Scan scan = {k, text, hit, arg};
    hs_error_t r = hs_scan(k->database, text.p, (unsigned)text.n, 0, k->scratch, on_match, &scan);
    assert(r == HS_SUCCESS); /* anything else is a misuse of ours */
}

const char *keywords_engine(const Keywords *k) {
    return k->database ? "hyperscan" : "plain";
}
