/* Culprits that were planted are found, and where none is nobody is named. */
#include "radar/culprits.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static uint64_t dice_state;

static uint64_t dice_number(void) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t dice(uint32_t sides) {
    return (uint32_t)(dice_number() % sides);
}

/* Product, batch (of its product), region, channel, carrier (which follows the region). Few are
 * frequent, many are rare. */
enum { PRODUCT, BATCH, REGION, CHANNEL, CARRIER, DIMENSIONS };

static uint32_t zipf(uint32_t n) {
    double u = (double)(dice_number() >> 11) * 0x1p-53;
    uint32_t k = (uint32_t)pow((double)n + 1, u); /* 1 ... n, as 1/k */
    return k < 1 ? 1 : k > n ? n : k;
}

static void usual_row(uint32_t *row) {
    row[PRODUCT] = zipf(200);
    row[BATCH] = dice(5) ? row[PRODUCT] * 10 + dice(4) : 0;
    row[REGION] = zipf(30);
    row[CHANNEL] = zipf(6);
    row[CARRIER] = dice(10) < 8 ? 1 + row[REGION] % 7 : zipf(7);
}

typedef struct World {
    uint32_t *surge, *before;
    size_t surge_n, before_n;
} World;

static World usual(size_t surge_n, size_t before_n) {
    World w = {xcalloc(surge_n * DIMENSIONS, sizeof(uint32_t)),
               xcalloc(before_n * DIMENSIONS, sizeof(uint32_t)), surge_n, before_n};
    for (size_t i = 0; i < surge_n; i++)
        usual_row(&w.surge[i * DIMENSIONS]);
    for (size_t i = 0; i < before_n; i++)
        usual_row(&w.before[i * DIMENSIONS]);
    return w;
}

static void done(World *w) {
    free(w->surge);
    free(w->before);
}

static int find(const World *w, Culprit ret[CULPRITS_MAX]) {
    CulpritRules rules = CULPRIT_RULES_DEFAULT;
    return culprits_find(DIMENSIONS, (CulpritRows){w->surge, w->surge_n},
                         (CulpritRows){w->before, w->before_n}, &rules, ret);
}

/* ---- Promises ---- */

static void a_single_culprit_is_named_alone(void **state) {
    (void)state;
    enum { ROUNDS = 60 };
    static const int dimensions[] = {PRODUCT, REGION, CARRIER};
    static const uint32_t values[] = {37, 9, 4};
    dice_state = 21;
    for (int k = 0; k < 3; k++) {
        int right = 0, others = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Culprit found[CULPRITS_MAX];
            World w = usual(150, 3000);
            for (size_t i = 0; i < 50; i++) {
                uint32_t *row = &w.surge[i * DIMENSIONS];
                do
                    usual_row(row);
                while (dimensions[k] == CARRIER && row[CARRIER] != values[k]);
                row[dimensions[k]] = values[k];
                if (dimensions[k] == PRODUCT && row[BATCH]) row[BATCH] = values[k] * 10 + dice(4);
            }
            int n = find(&w, found);
            if (n > 0)
                right += found[0].dimensions[0] == dimensions[k] && found[0].dimensions[1] < 0 &&
                         found[0].values[0] == values[k];
            others += n > 0 ? n - 1 : 0;
            done(&w);
        }
        if (right < ROUNDS * 9 / 10 || others > ROUNDS / 6)
            fail_msg("dimension %d: named in %d of %d, %d others", dimensions[k], right, ROUNDS,
                     others);
    }
}

static void a_combination_of_two_is_named_as_such(void **state) {
    (void)state;
    enum { ROUNDS = 60 };
    int right = 0, others = 0;
    dice_state = 22;
    for (int round = 0; round < ROUNDS; round++) {
        Culprit found[CULPRITS_MAX];
        World w = usual(200, 4000);
        for (size_t i = 0; i < 40; i++) { /* a frequent product in a frequent region */
            w.surge[i * DIMENSIONS + PRODUCT] = 3;
            w.surge[i * DIMENSIONS + BATCH] = 30 + dice(4);
            w.surge[i * DIMENSIONS + REGION] = 4;
            w.surge[i * DIMENSIONS + CARRIER] = 1 + dice(7);
        }
        int n = find(&w, found);
        if (n > 0)
            right += found[0].dimensions[0] == PRODUCT && found[0].dimensions[1] == REGION &&
                     found[0].values[0] == 3 && found[0].values[1] == 4;
        others += n > 0 ? n - 1 : 0;
        done(&w);
    }
    if (right < ROUNDS * 9 / 10 || others > ROUNDS / 6)
        fail_msg("named in %d of %d, %d others", right, ROUNDS, others);
}

