/* radar-trial SEEDS [FIRST] -- outbreaks put into generated shops, found by the radar's own
 * functions and by EARS C1, C2, C3 and plain lift beside them. Prints one JSON object.
 *
 * A seed is a category of a shop: 20 to 2,000 tickets a day, with a day and night of its own, a
 * weekend, growth, whole weeks that wander and negative-binomial hours; 12 weeks of past and 28
 * days to be watched. The same days are watched once as they are (false alarms) and once with an
 * outbreak of 20 to 400 tickets more over 3 to 48 hours, which come when people are awake and have
 * a product, batch, region ..., or two of them, in common (nine in ten of them).
 *
 * Every method gives a number at every step that it has; the threshold of each is the one at which
 * the undisturbed days of all seeds give one alarm in 90 days (alarms within a day are one). An
 * outbreak is found at the first step of it at or above; tickets needed are those of the outbreak
 * that were there by then, all of them when it was not found until a day after its end. EARS is
 * Hutwagner and others 2003: C1 mean and deviation of the 7 days before, C2 of 7 days with two days
 * between, C3 the sum of C2 - 1 over three days. By definition they look at whole days; `_24h`
 * looks every quarter of an hour at the 24 hours before, `_hour` every hour at the same hours of
 * days. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "forecast/profile.h"
#include "radar/chance.h"
#include "radar/culprits.h"
#include "radar/surge.h"

enum {
    PAST_WEEKS = 12,
    PAST_HOURS = PAST_WEEKS * WEEK_HOURS,
    DAYS = 28,
    STEPS = DAYS * 96, /* quarters watched */
    PAST_STEPS = PAST_HOURS * 4,
    ALL_STEPS = PAST_STEPS + STEPS,
    DIMS = 6,
    FALSE_DAYS = 90
};

typedef enum Method {
    RADAR,
    C1_DAY,
    C2_DAY,
    C3_DAY,
    C1_24H,
    C2_24H,
    C3_24H,
    C2_HOUR,
    LIFT,
    METHODS
} Method;
static const char *const names[METHODS] = {"radar",  "c1_day", "c2_day",  "c3_day", "c1_24h",
                                           "c2_24h", "c3_24h", "c2_hour", "lift"};

typedef struct Shop {
    double shape[WEEK_HOURS], daily, growth, dispersion, wander;
} Shop;

typedef struct Outbreak {
    int from, until; /* steps of the watched days */
    int32_t extra[STEPS];
    int total;
    int dims[2]; /* the second -1 */
    uint32_t values[2];
} Outbreak;

typedef struct Seed {
    int32_t counts[ALL_STEPS];
    Outbreak outbreak;
    float *quiet[METHODS], *stirred[METHODS]; /* STEPS each; -1: no step of this method */
    int *began; /* of the radar when stirred: the step at which its score last left 0 */
    double threshold, fit_s, threshold_s, step_s;
    Shop shop;
} Seed;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double between(Dice *d, double low, double high) {
    return low + (high - low) * dice_share(d);
}

static double log_between(Dice *d, double low, double high) {
    return exp(between(d, log(low), log(high)));
}

/* ---- A shop ---- */

static void make_shop(Dice *d, Shop *s) {
    double peaks[3] = {between(d, 9.5, 11.5), between(d, 14, 16.5), between(d, 19.5, 22)};
    double weights[3] = {1, between(d, 0.6, 1.1), between(d, 0.5, 1.4)}, sum = 0;
    double weekend = between(d, 0.5, 1.3), night = between(d, 0.04, 0.15);
    for (int i = 0; i < WEEK_HOURS; i++) {
        double hour = i % 24, v = night;
        for (int k = 0; k < 3; k++)
            v += weights[k] * exp(-(hour - peaks[k]) * (hour - peaks[k]) / 8);
        s->shape[i] = v * (i / 24 >= 5 ? weekend : 1);
        sum += s->shape[i];
    }
    for (int i = 0; i < WEEK_HOURS; i++)
        s->shape[i] *= 7 / sum; /* a day's is 1 on average */
    s->daily = log_between(d, 20, 2000);
    s->growth = between(d, -0.01, 0.025);
    s->dispersion = between(d, 0.02, 0.12);
    s->wander = between(d, 0, 0.08);
}

