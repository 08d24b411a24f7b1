/* Every different condition is one "atom" with one byte of truth. A look sets the atoms that the
 * facts make true, through tables from value, prefix or keyword to atoms; a filter is then a list
 * of atoms, each wanted true or false. */
#include "conditions/matcher.h"

#include <assert.h>

#include "base/arena.h"
#include "conditions/intern.h"

enum { LANES = FACT_CUSTOM + MATCHER_CUSTOM_MAX }; /* one per field, one per custom name: < 64 */

/* What one value, prefix or keyword says when it is found. */
typedef struct Posting {
    uint64_t lanes; /* where it must be found; used by keywords, which are scanned in one go */
    uint32_t atom;
    uint32_t term; /* its words for the reason */
} Posting;

/* From the number of a value to its postings. */
typedef struct Table {
    Intern *values;
    uint32_t *at; /* postings[at[v]] .. postings[at[v + 1]] */
    Posting *postings;
} Table;

typedef struct Lonely { /* a posting that is tried on every look: prefixes, presence */
    uint32_t lane;
    Str prefix;
    Posting posting;
} Lonely;

/* An atom wanted true, or false: atom << 1 | false. */
typedef uint32_t Wanted;

typedef struct Compiled {
    const Wanted *all, *any;
    uint32_t all_n, any_n;
} Compiled;

typedef struct Segment { /* of the text that is scanned */
    size_t end;
    uint64_t lane;
} Segment;

struct Matcher {
    Arena *arena;
    Compiled *filters;
    size_t filters_n;

    size_t atoms_n;
    Str *denials; /* by atom: the reason when it is wanted false */
    Str *terms;   /* by term: the reason when it made its atom true */

    Table equal[LANES];
    uint32_t lanes_equal[LANES]; /* those with values */
    size_t lanes_equal_n;
    Table words;
    uint64_t lanes_scanned;
    Keywords *keywords;
    Lonely *prefixes, *presences;
    size_t prefixes_n, presences_n;
    uint64_t lanes_used;
    Str *custom;
    size_t custom_n;

    /* the last look */
    uint8_t *truth; /* by atom */
    uint32_t *by;   /* by true atom: the first term, in order of the document, that made it so */
    Buf scanned;
    Segment segments[LANES];
    size_t segments_n;
};

/* ---- Compiling ---- */

typedef struct Pending {
    uint32_t value;
    Posting posting;
} Pending;

typedef struct Growing { /* array of Pending */
    Pending *p;
    size_t n, room;
} Growing;

typedef struct Compiler {
    Matcher *m;
    Arena *arena;
    Intern *atoms, *custom;
    Growing equal[LANES], words;
    Buf terms, denials;      /* arrays of Str */
    Buf prefixes, presences; /* arrays of Lonely */
} Compiler;

static void push(Growing *g, uint32_t value, Posting posting) {
    if (g->n == g->room) {
        g->room = g->room ? g->room * 2 : 16;
        g->p = xrealloc(g->p, g->room * sizeof(*g->p));
    }
    g->p[g->n++] = (Pending){value, posting};
}

static uint64_t bit(uint32_t lane) {
    return (uint64_t)1 << lane;
}

static uint32_t lane_of(Compiler *c, const Condition *condition) {
    if (condition->field != FACT_CUSTOM) return (uint32_t)condition->field;
    return FACT_CUSTOM + intern_add(c->custom, condition->custom);
}

static bool is_negative(ConditionOperator op) {
    return op == CONDITION_NOT_ONE_OF || op == CONDITION_NOT_STARTS_WITH ||
           op == CONDITION_NOT_CONTAINS || op == CONDITION_ABSENT;
}

static ConditionOperator positive(ConditionOperator op) {
    return is_negative(op) ? op - 1 : op;
}

/* A short text of our own and of the document's, ready to stand inside a JSON string. */
static Str json_inside(Arena *arena, const char *text) {
    Buf quoted = {0};
    buf_add_json(&quoted, str(text));
    Str inside = arena_str(arena, (Str){quoted.p + 1, quoted.n - 2});
    buf_done(&quoted);
    return inside;
}

static const char *label(const Condition *c, Arena *arena) {
    if (c->field == FACT_CUSTOM) return arena_printf(arena, "%.*s", STR_ARG(c->custom));
    return fact_label(c->field);
}

