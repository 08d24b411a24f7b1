/* A category under watch: quarters of an hour, found and over, packed in between. */
#include "analytics/radar/watch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "radar/chance.h"

enum { WEEKS = 6, HOURS = WEEKS * WEEK_HOURS };
#define MONDAY INT64_C(1763337600000) /* 2025-11-17T00:00:00Z */

static const SurgeRules rules = SURGE_RULES_DEFAULT;

static int32_t usual(int64_t hour) { /* of an hour of the week: busy by day */
    return hour % 24 >= 8 && hour % 24 < 22 ? 24 : 4;
}

static Watch fitted(void) {
    static int32_t counts[HOURS];
    Watch w = {0};
    Dice dice = {5};
    int64_t first = watch_hour(MONDAY, 0) - HOURS;
    for (int i = 0; i < HOURS; i++)
        counts[i] = (int32_t)dice_poisson(&dice, usual(i));
    watch_fit(&w, &rules, counts, HOURS, first);
    assert_true(w.known);
    return w;
}

static void hours_are_those_of_the_local_week(void **state) {
    (void)state;
    assert_int_equal(watch_hour(MONDAY, 0) % WEEK_HOURS, 0);
    assert_int_equal(watch_hour(MONDAY - 1, 0) % WEEK_HOURS, WEEK_HOURS - 1);
    assert_int_equal(watch_hour(MONDAY, INT64_C(8) * 3600000) % WEEK_HOURS, 8);
    assert_int_equal(watch_hour(MONDAY, -INT64_C(5) * 3600000) % WEEK_HOURS, WEEK_HOURS - 5);
    assert_int_equal(watch_hour(MONDAY, INT64_C(19800000)) % WEEK_HOURS, 5); /* UTC+05:30 */
    assert_int_equal(watch_hour(-1, 0), watch_hour(0, 0) - 1);
}

static WatchSaw step(Watch *w, int64_t quarter, int64_t count, WatchMoment *m) {
    int64_t at = MONDAY + quarter * WATCH_QUARTER_MS;
    return watch_step(w, &rules, at, watch_hour(at, 0), count, m);
}

/* Ordinary until the 40th quarter (10:00), then four times as much for an hour. */
static int64_t count_of(int64_t quarter) {
    int64_t plain = usual(quarter / 4) / 4;
    return quarter >= 40 && quarter < 44 ? 4 * plain : plain;
}

static void a_surge_is_found_from_where_it_began_and_ends(void **state) {
    (void)state;
    Watch w = fitted();
    WatchMoment m = {0};
    int found = 0, over = 0;
    for (int64_t q = 0; q < 96; q++) {
        WatchSaw saw = step(&w, q, count_of(q), &m);
        if (saw == WATCH_BEGAN) {
            found++;
            assert_int_equal(m.began_ms, MONDAY + 40 * WATCH_QUARTER_MS);
            assert_int_equal(m.at_ms, MONDAY + (q + 1) * WATCH_QUARTER_MS);
            assert_int_equal(m.observed, (q - 39) * 24);
            assert_true(m.expected > (double)(q - 39) * 4 && m.expected < (double)(q - 39) * 9);
            assert_int_equal(w.began_ms, m.began_ms);
        }
        if (saw == WATCH_OVER) {
            over++;
            assert_int_equal(m.began_ms, MONDAY + 40 * WATCH_QUARTER_MS);
            assert_int_equal(w.began_ms, 0);
        }
    }
    assert_int_equal(found, 1);
    assert_int_equal(over, 1);
}

static void whoever_goes_on_from_what_is_kept_finds_the_same(void **state) {
    (void)state;
    Watch one = fitted();
    for (int64_t cut = 38; cut < 46; cut++) {
        Watch first = fitted(), second = {0};
        WatchMoment m = {0}, n = {0};
        for (int64_t q = 0; q < cut; q++)
            (void)step(&first, q, count_of(q), &m);
        CLEANUP(buf_done) Buf profile = {0}, surge = {0};
        watch_pack_profile(&first, &profile);
        surge_pack(&first.surge, &surge);
        assert_int_equal(watch_unpack_profile(&second, buf_str(&profile)), 0);
        assert_int_equal(surge_unpack(buf_str(&surge), &second.surge), 0);
        second.began_ms = first.began_ms;
        for (int64_t q = cut; q < 96; q++) {
            WatchSaw a = step(&first, q, count_of(q), &m), b = step(&second, q, count_of(q), &n);
            assert_int_equal(a, b);
            if (a != WATCH_NOTHING) assert_memory_equal(&m, &n, sizeof(m));
        }
        assert_true(first.surge.score == second.surge.score);
    }
    assert_true(one.threshold > 0);
}

static void too_few_weeks_are_not_watched(void **state) {
    (void)state;
    Watch w = fitted();
    WatchMoment m;
    int32_t counts[WEEK_HOURS] = {0};
    watch_fit(&w, &rules, counts, WEEK_HOURS, 0);
    assert_false(w.known);
    assert_int_equal(step(&w, 0, 100000, &m), WATCH_NOTHING);
    watch_fit(&w, &rules, NULL, 0, 0);
    assert_false(w.known);
    CLEANUP(buf_done) Buf packed = {0};
    watch_pack_profile(&w, &packed);
    assert_int_equal(packed.n, 0);
    w.known = true;
    assert_int_equal(watch_unpack_profile(&w, buf_str(&packed)), 0);
    assert_false(w.known);
}

static void what_is_no_profile_is_refused(void **state) {
    (void)state;
    Watch w = fitted(), out = {0};
    CLEANUP(buf_done) Buf packed = {0};
    watch_pack_profile(&w, &packed);
    Str whole = buf_str(&packed);
    assert_int_equal(watch_unpack_profile(&out, (Str){whole.p, whole.n - 1}), -EBADMSG);
    packed.p[0] = 2;
    assert_int_equal(watch_unpack_profile(&out, whole), -EBADMSG);
    packed.p[0] = 1;
    for (size_t i = 1; i + 8 <= whole.n; i += 8) { /* every number once as no number */
        char was[8];
        memcpy(was, packed.p + i, 8);
        memset(packed.p + i, 0xff, 8);
        assert_int_equal(watch_unpack_profile(&out, whole), -EBADMSG);
        memcpy(packed.p + i, was, 8);
    }
    assert_int_equal(watch_unpack_profile(&out, whole), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_those_of_the_local_week),
        cmocka_unit_test(a_surge_is_found_from_where_it_began_and_ends),
        cmocka_unit_test(whoever_goes_on_from_what_is_kept_finds_the_same),
        cmocka_unit_test(too_few_weeks_are_not_watched),
        cmocka_unit_test(what_is_no_profile_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