static double rhythm(const Shop *s, int step) { /* in a quarter of an hour, around step 0 */
    return s->daily * s->shape[step / 4 % WEEK_HOURS] / 4;
}

static void make_counts(Dice *d, const Shop *s, int32_t *counts) {
    double week = 1;
    for (int hour = 0; hour < ALL_STEPS / 4; hour++) {
        if (hour % WEEK_HOURS == 0) {
            double shape = s->wander > 0.001 ? 1 / (s->wander * s->wander) : 1e6;
            week = dice_gamma(d, shape) / shape *
                   exp(s->growth * (hour - PAST_HOURS) / (double)WEEK_HOURS);
        }
        double mean = rhythm(s, hour * 4) * week * dice_gamma(d, 1 / s->dispersion) * s->dispersion;
        for (int k = 0; k < 4; k++)
            counts[hour * 4 + k] = (int32_t)dice_poisson(d, mean);
    }
}

static void make_outbreak(Dice *d, const Shop *s, Outbreak *o) {
    int length = (int)log_between(d, 12, 192); /* 3 to 48 hours */
    double wanted = log_between(d, 20, 400), mass = 0, weight[192];
    o->from = (int)between(d, 14 * 96, 25 * 96);
    o->until = o->from + length;
    for (int i = 0; i < length; i++) { /* rises for a quarter of its time, then ebbs away */
        double at = (i + 0.5) / length;
        weight[i] = (at < 0.25 ? at * 4 : (1 - at) / 0.75) * rhythm(s, o->from + i);
        mass += weight[i];
    }
    for (int i = 0; i < length; i++)
        o->total += o->extra[o->from + i] = (int32_t)dice_poisson(d, wanted * weight[i] / mass);
    bool two = dice_share(d) < 0.3;
    o->dims[0] = (int)(dice_number(d) % DIMS);
    o->dims[1] = two ? (o->dims[0] + 1 + (int)(dice_number(d) % (DIMS - 1))) % DIMS : -1;
    for (int k = 0; k < 2; k++)
        o->values[k] = 2 + (uint32_t)(dice_number(d) % 8);
}

/* ---- Methods ---- */

/* The score is kept below any threshold that is tried, so that it shows how high it climbs. */
static void watch(Seed *seed, const int32_t *extra, float *out, int *began) {
    static const SurgeRules rules = SURGE_RULES_DEFAULT;
    int32_t *hours = xcalloc(PAST_HOURS + DAYS * 24, sizeof(*hours));
    for (int i = 0; i < ALL_STEPS; i++)
        hours[i / 4] += seed->counts[i] + (extra && i >= PAST_STEPS ? extra[i - PAST_STEPS] : 0);
    Profile profile;
    Surge surge = {0};
    for (int i = 0; i < STEPS; i++) {
        if (i % (7 * 96) == 0) { /* each week; the service fits daily */
            int first = i / 4;
            double at = now_s();
            if (profile_fit(hours + first, PAST_HOURS, first, &profile) < 0) abort();
            seed->fit_s += now_s() - at;
            if (i == 0 && !extra) {
                at = now_s();
                seed->threshold = surge_threshold(&rules, &profile);
                seed->threshold_s += now_s() - at;
            }
        }
        int64_t count = seed->counts[PAST_STEPS + i] + (extra ? extra[i] : 0);
        Outlook hour = profile_outlook(&profile, PAST_HOURS + i / 4);
        (void)surge_step(&surge, &rules, seed->threshold * 1000, hour, count);
        out[i] = (float)(surge.score / seed->threshold);
        if (began) began[i] = i + 1 - (int)surge.steps;
    }
    free(hours);
}

static double score_of(double y, const double *base) { /* of 7 */
    double mean = 0, squares = 0;
    for (int i = 0; i < 7; i++)
        mean += base[i] / 7;
    for (int i = 0; i < 7; i++)
        squares += (base[i] - mean) * (base[i] - mean);
    double deviation = sqrt(squares / 6);
    return (y - mean) / (deviation > 0.5 ? deviation : 0.5);
}