static Str term_text(Compiler *c, const Condition *condition, Str value) {
    const char *of = label(condition, c->arena);
    switch (positive(condition->op)) {
    case CONDITION_CONTAINS:
        if (condition->field == FACT_TEXT)
            return json_inside(c->m->arena, arena_printf(c->arena, "关键词 %.*s", STR_ARG(value)));
        return json_inside(c->m->arena, arena_printf(c->arena, "%s含 %.*s", of, STR_ARG(value)));
    case CONDITION_STARTS_WITH:
        return json_inside(c->m->arena,
                           arena_printf(c->arena, "%s以 %.*s 开头", of, STR_ARG(value)));
    case CONDITION_PRESENT:
        return json_inside(c->m->arena, arena_printf(c->arena, "有%s", of));
    case CONDITION_ONE_OF:
    case CONDITION_NOT_ONE_OF:
    case CONDITION_NOT_STARTS_WITH:
    case CONDITION_NOT_CONTAINS:
    case CONDITION_ABSENT:
    case CONDITION_OPERATORS:
        break;
    }
    return json_inside(c->m->arena, arena_printf(c->arena, "%s %.*s", of, STR_ARG(value)));
}

static Str denial_text(Compiler *c, const Condition *condition) {
    ConditionOperator op = positive(condition->op);
    const char *of = label(condition, c->arena);
    if (op == CONDITION_PRESENT)
        return json_inside(c->m->arena, arena_printf(c->arena, "无%s", of));
    Buf text = {0};
    buf_printf(&text, "%s%s", of,
               op == CONDITION_CONTAINS      ? "不含 "
               : op == CONDITION_STARTS_WITH ? "不以此开头 "
                                             : "不是 ");
    for (size_t i = 0; i < condition->values_n && i < 3; i++)
        buf_printf(&text, "%s%.*s", i ? "/" : "", STR_ARG(condition->values[i]));
    if (condition->values_n > 3) buf_adds(&text, "…");
    Str inside = json_inside(c->m->arena, text.p);
    buf_done(&text);
    return inside;
}

