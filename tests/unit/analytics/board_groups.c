/* Which consumer groups make up which service on the board. */
#include "analytics/board/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void groups_of_one_name_are_one_service(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(lag_groups_freep)
    LagGroups *g = lag_groups_parse("router=a@t1, sla=c@t2 ,router=b@t3,", &problem);
    assert_non_null(g);
    BoardService services[BOARD_SERVICES_MAX];
    assert_int_equal(g->pairs_n, 3);
    assert_int_equal(g->names_n, 2);
    assert_string_equal(g->pairs[1].group, "c");
    assert_string_equal(g->pairs[1].topic, "t2");
    lag_groups_sum(g, (const int64_t[]){3, 0, 4}, services);
    assert_string_equal(services[0].name, "router");
    assert_int_equal(services[0].behind, 7);
    assert_int_equal(services[1].behind, 0);
    lag_groups_sum(g, (const int64_t[]){3, 1, KAFKA_LAG_UNKNOWN}, services);
    assert_int_equal(services[0].behind, -1);
    assert_int_equal(services[1].behind, 1);
}

static void what_is_no_list_of_groups_is_refused_with_the_part_that_is_not(void **state) {
    static const char *const wrong[] = {"router",    "router=a",   "=a@t",        "router=@t",
                                        "router=a@", "Router=a@t", "a=b@c,router"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        assert_null(lag_groups_parse(wrong[i], &problem));
        assert_non_null(strstr(problem.p, "NAME=GROUP@TOPIC"));
    }
}

static void no_groups_are_no_services_and_too_many_are_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf problem = {0}, many = {0};
    LagGroups *g = lag_groups_parse("", &problem);
    assert_int_equal(g->pairs_n, 0);
    (void)lag_groups_free(g);
    for (int i = 0; i < KAFKA_LAG_MAX; i++)
        buf_printf(&many, "a=g%d@t,", i);
    g = lag_groups_parse(many.p, &problem);
    assert_int_equal(g->pairs_n, KAFKA_LAG_MAX);
    (void)lag_groups_free(g);
    buf_adds(&many, "a=one@more");
    assert_null(lag_groups_parse(many.p, &problem));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_of_one_name_are_one_service),
        cmocka_unit_test(what_is_no_list_of_groups_is_refused_with_the_part_that_is_not),
        cmocka_unit_test(no_groups_are_no_services_and_too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
