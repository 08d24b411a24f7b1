/* Levels and growth by turns, then weights and dispersion, a few rounds. */
#include "forecast/profile.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

#define LEAN             1.5  /* weeks */
#define GROWTH_PRIOR     0.03 /* a week: standard deviation of what is usual */
#define GROWTH_MAX       0.25 /* a week */
#define LEVEL_MIN        1e-4 /* an hour: nothing is impossible */
#define RESIDUAL_MAX     3.0  /* Anscombe's; beyond, an hour counts less */
#define DISPERSION_MAX   4.0
#define WANDER_MAX       0.25 /* half of the level, up and down */
#define FIRST_DISPERSION 0.1
enum { WEEKS_MAX = PROFILE_HOURS_MAX / WEEK_HOURS, ROUNDS = 5, TURNS = 12, AHEAD_MAX = 8 };

typedef struct Fit {
    const int32_t *counts;
    size_t n;
    int64_t first;
    double *weights;
    Profile *p;
    double trusted; /* how much of what hours say about growth, with weeks that wander */
} Fit;

static size_t slot_of(int64_t hour) {
    int64_t slot = hour % WEEK_HOURS;
    return (size_t)(slot < 0 ? slot + WEEK_HOURS : slot);
}

static double weeks(const Profile *p, int64_t hour) {
    return (double)(hour - p->origin) / WEEK_HOURS;
}

/* What each slot saw, and for how many weeks of the size of the last one. */
static void fit_levels(Fit *f) {
    Profile *p = f->p;
    double seen[WEEK_HOURS] = {0}, exposed[WEEK_HOURS] = {0}, all = 0, all_exposed = 0;
    double of_day[7] = {0}, day_exposed[7] = {0}, of_hour[24] = {0}, hour_exposed[24] = {0};
    for (size_t i = 0; i < f->n; i++) {
        if (f->counts[i] < 0) continue;
        int64_t hour = f->first + (int64_t)i;
        size_t s = slot_of(hour);
        seen[s] += f->weights[i] * f->counts[i];
        exposed[s] += f->weights[i] * exp(p->growth * weeks(p, hour));
    }
    for (size_t s = 0; s < WEEK_HOURS; s++) {
        of_day[s / 24] += seen[s];
        day_exposed[s / 24] += exposed[s];
        of_hour[s % 24] += seen[s];
        hour_exposed[s % 24] += exposed[s];
        all += seen[s];
        all_exposed += exposed[s];
    }
    double mean = all_exposed > 0 && all > 0 ? all / all_exposed : LEVEL_MIN;
    for (size_t s = 0; s < WEEK_HOURS; s++) {
        /* One event more, at the mean's pace: an hour without any is no impossible one. */
        double day = (of_day[s / 24] + 1) / (day_exposed[s / 24] + 1 / mean);
        double hour = (of_hour[s % 24] + 1) / (hour_exposed[s % 24] + 1 / mean);
        double usual = day * hour / mean;
        double lean = LEAN * usual > 1 ? LEAN : 1 / usual; /* weeks; an event at least */
        p->level[s] = (seen[s] + lean * usual) / (exposed[s] + lean);
        if (p->level[s] < LEVEL_MIN) p->level[s] = LEVEL_MIN;
        p->known[s] = exposed[s] + lean;
    }
}

/* One step of Newton's: the levels stand. */
static void fit_growth(Fit *f) {
    Profile *p = f->p;
    double pull = 0, info = 0, middle = 0, mass = 0;
    /* Around the middle of the data, where growth and level do not pull on one another. */
    for (size_t i = 0; i < f->n; i++) {
        int64_t hour = f->first + (int64_t)i;
        if (f->counts[i] < 0) continue;
        double mean = p->level[slot_of(hour)] * exp(p->growth * weeks(p, hour));
        double weight = f->weights[i] * mean / (1 + p->dispersion * mean);
        middle += weight * weeks(p, hour);
        mass += weight;
    }
    middle = mass > 0 ? middle / mass : 0;
    for (size_t i = 0; i < f->n; i++) {
        int64_t hour = f->first + (int64_t)i;
        if (f->counts[i] < 0) continue;
        double mean = p->level[slot_of(hour)] * exp(p->growth * weeks(p, hour));
        double weight = f->weights[i] / (1 + p->dispersion * mean), at = weeks(p, hour) - middle;
        pull += weight * (f->counts[i] - mean) * at;
        info += weight * mean * at * at;
    }
    const double prior = 1 / (GROWTH_PRIOR * GROWTH_PRIOR);
    pull *= f->trusted;
    info *= f->trusted;
    p->growth += (pull - prior * p->growth) / (info + prior);
    if (p->growth > GROWTH_MAX) p->growth = GROWTH_MAX;
    if (p->growth < -GROWTH_MAX) p->growth = -GROWTH_MAX;
    p->growth_error = sqrt(1 / (info + prior));
}

static double anscombe(double count, double mean, double dispersion) {
    double spread = pow(mean, 1.0 / 6) * sqrt(1 + dispersion * mean);
    return 1.5 * (pow(count, 2.0 / 3) - pow(mean, 2.0 / 3)) / spread;
}