static int by_bytes(const void *a, const void *b) {
    const Str *x = a, *y = b;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* The same bytes for conditions that mean the same: lane, operator, sorted values. */
static Str atom_key(Compiler *c, const Condition *condition, uint32_t lane) {
    Str *values = arena_alloc(c->arena, condition->values_n * sizeof(*values) + 1);
    size_t bytes = 2;
    for (size_t i = 0; i < condition->values_n; i++) {
        char *copy = arena_strndup(c->arena, condition->values[i].p, condition->values[i].n);
        for (size_t b = 0; b < condition->values[i].n; b++)
            if (copy[b] >= 'A' && copy[b] <= 'Z') copy[b] = (char)(copy[b] + 32);
        values[i] = (Str){copy, condition->values[i].n};
        bytes += values[i].n + 1;
    }
    qsort(values, condition->values_n, sizeof(*values), by_bytes);
    char *key = arena_alloc(c->arena, bytes);
    size_t n = 0;
    key[n++] = (char)lane;
    key[n++] = (char)positive(condition->op);
    for (size_t i = 0; i < condition->values_n; i++) {
        memcpy(key + n, values[i].p, values[i].n);
        n += values[i].n;
        key[n++] = 0; /* no value holds one */
    }
    return (Str){key, n};
}

static uint32_t add_term(Compiler *c, Str text) {
    buf_add(&c->terms, &text, sizeof(text));
    return (uint32_t)(c->terms.n / sizeof(text)) - 1;
}

static void add_lonely(Compiler *c, Buf *to, uint32_t lane, const Condition *condition, Str value,
                       uint32_t atom) {
    Lonely lonely = {
        .lane = lane,
        .prefix = arena_str(c->m->arena, value),
        .posting = {.atom = atom, .term = add_term(c, term_text(c, condition, value))}};
    buf_add(to, &lonely, sizeof(lonely));
}

static void add_keyword(Compiler *c, uint32_t lane, Str word, Posting posting) {
    posting.lanes = lane == FACT_TEXT ? bit(FACT_SUBJECT) | bit(FACT_DESCRIPTION) : bit(lane);
    c->m->lanes_scanned |= posting.lanes;
    push(&c->words, intern_add(c->m->words.values, word), posting);
}

static Wanted compile_condition(Compiler *c, const Condition *condition) {
    uint32_t lane = lane_of(c, condition);
    if (lane >= LANES) return 0; /* refused by the caller, who counts the names */
    c->m->lanes_used |= bit(lane);
    size_t known = intern_count(c->atoms);
    uint32_t atom = intern_add(c->atoms, atom_key(c, condition, lane));
    Wanted wanted = atom << 1 | is_negative(condition->op);
    if (atom < known) return wanted;

    Str denial = denial_text(c, condition);
    buf_add(&c->denials, &denial, sizeof(denial));
    if (positive(condition->op) == CONDITION_PRESENT) {
        add_lonely(c, &c->presences, lane, condition, (Str){NULL, 0}, atom);
        return wanted;
    }
    for (size_t i = 0; i < condition->values_n; i++) {
        Str value = condition->values[i];
        assert(value.n > 0);
        if (positive(condition->op) == CONDITION_STARTS_WITH) {
            add_lonely(c, &c->prefixes, lane, condition, value, atom);
            continue;
        }
        Posting posting = {.atom = atom, .term = add_term(c, term_text(c, condition, value))};
        if (positive(condition->op) == CONDITION_CONTAINS) {
            add_keyword(c, lane, value, posting);
        } else {
            if (!c->m->equal[lane].values) c->m->equal[lane].values = intern_new(true);
            push(&c->equal[lane], intern_add(c->m->equal[lane].values, value), posting);
        }
    }
    return wanted;
}

static const Wanted *compile_conditions(Compiler *c, const Condition *conditions, size_t n) {
    Wanted *wanted = arena_alloc(c->m->arena, n * sizeof(*wanted));
    for (size_t i = 0; i < n; i++)
        wanted[i] = compile_condition(c, &conditions[i]);
    return wanted;
}

/* Pending postings become the table's, grouped by value and in their order within one. */
static void settle(Compiler *c, Growing *from, Table *to) {
    size_t values = intern_count(to->values);
    to->at = arena_zalloc(c->m->arena, (values + 1) * sizeof(*to->at));
    to->postings = arena_alloc(c->m->arena, from->n * sizeof(*to->postings));
    for (size_t i = 0; i < from->n; i++)
        to->at[from->p[i].value + 1]++;
    for (size_t v = 0; v < values; v++)
        to->at[v + 1] += to->at[v];
    uint32_t *next = arena_alloc(c->arena, (values + 1) * sizeof(*next));
    memcpy(next, to->at, (values + 1) * sizeof(*next));
    for (size_t i = 0; i < from->n; i++)
        to->postings[next[from->p[i].value]++] = from->p[i].posting;
    free(from->p);
    *from = (Growing){0};
}

static void *settle_array(Compiler *c, Buf *from) {
    void *array = arena_alloc(c->m->arena, from->n + 1);
    if (from->n) memcpy(array, from->p, from->n);
    buf_done(from);
    return array;
}

static int compile_keywords(Matcher *m, KeywordEngine engine, Arena *arena, Buf *ret_problem) {
    size_t n = intern_count(m->words.values);
    Str *words = arena_alloc(arena, n * sizeof(*words));
    for (size_t i = 0; i < n; i++)
        words[i] = intern_at(m->words.values, (uint32_t)i);
    m->keywords = keywords_new(words, n, engine, ret_problem);
    return m->keywords ? 0 : -1;
}

static int finish(Compiler *c, KeywordEngine engine, Buf *ret_problem) {
    Matcher *m = c->m;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        if (!m->equal[lane].values) continue;
        settle(c, &c->equal[lane], &m->equal[lane]);
        m->lanes_equal[m->lanes_equal_n++] = lane;
    }
    settle(c, &c->words, &m->words);
    m->prefixes_n = c->prefixes.n / sizeof(Lonely);
    m->presences_n = c->presences.n / sizeof(Lonely);
    m->prefixes = settle_array(c, &c->prefixes);
    m->presences = settle_array(c, &c->presences);
    m->terms = settle_array(c, &c->terms);
    m->denials = settle_array(c, &c->denials);
    m->atoms_n = intern_count(c->atoms);
    m->truth = arena_zalloc(m->arena, m->atoms_n + 1);
    m->by = arena_alloc(m->arena, m->atoms_n * sizeof(*m->by));
    m->custom_n = intern_count(c->custom);
    m->custom = arena_alloc(m->arena, m->custom_n * sizeof(*m->custom));
    for (size_t i = 0; i < m->custom_n; i++)
        m->custom[i] = arena_str(m->arena, intern_at(c->custom, (uint32_t)i));
    if (m->custom_n > MATCHER_CUSTOM_MAX) {
        if (ret_problem)
            buf_printf(ret_problem, "%zu different custom fields; at most %d", m->custom_n,
                       MATCHER_CUSTOM_MAX);
        return -1;
    }
    return compile_keywords(m, engine, c->arena, ret_problem);
}

