"""Tables of tests/unit/radar/chance.c, by SciPy and mpmath: python3 tests/oracle/chance_tables.py (neither is needed to run the tests)."""
import numpy as np
from mpmath import betainc, mp
from scipy import special, stats

mp.dps = 40


def row(*values):
    print("    {" + ", ".join(repr(float(v)) for v in values) + "},")


print("static const double gamma_below[][3] = { /* shape, x, P */")
for a in (0.5, 1, 3.5, 20.5, 100.5, 2000.5, 1e5):
    for q in (1e-6, .025, .3, .5, .975, .999999):
        x = stats.gamma.ppf(q, a)
        row(a, x, special.gammainc(a, x))
print("};\nstatic const double gamma_quantile[][3] = { /* shape, p, x */")
for a in (0.5, 1.5, 3.5, 10.5, 100.5, 5000.5, 1e6):
    for q in (.001, .025, .5, .975):
        row(a, q, special.gammaincinv(a, q))
print("};\nstatic const double binomial[][4] = { /* k, n, p, P */")
for k, n, p in ((1, 1, .01), (3, 3, .01), (5, 20, .1), (1, 400000, 1e-6), (50, 1000, .02), (10, 1000, .02),
                (300, 400000, .0005), (20, 20000, .0001), (900, 1000, .5), (40, 5000, .04), (2000, 40000, .05)):
    row(k, n, p, betainc(k, n - k + 1, 0, mp.mpf(p), regularized=True))
print("};\nstatic const double counts[][4] = { /* k, mean, dispersion, log P */")
for k, m, d in ((0, .1, 0), (3, .1, .5), (10, 4, .25), (100, 80, .05), (1000, 700, 0), (0, 50, 2), (5, 1e-3, .1)):
    row(k, m, d, stats.poisson.logpmf(k, m) if d == 0 else stats.nbinom.logpmf(k, 1 / d, 1 / (1 + m * d)))
print("};\nstatic const double ic025[][3] = { /* observed, expected, IC025 */")
for o, e in ((0, 0.1), (1, 0.0360548272), (3, 0.5), (10, 4.2), (100, 80), (5000, 4700), (1, 10), (25, 2.5)):
    row(o, e, np.log2(special.gammaincinv(o + .5, .025) / (e + .5)))
print("};")
