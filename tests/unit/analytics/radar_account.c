/* What is said of a surge: culprits, texts alike, examples, incidents, words. */
#include "analytics/radar/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

enum { USUAL = 12, BAD = 30, ALL = USUAL + BAD, BEFORE = 300 };

static Str value(void *arg, AccountDim dim, uint32_t v) {
    (void)arg;
    if (dim == ACCOUNT_BATCH && v == 77) return STR("B\"77");
    return STR("?");
}

typedef struct Case {
    Arena *arena;
    Account a;
    int64_t ids[ALL], groups[ALL];
    uint32_t values[ALL * ACCOUNT_DIMS], before[BEFORE * ACCOUNT_DIMS];
    AccountText texts[ALL];
    Str others[BEFORE];
} Case;

/* Thirty of one batch say nearly the same; twelve as every day. */
static Case *made(bool with_batch) {
    Case *c = calloc(1, sizeof(*c));
    c->arena = arena_new(0);
    for (int i = 0; i < BEFORE; i++) {
        for (int d = 0; d < ACCOUNT_DIMS; d++)
            c->before[i * ACCOUNT_DIMS + d] = 1 + (uint32_t)((i * 7 + d * 3) % 5);
        c->others[i] = str(arena_printf(c->arena, "请问第 %d 单什么时候发货", i));
    }
    for (int i = 0; i < ALL; i++) {
        bool bad = i >= USUAL;
        c->ids[i] = 1000 + i;
        c->groups[i] = bad ? 7 : 8;
        for (int d = 0; d < ACCOUNT_DIMS; d++)
            c->values[i * ACCOUNT_DIMS + d] = 1 + (uint32_t)((i * 11 + d * 3) % 5);
        if (bad && with_batch) c->values[i * ACCOUNT_DIMS + ACCOUNT_BATCH] = 77;
        c->texts[i] = (AccountText){
            1000 + i, str(arena_printf(c->arena, bad ? "杯子漏水 %d" : "发货\n%d", i)),
            str(arena_printf(c->arena,
                             bad ? "刚买的保温杯杯底漏水，倒满热水就渗出来，第 %d 个"
                                 : "请问第 %d 单什么时候发货",
                             i))};
    }
    c->a = (Account){.category = STR("商品/杯"),
                     .moment = {1763800200000, 1763802000000, ALL, 12.5},
                     .offset_ms = INT64_C(8) * 3600000,
                     .ids = c->ids,
                     .groups_of = c->groups,
                     .values = c->values,
                     .n = ALL,
                     .before = c->before,
                     .before_n = BEFORE,
                     .texts = c->texts,
                     .texts_n = ALL,
                     .others = c->others,
                     .others_n = BEFORE,
                     .value = value};
    account_look(&c->a, c->arena);
    account_write(&c->a, c->arena);
    return c;
}

static void done(Case *c) {
    arena_free(c->arena);
    free(c);
}

static bool says(Str text, const char *part) {
    return strstr(text.p, part);
}

static void the_culprit_is_named_and_its_tickets_are_the_incidents(void **state) {
    (void)state;
    Case *c = made(true);
    assert_int_equal(c->a.culprits_n, 1);
    assert_int_equal(c->a.culprits[0].dimensions[0], ACCOUNT_BATCH);
    assert_int_equal(c->a.culprits[0].dimensions[1], -1);
    assert_int_equal(c->a.incidents_n, BAD);
    for (int i = 0; i < BAD; i++)
        assert_int_equal(c->a.incidents[i], 1000 + USUAL + i);
    assert_int_equal(c->a.group_id, 7);
    assert_int_equal(c->a.examples_n, ACCOUNT_EXAMPLES);
    for (size_t i = 0; i < c->a.examples_n; i++)
        assert_true(c->a.examples[i]->ticket_id >= 1000 + USUAL);
    done(c);
}

static void without_a_culprit_all_are_incidents(void **state) {
    (void)state;
    Case *c = made(false);
    assert_int_equal(c->a.culprits_n, 0);
    assert_int_equal(c->a.incidents_n, ALL);
    assert_false(says(c->a.description, "culprits"));
    done(c);
}

