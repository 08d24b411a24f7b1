/* Whose partition it is, and by which epoch. */
#include "following/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

static void nothing_is_ready_before_it_is_claimed_and_loaded(void **state) {
    (void)state;
    Shares s = {0};
    assert_int_equal(shares_state(&s), SHARES_AWAY);
    shares_assign(&s, (int32_t[]){2, 70}, 2);
    assert_int_equal(shares_state(&s), SHARES_TO_CLAIM);
    (void)shares_claimed(&s, 2, 1);
    (void)shares_claimed(&s, 70, 1);
    assert_true(shares_all_claimed(&s));
    assert_int_equal(shares_state(&s), SHARES_TO_LOAD);
    shares_loaded(&s);
    assert_int_equal(shares_state(&s), SHARES_READY);
    shares_revoke(&s);
    assert_int_equal(shares_state(&s), SHARES_AWAY);
    assert_false(shares_all_claimed(&s)); /* the answer came too late */
    assert_int_equal(shares_state(&s), SHARES_AWAY);
    shares_assign(&s, (int32_t[]){2, 70}, 2);
    assert_int_equal(shares_state(&s), SHARES_TO_CLAIM);
    assert_true(shares_claimed(&s, 2, 1) && shares_claimed(&s, 70, 1) && shares_all_claimed(&s));
    assert_int_equal(shares_state(&s), SHARES_READY);
}

static void a_member_without_partitions_is_ready_too(void **state) {
    (void)state;
    Shares s = {0};
    shares_assign(&s, NULL, 0);
    assert_int_equal(shares_state(&s), SHARES_TO_CLAIM);
    assert_true(shares_all_claimed(&s));
    assert_int_equal(shares_state(&s), SHARES_READY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_stay_good_only_while_nobody_else_had_the_partition),
        cmocka_unit_test(what_was_not_assigned_again_is_not_believed_when_it_comes_back),
        cmocka_unit_test(a_lost_partition_is_nobodys_until_it_is_assigned_again),
        cmocka_unit_test(numbers_that_no_partition_has_are_nobodys),
        cmocka_unit_test(nothing_is_ready_before_it_is_claimed_and_loaded),
        cmocka_unit_test(a_member_without_partitions_is_ready_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
