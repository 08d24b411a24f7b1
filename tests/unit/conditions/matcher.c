/* What a matcher promises: the same answers as reading every rule over every field, only faster. */
#include "conditions/matcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"

/* ---- The oracle: conditions read one by one, with nothing compiled ---- */

static bool word_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool contains(Str text, Str word) {
    bool ascii = true;
    for (size_t i = 0; i < word.n; i++)
        ascii = ascii && (unsigned char)word.p[i] < 0x80;
    for (size_t at = 0; at + word.n <= text.n; at++) {
        if (!str_eq_nocase((Str){text.p + at, word.n}, word)) continue;
        size_t end = at + word.n;
        bool left = ascii && word_byte(word.p[0]) && at > 0 && word_byte(text.p[at - 1]);
        bool right =
            ascii && word_byte(word.p[word.n - 1]) && end < text.n && word_byte(text.p[end]);
        if (!left && !right) return true;
    }
    return false;
}

static bool value_fits(ConditionOperator op, Str value, Str wanted) {
    switch (op) {
    case CONDITION_ONE_OF:
    case CONDITION_NOT_ONE_OF:
        return value.n && str_eq_nocase(value, wanted);
    case CONDITION_STARTS_WITH:
    case CONDITION_NOT_STARTS_WITH:
        return value.n >= wanted.n && str_eq_nocase((Str){value.p, wanted.n}, wanted);
    case CONDITION_CONTAINS:
    case CONDITION_NOT_CONTAINS:
        return contains(value, wanted);
    case CONDITION_PRESENT:
    case CONDITION_ABSENT:
    case CONDITION_OPERATORS:
        break;
    }
    return false;
}

/* The values a field has: several for tags and text. */
static size_t values_of(const Facts *f, const Condition *c, const Matcher *m, Str *ret) {
    size_t n = 0;
    if (c->field == FACT_TAGS) {
        for (; n < f->tags_n; n++)
            ret[n] = f->tags[n];
    } else if (c->field == FACT_TEXT) {
        ret[n++] = f->at[FACT_SUBJECT];
        ret[n++] = f->at[FACT_DESCRIPTION];
    } else if (c->field == FACT_CUSTOM) {
        const Str *names;
        for (size_t i = 0; i < matcher_custom(m, &names); i++)
            if (f->custom && str_eq(names[i], c->custom)) ret[n++] = f->custom[i];
    } else {
        ret[n++] = f->at[c->field];
    }
    return n;
}

static bool naive_condition(const Facts *f, const Condition *c, const Matcher *m) {
    Str values[16];
    size_t n = values_of(f, c, m, values);
    bool found = false;
    for (size_t v = 0; v < n; v++) {
        if (c->op == CONDITION_PRESENT || c->op == CONDITION_ABSENT) found = found || values[v].n;
        for (size_t w = 0; w < c->values_n; w++)
            found = found || value_fits(c->op, values[v], c->values[w]);
    }
    bool negative = c->op == CONDITION_NOT_ONE_OF || c->op == CONDITION_NOT_STARTS_WITH ||
                    c->op == CONDITION_NOT_CONTAINS || c->op == CONDITION_ABSENT;
    return found != negative;
}

static bool naive_filter(const Facts *f, const Filter *filter, const Matcher *m) {
    for (size_t i = 0; i < filter->all_n; i++)
        if (!naive_condition(f, &filter->all[i], m)) return false;
    for (size_t i = 0; i < filter->any_n; i++)
        if (naive_condition(f, &filter->any[i], m)) return true;
    return filter->any_n == 0;
}

/* ---- Random rules and texts from a small world, so that things meet ---- */

static uint64_t dice;

static uint32_t roll(uint32_t sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % sides;
}

static const char *const bits[] = {"退款",   "退",   "款",   "清关",   "关",  "VIP",    "vip",
                                   "refund", "fund", "re",   "Refund", "c++", "iphone", "15",
                                   "，",     " ",    "_",    "-",      "a",   "A",      "手机",
                                   "机",     "包裹", "裹。", "x",      "us",  "eu"};
enum { BITS = sizeof(bits) / sizeof(*bits) };

static Str random_text(Arena *arena, uint32_t most) {
    Buf text = {0};
    for (uint32_t n = roll(most + 1); n; n--)
        buf_adds(&text, bits[roll(BITS)]);
    Str s = text.n ? arena_str(arena, buf_str(&text)) : (Str){NULL, 0};
    buf_done(&text);
    return s;
}

static Str random_word(Arena *arena) {
    Str s;
    do
        s = random_text(arena, 2);
    while (!s.n);
    return s;
}

