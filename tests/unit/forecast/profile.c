/* A weekly rhythm is found again in counts that were drawn from one. */
#include "forecast/profile.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"

static uint64_t dice_state;

static double dice(void) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* A negative binomial by its probabilities, one after the other. */
static int32_t draw(double mean, double dispersion) {
    double size = 1 / dispersion, p = pow(size / (size + mean), size), u = dice();
    int32_t k = 0;
    for (; u > p && k < 100000; k++) {
        u -= p;
        p *= (k + size) / (k + 1) * mean / (mean + size);
    }
    return k;
}

/* Busy days, quiet nights and weekends. */
static double rhythm(int64_t hour, double mean) {
    int64_t slot = ((hour % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS;
    double of_day = 1 + 0.9 * sin(((double)(slot % 24) - 8) * M_PI / 12);
    return mean * of_day * (slot / 24 < 5 ? 1.15 : 0.6);
}

enum { WEEKS = 10, N = WEEKS * WEEK_HOURS };

static int32_t *drawn(double mean, double growth, double dispersion, int64_t first) {
    int32_t *counts = xcalloc(N, sizeof(*counts));
    for (int64_t i = 0; i < N; i++)
        counts[i] =
            draw(rhythm(first + i, mean) * exp(growth * (double)(i - N) / WEEK_HOURS), dispersion);
    return counts;
}

static void levels_growth_and_dispersion_are_found_again(void **state) {
    (void)state;
    static const double growths[] = {-0.03, 0, 0.04};
    dice_state = 1;
    for (int g = 0; g < 3; g++) {
        double dispersion = 0, growth = 0;
        for (int round = 0; round < 10; round++) {
            int64_t first = -40 + 1000 * round;
            CLEANUP(mem_freep) int32_t *counts = drawn(20, growths[g], 0.15, first);
            Profile p;
            double off = 0, all = 0;
            assert_int_equal(profile_fit(counts, N, first, &p), 0);
            for (int64_t s = 0; s < WEEK_HOURS; s++) {
                off += fabs(p.level[s] - rhythm(s, 20));
                all += rhythm(s, 20);
            }
            assert_true(off / all < 0.2);
            assert_true(fabs(p.growth - growths[g]) < 4 * p.growth_error + 0.005);
            dispersion += p.dispersion / 10;
            growth += p.growth / 10;
        }
        assert_true(dispersion > 0.11 && dispersion < 0.19);
        assert_true(fabs(growth - growths[g]) < 0.01);
    }
}

/* A few weeks that lie above and below one another are no growth. */
static void weeks_that_wander_are_not_carried_on(void **state) {
    (void)state;
    enum { ROUNDS = 30, SHORT = 6 };
    double squares = 0, wander = 0;
    dice_state = 5;
    for (int round = 0; round < ROUNDS; round++) {
        int32_t counts[SHORT * WEEK_HOURS];
        Profile p;
        for (int w = 0; w < SHORT; w++) {
            double week = 0.65 + 0.7 * dice(); /* variance 0.041 */
            for (int h = 0; h < WEEK_HOURS; h++)
                counts[w * WEEK_HOURS + h] = draw(week * rhythm(h, 20), 0.1);
        }
        assert_int_equal(profile_fit(counts, SHORT * WEEK_HOURS, 0, &p), 0);
        squares += p.growth * p.growth / ROUNDS;
        wander += p.wander / ROUNDS;
    }
    assert_true(sqrt(squares) < 0.03);
    assert_true(wander > 0.02 && wander < 0.06);
}

/* What comes lies as far from the outlook as the outlook says, busy or quiet. */
static void the_outlook_knows_how_wrong_it_is(void **state) {
    (void)state;
    static const double means[] = {0.3, 3, 40};
    dice_state = 2;
    for (int m = 0; m < 3; m++) {
        double came = 0, foreseen = 0, squares = 0, n = 0;
        for (int round = 0; round < 12; round++) {
            CLEANUP(mem_freep) int32_t *counts = drawn(means[m], 0.02, 0.2, 0);
            Profile p;
            assert_int_equal(profile_fit(counts, N, 0, &p), 0);
            for (int64_t hour = N; hour < N + 2 * WEEK_HOURS; hour++) {
                double mean = rhythm(hour, means[m]) * exp(0.02 * (double)(hour - N) / WEEK_HOURS);
                Outlook o = profile_outlook(&p, hour);
                double count = draw(mean, 0.2), away = count - o.mean;
                came += count;
                foreseen += o.mean;
                squares += away * away / (o.mean + o.dispersion * o.mean * o.mean);
                n++;
            }
        }
        assert_true(fabs(came / foreseen - 1) < 0.05);
        assert_true(squares / n > 0.85 && squares / n < 1.4);
    }
}

static void a_surge_of_the_past_does_not_teach(void **state) {
    (void)state;
    dice_state = 3;
    CLEANUP(mem_freep) int32_t *counts = drawn(20, 0, 0.1, 0);
    Profile without, with;
    assert_int_equal(profile_fit(counts, N, 0, &without), 0);
    for (int i = 6 * WEEK_HOURS + 30; i < 6 * WEEK_HOURS + 54; i++)
        counts[i] = counts[i] * 6 + 30;
    assert_int_equal(profile_fit(counts, N, 0, &with), 0);
    for (int s = 30; s < 54; s++)
        assert_true(with.level[s] < without.level[s] * 1.35 + 1);
    assert_true(fabs(with.growth - without.growth) < 0.02);
    assert_true(with.dispersion < 0.2);
}

static void hours_that_were_not_counted_are_no_quiet_ones(void **state) {
    (void)state;
    dice_state = 4;
    CLEANUP(mem_freep) int32_t *counts = drawn(20, 0, 0.1, 0);
    Profile p;
    double off = 0, all = 0;
    for (int i = 0; i < N; i++)
        if (dice() < 0.4 || (i > 3 * WEEK_HOURS && i < 4 * WEEK_HOURS)) counts[i] = PROFILE_UNKNOWN;
    assert_int_equal(profile_fit(counts, N, 0, &p), 0);
    for (int s = 0; s < WEEK_HOURS; s++) {
        off += p.level[s] - rhythm(s, 20);
        all += rhythm(s, 20);
    }
    assert_true(fabs(off / all) < 0.05);
}

static void silence_has_a_profile_and_too_little_has_none(void **state) {
    (void)state;
    CLEANUP(mem_freep) int32_t *counts = xcalloc(N, sizeof(*counts));
    Profile p = {.origin = 7};
    assert_int_equal(profile_fit(counts, PROFILE_HOURS_MIN - 1, 0, &p), -EINVAL);
    counts[5] = -2;
    assert_int_equal(profile_fit(counts, N, 0, &p), -EINVAL);
    assert_int_equal(p.origin, 7);
    counts[5] = PROFILE_UNKNOWN;
    assert_int_equal(profile_fit(counts, N, 0, &p), 0);
    for (int64_t hour = -500; hour < 5000; hour += 7) {
        Outlook o = profile_outlook(&p, hour);
        assert_true(o.mean > 0 && o.mean < 0.05 && isfinite(o.dispersion));
    }
    for (int i = 0; i < N; i++)
        counts[i] = INT32_MAX;
    assert_int_equal(profile_fit(counts, N, 0, &p), 0);
    assert_true(fabs(profile_outlook(&p, N).mean / INT32_MAX - 1) < 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_growth_and_dispersion_are_found_again),
        cmocka_unit_test(weeks_that_wander_are_not_carried_on),
        cmocka_unit_test(the_outlook_knows_how_wrong_it_is),
        cmocka_unit_test(a_surge_of_the_past_does_not_teach),
        cmocka_unit_test(hours_that_were_not_counted_are_no_quiet_ones),
        cmocka_unit_test(silence_has_a_profile_and_too_little_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
