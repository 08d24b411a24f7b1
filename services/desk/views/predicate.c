/* Conditions, one after the other; a text of SQL is made of our own words only. */
#include "desk/views/predicate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct Writing {
    const PredicateWho *who;
    PredicateTable table;
    const char *alias;
    Arena *arena;
    Params *p;
    Buf *sql;
} Writing;

static const char *const columns[FACT_FIELDS] = {
    [FACT_CHANNEL] = "channel",
    [FACT_KIND] = "kind",
    [FACT_TIER] = "tier",
    [FACT_REGION] = "region",
    [FACT_PRIORITY] = "priority",
    [FACT_LANGUAGE] = "language",
    [FACT_ORDER] = "order_ref",
    [FACT_PRODUCT] = "product",
    [FACT_BATCH] = "batch",
    [FACT_DEVICE] = "device",
    [FACT_TAGS] = "tags",
    [FACT_SOURCE] = "source_id",
    [FACT_SUBJECT] = "subject",
    [FACT_EXTERNAL_ID] = "external_id",
    [FACT_STATUS] = "status",
    [FACT_DESCRIPTION] = "description",
    [FACT_GROUP] = "group_id",
    [FACT_CATEGORY] = "category",
    [FACT_ASSIGNEE] = "assignee_id",
};

static bool is_negative(ConditionOperator op) {
    return op == CONDITION_NOT_ONE_OF || op == CONDITION_NOT_STARTS_WITH ||
           op == CONDITION_NOT_CONTAINS || op == CONDITION_ABSENT;
}

static ConditionOperator positive(ConditionOperator op) {
    return is_negative(op) ? op - 1 : op;
}

static Str fold(Arena *arena, Str s) { /* ASCII letters in lower case, as everywhere */
    char *copy = arena_strndup(arena, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z') copy[i] = (char)(copy[i] + 32);
    return (Str){copy, s.n};
}

#define FOLDED(expression)                                                                         \
    "translate(" expression ", 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"

static bool is_word_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_ascii(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80) return false;
    return true;
}

/* A folded ASCII keyword as a regular expression with its bounds; everything in it is literal. */
static Str bounded(Arena *arena, Str word) {
    Buf b = {0};
    if (is_word_byte(word.p[0])) buf_adds(&b, "(?<![a-z0-9_])");
    for (size_t i = 0; i < word.n; i++) {
        if (!is_word_byte(word.p[i])) buf_addc(&b, '\\');
        buf_addc(&b, word.p[i]);
    }
    if (is_word_byte(word.p[word.n - 1])) buf_adds(&b, "(?![a-z0-9_])");
    Str pattern = arena_str(arena, buf_str(&b));
    buf_done(&b);
    return pattern;
}

/* The keywords come in two arrays: those that match anywhere, and patterns of those that are
 * bounded. */
static void add_keywords(Writing *w, const Condition *c, int *ret_anywhere, int *ret_bounded) {
    size_t anywhere = 0;
    Str *words = arena_alloc(w->arena, c->values_n * sizeof(*words) + 1);
    for (size_t i = 0; i < c->values_n; i++) {
        words[i] = fold(w->arena, c->values[i]);
        anywhere += !is_ascii(words[i]);
    }
    *ret_anywhere = (int)w->p->n + 1;
    params_array(w->p, PARAM_TEXT, anywhere);
    for (size_t i = 0; i < c->values_n; i++)
        if (!is_ascii(words[i])) params_element_text(w->p, words[i]);
    *ret_bounded = (int)w->p->n + 1;
    params_array(w->p, PARAM_TEXT, c->values_n - anywhere);
    for (size_t i = 0; i < c->values_n; i++)
        if (is_ascii(words[i])) params_element_text(w->p, bounded(w->arena, words[i]));
}

