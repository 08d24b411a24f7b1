/* What happened lately: the newest are there, and whoever comes back learns whether all she missed
 * still is. */
#include "desk/live/ring.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool add(Ring *r, int32_t partition, int64_t offset, Str message) {
    return ring_add(r, &(RingEvent){.tenant_id = 1,
                                    .ticket_id = offset + 100,
                                    .partition = partition,
                                    .offset = offset,
                                    .message = message});
}

static bool covers(const Ring *r, int64_t first, int64_t second) {
    Position p = {.n = 0};
    position_raise(&p, 0, first);
    position_raise(&p, 1, second);
    return ring_covers(r, &p);
}

static void events_are_kept_byte_for_byte(void **state) {
    (void)state;
    CLEANUP(ring_freep) Ring *r = ring_new(4, 1000);
    Str message = {"a\0b\nc", 5};
    assert_true(add(r, 0, 7, message));
    assert_true(add(r, 1, 0, (Str){NULL, 0}));
    const RingEvent *e = ring_at(r, 0);
    assert_true(e && str_eq(e->message, message) && e->ticket_id == 107 && e->offset == 7);
    assert_int_equal(ring_at(r, 1)->message.n, 0);
    assert_null(ring_at(r, 2));
    assert_int_equal(position_next(ring_position(r), 0), 8);
    assert_int_equal(position_next(ring_position(r), 1), 1);
}

static void what_came_already_is_left_out(void **state) {
    (void)state;
    CLEANUP(ring_freep) Ring *r = ring_new(4, 1000);
    assert_true(add(r, 0, 7, STR("a")));
    assert_false(add(r, 0, 7, STR("a")));
    assert_false(add(r, 0, 3, STR("a")));
    assert_false(add(r, POSITION_PARTITIONS, 3, STR("a")));
    assert_false(add(r, -1, 3, STR("a")));
    assert_int_equal(ring_end(r), 1);
}

static void the_oldest_go_by_number_and_by_bytes(void **state) {
    (void)state;
    CLEANUP(ring_freep) Ring *r = ring_new(4, 10);
    for (int64_t i = 0; i < 6; i++)
        assert_true(add(r, 0, i, STR("x")));
    assert_int_equal(ring_first(r), 2);
    assert_int_equal(ring_end(r), 6);
    assert_null(ring_at(r, 1));
    assert_true(add(r, 0, 6, STR("eightbyt")));
    assert_int_equal(ring_first(r), 4); /* two of one byte fit beside it */
    assert_true(add(r, 0, 7, STR("more than all there is")));
    assert_int_equal(ring_end(r), 7); /* it came, and is not there */
    assert_int_equal(position_next(ring_position(r), 0), 8);
    assert_false(covers(r, 7, 0));
    assert_true(covers(r, 8, 0));
}

static void a_position_is_covered_while_all_behind_it_is_there(void **state) {
    (void)state;
    CLEANUP(ring_freep) Ring *r = ring_new(4, 1000);
    assert_true(covers(r, 5, 5)); /* nothing has come that could be missing */
    (void)add(r, 0, 10, STR("a"));
    (void)add(r, 0, 11, STR("b"));
    (void)add(r, 1, 0, STR("c"));
    assert_false(covers(r, 9, 0));
    assert_true(covers(r, 10, 0));
    assert_true(covers(r, 12, 1));
    assert_true(covers(r, 13, 1)); /* another desk was a little ahead */
    assert_false(covers(r, 1000000, 1));
    (void)add(r, 1, 1, STR("d"));
    (void)add(r, 1, 2, STR("e")); /* 10 of partition 0 goes */
    assert_false(covers(r, 10, 0));
    assert_true(covers(r, 11, 0));
    (void)add(r, 1, 5, STR("f")); /* 3 and 4 never came */
    assert_false(covers(r, 12, 2));
    assert_true(covers(r, 12, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_kept_byte_for_byte),
        cmocka_unit_test(what_came_already_is_left_out),
        cmocka_unit_test(the_oldest_go_by_number_and_by_bytes),
        cmocka_unit_test(a_position_is_covered_while_all_behind_it_is_there),
    };
    return cmocka_run_group_tests_name("desk/ring", tests, NULL, NULL);
}
