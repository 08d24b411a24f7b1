/* Functions of probability beside SciPy's and mpmath's (tests/oracle/chance_tables.py wrote the
 * tables), and dice beside what they are to follow. */
#include "radar/chance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "radar/culprits.h"

/* clang-format off */
static const double gamma_below[][3] = { /* shape, x, P */
    {0.5, 7.853981633978593e-13, 1e-06},
    {0.5, 0.0004910345585876278, 0.024999999999999977},
    {0.5, 0.07423593091627269, 0.3},
    {0.5, 0.227468211559786, 0.4999999999999997},
    {0.5, 2.511943093657444, 0.975},
    {0.5, 11.964063488439734, 0.999999},
    {1.0, 1.0000005000003338e-06, 1.0000000000000004e-06},
    {1.0, 0.025317807984289876, 0.025},
    {1.0, 0.3566749439387324, 0.3},
    {1.0, 0.6931471805599455, 0.5},
    {1.0, 3.6888794541139354, 0.975},
    {1.0, 13.815510557935518, 0.999999},
    {3.5, 0.03926180049518497, 1.000000000000001e-06},
    {3.5, 0.8449345903386775, 0.024999999999999994},
    {3.5, 2.3356652244905365, 0.3000000000000001},
    {3.5, 3.1729055977607574, 0.5},
    {3.5, 8.006382137314663, 0.9750000000000001},
    {3.5, 20.26091561705736, 0.999999},
    {20.5, 5.6085044170845, 9.999999999999944e-07},
    {20.5, 12.607259319056254, 0.024999999999999998},
    {20.5, 17.906543470504914, 0.29999999999999993},
    {20.5, 20.167647460374564, 0.49999999999999994},
    {20.5, 30.28028586742186, 0.9749999999999996},
    {20.5, 49.58696878486106, 0.999999},
    {100.5, 59.818257836077564, 9.999999999999659e-07},
    {100.5, 81.81501408848392, 0.024999999999999998},
    {100.5, 95.01118040132067, 0.2999999999999998},
    {100.5, 100.16686392940771, 0.5000000000000001},
    {100.5, 121.07793174019264, 0.975},
    {100.5, 155.53731445347475, 0.999999},
    {2000.5, 1795.0450941094941, 1.0000000000000082e-06},
    {2000.5, 1913.7877533066708, 0.024999999999999942},
    {2000.5, 1976.8056955867744, 0.29999999999999993},
    {2000.5, 2000.1666765425434, 0.5000000000000002},
    {2000.5, 2089.1064844790785, 0.9750000000000002},
    {2000.5, 2220.3495351147994, 0.999999},
    {100000.0, 98504.02706509772, 1.0000000000000213e-06},
    {100000.0, 99381.15266374472, 0.02499999999999881},
    {100000.0, 99833.92863928512, 0.29999999999999233},
    {100000.0, 99999.6666668642, 0.5000000000000012},
    {100000.0, 100620.74164077373, 0.9749999999999993},
    {100000.0, 101510.36958867917, 0.999999},
};
static const double gamma_quantile[][3] = { /* shape, p, x */
    {0.5, 0.001, 7.853985746312461e-07},
    {0.5, 0.025, 0.0004910345585876278},
    {0.5, 0.5, 0.227468211559786},
    {0.5, 0.975, 2.511943093657444},
    {1.5, 0.001, 0.012148792907846366},
    {1.5, 0.025, 0.10789764131194893},
    {1.5, 0.5, 1.1829869421876689},
    {1.5, 0.975, 4.674201802248074},
    {3.5, 0.001, 0.299246876187688},
    {3.5, 0.025, 0.8449345903386775},
    {3.5, 0.5, 3.1729055977607574},
    {3.5, 0.975, 8.006382137314663},
    {10.5, 0.001, 3.223338281608659},
    {10.5, 0.025, 5.141448891261431},
    {10.5, 0.5, 10.168613781773967},
    {10.5, 0.975, 17.739437952863632},
    {100.5, 0.001, 72.34431421939149},
    {100.5, 0.025, 81.81501408848392},
    {100.5, 0.5, 100.16686392940771},
    {100.5, 0.975, 121.07793174019264},
    {5000.5, 0.001, 4784.823322361861},
    {5000.5, 0.025, 4862.852259228797},
    {5000.5, 0.5, 5000.166670617177},
    {5000.5, 0.975, 5140.042019412621},
    {1000000.0, 0.001, 996912.6173198152},
    {1000000.0, 0.025, 998040.9833402939},
    {1000000.0, 0.5, 999999.6666666864},
    {1000000.0, 0.975, 1001960.9109654503},
};
static const double binomial[][4] = { /* k, n, p, P */
    {1.0, 1.0, 0.01, 0.01},
    {3.0, 3.0, 0.01, 1.0000000000000002e-06},
    {5.0, 20.0, 0.1, 0.04317449528446339},
    {1.0, 400000.0, 1e-06, 0.32968008802844584},
    {50.0, 1000.0, 0.02, 7.884716909458582e-09},
    {10.0, 1000.0, 0.02, 0.9953192495685856},
    {300.0, 400000.0, 0.0005, 2.6774684249897413e-11},
    {20.0, 20000.0, 0.0001, 6.394322602790243e-14},
    {900.0, 1000.0, 0.5, 6.701717790006296e-162},
    {40.0, 5000.0, 0.04, 1.0},
    {2000.0, 40000.0, 0.05, 0.5032033249338861},
};
static const double counts[][4] = { /* k, mean, dispersion, log P */
    {0.0, 0.1, 0.0, -0.1},
    {3.0, 0.1, 0.5, -7.844853280389238},
    {10.0, 4.0, 0.25, -4.048068717019383},
    {100.0, 80.0, 0.05, -4.557476884369823},
    {1000.0, 700.0, 0.0, -61.047843444759565},
    {0.0, 50.0, 2.0, -2.30756025842063},
    {5.0, 0.001, 0.1, -38.45129982500991},
};
static const double ic025[][3] = { /* observed, expected, IC025 */
    {0.0, 0.1, -10.254922221640657},
    {1.0, 0.0360548272, -2.3127172385185717},
    {3.0, 0.5, -0.24308843378431363},
    {10.0, 4.2, 0.129514220076205},
    {100.0, 80.0, 0.023376836998045027},
    {5000.0, 4700.0, 0.048988534172580096},
    {1.0, 10.0, -6.6045821904189514},
    {25.0, 2.5, 2.4664873186254748},
};
/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

