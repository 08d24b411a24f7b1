/* Surges: found soon, and as seldom for nothing as was asked. */
#include "radar/surge.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"

/* ---- A world of its own dice: counts by their probabilities, one after the other ---- */

static uint64_t dice_state;

static double dice(void) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static int32_t draw(double mean, double dispersion) {
    double size = 1 / dispersion, p = pow(size / (size + mean), size), u = dice();
    int32_t k = 0;
    for (; u > p && k < 100000; k++) {
        u -= p;
        p *= (k + size) / (k + 1) * mean / (mean + size);
    }
    return k;
}

static double rhythm(int64_t hour, double mean) {
    int64_t slot = hour % WEEK_HOURS;
    double of_day = 1 + 0.9 * sin(((double)(slot % 24) - 8) * M_PI / 12);
    return mean * of_day * (slot / 24 < 5 ? 1.15 : 0.6) *
           exp(0.01 * (double)hour / WEEK_HOURS); /* and it grows */
}

enum { TAUGHT = 8 * WEEK_HOURS };
#define DISPERSION 0.15

static void teach(double mean, Profile *ret) {
    CLEANUP(mem_freep) int32_t *counts = xcalloc(TAUGHT, sizeof(*counts));
    for (int64_t h = 0; h < TAUGHT; h++)
        counts[h] = draw(rhythm(h, mean), DISPERSION);
    assert_int_equal(profile_fit(counts, TAUGHT, 0, ret), 0);
}

/* An hour's count falls into its four quarters, each as likely. */
static void quarters(int32_t count, int64_t ret[4]) {
    for (int q = 0; q < 4; q++)
        ret[q] = 0;
    for (int32_t i = 0; i < count; i++)
        ret[(int)(dice() * 4)]++;
}

/* ---- Promises ---- */

/* Profiles learnt from eight weeks watch four weeks that are as ordinary as these. */
static void false_alarms_come_as_seldom_as_was_asked(void **state) {
    (void)state;
    static const double means[] = {0.5, 4, 25};
    SurgeRules rules = {2, 3, 250, 15};
    assert_true(surge_rules_ok(&rules));
    dice_state = 11;
    double all = 0;
    for (int m = 0; m < 3; m++) {
        enum { ROUNDS = 15, WATCHED = 4 * WEEK_HOURS };
        double alarms = 0, wanted = ROUNDS * WATCHED / rules.false_every; /* 40 */
        for (int round = 0; round < ROUNDS; round++) {
            Profile p;
            Surge s = {0};
            teach(means[m], &p);
            double threshold = surge_threshold(&rules, &p);
            for (int64_t h = TAUGHT; h < TAUGHT + WATCHED; h++) {
                int64_t parts[4];
                quarters(draw(rhythm(h, means[m]), DISPERSION), parts);
                for (int q = 0; q < 4; q++)
                    alarms += surge_step(&s, &rules, threshold, profile_outlook(&p, h), parts[q]) ==
                              SURGE_BEGAN;
            }
        }
        all += alarms / wanted;
        if (alarms < 0.4 * wanted || alarms > 2 * wanted)
            fail_msg("around %g an hour: %g false alarms instead of %g", means[m], alarms, wanted);
    }
    assert_true(all / 3 > 0.6 && all / 3 < 1.6);
}

/* Three times the usual, from a random hour of working days. */
static void an_outbreak_is_found_within_hours(void **state) {
    (void)state;
    SurgeRules rules = SURGE_RULES_DEFAULT;
    Profile p;
    int found = 0;
    double tickets = 0;
    enum { ROUNDS = 60 };
    dice_state = 12;
    teach(6, &p);
    double threshold = surge_threshold(&rules, &p);
    for (int round = 0; round < ROUNDS; round++) {
        Surge s = {0};
        int64_t start =
            TAUGHT + WEEK_HOURS + 24 * (int64_t)(dice() * 5) + 9 + (int64_t)(dice() * 8);
        bool seen = false;
        for (int64_t h = TAUGHT + WEEK_HOURS - 24; h < start + 4 && !seen; h++) {
            int64_t parts[4];
            double usual = rhythm(h, 6);
            int32_t more = h >= start ? draw(2 * usual, 0.01) : 0;
            quarters(draw(usual, DISPERSION) + more, parts);
            for (int q = 0; q < 4 && !seen; q++) {
                SurgeSaw saw = surge_step(&s, &rules, threshold, profile_outlook(&p, h), parts[q]);
                if (saw != SURGE_BEGAN || h < start) continue;
                seen = true;
                tickets += (double)s.observed - s.expected;
            }
        }
        found += seen;
    }
    if (found < ROUNDS * 9 / 10) fail_msg("%d of %d found", found, ROUNDS);
    assert_true(tickets / found < 70);
}

