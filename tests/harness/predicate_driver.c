/* Random filters over random tickets: what views/predicate.c says in SQL and what
 * conditions/matcher.c says must be the same. For tests/service/test_desk_predicate.py.
 *
 *   predicate_driver URL SEED FILTERS
 *
 * Prints how much was compared; exit 1 with the first filter that differs. */
#include <stdio.h>
#include <stdlib.h>

#include "conditions/matcher.h"
#include "desk/views/predicate.h"
#include "postgres/session.h"

enum { TICKETS = 80, ME = 1020 };

static uint64_t seed;

static uint64_t roll(uint64_t below) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* Quotes, operators, comments, expressions' letters, both cases, and words within words. */
static const Str pieces[] = {
    STR("refund"), STR("REFUND"), STR("re"),   STR("fund"), STR("s"),           STR(" "),
    STR("退款"),   STR("退"),     STR("清关"), STR("'"),    STR("''"),          STR("\""),
    STR("\\"),     STR("%"),      STR("_"),    STR(";--"),  STR("$1"),          STR("{"),
    STR("}"),      STR(","),      STR("("),    STR(")"),    STR("["),           STR("*"),
    STR("."),      STR("+"),      STR("?"),    STR("|"),    STR("^"),           STR("\n"),
    STR("É"),      STR("ß"),      STR("😀"),    STR("1"),    STR("42"),          STR("/"),
    STR("A"),      STR("a"),      STR("z9"),   STR("NULL"), STR("' OR 1=1 --"),
};

