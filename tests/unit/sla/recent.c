/* What was kept a moment ago. */
#include "sla/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static Kept kept_of(int32_t seq, const char *state) {
    return (Kept){.seq = seq, .revision = 3, .state = str(state)};
}

static void what_was_kept_is_found_as_it_was_kept_last(void **state) {
    (void)state;
    CLEANUP(recent_freep) Recent *r = recent_new();
    Kept kept, first = kept_of(1, "one"), second = kept_of(2, "another");
    assert_false(recent_get(r, 1, 100000, 7, 1, &kept));
    recent_put(r, 1, 100000, 7, &first);
    recent_put(r, 1, 100000, 7, &second);
    assert_false(recent_get(r, 1, 100000, 7, 1, &kept));
    assert_true(recent_get(r, 1, 100000, 7, 2, &kept));
    assert_true(str_eq(kept.state, STR("another")) && kept.seq == 2 && kept.revision == 3);
    assert_false(kept.over);
    assert_false(recent_get(r, 2, 100000, 7, 2, &kept)); /* another tenant's */
    recent_drop(r, 1, 100000);
    assert_false(recent_get(r, 1, 100000, 7, 2, &kept));
}

static void what_another_may_have_changed_since_is_not_believed(void **state) {
    (void)state;
    CLEANUP(recent_freep) Recent *r = recent_new();
    Kept kept, first = kept_of(1, "one");
    recent_put(r, 1, 100000, 7, &first);
    assert_false(recent_get(r, 1, 100000, 8, 1, &kept));
    assert_false(recent_get(r, 1, 100000, 0, 1, &kept)); /* not ours at all */
    assert_true(recent_get(r, 1, 100000, 7, 1, &kept));
    recent_put(r, 1, 100001, 0, &first);
    assert_false(recent_get(r, 1, 100001, 0, 1, &kept));
}

static void what_is_over_or_large_is_not_remembered(void **state) {
    (void)state;
    CLEANUP(recent_freep) Recent *r = recent_new();
    static char large[RECENT_STATE_MAX + 1];
    Kept kept, first = kept_of(1, "one"), over = {.seq = 2, .over = true},
               big = {.seq = 3, .state = {large, sizeof(large)}};
    recent_put(r, 1, 100000, 7, &first);
    recent_put(r, 1, 100000, 7, &over);
    assert_false(recent_get(r, 1, 100000, 7, 1, &kept));
    assert_false(recent_get(r, 1, 100000, 7, 2, &kept));
    recent_put(r, 1, 100000, 7, &first);
    recent_put(r, 1, 100000, 7, &big);
    assert_false(recent_get(r, 1, 100000, 7, 1, &kept));
    assert_false(recent_get(r, 1, 100000, 7, 3, &kept));
}

static void newcomers_take_the_places_of_others_and_nobody_answers_for_another(void **state) {
    (void)state;
    CLEANUP(recent_freep) Recent *r = recent_new();
    size_t found = 0;
    for (int64_t i = 0; i < 2 * RECENT_PLACES; i++) {
        char text[24];
        (void)snprintf(text, sizeof(text), "%lld", (long long)i);
        Kept mine = kept_of(1, text);
        recent_put(r, 1 + i % 3, 100000 + i, 7, &mine);
    }
    for (int64_t i = 0; i < 2 * RECENT_PLACES; i++) {
        char text[24];
        Kept kept;
        (void)snprintf(text, sizeof(text), "%lld", (long long)i);
        if (!recent_get(r, 1 + i % 3, 100000 + i, 7, 1, &kept)) continue;
        assert_true(str_eq(kept.state, str(text)));
        found++;
    }
    assert_in_range(found, RECENT_PLACES * 3 / 4, RECENT_PLACES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_found_as_it_was_kept_last),
        cmocka_unit_test(what_another_may_have_changed_since_is_not_believed),
        cmocka_unit_test(what_is_over_or_large_is_not_remembered),
        cmocka_unit_test(newcomers_take_the_places_of_others_and_nobody_answers_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