/* Sums up to step i, so that any window is a difference. */
static void ears(const double *sums, int i, int width, double *c1, double *c2) {
    double base[10];
    for (int k = 0; k < 10; k++) { /* base[k]: k periods of a day before */
        int end = i + 1 - k * 96;
        base[k] = sums[end] - sums[end - width];
    }
    *c1 = score_of(base[0], base + 1);
    *c2 = score_of(base[0], base + 3);
}

static double c3_of(const double *c2, int day_steps) { /* c2[0] now, at day_steps before ... */
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        double v = c2[-k * day_steps];
        if (k && v > 3) continue; /* it was an alarm of its own */
        if (v > 1) sum += v - 1;
    }
    return sum;
}

static void compare(Seed *seed, const int32_t *extra, float *const *out) {
    double *sums = xcalloc(ALL_STEPS + 1, sizeof(*sums)), *c2 = xcalloc(ALL_STEPS, sizeof(*c2));
    for (int i = 0; i < ALL_STEPS; i++)
        sums[i + 1] =
            sums[i] + seed->counts[i] + (extra && i >= PAST_STEPS ? extra[i - PAST_STEPS] : 0);
    for (int i = PAST_STEPS - 3 * 96; i < ALL_STEPS; i++) {
        double c1;
        ears(sums, i, 96, &c1, &c2[i]);
        int at = i - PAST_STEPS;
        if (at < 0) continue;
        bool day = (i + 1) % 96 == 0, hour = (i + 1) % 4 == 0;
        double c3 = c3_of(&c2[i], 96), hour_c1, hour_c2;
        ears(sums, i, 4, &hour_c1, &hour_c2);
        out[C1_DAY][at] = day ? (float)c1 : -1;
        out[C2_DAY][at] = day ? (float)c2[i] : -1;
        out[C3_DAY][at] = day ? (float)c3 : -1;
        out[C1_24H][at] = (float)c1;
        out[C2_24H][at] = (float)c2[i];
        out[C3_24H][at] = (float)c3;
        out[C2_HOUR][at] = hour ? (float)hour_c2 : -1;
        double usual = 0; /* the same hour of the four weeks before */
        for (int w = 1; w <= 4; w++)
            usual += (sums[i + 1 - w * 672] - sums[i - 3 - w * 672]) / 4;
        out[LIFT][at] = (float)((sums[i + 1] - sums[i - 3] + 1) / (usual + 1));
    }
    free(sums);
    free(c2);
}

/* ---- Judging ---- */

static int alarms(const float *of, double threshold) {
    int n = 0, last = -96;
    for (int i = 0; i < STEPS; i++)
        if (of[i] >= threshold) {
            n += i - last >= 96;
            last = i;
        }
    return n;
}

static double calibrated(const Seed *seeds, int n, Method m) {
    double low = 0, high = 1, wanted = (double)n * DAYS / FALSE_DAYS;
    for (int round = 0; round < 60; round++) {
        double mid = round < 20 ? high : (low + high) / 2;
        int all = 0;
        for (int i = 0; i < n; i++)
            all += alarms(seeds[i].quiet[m], mid);
        if (all > wanted) {
            low = mid;
            if (round < 20) high *= 2;
        } else if (round < 20)
            round = 19;
        else
            high = mid;
    }
    return high;
}

static int found_at(const Seed *s, Method m, double threshold) {
    for (int i = s->outbreak.from; i < s->outbreak.until + 96 && i < STEPS; i++)
        if (s->stirred[m][i] >= threshold) return i;
    return -1;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return n ? (v[n / 2] + v[(n - 1) / 2]) / 2 : 0;
}

/* ---- Culprits ---- */

static uint32_t zipf(Dice *d) { /* 40 values */
    static double sums[41];
    if (sums[40] == 0)
        for (int i = 1; i <= 40; i++)
            sums[i] = sums[i - 1] + 1.0 / i;
    double at = dice_share(d) * sums[40];
    uint32_t v = 1;
    while (v < 40 && sums[v] < at)
        v++;
    return v;
}