static Condition random_condition(Arena *arena) {
    static const Str names[] = {{"color", 5}, {"size", 4}, {"尺码", 6}};
    Condition c = {.field = (FactField)roll(FACT_FIELDS)};
    if (c.field == FACT_CUSTOM) c.custom = names[roll(3)];
    do
        c.op = (ConditionOperator)roll(CONDITION_OPERATORS);
    while (!condition_operator_fits(c.op, c.field));
    if (c.op == CONDITION_PRESENT || c.op == CONDITION_ABSENT) return c;
    Str *values = arena_alloc(arena, 4 * sizeof(*values));
    c.values_n = 1 + roll(4);
    for (size_t i = 0; i < c.values_n; i++)
        values[i] = random_word(arena);
    c.values = values;
    return c;
}

static const Condition *random_conditions(Arena *arena, size_t n) {
    Condition *conditions = arena_alloc(arena, n * sizeof(*conditions) + 1);
    for (size_t i = 0; i < n; i++)
        conditions[i] = random_condition(arena);
    return conditions;
}

static void random_filters(Arena *arena, Filter *ret, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ret[i].all_n = roll(4);
        ret[i].any_n = roll(4);
        ret[i].all = random_conditions(arena, ret[i].all_n);
        ret[i].any = random_conditions(arena, ret[i].any_n);
    }
}

static Facts random_facts(Arena *arena, const Matcher *m) {
    Facts f = {0};
    for (size_t i = 0; i < FACT_TAGS; i++)
        if (roll(2)) f.at[i] = random_text(arena, 2);
    f.at[FACT_SOURCE] = random_text(arena, 1);
    f.at[FACT_EXTERNAL_ID] = random_text(arena, 3);
    f.at[FACT_SUBJECT] = random_text(arena, 6);
    f.at[FACT_DESCRIPTION] = random_text(arena, 30);
    Str *tags = arena_alloc(arena, 4 * sizeof(*tags));
    f.tags_n = roll(4);
    for (size_t i = 0; i < f.tags_n; i++)
        tags[i] = random_word(arena);
    f.tags = tags;
    const Str *names;
    size_t n = matcher_custom(m, &names);
    Str *custom = arena_alloc(arena, (n + 1) * sizeof(*custom));
    for (size_t i = 0; i < n; i++)
        custom[i] = random_text(arena, 2);
    if (roll(4)) f.custom = custom;
    return f;
}

static void agree(KeywordEngine engine, uint64_t seed, size_t *held) {
    enum { FILTERS = 60, LOOKS = 40 };
    dice = seed;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Filter filters[FILTERS];
    random_filters(arena, filters, FILTERS);
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(matcher_freep) Matcher *m = matcher_new(filters, FILTERS, engine, &problem);
    assert_non_null(m);
    for (int look = 0; look < LOOKS; look++) {
        Facts facts = random_facts(arena, m);
        matcher_look(m, &facts);
        for (size_t i = 0; i < FILTERS; i++) {
            bool naive = naive_filter(&facts, &filters[i], m);
            if ((matcher_next(m, i) == i) != naive)
                print_error("seed %llu, look %d, filter %zu\n", (unsigned long long)seed, look, i);
            assert_int_equal(matcher_next(m, i) == i, naive);
            *held += naive;
            char why[200];
            if (naive) assert_in_range(matcher_explain(m, i, why, sizeof(why)), 1, sizeof(why));
        }
    }
}

static void compiled_rules_answer_as_rules_read_one_by_one(void **state) {
    (void)state;
    size_t held = 0;
    for (uint64_t seed = 1; seed <= 60; seed++)
        agree(KEYWORDS_FASTEST, seed, &held);
    assert_in_range(held, 10000, 134000); /* the dice make both answers, often */
}

static void without_hyperscan_the_answers_are_the_same(void **state) {
    (void)state;
    size_t held = 0;
    for (uint64_t seed = 1; seed <= 30; seed++)
        agree(KEYWORDS_PLAIN, seed, &held);
    assert_true(held > 5000);
}

/* ---- Single promises ---- */

static bool holds(Condition c, Facts f) {
    Filter filter = {.all = &c, .all_n = 1};
    Matcher *m = matcher_new(&filter, 1, KEYWORDS_FASTEST, NULL);
    matcher_look(m, &f);
    bool yes = matcher_next(m, 0) == 0;
    matcher_free(m);
    return yes;
}

static bool text_has(const char *word, const char *subject, const char *description) {
    Str values[] = {str(word)};
    return holds(
        (Condition){.field = FACT_TEXT, .op = CONDITION_CONTAINS, .values = values, .values_n = 1},
        (Facts){.at = {[FACT_SUBJECT] = str(subject), [FACT_DESCRIPTION] = str(description)}});
}

static void an_ascii_keyword_is_a_whole_word(void **state) {
    (void)state;
    assert_true(text_has("refund", "Please REFUND me", ""));
    assert_true(text_has("refund", "", "我要refund，谢谢"));
    assert_false(text_has("refund", "refunds", "prerefund refund_now refund2"));
    assert_true(text_has("c++", "", "learn c++now"));
    assert_false(text_has("c++", "", "abc++"));
    assert_true(text_has("customs fee", "", "a Customs Fee."));
}

