/* Kinds, scores, reasons: how a ticket stands in a queue, and the words for the ledger. */
#include "router/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json/json.h"

static Arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena = arena_free(arena);
    return 0;
}

static void a_kind_names_group_and_sorted_skills_once(void **state) {
    (void)state;
    const Str skills[] = {STR("vip"), STR("英语"), STR("en"), STR("vip")};
    assert_string_equal(placement_kind(arena, 12, skills, 4).p, "12:en,vip,英语");
    assert_string_equal(placement_kind(arena, 12, NULL, 0).p, "12:");
}

static void a_stored_ticket_has_the_kind_it_was_born_with(void **state) {
    (void)state;
    TicketPlace p = {.group_id = 12, .skills = STR("en,vip")};
    const Str skills[] = {STR("vip"), STR("en")};
    assert_true(str_eq(placement_kind_of(arena, &p), placement_kind(arena, 12, skills, 2)));
    p.skills = (Str){NULL, 0};
    assert_true(str_eq(placement_kind_of(arena, &p), placement_kind(arena, 12, NULL, 0)));
}

static void one_aging_period_is_worth_one_class(void **state) {
    (void)state;
    const int64_t aging = 60000, now = 1763000000000;
    assert_int_equal(placement_score(now, PRIORITY_HIGH, aging),
                     placement_score(now - aging, PRIORITY_NORMAL, aging));
    assert_true(placement_score(now, PRIORITY_URGENT, aging) <
                placement_score(now - aging, PRIORITY_NORMAL, aging));
    assert_true(placement_score(now - 4 * aging, PRIORITY_LOW, aging) <
                placement_score(now, PRIORITY_URGENT, aging));
}

static void only_assigned_and_in_progress_are_load_and_only_new_with_a_group_waits(void **state) {
    (void)state;
    for (int s = 0; s < TICKET_STATUSES; s++)
        for (int has_group = 0; has_group < 2; has_group++)
            for (int has_assignee = 0; has_assignee < 2; has_assignee++) {
                TicketPlace p = {.version = 2,
                                 .status = (TicketStatus)s,
                                 .group_id = has_group ? 12 : 0,
                                 .assignee_id = has_assignee ? 34 : 0};
                bool load = (s == TICKET_ASSIGNED || s == TICKET_IN_PROGRESS) && has_assignee;
                bool waits = s == TICKET_NEW && has_group && !has_assignee;
                assert_int_equal(placement_state(&p), load ? 'A' : waits ? 'W' : 'G');
            }
}

static void a_ticket_that_does_not_exist_is_neither(void **state) {
    (void)state;
    TicketPlace p = {.version = 0, .status = TICKET_NEW, .group_id = 12};
    assert_int_equal(placement_state(&p), 'G');
}

static void every_why_has_a_name_that_reads_back(void **state) {
    (void)state;
    for (int w = 0; w < WHYS; w++) {
        PlacementWhy read = WHYS;
        assert_int_equal(placement_why_parse(str(placement_why_name((PlacementWhy)w)), &read), 0);
        assert_int_equal(read, w);
    }
    PlacementWhy untouched = WHY_PAUSED;
    assert_true(placement_why_parse(STR("because"), &untouched) < 0);
    assert_int_equal(untouched, WHY_PAUSED);
}

static void every_reason_is_json_that_names_its_why(void **state) {
    (void)state;
    for (int w = 0; w < WHYS; w++) {
        Str text = placement_reason(arena, &(PlacementFacts){.why = (PlacementWhy)w,
                                                             .load = INT64_MAX,
                                                             .capacity = INT64_MIN,
                                                             .staffing = {INT32_MAX, INT32_MIN},
                                                             .from_group = INT64_MAX});
        CLEANUP(cjson_freep) cJSON *reason = NULL;
        Str why;
        assert_int_equal(json_parse(text, NULL, &reason, NULL), 0);
        assert_int_equal(json_get_string(reason, "why", &why), 1);
        assert_true(str_is(why, placement_why_name((PlacementWhy)w)));
    }
}

static void the_assigned_are_told_load_and_capacity(void **state) {
    (void)state;
    Str text = placement_reason(
        arena,
        &(PlacementFacts){.why = WHY_LEAST_LOADED, .load = 3, .capacity = 8, .staffing = {5, 4}});
    assert_string_equal(text.p, "{\"why\":\"least_loaded\",\"load\":3,\"capacity\":8,\"on_duty\":5,"
                                "\"able\":4}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_names_group_and_sorted_skills_once),
        cmocka_unit_test(a_stored_ticket_has_the_kind_it_was_born_with),
        cmocka_unit_test(one_aging_period_is_worth_one_class),
        cmocka_unit_test(only_assigned_and_in_progress_are_load_and_only_new_with_a_group_waits),
        cmocka_unit_test(a_ticket_that_does_not_exist_is_neither),
        cmocka_unit_test(every_why_has_a_name_that_reads_back),
        cmocka_unit_test(every_reason_is_json_that_names_its_why),
        cmocka_unit_test(the_assigned_are_told_load_and_capacity),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