static Str random_text(Arena *a, uint64_t most) {
    Buf b = {0};
    buf_adds(&b, "");
    for (uint64_t n = roll(most + 1); n; n--)
        buf_add_str(&b, pieces[roll(sizeof(pieces) / sizeof(*pieces))]);
    Str s = arena_str(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static Str random_word(Arena *a) {
    Str s;
    do
        s = random_text(a, 2);
    while (!s.n);
    return s;
}

static const Str customs[] = {STR("level"), STR("尺码"), STR("it's"), STR("a\"b")};
static const Str groups[] = {STR("1001"), STR("1002"), STR("1003")};
static const Str agents[] = {STR("1020"), STR("1021")};
static const Str numbers[] = {STR("7"), STR("42")};
static const Str states[] = {STR("new"), STR("assigned"), STR("pending"), STR("solved")};
#define SOME(list) list[roll(sizeof(list) / sizeof(*list))]

static Str random_value(Arena *a, FactField f) {
    if (f == FACT_GROUP) return roll(4) ? SOME(groups) : STR("own");
    if (f == FACT_ASSIGNEE) return roll(3) ? SOME(agents) : STR("me");
    if (f == FACT_STATUS) return SOME(states);
    if (f == FACT_SOURCE) return SOME(numbers);
    return random_word(a);
}

static Condition random_condition(Arena *a) {
    Condition c = {.field = (FactField)roll(FACT_FIELDS)};
    bool number = c.field == FACT_GROUP || c.field == FACT_ASSIGNEE;
    if (c.field == FACT_CUSTOM) c.custom = SOME(customs);
    do
        c.op = (ConditionOperator)roll(CONDITION_OPERATORS);
    while (!condition_operator_fits(c.op, c.field) ||
           (number && c.op != CONDITION_ONE_OF && c.op != CONDITION_NOT_ONE_OF &&
            c.op != CONDITION_PRESENT && c.op != CONDITION_ABSENT));
    if (c.op == CONDITION_PRESENT || c.op == CONDITION_ABSENT) return c;
    c.values_n = 1 + roll(3);
    Str *values = arena_alloc(a, c.values_n * sizeof(*values));
    for (size_t i = 0; i < c.values_n; i++)
        values[i] = random_value(a, c.field);
    c.values = values;
    return c;
}

static const Condition *random_conditions(Arena *a, size_t n) {
    Condition *c = arena_alloc(a, n * sizeof(*c) + 1);
    for (size_t i = 0; i < n; i++)
        c[i] = random_condition(a);
    return c;
}

static const int64_t own[] = {1002, 1003};

/* What the matcher does not know: "own" and "me". */
static Filter plain(Arena *a, const Filter *f) {
    Filter ret = *f;
    Condition *all = arena_alloc(a, (f->all_n + f->any_n) * sizeof(*all) + 1);
    for (size_t i = 0; i < f->all_n + f->any_n; i++) {
        all[i] = i < f->all_n ? f->all[i] : f->any[i - f->all_n];
        Str *values = arena_alloc(a, 2 * all[i].values_n * sizeof(*values) + 1);
        size_t n = 0;
        for (size_t v = 0; v < all[i].values_n; v++) {
            if (all[i].field == FACT_GROUP && str_is(all[i].values[v], "own")) {
                values[n++] = STR("1002");
                values[n++] = STR("1003");
            } else if (all[i].field == FACT_ASSIGNEE && str_is(all[i].values[v], "me")) {
                values[n++] = STR("1020");
            } else {
                values[n++] = all[i].values[v];
            }
        }
        all[i].values = values;
        all[i].values_n = n;
    }
    ret.all = all;
    ret.any = all + f->all_n;
    return ret;
}

typedef struct Ticket {
    Facts facts;
    Str custom[4]; /* by `customs`; absent or a text */
} Ticket;

static const char make[] = "CREATE TEMP TABLE t AS SELECT id, status, priority, kind, category, "
                           "channel, group_id, assignee_id, source_id, "
                           "subject, description, tags, tier, region, order_ref, product, batch, "
                           "device, language, external_id, custom_fields "
                           "FROM ticket.tickets LIMIT 0";
static const char insert[] = "INSERT INTO t (id, status, priority, kind, category, channel, "
                             "group_id, assignee_id, source_id, subject,"
                             " description, tags, tier, region, order_ref, product, batch, device, "
                             "language, external_id, custom_fields) VALUES"
                             " ($1::bigint, $2::text, $3::text, $4::text, $5::text, $6::text, "
                             "$7::bigint, $8::bigint, $9::bigint, $10::text,"
                             " $11::text, $12::text[], $13::text, $14::text, $15::text, $16::text, "
                             "$17::text, $18::text, $19::text, $20::text,"
                             " $21::jsonb)";

static void number_or_null(Params *p, Str s) {
    int64_t v;
    if (str_to_i64(s, &v) == 0)
        params_i64(p, v);
    else
        params_null(p);
}

static int store(PostgresSession *s, Arena *a, int64_t id, Ticket *t, Buf *trouble) {
    static const FactField texts[] = {FACT_PRIORITY, FACT_KIND, FACT_CATEGORY, FACT_CHANNEL};
    static const FactField more[] = {FACT_TIER,  FACT_REGION, FACT_ORDER,    FACT_PRODUCT,
                                     FACT_BATCH, FACT_DEVICE, FACT_LANGUAGE, FACT_EXTERNAL_ID};
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf json = {0};
    Facts *f = &t->facts;
    *t = (Ticket){.custom = {{0}}};
    params_i64(&p, id);
    params_text(&p, f->at[FACT_STATUS] = SOME(states));
    for (size_t i = 0; i < 4; i++)
        params_text(&p, f->at[texts[i]] = random_text(a, 2));
    f->at[FACT_GROUP] = roll(3) ? SOME(groups) : (Str){NULL, 0};
    f->at[FACT_ASSIGNEE] = roll(3) ? SOME(agents) : (Str){NULL, 0};
    number_or_null(&p, f->at[FACT_GROUP]);
    number_or_null(&p, f->at[FACT_ASSIGNEE]);
    number_or_null(&p, f->at[FACT_SOURCE] = SOME(numbers));
    params_text(&p, f->at[FACT_SUBJECT] = random_text(a, 5));
    params_text(&p, f->at[FACT_DESCRIPTION] = random_text(a, 20));
    Str *tags = arena_alloc(a, 3 * sizeof(*tags));
    f->tags_n = roll(4);
    params_array(&p, PARAM_TEXT, f->tags_n);
    for (size_t i = 0; i < f->tags_n; i++)
        params_element_text(&p, tags[i] = random_word(a));
    f->tags = tags;
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        params_text(&p, f->at[more[i]] = random_text(a, 2));
    buf_addc(&json, '{');
    for (size_t i = 0; i < 4; i++) {
        if (!roll(3)) continue;
        t->custom[i] = random_text(a, 2);
        if (json.n > 1) buf_addc(&json, ',');
        buf_add_json(&json, customs[i]);
        buf_addc(&json, ':');
        buf_add_json(&json, t->custom[i]);
    }
    buf_addc(&json, '}');
    params_jsonb(&p, buf_str(&json));
    return postgres_session_run(s, insert, &p, NULL, trouble);
}

static bool same(PostgresSession *s, Arena *a, const Filter *f, Ticket *tickets, Buf *trouble) {
    PredicateWho who = {ME, own, 2};
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf sql = {0};
    Filter wanted = plain(a, f);
    CLEANUP(matcher_freep) Matcher *m = matcher_new(&wanted, 1, KEYWORDS_FASTEST, trouble);
    if (!m) return false;
    buf_adds(&sql, "SELECT t.id FROM t WHERE ");
    int r = predicate_sql(f, &who, PREDICATE_TICKETS, "t", a, &p, &sql);
    if (r < 0) return true; /* too many values for one statement */
    buf_adds(&sql, " ORDER BY t.id");
    const PostgresRows *rows;
    if (postgres_session_run(s, sql.p, &p, &rows, trouble) < 0) {
        (void)printf("%s\n", sql.p);
        return false;
    }
    size_t at = 0;
    const Str *names;
    size_t names_n = matcher_custom(m, &names);
    for (int64_t id = 0; id < TICKETS; id++) {
        Str custom[4] = {{0}};
        for (size_t i = 0; i < names_n; i++)
            for (size_t k = 0; k < 4; k++)
                if (str_eq(names[i], customs[k])) custom[i] = tickets[id].custom[k];
        tickets[id].facts.custom = custom;
        matcher_look(m, &tickets[id].facts);
        bool holds = matcher_next(m, 0) == 0;
        bool found = at < rows_count(rows) && rows_int(rows, at, 0) == id;
        if (found) at++;
        if (holds == found) continue;
        buf_printf(trouble, "ticket %lld: the matcher says %s, PostgreSQL %s\n", (long long)id,
                   holds ? "yes" : "no", found ? "yes" : "no");
        for (size_t i = 0; i < f->all_n + f->any_n; i++) {
            const Condition *c = i < f->all_n ? &f->all[i] : &f->any[i - f->all_n];
            buf_printf(trouble, "  %s %s %s", i < f->all_n ? "all" : "any", fact_name(c->field),
                       condition_operator_name(c->op));
            for (size_t v = 0; v < c->values_n; v++)
                buf_printf(trouble, " <%.*s>", STR_ARG(c->values[v]));
            buf_printf(trouble, " of <%.*s>\n",
                       STR_ARG(c->field < FACT_CUSTOM ? tickets[id].facts.at[c->field] : STR("?")));
        }
        buf_adds(trouble, sql.p);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(arena_freep) Arena *keep = arena_new(0);
    CLEANUP(arena_freep) Arena *work = arena_new(0);
    CLEANUP(buf_done) Buf trouble = {0};
    static Ticket tickets[TICKETS];
    if (argc != 4) return 2;
    seed = strtoull(argv[2], NULL, 10);
    int64_t filters = (int64_t)strtoll(argv[3], NULL, 10);
    bool good = postgres_session_open(argv[1], "predicate_driver", 0, &s, &trouble) == 0 &&
                postgres_session_run(s, make, NULL, NULL, &trouble) == 0;
    for (int64_t id = 0; good && id < TICKETS; id++)
        good = store(s, keep, id, &tickets[id], &trouble) == 0;
    for (int64_t i = 0; good && i < filters; i++) {
        Filter f = {.all_n = roll(4), .any_n = roll(4)};
        arena_reset(work);
        f.all = random_conditions(work, f.all_n);
        f.any = random_conditions(work, f.any_n);
        good = same(s, work, &f, tickets, &trouble);
    }
    (void)printf("%lld filters over %d tickets: %s\n", (long long)filters, TICKETS,
                 good ? "the same" : trouble.p);
    return good ? 0 : 1;
}
