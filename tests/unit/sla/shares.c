/* Whose partition it is, where a ticket's events lie, and whether the clock was set. */
#include "following/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sla/drift.h"
#include "following/partition.h"

static void clocks_stay_good_only_while_nobody_else_had_the_partition(void **state) {
    (void)state;
    Shares s = {0};
    Share list[SHARES_MAX_PARTITIONS];
    shares_assign(&s, (int32_t[]){3, 5}, 2);
    assert_int_equal(shares_list(&s, true, list), 2);
    assert_false(shares_claimed(&s, 3, 7));
    assert_false(shares_claimed(&s, 5, 1));
    shares_loaded(&s);
    assert_int_equal(shares_list(&s, true, list), 0);

    shares_revoke(&s);
    assert_int_equal(shares_epoch(&s, 3), 0); /* nothing may be written meanwhile */
    shares_assign(&s, (int32_t[]){3, 5}, 2);
    assert_true(shares_claimed(&s, 3, 7));
    assert_false(shares_claimed(&s, 5, 2));
    assert_int_equal(shares_list(&s, true, list), 1);
    assert_int_equal(list[0].partition, 5);
    assert_int_equal(list[0].epoch, 2);
}

static void what_was_not_assigned_again_is_not_believed_when_it_comes_back(void **state) {
    (void)state;
    Shares s = {0};
    shares_assign(&s, (int32_t[]){3}, 1);
    (void)shares_claimed(&s, 3, 7);
    shares_loaded(&s);
    shares_assign(&s, (int32_t[]){4}, 1);
    shares_assign(&s, (int32_t[]){3, 4}, 2);
    assert_false(shares_claimed(&s, 3, 7));
}

static void a_lost_partition_is_nobodys_until_it_is_assigned_again(void **state) {
    (void)state;
    Shares s = {0};
    shares_assign(&s, (int32_t[]){0, 1023}, 2);
    (void)shares_claimed(&s, 0, 1);
    (void)shares_claimed(&s, 1023, 1);
    shares_loaded(&s);
    shares_lost(&s, 1023);
    assert_true(s.lost && shares_owns(&s, 0) && !shares_owns(&s, 1023));
    assert_int_equal(shares_epoch(&s, 1023), 0);
    shares_assign(&s, (int32_t[]){1023}, 1);
    assert_false(shares_claimed(&s, 1023, 1));
}

static void numbers_that_no_partition_has_are_nobodys(void **state) {
    (void)state;
    Shares s = {0};
    shares_assign(&s, (int32_t[]){-1, SHARES_MAX_PARTITIONS}, 2);
    assert_false(shares_owns(&s, -1) || shares_owns(&s, SHARES_MAX_PARTITIONS));
    assert_false(shares_claimed(&s, -1, 1));
    shares_lost(&s, SHARES_MAX_PARTITIONS);
}

/* org.apache.kafka.common.utils.UtilsTest: murmur2("21") is -973932308. */
static void a_ticket_lies_where_javas_producers_put_it(void **state) {
    (void)state;
    assert_int_equal(partition_of_ticket(21, 1000000), (-973932308 & 0x7fffffff) % 1000000);
    assert_int_equal(partition_of_ticket(21, 1), 0);
    int seen[12] = {0};
    for (int64_t i = 100000; i < 112000; i++)
        seen[partition_of_ticket(i, 12)]++;
    for (int i = 0; i < 12; i++)
        assert_in_range(seen[i], 800, 1200);
}

static void a_clock_that_was_set_is_noticed_and_one_that_drifts_is_not(void **state) {
    (void)state;
    Drift d = {0};
    assert_int_equal(drift_look(&d, 1000, 1700000000000, 1000), 0);
    assert_int_equal(drift_look(&d, 2000, 1700000001001, 2000), 0);
    assert_int_equal(drift_look(&d, 3000, 1700003602001, 3001), 3600000);
    assert_int_equal(drift_look(&d, 4000, 1700003603001, 4000), 0);
    assert_int_equal(drift_look(&d, 5000, 1700000004001, 5000), -3600000);
    /* frozen between the readings: says nothing, and the next one does not either */
    assert_int_equal(drift_look(&d, 6000, 1700000095001, 96000), 0);
    assert_int_equal(drift_look(&d, 97000, 1700000096001, 97000), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_stay_good_only_while_nobody_else_had_the_partition),
        cmocka_unit_test(what_was_not_assigned_again_is_not_believed_when_it_comes_back),
        cmocka_unit_test(a_lost_partition_is_nobodys_until_it_is_assigned_again),
        cmocka_unit_test(numbers_that_no_partition_has_are_nobodys),
        cmocka_unit_test(a_ticket_lies_where_javas_producers_put_it),
        cmocka_unit_test(a_clock_that_was_set_is_noticed_and_one_that_drifts_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