/* `of` is an expression of type text, not null. */
static void write_text(Writing *w, const Condition *c, const char *of) {
    switch (positive(c->op)) {
    case CONDITION_PRESENT:
        buf_printf(w->sql, "%s <> ''", of);
        return;
    case CONDITION_STARTS_WITH:
        buf_printf(w->sql,
                   "EXISTS (SELECT FROM unnest($%d::text[]) v(v) WHERE starts_with(" FOLDED(
                       "%s") ", v.v))",
                   (int)w->p->n + 1, of);
        break;
    case CONDITION_CONTAINS: {
        int anywhere, pattern;
        add_keywords(w, c, &anywhere, &pattern);
        buf_printf(w->sql,
                   "EXISTS (SELECT FROM unnest($%d::text[]) v(v) WHERE strpos(" FOLDED(
                       "%s") ", v.v) > 0)"
                             " OR " FOLDED("%s") " ~ ANY ($%d::text[])",
                   anywhere, of, of, pattern);
        return;
    }
    case CONDITION_ONE_OF:
    case CONDITION_NOT_ONE_OF:
    case CONDITION_NOT_STARTS_WITH:
    case CONDITION_NOT_CONTAINS:
    case CONDITION_ABSENT:
    case CONDITION_OPERATORS:
        buf_printf(w->sql, FOLDED("%s") " = ANY ($%d::text[])", of, (int)w->p->n + 1);
        break;
    }
    params_array(w->p, PARAM_TEXT, c->values_n);
    for (size_t i = 0; i < c->values_n; i++)
        params_element_text(w->p, fold(w->arena, c->values[i]));
}

static size_t numbers_of(const Condition *c, const PredicateWho *who, Arena *arena, int64_t **ret) {
    int64_t *numbers =
        arena_alloc(arena, (c->values_n + who->groups_n * c->values_n) * sizeof(*numbers) + 1);
    size_t n = 0;
    for (size_t i = 0; i < c->values_n; i++) {
        int64_t number;
        if (c->field == FACT_GROUP && str_is(c->values[i], "own")) {
            if (who->groups_n) memcpy(numbers + n, who->groups, who->groups_n * sizeof(*numbers));
            n += who->groups_n;
        } else if (c->field == FACT_ASSIGNEE && str_is(c->values[i], "me")) {
            if (who->user_id) numbers[n++] = who->user_id;
        } else if (str_to_i64(c->values[i], &number) == 0) {
            numbers[n++] = number;
        }
    }
    *ret = numbers;
    return n;
}

