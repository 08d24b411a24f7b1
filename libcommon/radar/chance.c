/* Series, continued fractions, and samplers by rejection. */
#include "radar/chance.h"

#include <math.h>
#include <stdbool.h>

enum { TURNS_MAX = 100000 };
#define TINY  1e-300
#define CLOSE 1e-15

static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign); /* lgamma() writes a global */
}

/* ---- Gamma ---- */

/* Logarithm of x^a e^-x / Gamma(a), without the loss of large numbers that cancel: near a, with
 * Stirling's remainder. */
static double log_term(double a, double x) {
    if (a < 50) return a * log(x) - x - log_gamma(a);
    double away = (x - a) / a;
    double bend = fabs(away) < 0.01 ? 0 : log1p(away) - away;
    if (fabs(away) < 0.01) { /* log1p(u) - u by its series */
        double power = away;
        for (int k = 2; k < 12; k++) {
            power *= -away;
            bend += power / k;
        }
    }
    double remainder = 1 / (12 * a) - 1 / (360 * a * a * a) + 1 / (1260 * pow(a, 5));
    return a * bend - remainder + 0.5 * log(a / (2 * M_PI));
}

static double gamma_series(double a, double x) {
    double term = 1 / a, sum = term;
    for (int k = 1; k < TURNS_MAX && term > sum * CLOSE; k++) {
        term *= x / (a + k);
        sum += term;
    }
    return exp(log_term(a, x)) * sum;
}

static double gamma_fraction(double a, double x) { /* of the upper part: Lentz */
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;
    for (int k = 1; k < TURNS_MAX; k++) {
        double an = -k * (k - a);
        b += 2;
        d = an * d + b;
        if (fabs(d) < TINY) d = TINY;
        c = b + an / c;
        if (fabs(c) < TINY) c = TINY;
        d = 1 / d;
        h *= d * c;
        if (fabs(d * c - 1) < CLOSE) break;
    }
    return exp(log_term(a, x)) * h;
}

double chance_gamma_below(double shape, double x) {
    if (x <= 0) return 0;
    return x < shape + 1 ? gamma_series(shape, x) : 1 - gamma_fraction(shape, x);
}

/* Wilson and Hilferty's guess, then Newton's steps kept between two bounds. */
double chance_gamma_quantile(double shape, double p) {
    double low = 0, high = shape + 10;
    while (chance_gamma_below(shape, high) < p)
        high *= 2;
    double x;
    if (shape > 1) {
        double t = sqrt(-2 * log(p < 0.5 ? p : 1 - p));
        double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                           (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
        if (p < 0.5) z = -z;
        x = shape * pow(1 - 1 / (9 * shape) + z / (3 * sqrt(shape)), 3);
    } else {
        x = exp((log(p) + log_gamma(shape + 1)) / shape);
    }
    for (int k = 0; k < 200; k++) {
        if (!(x > low && x < high)) x = (low + high) / 2;
        double off = chance_gamma_below(shape, x) - p;
        if (off > 0)
            high = x;
        else
            low = x;
        double slope = exp(log_term(shape, x)) / x;
        double next = slope > 0 ? x - off / slope : (low + high) / 2;
        if (!(next > low && next < high)) next = (low + high) / 2;
        if (fabs(next - x) <= 1e-14 * x || high - low <= 1e-15 * high) return next;
        x = next;
    }
    return x;
}

/* ---- Binomial ---- */

static double beta_fraction(double a, double b, double x) {
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < TINY) d = TINY;
    d = 1 / d;
    double h = d;
    for (int k = 1; k < TURNS_MAX; k++) {
        double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        for (int half = 0; half < 2; half++) {
            double an = half ? odd : even;
            d = 1 + an * d;
            if (fabs(d) < TINY) d = TINY;
            c = 1 + an / c;
            if (fabs(c) < TINY) c = TINY;
            d = 1 / d;
            h *= d * c;
        }
        if (fabs(d * c - 1) < CLOSE) break;
    }
    return h;
}

/* I_p(k, n - k + 1) */
double chance_binomial_at_least(uint64_t k, uint64_t n, double p) {
    if (k == 0) return 1;
    if (k > n) return 0;
    double a = (double)k, b = (double)(n - k) + 1;
    double front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(p) + b * log1p(-p);
    bool tail = p < (a + 1) / (a + b + 2);
    if (tail) return exp(front) * beta_fraction(a, b, p) / a;
    return 1 - exp(front) * beta_fraction(b, a, 1 - p) / b;
}

double chance_counts_log(uint64_t k, double mean, double dispersion) {
    double x = (double)k;
    if (dispersion < 1e-9) return x * log(mean) - mean - log_gamma(x + 1);
    double size = 1 / dispersion;
    return log_gamma(x + size) - log_gamma(size) - log_gamma(x + 1) - size * log1p(mean / size) +
           x * log(mean / (mean + size));
}

/* ---- Dice ---- */

uint64_t dice_number(Dice *d) {
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double dice_share(Dice *d) {
    return (double)(dice_number(d) >> 11) * 0x1p-53;
}

static double normal(Dice *d) { /* Box and Muller: one of the two */
    double u = 1 - dice_share(d), v = dice_share(d);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

double dice_gamma(Dice *d, double shape) { /* Marsaglia and Tsang 2000 */
    double lift = 1;
    if (shape < 1) {
        lift = pow(1 - dice_share(d), 1 / shape);
        shape += 1;
    }
    double a = shape - 1.0 / 3, c = 1 / sqrt(9 * a);
    for (;;) {
        double x = normal(d), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        double u = 1 - dice_share(d);
        if (log(u) < 0.5 * x * x + a - a * v + a * log(v)) return lift * a * v;
    }
}

uint64_t dice_poisson(Dice *d, double mean) {
    if (!(mean > 0)) return 0;
    if (mean < 30) {
        double limit = exp(-mean), product = dice_share(d);
        uint64_t k = 0;
        for (; product > limit; k++)
            product *= dice_share(d);
        return k;
    }
    /* Hormann 1993, PTRS */
    double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    double inverse = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u = dice_share(d) - 0.5, v = dice_share(d), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= squeeze) return (uint64_t)k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (log(v * inverse / (a / (us * us) + b)) <= k * log(mean) - mean - log_gamma(k + 1))
            return (uint64_t)k;
    }
}

uint64_t dice_counts(Dice *d, double mean, double dispersion) {
    if (dispersion < 1e-9) return dice_poisson(d, mean);
    return dice_poisson(d, dice_gamma(d, 1 / dispersion) * mean * dispersion);
}