static void make_rows(Dice *d, uint32_t *rows, size_t n, const Outbreak *o) {
    for (size_t i = 0; i < n; i++) {
        uint32_t *row = rows + i * DIMS;
        for (int k = 0; k < DIMS; k++)
            row[k] = dice_share(d) < 0.1 ? 0 : zipf(d);
        if (!o || dice_share(d) >= 0.9) continue;
        for (int k = 0; k < 2; k++)
            if (o->dims[k] >= 0) row[o->dims[k]] = o->values[k];
    }
}

static bool is_it(const Outbreak *o, const int *dims, const uint32_t *values) {
    int n = o->dims[1] >= 0 ? 2 : 1, same = 0, of = dims[1] >= 0 ? 2 : 1;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < of; k++)
            same += o->dims[i] == dims[k] && o->values[i] == values[k];
    return same == n && of == n;
}

/* The value, of one dimension or two, with the greatest share in the surge against that before. */
static bool lift_names(const uint32_t *surge, size_t n, const uint32_t *before, size_t before_n,
                       const Outbreak *o) {
    double best = 0;
    int dims[2] = {-1, -1};
    uint32_t values[2] = {0, 0};
    for (int a = 0; a < DIMS; a++)
        for (int b = a; b < DIMS; b++) {
            static uint32_t in[41 * 41], was[41 * 41];
            memset(in, 0, sizeof(in));
            memset(was, 0, sizeof(was));
            for (size_t i = 0; i < n; i++)
                in[surge[i * DIMS + a] * 41 + (b > a ? surge[i * DIMS + b] : 0)]++;
            for (size_t i = 0; i < before_n; i++)
                was[before[i * DIMS + a] * 41 + (b > a ? before[i * DIMS + b] : 0)]++;
            for (uint32_t c = 0; c < 41 * 41; c++) {
                if (in[c] < 3 || c < 41 || (b > a && c % 41 == 0)) continue;
                double lift = in[c] / (double)n / ((was[c] + 0.5) / (double)before_n);
                if (lift <= best) continue;
                best = lift;
                dims[0] = a, dims[1] = b > a ? b : -1;
                values[0] = c / 41, values[1] = c % 41;
            }
        }
    return best > 0 && is_it(o, dims, values);
}

typedef struct Named {
    int found, named, right, any_right, all, lift_right, quiet, quiet_named;
    double seconds;
} Named;

/* At the moment at which the radar found it: from where its score left 0. */
static void name_culprits(const Seed *s, int at, Dice *d, Named *t) {
    const Outbreak *o = &s->outbreak;
    size_t usual = 0, more = 0, before_n = 0;
    for (int i = s->began[at]; i <= at; i++) {
        usual += (size_t)s->counts[PAST_STEPS + i];
        more += (size_t)o->extra[i];
    }
    for (int i = s->began[at] - 28 * 96; i < s->began[at]; i++)
        before_n += (size_t)s->counts[PAST_STEPS + i];
    if (before_n > 10000) before_n = 10000;
    size_t n = usual + more;
    uint32_t *surge = xcalloc((n + 1) * DIMS, sizeof(*surge));
    uint32_t *before = xcalloc((before_n + 1) * DIMS, sizeof(*before));
    make_rows(d, surge, usual, NULL);
    make_rows(d, surge + usual * DIMS, more, o);
    make_rows(d, before, before_n, NULL);
    Culprit found[CULPRITS_MAX];
    CulpritRules rules = CULPRIT_RULES_DEFAULT;
    double began = now_s();
    int k = culprits_find(DIMS, (CulpritRows){surge, n}, (CulpritRows){before, before_n}, &rules,
                          found);
    t->seconds += now_s() - began;
    t->found++;
    t->named += k > 0;
    for (int i = 0; i < k; i++) {
        bool right = is_it(o, found[i].dimensions, found[i].values);
        t->all++;
        t->any_right += right;
        t->right += right && i == 0;
    }
    t->lift_right += lift_names(surge, n, before, before_n, o);
    /* The same number of ordinary tickets: nothing is to be named. */
    make_rows(d, surge, n, NULL);
    t->quiet++;
    t->quiet_named += culprits_find(DIMS, (CulpritRows){surge, n}, (CulpritRows){before, before_n},
                                    &rules, found) > 0;
    free(surge);
    free(before);
}