static void a_chinese_keyword_stands_anywhere(void **state) {
    (void)state;
    assert_true(text_has("退款", "我要申请退款吧", ""));
    assert_true(text_has("VIP客户", "尊敬的vip客户经理", ""));
    assert_false(text_has("退款", "我要申请退", "款"));
}

static void a_keyword_does_not_reach_from_subject_into_description(void **state) {
    (void)state;
    assert_false(text_has("refund now", "refund", "now"));
    assert_true(text_has("now", "refund", "now"));
}

static void the_opposite_of_a_condition_holds_without_the_field(void **state) {
    (void)state;
    Str web[] = {STR("web")};
    Condition c = {.field = FACT_CHANNEL, .op = CONDITION_NOT_ONE_OF, .values = web, .values_n = 1};
    assert_true(holds(c, (Facts){0}));
    assert_true(holds(c, (Facts){.at = {[FACT_CHANNEL] = STR("phone")}}));
    assert_false(holds(c, (Facts){.at = {[FACT_CHANNEL] = STR("Web")}}));
}

static void the_reason_names_what_was_found(void **state) {
    (void)state;
    Str words[] = {STR("清关"), STR("关\"税")}, tiers[] = {STR("gold"), STR("vip")};
    Condition all[] = {
        {.field = FACT_TEXT, .op = CONDITION_CONTAINS, .values = words, .values_n = 2},
        {.field = FACT_TIER, .op = CONDITION_NOT_ONE_OF, .values = tiers, .values_n = 2},
        {.field = FACT_ORDER, .op = CONDITION_PRESENT}};
    Filter filters[] = {{.all = all, .all_n = 3}, {0}};
    CLEANUP(matcher_freep) Matcher *m = matcher_new(filters, 2, KEYWORDS_FASTEST, NULL);
    matcher_look(
        m, &(Facts){
               .at = {[FACT_DESCRIPTION] = STR("交了关\"税还在清关"), [FACT_ORDER] = STR("SO1")}});
    char why[200];
    size_t n = matcher_explain(m, 0, why, sizeof(why));
    assert_true(str_eq((Str){why, n}, STR("关键词 清关，客户等级不是 gold/vip，有订单")));
    n = matcher_explain(m, 0, why, 20); /* whole words, or none */
    assert_true(str_eq((Str){why, n}, STR("关键词 清关")));
    n = matcher_explain(m, 1, why, sizeof(why));
    assert_true(str_eq((Str){why, n}, STR("总是适用")));
    matcher_look(m, &(Facts){.at = {[FACT_SUBJECT] = STR("关\"税"), [FACT_ORDER] = STR("SO1")}});
    n = matcher_explain(m, 0, why, sizeof(why));
    assert_true(str_eq((Str){why, n}, STR("关键词 关\\\"税，客户等级不是 gold/vip，有订单")));
}

static void too_many_custom_fields_are_refused(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Condition all[MATCHER_CUSTOM_MAX + 1];
    for (int i = 0; i <= MATCHER_CUSTOM_MAX; i++)
        all[i] = (Condition){.field = FACT_CUSTOM,
                             .custom = str(arena_printf(arena, "f%d", i)),
                             .op = CONDITION_PRESENT};
    Filter filter = {.all = all, .all_n = MATCHER_CUSTOM_MAX};
    matcher_free(matcher_new(&filter, 1, KEYWORDS_FASTEST, NULL));
    filter.all_n++;
    CLEANUP(buf_done) Buf problem = {0};
    assert_null(matcher_new(&filter, 1, KEYWORDS_FASTEST, &problem));
    assert_string_equal(problem.p, "41 different custom fields; at most 40");
}

static void same_conditions_are_kept_once(void **state) {
    (void)state;
    Str ab[] = {STR("a"), STR("b")}, ba[] = {STR("B"), STR("A")};
    Condition one = {.field = FACT_TIER, .op = CONDITION_ONE_OF, .values = ab, .values_n = 2},
              two = {.field = FACT_TIER, .op = CONDITION_NOT_ONE_OF, .values = ba, .values_n = 2};
    Filter filters[] = {{.all = &one, .all_n = 1}, {.any = &two, .any_n = 1}};
    CLEANUP(matcher_freep) Matcher *m = matcher_new(filters, 2, KEYWORDS_FASTEST, NULL);
    assert_int_equal(matcher_size(m).conditions, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_rules_answer_as_rules_read_one_by_one),
        cmocka_unit_test(without_hyperscan_the_answers_are_the_same),
        cmocka_unit_test(an_ascii_keyword_is_a_whole_word),
        cmocka_unit_test(a_chinese_keyword_stands_anywhere),
        cmocka_unit_test(a_keyword_does_not_reach_from_subject_into_description),
        cmocka_unit_test(the_opposite_of_a_condition_holds_without_the_field),
        cmocka_unit_test(the_reason_names_what_was_found),
        cmocka_unit_test(too_many_custom_fields_are_refused),
        cmocka_unit_test(same_conditions_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