static void two_culprits_are_both_named(void **state) {
    (void)state;
    Culprit found[CULPRITS_MAX];
    dice_state = 23;
    World w = usual(300, 5000);
    for (size_t i = 0; i < 80; i++)
        w.surge[i * DIMENSIONS + REGION] = 12;
    for (size_t i = 80; i < 130; i++) {
        w.surge[i * DIMENSIONS + PRODUCT] = 50;
        w.surge[i * DIMENSIONS + BATCH] = 507;
    }
    int n = find(&w, found);
    assert_true(n == 2);
    /* A batch that had never been seen explains more than a region that is four times itself. */
    assert_int_equal(found[0].dimensions[0], BATCH);
    assert_int_equal(found[0].values[0], 507);
    assert_int_equal(found[1].dimensions[0], REGION);
    assert_int_equal(found[1].values[0], 12);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(found[i].dimensions[1], -1);
        assert_true(found[i].ic025 > 0 && found[i].surprise < 1e-9);
        assert_true(found[i].ic > found[i].ic025 && found[i].observed > found[i].expected);
    }
    done(&w);
}

/* A twentieth of false ones is allowed where anything is named; here everything named is false. */
static void where_nothing_is_wrong_nobody_is_named(void **state) {
    (void)state;
    enum { ROUNDS = 300 };
    int named = 0;
    dice_state = 24;
    for (int round = 0; round < ROUNDS; round++) {
        Culprit found[CULPRITS_MAX];
        World w = usual(60 + dice(100), 1500);
        named += find(&w, found) > 0;
        done(&w);
    }
    if (named > ROUNDS * 8 / 100) fail_msg("somebody was named in %d of %d", named, ROUNDS);
}

static void the_order_of_tickets_changes_nothing(void **state) {
    (void)state;
    Culprit forth[CULPRITS_MAX], back[CULPRITS_MAX];
    dice_state = 25;
    World w = usual(200, 2000), v = usual(200, 2000);
    for (size_t i = 0; i < 40; i++)
        w.surge[i * DIMENSIONS + REGION] = 17;
    for (size_t i = 0; i < 200; i++)
        memcpy(&v.surge[(199 - i) * DIMENSIONS], &w.surge[i * DIMENSIONS],
               DIMENSIONS * sizeof(uint32_t));
    for (size_t i = 0; i < 2000; i++)
        memcpy(&v.before[(1999 - i) * DIMENSIONS], &w.before[i * DIMENSIONS],
               DIMENSIONS * sizeof(uint32_t));
    int n = find(&w, forth);
    assert_true(n > 0);
    assert_int_equal(find(&v, back), n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(forth[i].values[0], back[i].values[0]);
        assert_int_equal(forth[i].values[1], back[i].values[1]);
        assert_true(forth[i].surprise == back[i].surprise);
    }
    done(&w);
    done(&v);
}

static void without_anything_to_compare_nothing_is_said(void **state) {
    (void)state;
    Culprit found[CULPRITS_MAX];
    CulpritRules rules = CULPRIT_RULES_DEFAULT;
    uint32_t same[40] = {0};
    CulpritRows none = {same, 0}, blank = {same, 40};
    assert_int_equal(culprits_find(1, none, none, &rules, found), 0);
    assert_int_equal(culprits_find(1, blank, none, &rules, found), 0);
    assert_int_equal(culprits_find(1, none, blank, &rules, found), 0);
    assert_int_equal(culprits_find(1, blank, blank, &rules, found), 0);
    assert_int_equal(culprits_find(0, blank, blank, &rules, found), -EINVAL);
    assert_int_equal(culprits_find(13, none, none, &rules, found), -EINVAL);
    for (int i = 0; i < 40; i++)
        same[i] = UINT32_MAX;
    assert_int_equal(culprits_find(1, blank, blank, &rules, found), 0);
    rules.false_share = NAN;
    assert_int_equal(culprits_find(1, blank, blank, &rules, found), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_culprit_is_named_alone),
        cmocka_unit_test(a_combination_of_two_is_named_as_such),
        cmocka_unit_test(two_culprits_are_both_named),
        cmocka_unit_test(where_nothing_is_wrong_nobody_is_named),
        cmocka_unit_test(the_order_of_tickets_changes_nothing),
        cmocka_unit_test(without_anything_to_compare_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