Matcher *matcher_new(const Filter *filters, size_t n, KeywordEngine engine, Buf *ret_problem) {
    CLEANUP(matcher_freep) Matcher *m = xcalloc(1, sizeof(*m));
    m->arena = arena_new(0);
    m->words.values = intern_new(true);
    m->filters_n = n;
    m->filters = arena_alloc(m->arena, n * sizeof(*m->filters));

    CLEANUP(arena_freep) Arena *work = arena_new(0);
    CLEANUP(intern_freep) Intern *atoms = intern_new(false);
    CLEANUP(intern_freep) Intern *custom = intern_new(false);
    Compiler c = {.m = m, .arena = work, .atoms = atoms, .custom = custom};
    for (size_t i = 0; i < n; i++)
        m->filters[i] = (Compiled){.all = compile_conditions(&c, filters[i].all, filters[i].all_n),
                                   .any = compile_conditions(&c, filters[i].any, filters[i].any_n),
                                   .all_n = (uint32_t)filters[i].all_n,
                                   .any_n = (uint32_t)filters[i].any_n};
    if (finish(&c, engine, ret_problem) < 0) return NULL;
    return TAKE(m);
}

Matcher *matcher_free(Matcher *m) {
    if (!m) return NULL;
    for (size_t i = 0; i < LANES; i++)
        intern_free(m->equal[i].values);
    intern_free(m->words.values);
    keywords_free(m->keywords);
    buf_done(&m->scanned);
    arena_free(m->arena);
    free(m);
    return NULL;
}

size_t matcher_custom(const Matcher *m, const Str **ret) {
    *ret = m->custom;
    return m->custom_n;
}

bool matcher_uses(const Matcher *m, FactField f) {
    if (f == FACT_CUSTOM) return m->custom_n > 0;
    return m->lanes_used & bit((uint32_t)f);
}

/* ---- Looking ---- */

static void hold(Matcher *m, const Posting *p) {
    if (!m->truth[p->atom] || p->term < m->by[p->atom]) m->by[p->atom] = p->term;
    m->truth[p->atom] = 1;
}

static Str lane_value(const Facts *f, uint32_t lane) {
    if (lane < FACT_CUSTOM) return f->at[lane];
    return f->custom ? f->custom[lane - FACT_CUSTOM] : (Str){NULL, 0};
}

static void look_up(Matcher *m, const Table *t, Str value) {
    if (!value.n) return;
    uint32_t number = intern_find(t->values, value);
    if (number == INTERN_NONE) return;
    for (uint32_t i = t->at[number]; i < t->at[number + 1]; i++)
        hold(m, &t->postings[i]);
}

static bool starts_nocase(Str s, Str prefix) {
    return s.n >= prefix.n && str_eq_nocase((Str){s.p, prefix.n}, prefix);
}

static void try_prefix(Matcher *m, const Facts *f, const Lonely *l) {
    if (l->lane == FACT_TAGS) {
        for (size_t i = 0; i < f->tags_n; i++)
            if (starts_nocase(f->tags[i], l->prefix)) {
                hold(m, &l->posting);
                return;
            }
    } else if (starts_nocase(lane_value(f, l->lane), l->prefix)) {
        hold(m, &l->posting);
    }
}

static bool is_present(const Facts *f, uint32_t lane) {
    if (lane == FACT_TAGS) return f->tags_n > 0;
    if (lane == FACT_TEXT) return f->at[FACT_SUBJECT].n || f->at[FACT_DESCRIPTION].n;
    return lane_value(f, lane).n > 0;
}

static void add_segment(Matcher *m, uint32_t lane, Str value) {
    buf_add_str(&m->scanned, value);
    buf_addc(&m->scanned, 0); /* no keyword holds one, so none reaches over a border */
    m->segments[m->segments_n - 1] = (Segment){m->scanned.n, bit(lane)};
}

static void on_keyword(void *arg, uint32_t word, size_t end) {
    Matcher *m = arg;
    const Segment *s = m->segments;
    while (end > s->end)
        s++;
    for (uint32_t i = m->words.at[word]; i < m->words.at[word + 1]; i++)
        if (m->words.postings[i].lanes & s->lane) hold(m, &m->words.postings[i]);
}

