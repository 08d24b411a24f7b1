/* Percentiles of a sketch beside those of all the values, sorted. */
#include "sketches/quantiles.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t dice_state;

static uint64_t dice(void) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static const double shares[] = {0,    0.0001, 0.001, 0.01, 0.05,  0.1,    0.25, 0.5,
                                0.75, 0.9,    0.95,  0.99, 0.999, 0.9999, 1};

/* The value of rank ceil(share * n), without a rounding of its own: shares are given in ten
 * thousandths. */
static int64_t exact(const int64_t *sorted, size_t n, double share) {
    size_t of_10000 = (size_t)(share * 10000 + 0.5);
    size_t rank = (of_10000 * n + 9999) / 10000;
    return sorted[rank ? rank - 1 : 0];
}

static void compare(int64_t *values, size_t n) {
    CLEANUP(quantiles_freep) Quantiles *q = quantiles_new();
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        quantiles_add(q, values[i], 1);
        sum += (double)values[i];
    }
    qsort(values, n, sizeof(*values), ascending);
    assert_true(quantiles_count(q) == n);
    for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
        double want = (double)exact(values, n, shares[i]), got = quantiles_at(q, shares[i]);
        double error = want > got ? want - got : got - want;
        if (error > want * QUANTILES_ERROR * (1 + 1e-12))
            fail_msg("share %g of %zu: %.17g instead of %.17g", shares[i], n, got, want);
    }
    double error = sum - quantiles_sum(q);
    assert_true((error < 0 ? -error : error) <= sum * QUANTILES_ERROR * (1 + 1e-9));
    for (size_t i = 0; i < n; i += n / 50 + 1) {
        uint64_t least, most, really = 0;
        while (really < n && values[really] <= values[i])
            really++;
        quantiles_rank(q, values[i], &least, &most);
        assert_true(least <= really && really <= most);
    }
}

static void random_values_of_every_size_are_within_the_error(void **state) {
    (void)state;
    enum { N = 20000 };
    int64_t *values = xcalloc(N, sizeof(*values));
    dice_state = 1;
    for (int round = 0; round < 12; round++) {
        size_t n = round < 6 ? N : 1 + dice() % 40;
        for (size_t i = 0; i < n; i++) {
            if (round % 6 == 0) values[i] = (int64_t)(dice() % 86400000);
            if (round % 6 == 1) values[i] = (int64_t)(dice() >> 1 >> dice() % 63);
            if (round % 6 == 2) values[i] = (int64_t)(dice() % 130);
            if (round % 6 == 3) values[i] = 3600000 + (int64_t)(dice() % 3);
            if (round % 6 == 4) values[i] = dice() % 100 ? 1000 : INT64_C(1) << 40;
            if (round % 6 == 5) values[i] = (int64_t)(dice() % 1000 * (dice() % 1000));
        }
        compare(values, n);
    }
    free(values);
}

static void the_ends_of_every_bucket_are_within_the_error(void **state) {
    (void)state;
    int64_t one[1];
    for (int octave = 0; octave < 63; octave++)
        for (int64_t part = 0; part < 64; part++)
            for (int64_t by = -1; by <= 1; by++) {
                uint64_t start = UINT64_C(1) << octave;
                uint64_t value = start + (start / 64) * (uint64_t)part + (uint64_t)by;
                if (value > INT64_MAX) continue;
                one[0] = (int64_t)value;
                compare(one, 1);
            }
    one[0] = INT64_MAX;
    compare(one, 1);
}

static void small_values_are_exact(void **state) {
    (void)state;
    for (int64_t v = 0; v <= 128; v++) {
        CLEANUP(quantiles_freep) Quantiles *q = quantiles_new();
        quantiles_add(q, v, 3);
        double off = quantiles_at(q, 0.5) - (double)v;
        assert_true(v == 128 ? off < 1 && off >= 0 : off == 0);
    }
    CLEANUP(quantiles_freep) Quantiles *q = quantiles_new();
    assert_true(quantiles_at(q, 0.5) == 0);
    quantiles_add(q, -5, 1);
    assert_true(quantiles_at(q, 1) == 0);
    assert_true(quantiles_count(q) == 1);
}

