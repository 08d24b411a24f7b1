/* The tickets of a batch. */
#include "following/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_ticket_has_one_place_in_order_of_arrival(void **state) {
    (void)state;
    CLEANUP(followed_tickets_freep) FollowedTickets *t = followed_tickets_new();
    bool fresh;
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 1000; i++) { /* two tenants have tickets of the same numbers */
            assert_int_equal(followed_tickets_place(t, 1 + i % 2, 100000 + i / 2 * 7, &fresh), i);
            assert_int_equal(fresh, round == 0);
        }
        assert_int_equal(followed_tickets_count(t), 1000);
    }
}

static void the_next_batch_begins_anew(void **state) {
    (void)state;
    CLEANUP(followed_tickets_freep) FollowedTickets *t = followed_tickets_new();
    bool fresh;
    followed_tickets_clear(t);
    (void)followed_tickets_place(t, 1, 5, &fresh);
    (void)followed_tickets_place(t, 1, 6, &fresh);
    followed_tickets_clear(t);
    assert_int_equal(followed_tickets_count(t), 0);
    assert_int_equal(followed_tickets_place(t, 1, 6, &fresh), 0);
    assert_true(fresh);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ticket_has_one_place_in_order_of_arrival),
        cmocka_unit_test(the_next_batch_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