/* No number is NULL in the tickets and 0 in the projection. */
static void write_number(Writing *w, const Condition *c) {
    const char *column = columns[c->field];
    if (positive(c->op) == CONDITION_PRESENT) {
        if (w->table == PREDICATE_TICKETS)
            buf_printf(w->sql, "%s.%s IS NOT NULL", w->alias, column);
        else
            buf_printf(w->sql, "%s.%s <> 0", w->alias, column);
        return;
    }
    int64_t *numbers;
    size_t n = numbers_of(c, w->who, w->arena, &numbers);
    buf_printf(w->sql, "%s.%s = ANY ($%d::bigint[])", w->alias, column, (int)w->p->n + 1);
    params_array(w->p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(w->p, numbers[i]);
}

static void write_condition(Writing *w, const Condition *c) {
    const char *column = c->field == FACT_CUSTOM ? "" : columns[c->field];
    char of[64];
    buf_addc(w->sql, '(');
    (void)snprintf(of, sizeof(of), "%s.%s", w->alias, column ? column : "");
    switch (c->field) {
    case FACT_GROUP:
    case FACT_ASSIGNEE:
        write_number(w, c);
        break;
    case FACT_TAGS:
        buf_printf(w->sql, "EXISTS (SELECT FROM unnest(%s) tag(tag) WHERE ", of);
        write_text(w, c, "tag.tag");
        if (positive(c->op) == CONDITION_PRESENT) buf_adds(w->sql, " OR true");
        buf_addc(w->sql, ')');
        break;
    case FACT_SOURCE:
        (void)snprintf(of, sizeof(of), "%s.%s::text", w->alias, column);
        write_text(w, c, of);
        break;
    case FACT_TEXT:
        (void)snprintf(of, sizeof(of), "%s.subject", w->alias);
        write_text(w, c, of);
        buf_adds(w->sql, " OR ");
        (void)snprintf(of, sizeof(of), "%s.description", w->alias);
        write_text(w, c, of);
        break;
    case FACT_CUSTOM:
        (void)snprintf(of, sizeof(of), "coalesce(%s.custom_fields ->> $%d::text, '')", w->alias,
                       (int)w->p->n + 1);
        params_text(w->p, c->custom);
        write_text(w, c, of);
        break;
    case FACT_CHANNEL:
    case FACT_KIND:
    case FACT_TIER:
    case FACT_REGION:
    case FACT_PRIORITY:
    case FACT_LANGUAGE:
    case FACT_ORDER:
    case FACT_PRODUCT:
    case FACT_BATCH:
    case FACT_DEVICE:
    case FACT_EXTERNAL_ID:
    case FACT_SUBJECT:
    case FACT_DESCRIPTION:
    case FACT_STATUS:
    case FACT_CATEGORY:
    case FACT_FIELDS:
        write_text(w, c, of);
        break;
    }
    buf_addc(w->sql, ')');
    if (is_negative(c->op)) buf_adds(w->sql, " IS NOT TRUE");
}

/* As many parameters as a condition takes at most: name, words, patterns, and `text` twice. */
enum { CONDITION_PARAMS = 5 };

int predicate_sql(const Filter *f, const PredicateWho *who, PredicateTable table, const char *alias,
                  Arena *arena, Params *p, Buf *sql) {
    Writing w = {who, table, alias, arena, p, sql};
    if (f->all_n + f->any_n == 0) {
        buf_adds(sql, "(true)");
        return 0;
    }
    buf_addc(sql, '(');
    for (size_t i = 0; i < f->all_n + f->any_n; i++) {
        if (p->n + CONDITION_PARAMS > PARAMS_MAX) return -E2BIG;
        if (i == f->all_n)
            buf_adds(sql, i ? " AND (" : "(");
        else if (i)
            buf_adds(sql, i < f->all_n ? " AND " : " OR ");
        write_condition(&w, i < f->all_n ? &f->all[i] : &f->any[i - f->all_n]);
    }
    buf_adds(sql, f->any_n ? "))" : ")");
    return 0;
}

static PredicateTable table_of(FactField f) {
    switch (f) {
    case FACT_STATUS:
    case FACT_GROUP:
    case FACT_KIND:
    case FACT_CATEGORY:
    case FACT_REGION:
        return PREDICATE_COUNTERS;
    case FACT_ASSIGNEE:
    case FACT_PRIORITY:
    case FACT_EXTERNAL_ID:
        return PREDICATE_INDEX;
    case FACT_CHANNEL:
    case FACT_TIER:
    case FACT_LANGUAGE:
    case FACT_ORDER:
    case FACT_PRODUCT:
    case FACT_BATCH:
    case FACT_DEVICE:
    case FACT_TAGS:
    case FACT_SOURCE:
    case FACT_SUBJECT:
    case FACT_DESCRIPTION:
    case FACT_TEXT:
    case FACT_CUSTOM:
    case FACT_FIELDS:
        break;
    }
    return PREDICATE_TICKETS;
}

PredicateTable predicate_needs(const Filter *f) {
    PredicateTable needs = PREDICATE_COUNTERS;
    for (size_t i = 0; i < f->all_n + f->any_n; i++) {
        PredicateTable t = table_of((i < f->all_n ? &f->all[i] : &f->any[i - f->all_n])->field);
        if (t < needs) needs = t;
    }
    return needs;
}

/* A bit for each state that the condition holds in. */
static unsigned statuses_of(const Condition *c) {
    unsigned named = 0;
    for (size_t i = 0; i < c->values_n; i++) {
        TicketStatus s;
        if (ticket_status_parse(c->values[i], &s) == 0) named |= 1U << s;
    }
    return c->op == CONDITION_ONE_OF ? named : ~named;
}

unsigned predicate_statuses(const Filter *f) {
    unsigned all = ((1U << TICKET_STATUSES) - 1) & ~(1U << TICKET_DELETED | 1U << TICKET_MERGED);
    unsigned any = 0;
    for (size_t i = 0; i < f->all_n; i++)
        if (f->all[i].field == FACT_STATUS &&
            (f->all[i].op == CONDITION_ONE_OF || f->all[i].op == CONDITION_NOT_ONE_OF))
            all &= statuses_of(&f->all[i]);
    for (size_t i = 0; i < f->any_n; i++) {
        bool of_status = f->any[i].field == FACT_STATUS &&
                         (f->any[i].op == CONDITION_ONE_OF || f->any[i].op == CONDITION_NOT_ONE_OF);
        any |= of_status ? statuses_of(&f->any[i]) : ~0U;
    }
    return f->any_n ? all & any : all;
}

bool predicate_groups(const Filter *f, const PredicateWho *who, Arena *arena, const int64_t **ret,
                      size_t *ret_n) {
    for (size_t i = 0; i < f->all_n; i++) {
        if (f->all[i].field != FACT_GROUP || f->all[i].op != CONDITION_ONE_OF) continue;
        int64_t *numbers;
        *ret_n = numbers_of(&f->all[i], who, arena, &numbers);
        *ret = numbers;
        return true;
    }
    return false;
}