static void near(const char *what, size_t row, double got, double want, double error) {
    if (fabs(got - want) > error * fabs(want))
        fail_msg("%s %zu: %.17g instead of %.17g", what, row, got, want);
}

static void the_gamma_is_scipys(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(gamma_below); i++)
        near("below", i, chance_gamma_below(gamma_below[i][0], gamma_below[i][1]),
             gamma_below[i][2], 1e-9);
    for (size_t i = 0; i < ROWS(gamma_quantile); i++)
        near("quantile", i, chance_gamma_quantile(gamma_quantile[i][0], gamma_quantile[i][1]),
             gamma_quantile[i][2], 1e-9);
}

static void the_binomial_tail_is_mpmaths(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(binomial); i++)
        near("tail", i,
             chance_binomial_at_least((uint64_t)binomial[i][0], (uint64_t)binomial[i][1],
                                      binomial[i][2]),
             binomial[i][3], 1e-8);
    assert_true(chance_binomial_at_least(0, 10, 0.5) == 1);
    assert_true(chance_binomial_at_least(11, 10, 0.5) == 0);
}

static void the_negative_binomial_is_scipys(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(counts); i++)
        near("counts", i, chance_counts_log((uint64_t)counts[i][0], counts[i][1], counts[i][2]),
             counts[i][3], 1e-9);
}

static void ic025_is_the_gammas_quantile(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(ic025); i++)
        near("ic025", i, culprit_ic025(ic025[i][0], ic025[i][1]), ic025[i][2], 1e-8);
}

/* Mean and variance of many throws within five standard errors, and each count as often as its
 * probability says. */
static void dice_follow_what_they_are_to_follow(void **state) {
    (void)state;
    static const double cases[][2] = {{0.05, 0},  {3, 0},    {29.9, 0}, {30.1, 0}, {400, 0},
                                      {0.2, 0.5}, {8, 0.25}, {90, 0.1}, {5, 2}};
    enum { N = 60000, MOST = 2000 };
    Dice dice = {42};
    for (size_t c = 0; c < ROWS(cases); c++) {
        double mean = cases[c][0], dispersion = cases[c][1], sum = 0, squares = 0;
        double variance = mean + dispersion * mean * mean;
        static int seen[MOST];
        for (int k = 0; k < MOST; k++)
            seen[k] = 0;
        for (int i = 0; i < N; i++) {
            uint64_t k = dice_counts(&dice, mean, dispersion);
            assert_true(k < MOST);
            seen[k]++;
            sum += (double)k;
            squares += ((double)k - mean) * ((double)k - mean);
        }
        assert_true(fabs(sum / N - mean) < 5 * sqrt(variance / N));
        assert_true(fabs(squares / N / variance - 1) < 0.1);
        for (int k = 0; k < MOST; k++) {
            double expected = N * exp(chance_counts_log((uint64_t)k, mean, dispersion));
            if (expected < 20) continue;
            if (fabs(seen[k] - expected) > 5 * sqrt(expected))
                fail_msg("mean %g, dispersion %g: %d of %d instead of %g", mean, dispersion,
                         seen[k], k, expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gamma_is_scipys),
        cmocka_unit_test(the_binomial_tail_is_mpmaths),
        cmocka_unit_test(the_negative_binomial_is_scipys),
        cmocka_unit_test(ic025_is_the_gammas_quantile),
        cmocka_unit_test(dice_follow_what_they_are_to_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