static void merging_in_any_order_is_adding_everything_to_one(void **state) {
    (void)state;
    dice_state = 5;
    for (int round = 0; round < 30; round++) {
        CLEANUP(quantiles_freep)
        Quantiles *whole = quantiles_new(), *forth = quantiles_new(), *back = quantiles_new();
        CLEANUP(buf_done) Buf a = {0}, b = {0}, c = {0};
        Quantiles *parts[7];
        for (int i = 0; i < 7; i++)
            parts[i] = quantiles_new();
        for (int i = 0; i < 2000; i++) {
            int64_t value = (int64_t)(dice() >> (1 + dice() % 60));
            uint64_t times = 1 + dice() % 3;
            quantiles_add(whole, value, times);
            quantiles_add(parts[dice() % 7], value, times);
        }
        for (int i = 0; i < 7; i++) {
            quantiles_merge(forth, parts[i]);
            quantiles_merge(back, parts[6 - i]);
        }
        quantiles_pack(whole, &a);
        quantiles_pack(forth, &b);
        quantiles_pack(back, &c);
        assert_true(str_eq(buf_str(&a), buf_str(&b)));
        assert_true(str_eq(buf_str(&a), buf_str(&c)));
        for (int i = 0; i < 7; i++)
            quantiles_free(parts[i]);
    }
}

static void what_was_added_can_be_taken_back(void **state) {
    (void)state;
    CLEANUP(quantiles_freep) Quantiles *q = quantiles_new(), *empty = quantiles_new();
    CLEANUP(buf_done) Buf a = {0}, b = {0};
    for (int64_t v = 1; v < INT64_C(1) << 50; v *= 3)
        quantiles_add(q, v, 2);
    for (int64_t v = 1; v < INT64_C(1) << 50; v *= 3)
        quantiles_take(q, v, 2);
    quantiles_take(q, 99, 1);
    assert_true(quantiles_count(q) == 0);
    quantiles_pack(q, &a);
    quantiles_pack(empty, &b);
    assert_true(str_eq(buf_str(&a), buf_str(&b)));
}

static void counts_end_before_they_overflow(void **state) {
    (void)state;
    CLEANUP(quantiles_freep) Quantiles *q = quantiles_new();
    quantiles_add(q, 7, UINT64_MAX);
    quantiles_add(q, 9, UINT64_MAX);
    quantiles_merge(q, q);
    assert_true(quantiles_count(q) == UINT64_C(1) << 53);
    assert_true(quantiles_at(q, 1) == 7);
}

static void a_pack_comes_back_whole_or_not_at_all(void **state) {
    (void)state;
    CLEANUP(quantiles_freep) Quantiles *q = quantiles_new(), *same = NULL, *none = NULL;
    CLEANUP(buf_done) Buf once = {0}, twice = {0};
    dice_state = 6;
    for (int i = 0; i < 300; i++)
        quantiles_add(q, (int64_t)(dice() >> (1 + dice() % 60)), 1 + dice() % 1000);
    quantiles_pack(q, &once);
    assert_int_equal(quantiles_unpack(buf_str(&once), &same), 0);
    quantiles_pack(same, &twice);
    assert_true(str_eq(buf_str(&once), buf_str(&twice)));
    for (size_t n = 0; n < once.n; n++)
        assert_int_equal(quantiles_unpack((Str){once.p, n}, &none), -EBADMSG);
    buf_addc(&once, 1);
    assert_int_equal(quantiles_unpack(buf_str(&once), &none), -EBADMSG);
    once.n--;
    once.p[0] = 2;
    assert_int_equal(quantiles_unpack(buf_str(&once), &none), -EBADMSG);
    assert_null(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_values_of_every_size_are_within_the_error),
        cmocka_unit_test(the_ends_of_every_bucket_are_within_the_error),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(merging_in_any_order_is_adding_everything_to_one),
        cmocka_unit_test(what_was_added_can_be_taken_back),
        cmocka_unit_test(counts_end_before_they_overflow),
        cmocka_unit_test(a_pack_comes_back_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
