/* What somebody might do, put away and taken out again: a job does no more than its asker could. */
#include "desk/tickets/subject_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static Subject round_trip(const Subject *s, Arena *arena) {
    CLEANUP(buf_done) Buf json = {0};
    Subject back;
    subject_json(s, &json);
    assert_int_equal(subject_parse(arena_str(arena, buf_str(&json)), s->tenant_id, arena, &back),
                     0);
    return back;
}

static void a_subject_comes_back_as_it_was(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    int64_t groups[] = {1, 5};
    Str kinds[] = {STR("售后"), STR("a\"b")};
    Subject s = {.tenant_id = 7,
                 .user_id = 1012,
                 .like = ROLE_AGENT,
                 .rights = rights_builtin(ROLE_AGENT),
                 .reach = rights_builtin_reach(ROLE_AGENT, groups, 2)};
    s.reach.kinds = kinds;
    s.reach.kinds_n = 2;
    Subject back = round_trip(&s, arena);
    assert_int_equal(back.tenant_id, 7);
    assert_int_equal(back.user_id, 1012);
    assert_int_equal(back.rights, s.rights);
    assert_int_equal(back.reach.groups_n, 2);
    assert_int_equal(back.reach.groups[1], 5);
    assert_int_equal(back.reach.kinds_n, 2);
    assert_true(str_eq(back.reach.kinds[1], kinds[1]));
    assert_null(back.reach.categories);
    assert_false(back.reach.all_groups);
}

static void an_empty_list_stays_nothing_and_none_stays_everything(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Str none[1];
    Subject s = {.tenant_id = 7, .like = ROLE_ADMINISTRATOR, .reach = {.all_groups = true}};
    s.reach.regions = none;
    Subject back = round_trip(&s, arena);
    assert_non_null(back.reach.regions);
    assert_int_equal(back.reach.regions_n, 0);
    assert_null(back.reach.kinds);
    assert_true(back.reach.all_groups);
}

static void what_is_no_subject_is_none(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"user_id\":1,\"like\":99,\"rights\":1,\"requested_only\":false,"
        "\"all_groups\":true,\"groups\":[]}",
        "{\"user_id\":1,\"like\":1,\"rights\":1,\"requested_only\":false,\"all_groups\":true,"
        "\"groups\":[\"x\"]}",
        "{\"user_id\":1,\"like\":1,\"rights\":1,\"requested_only\":false,\"all_groups\":true,"
        "\"groups\":[],\"kinds\":5}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        Subject s;
        assert_int_equal(subject_parse(str(wrong[i]), 7, arena, &s), -EBADMSG);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subject_comes_back_as_it_was),
        cmocka_unit_test(an_empty_list_stays_nothing_and_none_stays_everything),
        cmocka_unit_test(what_is_no_subject_is_none),
    };
    return cmocka_run_group_tests_name("desk/subject_json", tests, NULL, NULL);
}
