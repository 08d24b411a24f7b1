/* Terms of a text, counted once each; of a group, sorted and counted. */
#include "radar/telling.h"

#include <math.h>
#include <xxhash.h>

#include "radar/tokens.h"

enum {
    ROW = 1 << 17, /* counters, twice */
    TERMS_MAX = 2048,
    RUN_MAX = 4,
    NAME_BYTES = 36, /* 12 characters */
    FULL = 1 << 22   /* distinct (text, term) pairs for each counter, before all is halved */
};

struct Background {
    uint32_t counts[2][ROW];
    uint64_t texts, added;
};

typedef struct Term {
    uint64_t hash;
    uint32_t text; /* which of the group */
    uint8_t n;
    char bytes[TOKEN_BYTES_MAX];
} Term;

/* ---- Terms of a text ---- */

static int by_hash(const void *a, const void *b) {
    const Term *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->text > y->text) - (x->text < y->text);
}

static void put(Term *terms, size_t *n, const char *bytes, size_t bytes_n) {
    if (*n == TERMS_MAX || bytes_n > TOKEN_BYTES_MAX) return;
    Term *t = &terms[(*n)++];
    t->hash = XXH3_64bits(bytes, bytes_n);
    t->text = 0;
    t->n = (uint8_t)bytes_n;
    memcpy(t->bytes, bytes, bytes_n);
}

/* Each once, sorted by hash; the count. `terms` has room for TERMS_MAX. */
static size_t terms_of(Str text, Term *terms) {
    Token run[RUN_MAX], t;
    size_t n = 0, held = 0, once = 0;
    if (text.n > TELLING_BYTES_MAX) text.n = TELLING_BYTES_MAX;
    while (token_next(&text, &t)) {
        if (!t.single || !t.joined) held = 0;
        if (!t.single) {
            if (t.n > 1) put(terms, &n, t.text, t.n);
            continue;
        }
        if (held == RUN_MAX) {
            memmove(run, run + 1, (RUN_MAX - 1) * sizeof(*run));
            held--;
        }
        run[held++] = t;
        for (size_t from = 0; from + 1 < held; from++) { /* every run that ends here */
            char bytes[RUN_MAX * TOKEN_BYTES_MAX];
            size_t bytes_n = 0;
            for (size_t i = from; i < held; i++) {
                memcpy(bytes + bytes_n, run[i].text, run[i].n);
                bytes_n += run[i].n;
            }
            put(terms, &n, bytes, bytes_n);
        }
    }
    qsort(terms, n, sizeof(*terms), by_hash);
    for (size_t i = 0; i < n; i++)
        if (!i || terms[i].hash != terms[i - 1].hash) terms[once++] = terms[i];
    return once;
}

/* ---- The background ---- */

Background *background_new(void) {
    return xcalloc(1, sizeof(Background));
}

Background *background_free(Background *b) {
    free(b);
    return NULL;
}

static void halve(Background *b) {
    for (size_t i = 0; i < ROW; i++) {
        b->counts[0][i] /= 2;
        b->counts[1][i] /= 2;
    }
    b->texts /= 2;
    b->added /= 2;
}

static uint32_t counted(const Background *b, uint64_t hash) {
    uint32_t one = b->counts[0][hash % ROW], other = b->counts[1][(hash >> 32) % ROW];
    return one < other ? one : other;
}

void background_add(Background *b, Str text) {
    CLEANUP(mem_freep) Term *terms = xmalloc(TERMS_MAX * sizeof(*terms));
    size_t n = terms_of(text, terms);
    if (b->added > (uint64_t)FULL * 4) halve(b);
    b->texts++;
    b->added += n;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = terms[i].hash;
        uint32_t now = counted(b, hash) + 1;
        uint32_t *one = &b->counts[0][hash % ROW], *other = &b->counts[1][(hash >> 32) % ROW];
        if (*one < now) *one = now;
        if (*other < now) *other = now;
    }
}

uint64_t background_texts(const Background *b) {
    return b->texts;
}

/* ---- A name ---- */

typedef struct Candidate {
    const Term *term;
    double score;
} Candidate;

static int by_score(const void *a, const void *b) {
    const Candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->term->n != y->term->n) return x->term->n > y->term->n ? -1 : 1;
    return memcmp(x->term->bytes, y->term->bytes, x->term->n);
}

typedef struct Name {
    size_t n;
    char bytes[TOKEN_BYTES_MAX];
} Name;

static Str name_str(const Name *name) {
    return (Str){name->bytes, name->n};
}

/* Two neighbouring characters of one stand in the other, or a word in a word. */
static bool overlaps(Str a, Str b) {
    Str rest = a;
    Token before, t;
    if (!token_next(&rest, &before)) return false;
    if (!before.single) return memmem(b.p, b.n, a.p, a.n) || memmem(a.p, a.n, b.p, b.n);
    for (; token_next(&rest, &t); before = t) {
        char two[2 * TOKEN_BYTES_MAX];
        memcpy(two, before.text, before.n);
        memcpy(two + before.n, t.text, t.n);
        if (memmem(b.p, b.n, two, before.n + t.n)) return true;
    }
    return false;
}