/* By moments; an hour has a part in its own level, which hides that much of its deviation. */
static void fit_dispersion(Fit *f) {
    Profile *p = f->p;
    double over = 0, squares = 0;
    for (size_t i = 0; i < f->n; i++) {
        int64_t hour = f->first + (int64_t)i;
        if (f->counts[i] < 0) continue;
        double grown = exp(p->growth * weeks(p, hour));
        size_t s = slot_of(hour);
        double mean = p->level[s] * grown, off = f->counts[i] - mean;
        double part = f->weights[i] * grown / p->known[s];
        over += f->weights[i] * (off * off / (1 - (part < 0.9 ? part : 0.9)) - mean);
        squares += f->weights[i] * mean * mean;
    }
    p->dispersion = squares > 0 ? over / squares : 0;
    if (p->dispersion < 0) p->dispersion = 0;
    if (p->dispersion > DISPERSION_MAX) p->dispersion = DISPERSION_MAX;
}

/* Whole weeks lie above or below what hours by themselves explain: how far, and how little a few of
 * them therefore say about growth. */
static void fit_wander(Fit *f) {
    Profile *p = f->p;
    double squares = 0, chance = 0, middle = 0, spread = 0, info = 0;
    size_t weeks_n = 0, all = f->n / WEEK_HOURS;
    for (size_t w = 0; w < all; w++)
        middle += ((double)w + 0.5) / (double)all;
    for (size_t w = 0; w < all; w++) {
        double seen = 0, expected = 0, variance = 0, at = (double)w + 0.5 - middle;
        for (size_t i = f->n - (all - w) * WEEK_HOURS, k = 0; k < WEEK_HOURS; k++, i++) {
            if (f->counts[i] < 0) continue;
            int64_t hour = f->first + (int64_t)i;
            double mean = p->level[slot_of(hour)] * exp(p->growth * weeks(p, hour));
            seen += f->weights[i] * f->counts[i];
            expected += f->weights[i] * mean;
            variance += f->weights[i] * (mean + p->dispersion * mean * mean);
            info += f->weights[i] * mean * at * at / (1 + p->dispersion * mean);
        }
        if (expected <= 0) continue;
        squares += (seen / expected - 1) * (seen / expected - 1);
        chance += variance / (expected * expected);
        spread += at * at;
        weeks_n++;
    }
    p->wander = weeks_n > 2 ? (squares - chance) / (double)(weeks_n - 2) : 0;
    if (p->wander < 0) p->wander = 0;
    if (p->wander > WANDER_MAX) p->wander = WANDER_MAX;
    f->trusted = info > 0 && spread > 0 ? 1 / (1 + info * p->wander / spread) : 1;
}

static void fit_weights(Fit *f) {
    for (size_t i = 0; i < f->n; i++) {
        int64_t hour = f->first + (int64_t)i;
        if (f->counts[i] < 0) continue;
        double mean = f->p->level[slot_of(hour)] * exp(f->p->growth * weeks(f->p, hour));
        double residual = anscombe(f->counts[i], mean, f->p->dispersion);
        double share = residual > RESIDUAL_MAX ? RESIDUAL_MAX / residual : 1;
        f->weights[i] = share * share;
    }
}

static int ascending(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* To begin with each hour is measured against the median of its slot: a long surge would otherwise
 * hide itself in the first levels and the first dispersion. */
static void first_weights(Fit *f) {
    int32_t same[WEEKS_MAX + 1];
    for (size_t slot = 0; slot < WEEK_HOURS; slot++) {
        size_t n = 0;
        for (size_t i = slot; i < f->n; i += WEEK_HOURS)
            if (f->counts[i] >= 0) same[n++] = f->counts[i];
        if (!n) continue;
        qsort(same, n, sizeof(*same), ascending);
        int32_t middle = same[n / 2];
        double median = middle > 0 ? middle : 0.5;
        for (size_t i = slot; i < f->n; i += WEEK_HOURS) {
            double residual =
                f->counts[i] >= 0 ? anscombe(f->counts[i], median, FIRST_DISPERSION) : 0;
            double share = residual > RESIDUAL_MAX ? RESIDUAL_MAX / residual : 1;
            f->weights[i] = share * share;
        }
    }
}

static bool sound(const int32_t *counts, size_t n) {
    size_t known = 0;
    if (n > PROFILE_HOURS_MAX) return false;
    for (size_t i = 0; i < n; i++) {
        if (counts[i] < PROFILE_UNKNOWN) return false;
        known += counts[i] >= 0;
    }
    return known >= PROFILE_HOURS_MIN;
}

int profile_fit(const int32_t *counts, size_t n, int64_t first, Profile *ret) {
    if (!sound(counts, n)) return -EINVAL;
    CLEANUP(mem_freep) double *weights = xcalloc(n, sizeof(*weights));
    Profile p = {.origin = first + (int64_t)n, .dispersion = FIRST_DISPERSION};
    Fit f = {counts, n, first, weights, &p, 1};
    first_weights(&f);
    for (int round = 0; round < ROUNDS; round++) {
        for (int turn = 0; turn < TURNS; turn++) {
            fit_levels(&f);
            fit_growth(&f);
        }
        fit_levels(&f);
        fit_dispersion(&f);
        fit_wander(&f);
        if (round + 1 < ROUNDS) fit_weights(&f);
    }
    *ret = p;
    return 0;
}

Outlook profile_outlook(const Profile *p, int64_t hour) {
    size_t s = slot_of(hour);
    double ahead = weeks(p, hour);
    if (ahead > AHEAD_MAX) ahead = AHEAD_MAX;
    double mean = p->level[s] * exp(p->growth * ahead);
    double of_level = 1 / (p->level[s] * p->known[s]) + p->dispersion / p->known[s];
    double of_growth = ahead * p->growth_error;
    return (Outlook){mean, p->dispersion + p->wander + of_level + of_growth * of_growth};
}