static void texts_alike_are_one_group_with_its_own_words(void **state) {
    (void)state;
    Case *c = made(true);
    assert_true(c->a.groups_n >= 1);
    assert_int_equal(c->a.groups[0].texts, BAD);
    assert_true(says(c->a.groups[0].name, "漏水") || says(c->a.groups[0].name, "保温杯") ||
                says(c->a.groups[0].name, "杯底"));
    done(c);
}

static void the_words_have_the_figures(void **state) {
    (void)state;
    Case *c = made(true);
    assert_true(says(c->a.subject, "商品/杯 激增 surge: 3.4×"));
    assert_true(says(c->a.subject, "30 分钟内 42 件"));
    assert_true(says(c->a.description, "2025-11-22 16:30 (UTC+08:00)"));
    assert_true(says(c->a.description, "12.5"));
    assert_true(says(c->a.description, "批次 batch B\"77: 30 件"));
    assert_true(says(c->a.description, "#1012 杯子漏水 12\n"));
    assert_true(c->a.subject.n <= SURGE_SUBJECT_MAX);
    assert_true(c->a.description.n <= SURGE_DESCRIPTION_MAX);
    done(c);
}

static void what_is_kept_of_it_is_json(void **state) {
    (void)state;
    Case *c = made(true);
    cJSON *said = cJSON_Parse(c->a.said.p);
    assert_non_null(said);
    const cJSON *culprits = cJSON_GetObjectItem(said, "culprits");
    assert_int_equal(cJSON_GetArraySize(culprits), 1);
    const cJSON *of = cJSON_GetObjectItem(cJSON_GetArrayItem(culprits, 0), "of");
    assert_string_equal(cJSON_GetObjectItem(of, "batch")->valuestring, "B\"77");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(said, "examples")), 10);
    assert_int_equal(cJSON_GetObjectItem(said, "incidents")->valueint, BAD);
    cJSON_Delete(said);
    done(c);
}

static void nothing_known_is_still_something_to_say(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Account a = {.moment = {1763800200000, 1763801100000, 9, 0}};
    account_look(&a, arena);
    account_write(&a, arena);
    assert_true(says(a.subject, "未分类 uncategorised 激增 surge: 99.0×"));
    assert_int_equal(a.incidents_n, 0);
    assert_int_equal(a.group_id, 0);
}

static void long_names_and_many_tickets_stay_within_bounds(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    enum { MANY = 3000 };
    int64_t *ids = arena_zalloc(arena, MANY * sizeof(*ids)), *groups = ids;
    uint32_t *values = arena_zalloc(arena, MANY * ACCOUNT_DIMS * sizeof(*values));
    AccountText *texts = arena_zalloc(arena, ACCOUNT_TEXTS_MAX * sizeof(*texts));
    char *name = arena_alloc(arena, 6001);
    for (int i = 0; i < 6000; i += 3)
        memcpy(name + i, "杯", 3);
    name[6000] = 0;
    for (int i = 0; i < MANY; i++)
        ids[i] = i + 1;
    for (int i = 0; i < ACCOUNT_TEXTS_MAX; i++)
        texts[i] = (AccountText){i + 1, str(name), str(name)};
    Account a = {.category = str(name),
                 .moment = {1763800200000, 1763801100000, MANY, 1},
                 .ids = ids,
                 .groups_of = groups,
                 .values = values,
                 .n = MANY,
                 .texts = texts,
                 .texts_n = ACCOUNT_TEXTS_MAX};
    account_look(&a, arena);
    account_write(&a, arena);
    assert_int_equal(a.incidents_n, SURGE_INCIDENTS_MAX);
    assert_true(a.subject.n <= SURGE_SUBJECT_MAX);
    assert_true(a.description.n <= SURGE_DESCRIPTION_MAX);
    assert_true(str_is_text(a.subject) && str_is_text(a.description));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_culprit_is_named_and_its_tickets_are_the_incidents),
        cmocka_unit_test(without_a_culprit_all_are_incidents),
        cmocka_unit_test(texts_alike_are_one_group_with_its_own_words),
        cmocka_unit_test(the_words_have_the_figures),
        cmocka_unit_test(what_is_kept_of_it_is_json),
        cmocka_unit_test(nothing_known_is_still_something_to_say),
        cmocka_unit_test(long_names_and_many_tickets_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