/* The character next to the first `name` in a text, of a script without spaces; absent: none. */
static Str neighbour(Str text, Str name, bool behind) {
    const char *at = memmem(text.p, text.n, name.p, name.n);
    Token t;
    if (!at) return (Str){NULL, 0};
    Str rest = {at + name.n, (size_t)(text.p + text.n - at) - name.n};
    const char *start = at;
    if (!behind) {
        while (start > text.p && ((unsigned char)*--start & 0xc0) == 0x80)
            ;
        rest = (Str){start, (size_t)(at - start)};
    }
    size_t room = rest.n;
    if (!token_next(&rest, &t) || !t.single || !t.joined) return (Str){NULL, 0};
    const char *from = behind ? at + name.n : start;
    return behind || t.n == room ? (Str){from, t.n} : (Str){NULL, 0};
}

/* Characters that stand on one side of it in four of five texts are a part of it. False: none. */
static bool extend(Name *name, const Str *texts, size_t n, bool behind) {
    size_t have = 0, votes = 0, same = 0;
    Str most = {NULL, 0};
    for (size_t i = 0; i < n; i++) { /* Boyer and Moore's majority */
        Str one = neighbour(texts[i], name_str(name), behind);
        have += memmem(texts[i].p, texts[i].n, name->bytes, name->n) != NULL;
        if (!one.n) continue;
        if (!votes) most = one;
        if (str_eq(one, most))
            votes++;
        else
            votes--;
    }
    for (size_t i = 0; i < n; i++)
        same += most.n && str_eq(neighbour(texts[i], name_str(name), behind), most);
    if (same < 2 || same * 5 < have * 4 || name->n + most.n > NAME_BYTES) return false;
    if (memmem(name->bytes, name->n, most.p, most.n)) return false; /* 好好好好, 很好很好 */
    if (!behind) memmove(name->bytes + most.n, name->bytes, name->n);
    memcpy(behind ? name->bytes + name->n : name->bytes, most.p, most.n);
    name->n += most.n;
    return true;
}

static Name named_by(const Term *term, const Str *texts, size_t n) {
    Name name = {.n = term->n};
    Str rest = {term->bytes, term->n};
    Token t;
    memcpy(name.bytes, term->bytes, term->n);
    if (!token_next(&rest, &t) || !t.single) return name;
    while (extend(&name, texts, n, true) || extend(&name, texts, n, false))
        ;
    return name;
}

/* Terms that half of the texts and at least two (where there are two) have. */
static size_t shared(const Background *b, const Term *terms, size_t n, size_t texts,
                     Candidate *ret) {
    size_t found = 0, least = (texts + 1) / 2;
    if (least < 2) least = texts < 2 ? texts : 2;
    for (size_t i = 0, same; i < n; i += same) {
        for (same = 1; i + same < n && terms[i + same].hash == terms[i].hash;)
            same++;
        if (same < least) continue;
        double share = (double)same / (double)texts;
        double elsewhere = (counted(b, terms[i].hash) + 0.5) / ((double)b->texts + 1);
        if (share <= elsewhere) continue;
        ret[found++] = (Candidate){&terms[i], share * log(share / elsewhere)};
    }
    return found;
}

void background_name(const Background *b, const Str *texts, size_t n, Buf *ret) {
    if (n > TELLING_TEXTS_MAX) n = TELLING_TEXTS_MAX;
    CLEANUP(mem_freep) Term *terms = xmalloc((n + 1) * TERMS_MAX * sizeof(*terms));
    size_t all = 0, named = 0;
    for (size_t i = 0; i < n; i++) {
        size_t more = terms_of(texts[i], terms + all);
        for (size_t k = 0; k < more; k++)
            terms[all + k].text = (uint32_t)i;
        all += more;
    }
    qsort(terms, all, sizeof(*terms), by_hash);
    CLEANUP(mem_freep) Candidate *best = xcalloc(all + 1, sizeof(*best));
    size_t found = shared(b, terms, all, n, best);
    qsort(best, found, sizeof(*best), by_score);
    Name chosen[TELLING_TERMS];
    for (size_t i = 0; i < found && named < TELLING_TERMS; i++) {
        Str term = {best[i].term->bytes, best[i].term->n};
        bool says_again = false;
        for (size_t k = 0; k < named; k++)
            says_again |= overlaps(term, name_str(&chosen[k]));
        if (says_again) continue;
        Name longer = named_by(best[i].term, texts, n);
        for (size_t k = 0; k < named; k++)
            says_again |= overlaps(name_str(&longer), name_str(&chosen[k]));
        if (says_again) continue;
        if (named) buf_addc(ret, ' ');
        chosen[named++] = longer;
        buf_add_str(ret, name_str(&longer));
    }
}
