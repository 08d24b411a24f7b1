/* The rows of one ticket that a batch brought. */
#include "following/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static Event events[10];

/* Rows of these seqs, in this order of arrival. */
static FollowedRow *rows_of(Arena *arena, const int *seqs) {
    FollowedRow *rows = NULL;
    for (; *seqs; seqs++) {
        events[*seqs].seq = *seqs;
        followed_rows_add(&rows, &events[*seqs], arena);
    }
    return rows;
}

static void rows_stand_in_order_and_once(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1024);
    Event again = {.seq = 3};
    FollowedRow *rows = rows_of(arena, (int[]){5, 3, 4, 0});
    followed_rows_add(&rows, &again, arena);
    assert_ptr_equal(rows->event, &events[3]);
    assert_ptr_equal(rows->next->event, &events[4]);
    assert_ptr_equal(rows->next->next->event, &events[5]);
    assert_null(rows->next->next->next);
    assert_int_equal(followed_rows_last(rows), 5);
    assert_int_equal(followed_rows_last(NULL), 0);
}

static void what_is_missing_is_for_the_ledger_to_tell(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1024);
    assert_int_equal(followed_rows_gap(rows_of(arena, (int[]){1, 2, 3, 0}), 0), 0);
    assert_int_equal(followed_rows_gap(rows_of(arena, (int[]){2, 3, 0}), 0), 1);
    assert_int_equal(followed_rows_gap(rows_of(arena, (int[]){2, 3, 5, 0}), 1), 4);
    assert_int_equal(followed_rows_gap(rows_of(arena, (int[]){1, 3, 4, 0}), 2), 0);
    assert_int_equal(followed_rows_gap(rows_of(arena, (int[]){1, 2, 0}), 7), 0);
    assert_int_equal(followed_rows_gap(NULL, 7), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_in_order_and_once),
        cmocka_unit_test(what_is_missing_is_for_the_ledger_to_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