static void scan(Matcher *m, const Facts *f) {
    buf_clear(&m->scanned);
    m->segments_n = 0;
    for (uint64_t left = m->lanes_scanned; left; left &= left - 1) {
        uint32_t lane = (uint32_t)__builtin_ctzll(left);
        m->segments_n++;
        m->segments[m->segments_n - 1] = (Segment){m->scanned.n, bit(lane)};
        if (lane == FACT_TAGS)
            for (size_t i = 0; i < f->tags_n; i++)
                add_segment(m, lane, f->tags[i]);
        else
            add_segment(m, lane, lane_value(f, lane));
    }
    keywords_scan(m->keywords, buf_str(&m->scanned), on_keyword, m);
}

void matcher_look(Matcher *m, const Facts *facts) {
    memset(m->truth, 0, m->atoms_n);
    for (size_t i = 0; i < m->lanes_equal_n; i++) {
        uint32_t lane = m->lanes_equal[i];
        if (lane == FACT_TAGS)
            for (size_t t = 0; t < facts->tags_n; t++)
                look_up(m, &m->equal[lane], facts->tags[t]);
        else
            look_up(m, &m->equal[lane], lane_value(facts, lane));
    }
    for (size_t i = 0; i < m->prefixes_n; i++)
        try_prefix(m, facts, &m->prefixes[i]);
    for (size_t i = 0; i < m->presences_n; i++)
        if (is_present(facts, m->presences[i].lane)) hold(m, &m->presences[i].posting);
    if (m->lanes_scanned) scan(m, facts);
}

static bool granted(const Matcher *m, Wanted w) {
    return m->truth[w >> 1] != (w & 1);
}

static bool holds(const Matcher *m, const Compiled *f) {
    for (uint32_t i = 0; i < f->all_n; i++)
        if (!granted(m, f->all[i])) return false;
    for (uint32_t i = 0; i < f->any_n; i++)
        if (granted(m, f->any[i])) return true;
    return f->any_n == 0;
}

size_t matcher_next(const Matcher *m, size_t from) {
    while (from < m->filters_n && !holds(m, &m->filters[from]))
        from++;
    return from;
}

/* ---- Explaining ---- */

static size_t add_words(char *ret, size_t n, size_t room, Str words) {
    static const Str comma = {"，", sizeof("，") - 1};
    if (n + comma.n + words.n > room) return n;
    if (n) {
        memcpy(ret + n, comma.p, comma.n);
        n += comma.n;
    }
    memcpy(ret + n, words.p, words.n);
    return n + words.n;
}

static Str why(const Matcher *m, Wanted w) {
    return w & 1 ? m->denials[w >> 1] : m->terms[m->by[w >> 1]];
}

size_t matcher_explain(const Matcher *m, size_t i, char *ret, size_t room) {
    const Compiled *f = &m->filters[i];
    size_t n = 0;
    for (uint32_t c = 0; c < f->all_n; c++)
        n = add_words(ret, n, room, why(m, f->all[c]));
    for (uint32_t c = 0; c < f->any_n; c++)
        if (granted(m, f->any[c])) {
            n = add_words(ret, n, room, why(m, f->any[c]));
            break;
        }
    return n ? n : add_words(ret, n, room, STR("总是适用"));
}

/* ---- Judging filters without facts ---- */

static bool among_them(Wanted w, const Wanted *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == w) return true;
    return false;
}

static bool all_among(const Wanted *some, size_t some_n, const Wanted *list, size_t n) {
    for (size_t i = 0; i < some_n; i++)
        if (!among_them(some[i], list, n)) return false;
    return true;
}

/* Wherever `b` holds, `a` does: `a` demands no more, and grants `b` each of its choices. */
static bool covers(const Compiled *a, const Compiled *b) {
    if (!all_among(a->all, a->all_n, b->all, b->all_n)) return false;
    if (a->any_n == 0) return true;
    if (b->any_n > 0 && all_among(b->any, b->any_n, a->any, a->any_n)) return true;
    for (size_t i = 0; i < b->all_n; i++)
        if (among_them(b->all[i], a->any, a->any_n)) return true;
    return false;
}

long matcher_covered_by(const Matcher *m, size_t i, const bool *among) {
    for (size_t earlier = 0; earlier < i; earlier++)
        if (among[earlier] && covers(&m->filters[earlier], &m->filters[i])) return (long)earlier;
    return -1;
}

bool matcher_contradicts_itself(const Matcher *m, size_t i) {
    const Compiled *f = &m->filters[i];
    for (uint32_t c = 0; c < f->all_n; c++)
        if (among_them(f->all[c] ^ 1, f->all, f->all_n)) return true;
    return false;
}

MatcherSize matcher_size(const Matcher *m) {
    return (MatcherSize){m->filters_n, m->atoms_n, intern_count(m->words.values),
                         keywords_engine(m->keywords)};
}