static void a_surge_begins_goes_on_and_is_over_once(void **state) {
    (void)state;
    SurgeRules rules = {2, 3, 2160, 60};
    Profile p = {.origin = 0, .dispersion = 0.1};
    Surge s = {0};
    int began = 0, over = 0, raging = 0;
    for (int i = 0; i < WEEK_HOURS; i++) {
        p.level[i] = 10;
        p.known[i] = 50;
    }
    double threshold = surge_threshold(&rules, &p);
    assert_true(threshold > 2 && threshold < 15);
    for (int64_t h = 0; h < 100; h++) {
        SurgeSaw saw =
            surge_step(&s, &rules, threshold, profile_outlook(&p, h), h >= 20 && h < 60 ? 60 : 9);
        if (saw == SURGE_BEGAN) {
            began++;
            assert_true(h >= 20 && h < 23);
            assert_true(s.observed - (int64_t)s.expected > 30);
            assert_true(s.steps <= 3);
        }
        if (saw == SURGE_OVER) {
            over++;
            assert_true(h >= 60 && h < 72);
        }
        raging += saw == SURGE_GOES_ON;
    }
    assert_int_equal(began, 1);
    assert_int_equal(over, 1);
    assert_true(raging > 36);
    assert_true(s.score == 0 && !s.raging && !s.steps);
}

static void a_rarer_false_alarm_asks_for_a_higher_threshold(void **state) {
    (void)state;
    Profile p;
    double before = 0;
    dice_state = 13;
    teach(4, &p);
    for (double every = 100; every < 7000; every *= 4) {
        SurgeRules rules = {2, 3, every, 60};
        double threshold = surge_threshold(&rules, &p);
        assert_true(threshold > before);
        assert_true(surge_threshold(&rules, &p) == threshold); /* the dice are the same */
        before = threshold;
    }
}

static void floods_and_silence_are_borne(void **state) {
    (void)state;
    SurgeRules rules = SURGE_RULES_DEFAULT;
    Surge s = {0};
    Outlook none = {1e-5, 3};
    SurgeSaw saw = surge_step(&s, &rules, 5, none, INT32_MAX);
    assert_int_equal(saw, SURGE_BEGAN);
    for (int i = 0; i < 1000 && saw != SURGE_OVER; i++)
        saw = surge_step(&s, &rules, 5, none, 0);
    assert_int_equal(saw, SURGE_OVER);
    rules.step_minutes = 7;
    assert_false(surge_rules_ok(&rules));
    rules = (SurgeRules){NAN, 3, 2160, 15};
    assert_false(surge_rules_ok(&rules));
}

static void a_pack_comes_back_whole_or_not_at_all(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf packed = {0};
    Surge s = {3.25, true, 7, 99, 12.5}, back;
    surge_pack(&s, &packed);
    assert_int_equal(surge_unpack(buf_str(&packed), &back), 0);
    assert_true(back.score == 3.25 && back.raging && back.steps == 7 && back.observed == 99 &&
                back.expected == 12.5);
    for (size_t n = 0; n < packed.n; n++)
        assert_int_equal(surge_unpack((Str){packed.p, n}, &back), -EBADMSG);
    s.score = NAN;
    buf_clear(&packed);
    surge_pack(&s, &packed);
    assert_int_equal(surge_unpack(buf_str(&packed), &back), -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_alarms_come_as_seldom_as_was_asked),
        cmocka_unit_test(an_outbreak_is_found_within_hours),
        cmocka_unit_test(a_surge_begins_goes_on_and_is_over_once),
        cmocka_unit_test(a_rarer_false_alarm_asks_for_a_higher_threshold),
        cmocka_unit_test(floods_and_silence_are_borne),
        cmocka_unit_test(a_pack_comes_back_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
