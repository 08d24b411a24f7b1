/* Chance -- the few functions of probability that the radar asks, and dice that fall the same on
 * every machine. Pure. Relative errors are those against SciPy over the ranges that its tests name:
 * below 1e-9 where nothing else is said. */
#pragma once

#include <stdint.h>

/* P(X <= x) of a gamma with this shape and rate 1: the regularised incomplete gamma function.
 * shape > 0, x >= 0. */
double chance_gamma_below(double shape, double x);
/* The x below which a gamma with this shape and rate 1 lies with chance p, 0 < p < 1. */
double chance_gamma_quantile(double shape, double p);
/* P(X >= k) of n trials that each succeed with chance p, 0 < p < 1: how surprising is k? Down to
 * 1e-300, then 0. */
double chance_binomial_at_least(uint64_t k, uint64_t n, double p);
/* Logarithm of P(X = k) of a negative binomial: variance = mean + dispersion * mean^2; a Poisson
 * where dispersion is below 1e-9. mean > 0. */
double chance_counts_log(uint64_t k, double mean, double dispersion);

typedef struct Dice { /* SplitMix64: any state is a good one */
    uint64_t state;
} Dice;

uint64_t dice_number(Dice *d);
double dice_share(Dice *d); /* [0, 1) */
double dice_gamma(Dice *d, double shape);
uint64_t dice_poisson(Dice *d, double mean);
/* A negative binomial's, as above. */
uint64_t dice_counts(Dice *d, double mean, double dispersion);