/* ---- All of it ---- */

static void play(Seed *s, uint64_t number) {
    Dice d = {number * UINT64_C(0x9e3779b97f4a7c15) + 1};
    for (int k = 0; k < 4; k++)
        (void)dice_number(&d);
    make_shop(&d, &s->shop);
    make_counts(&d, &s->shop, s->counts);
    make_outbreak(&d, &s->shop, &s->outbreak);
    for (int m = 0; m < METHODS; m++) {
        s->quiet[m] = xcalloc(STEPS, sizeof(float));
        s->stirred[m] = xcalloc(STEPS, sizeof(float));
    }
    s->began = xcalloc(STEPS, sizeof(int));
    watch(s, NULL, s->quiet[RADAR], NULL);
    watch(s, s->outbreak.extra, s->stirred[RADAR], s->began);
    compare(s, NULL, s->quiet);
    compare(s, s->outbreak.extra, s->stirred);
}

static void tell(const Seed *seeds, int n, Method m, double threshold, const char *name) {
    double *needed = xcalloc((size_t)n, sizeof(double)),
           *hours = xcalloc((size_t)n, sizeof(double));
    double sum = 0;
    int found = 0, all = 0, k = 0;
    for (int i = 0; i < n; i++) {
        const Outbreak *o = &seeds[i].outbreak;
        all += alarms(seeds[i].quiet[m], threshold);
        int at = found_at(&seeds[i], m, threshold), seen = 0;
        for (int q = o->from; q < o->until && (at < 0 || q <= at); q++)
            seen += o->extra[q];
        needed[i] = seen;
        sum += seen;
        if (at < 0) continue;
        found++;
        hours[k++] = (at + 1 - o->from) / 4.0;
    }
    printf("\"%s\":{\"threshold\":%.4f,\"false_every_days\":%.1f,\"sensitivity\":%.4f,"
           "\"tickets_mean\":%.2f,\"tickets_median\":%.1f,\"delay_hours\":%.2f}",
           name, threshold, all ? (double)n * DAYS / all : 1e9, (double)found / n, sum / n,
           median(needed, n), median(hours, k));
    free(needed);
    free(hours);
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 100, first = argc > 2 ? atoi(argv[2]) : 1;
    if (n < 1 || n > 10000) return 2;
    Seed *seeds = xcalloc((size_t)n, sizeof(*seeds));
    double began = now_s(), fits = 0, thresholds = 0, total = 0;
    for (int i = 0; i < n; i++) {
        play(&seeds[i], (uint64_t)first + (uint64_t)i);
        fits += seeds[i].fit_s;
        thresholds += seeds[i].threshold_s;
        total += seeds[i].outbreak.total;
    }
    printf("{\"seeds\":%d,\"outbreak_tickets\":%.1f,\"fit_ms\":%.3f,\"threshold_ms\":%.2f,"
           "\"methods\":{",
           n, total / n, fits / n / 8 * 1000, thresholds / n * 1000);
    Named named = {0};
    for (int m = 0; m < METHODS; m++) {
        double threshold = calibrated(seeds, n, (Method)m);
        if (m) printf(",");
        tell(seeds, n, (Method)m, threshold, names[m]);
        if (m != RADAR) continue;
        Dice d = {99};
        for (int i = 0; i < n; i++) {
            int at = found_at(&seeds[i], RADAR, threshold);
            if (at >= 0) name_culprits(&seeds[i], at, &d, &named);
        }
        printf(",");
        tell(seeds, n, RADAR, 1, "radar_as_set"); /* by its own threshold, not by ours */
    }
    printf("},\"culprits\":{\"found\":%d,\"named\":%d,\"right\":%d,\"all\":%d,\"all_right\":%d,"
           "\"lift_right\":%d,\"quiet\":%d,\"quiet_named\":%d,\"ms\":%.2f},\"cpu_seconds\":%.1f}\n",
           named.found, named.named, named.right, named.all, named.any_right, named.lift_right,
           named.quiet, named.quiet_named, named.found ? named.seconds / named.found * 1000 : 0,
           now_s() - began);
    return 0;
}
