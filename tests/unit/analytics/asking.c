/* Questions that are answered between the loop's other work. */
#include "analytics/table/asking.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TICKETS = 200 };

typedef struct Asker {
    Loop *loop;
    FactTable *table;
    int times, result;
    uint64_t count;
} Asker;

static void on_answer(void *arg, int result, const FactAnswer *answer) {
    Asker *a = arg;
    a->times++;
    a->result = result;
    a->count = answer ? answer->total.count : 0;
    loop_stop(a->loop);
}

static Asker asker(void) {
    Asker a = {.loop = loop_new(), .table = fact_table_new(), .result = 1};
    CLEANUP(fact_sheet_freep) FactSheet *f = fact_sheet_new();
    f->seq = 1;
    for (int64_t id = 1; id <= TICKETS; id++)
        assert_true(fact_table_put(a.table, id, f, FACT_NEVER));
    return a;
}

static void asker_end(Asker *a) {
    fact_table_free(a->table);
    loop_free(a->loop);
}

static void the_answer_comes_once_and_not_inside_the_call(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Asker a = asker();
    Asking *asking = NULL;
    FactQuestion q = fact_question(FACT_TICKETS);
    assert_int_equal(asking_new(a.loop, a.table, &q, arena, on_answer, &a, &asking, NULL), 0);
    assert_int_equal(a.times, 0);
    loop_run_for(a.loop, 20000);
    assert_int_equal(a.times, 1);
    assert_int_equal(a.result, 0);
    assert_int_equal(a.count, TICKETS);
    asker_end(&a);
}

static void a_table_emptied_meanwhile_is_said(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Asker a = asker();
    Asking *asking = NULL;
    FactQuestion q = fact_question(FACT_TICKETS);
    assert_int_equal(asking_new(a.loop, a.table, &q, arena, on_answer, &a, &asking, NULL), 0);
    fact_table_empty(a.table);
    loop_run_for(a.loop, 20000);
    assert_int_equal(a.times, 1);
    assert_int_equal(a.result, -ESTALE);
    asker_end(&a);
}

static void what_is_freed_is_never_answered(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Asker a = asker();
    Asking *gone = NULL, *asking = NULL;
    FactQuestion q = fact_question(FACT_TICKETS);
    assert_int_equal(asking_new(a.loop, a.table, &q, arena, on_answer, &a, &gone, NULL), 0);
    assert_null(asking_free(gone));
    assert_int_equal(asking_new(a.loop, a.table, &q, arena, on_answer, &a, &asking, NULL), 0);
    loop_run_for(a.loop, 20000);
    assert_int_equal(a.times, 1);
    q.dims_n = 1;
    q.dims[0] = FACT_METRIC;
    assert_int_equal(asking_new(a.loop, a.table, &q, arena, on_answer, &a, &asking, NULL), -EINVAL);
    asker_end(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_comes_once_and_not_inside_the_call),
        cmocka_unit_test(a_table_emptied_meanwhile_is_said),
        cmocka_unit_test(what_is_freed_is_never_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
