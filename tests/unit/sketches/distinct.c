/* Distinct counts beside the true ones. */
#include "sketches/distinct.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void up_to_512_the_count_is_exact(void **state) {
    (void)state;
    CLEANUP(distinct_freep) Distinct *d = distinct_new();
    assert_int_equal(distinct_count(d), 0);
    for (int64_t i = 1; i <= DISTINCT_EXACT; i++) {
        for (int again = 0; again < 3; again++)
            distinct_add_id(d, i * 7919);
        assert_int_equal(distinct_count(d), i);
    }
}

/* 64 sets at each size: the mean shows a bias, the spread the standard error. */
static void many_are_told_within_the_stated_error(void **state) {
    (void)state;
    static const int64_t sizes[] = {513, 1000, 5000, 16384, 40000, 100000};
    enum { SETS = 64 };
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        double sum = 0, squares = 0, worst = 0;
        for (int64_t set = 0; set < SETS; set++) {
            CLEANUP(distinct_freep) Distinct *d = distinct_new();
            for (int64_t i = 0; i < sizes[s]; i++)
                distinct_add_id(d, set * 1000000007 + i); /* ids as they come: in a row */
            double off = (double)distinct_count(d) / (double)sizes[s] - 1;
            sum += off;
            squares += off * off;
            if (fabs(off) > worst) worst = fabs(off);
        }
        double spread = sqrt(squares / SETS), bias = sum / SETS;
        if (fabs(bias) > 4 * DISTINCT_STANDARD_ERROR / 8 ||
            spread > 1.4 * DISTINCT_STANDARD_ERROR || worst > 4.5 * DISTINCT_STANDARD_ERROR)
            fail_msg("%lld: bias %g, spread %g, worst %g", (long long)sizes[s], bias, spread,
                     worst);
    }
}

static void texts_that_share_all_but_a_letter_are_different_ones(void **state) {
    (void)state;
    CLEANUP(distinct_freep) Distinct *d = distinct_new();
    char text[64];
    for (int i = 0; i < 30000; i++) {
        int n = snprintf(text, sizeof(text), "requester-%d@example.cn", i);
        distinct_add(d, (Str){text, (size_t)n});
        distinct_add(d, (Str){text, (size_t)n});
    }
    double off = (double)distinct_count(d) / 30000 - 1;
    assert_true(fabs(off) < 4 * DISTINCT_STANDARD_ERROR);
    CLEANUP(distinct_freep) Distinct *few = distinct_new();
    distinct_add(few, STR(""));
    distinct_add(few, (Str){NULL, 0});
    distinct_add(few, STR("0"));
    distinct_add_id(few, 0);
    assert_int_equal(distinct_count(few), 3);
}

static void merging_is_adding_whatever_the_forms(void **state) {
    (void)state;
    static const int64_t sizes[] = {0, 3, 300, 500, 513, 9000};
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < 6; b++) {
            CLEANUP(distinct_freep)
            Distinct *both = distinct_new(), *one = distinct_new(), *other = distinct_new();
            CLEANUP(buf_done) Buf want = {0}, got = {0};
            for (int64_t i = 0; i < sizes[a]; i++) {
                distinct_add_id(one, i);
                distinct_add_id(both, i);
            }
            for (int64_t i = 0; i < sizes[b]; i++) {
                distinct_add_id(other, 250 + i);
                distinct_add_id(both, 250 + i);
            }
            distinct_merge(one, other);
            distinct_merge(one, one);
            assert_int_equal(distinct_count(one), distinct_count(both));
            distinct_pack(both, &want);
            distinct_pack(one, &got);
            assert_true(str_eq(buf_str(&want), buf_str(&got)));
        }
}

static void a_pack_comes_back_whole_or_not_at_all(void **state) {
    (void)state;
    static const int64_t sizes[] = {0, 1, 512, 513, 20000};
    for (size_t s = 0; s < 5; s++) {
        CLEANUP(distinct_freep) Distinct *d = distinct_new(), *same = NULL, *none = NULL;
        CLEANUP(buf_done) Buf packed = {0};
        for (int64_t i = 0; i < sizes[s]; i++)
            distinct_add_id(d, i);
        distinct_pack(d, &packed);
        assert_int_equal(distinct_unpack(buf_str(&packed), &same), 0);
        assert_int_equal(distinct_count(same), distinct_count(d));
        for (size_t n = 0; n < packed.n; n += n < 20 ? 1 : 97)
            assert_int_equal(distinct_unpack((Str){packed.p, n}, &none), -EBADMSG);
        buf_addc(&packed, 0);
        assert_int_equal(distinct_unpack(buf_str(&packed), &none), -EBADMSG);
        assert_null(none);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_to_512_the_count_is_exact),
        cmocka_unit_test(many_are_told_within_the_stated_error),
        cmocka_unit_test(texts_that_share_all_but_a_letter_are_different_ones),
        cmocka_unit_test(merging_is_adding_whatever_the_forms),
        cmocka_unit_test(a_pack_comes_back_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
