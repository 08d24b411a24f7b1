/* One score, and the games that tell how high it climbs by chance. */
#include "radar/surge.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/pack.h"
#include "radar/chance.h"

enum { VERSION = 1, GAMES = 64, STEPS_MAX = 1 << 20 };
#define MEAN_MIN  1e-6
#define SCORE_MAX 1e6 /* a flood: it is no surer than sure, and must end one day */

bool surge_rules_ok(const SurgeRules *r) {
    return r->rise >= 1.1 && r->rise <= 10 && r->least >= 0.5 && r->least <= 1e6 &&
           r->false_every >= 24 && r->false_every <= 1e5 && r->step_minutes >= 1 &&
           r->step_minutes <= 60 && 60 % r->step_minutes == 0;
}

/* How much better a surge explains the count. */
static double evidence(const SurgeRules *r, Outlook hour, double share, int64_t count) {
    double mean = hour.mean * share > MEAN_MIN ? hour.mean * share : MEAN_MIN;
    double risen = mean * r->rise;
    if (risen < mean + r->least * share) risen = mean + r->least * share;
    double k = (double)count;
    if (hour.dispersion < 1e-9) return k * log(risen / mean) - (risen - mean);
    double size = 1 / hour.dispersion;
    return k * log(risen / mean * (mean + size) / (risen + size)) -
           size * log1p((risen - mean) / (mean + size));
}

static SurgeSaw advance(Surge *s, double threshold, double by) {
    double ceiling = 2 * threshold < SCORE_MAX ? 2 * threshold : SCORE_MAX;
    s->score += by;
    if (s->score > ceiling) s->score = ceiling; /* so that it is over soon after it is over */
    if (s->score <= 0) {
        bool raged = s->raging;
        *s = (Surge){0};
        return raged ? SURGE_OVER : SURGE_QUIET;
    }
    if (s->raging) return SURGE_GOES_ON;
    if (s->score < threshold) return SURGE_QUIET;
    s->raging = true;
    return SURGE_BEGAN;
}

SurgeSaw surge_step(Surge *s, const SurgeRules *r, double threshold, Outlook hour, int64_t count) {
    double share = r->step_minutes / 60.0;
    s->steps++;
    s->observed += count;
    s->expected += hour.mean * share;
    return advance(s, threshold, evidence(r, hour, share, count));
}

static int64_t begun(const double *evidence_of, size_t n, double threshold) {
    Surge s = {0};
    int64_t alarms = 0;
    for (size_t i = 0; i < n; i++)
        alarms += advance(&s, threshold, evidence_of[i]) == SURGE_BEGAN;
    return alarms;
}

double surge_threshold(const SurgeRules *r, const Profile *p) {
    size_t per_hour = (size_t)(60 / r->step_minutes);
    size_t hours = (size_t)(GAMES * r->false_every);
    if (hours > STEPS_MAX / per_hour) hours = STEPS_MAX / per_hour;
    double wanted = (double)hours / r->false_every, share = r->step_minutes / 60.0;
    CLEANUP(mem_freep) double *played = xcalloc(hours * per_hour, sizeof(*played));
    Dice dice = {7};
    for (size_t h = 0; h < hours; h++) {
        Outlook hour = profile_outlook(p, p->origin + (int64_t)(h % WEEK_HOURS));
        double mean = hour.mean;
        if (hour.dispersion >= 1e-9)
            mean *= dice_gamma(&dice, 1 / hour.dispersion) * hour.dispersion;
        for (size_t k = 0; k < per_hour; k++)
            played[h * per_hour + k] =
                evidence(r, hour, share, (int64_t)dice_poisson(&dice, mean * share));
    }
    double low = 0, high = 1;
    while (high < SCORE_MAX && (double)begun(played, hours * per_hour, high) > wanted)
        high *= 2;
    for (int k = 0; k < 30; k++) {
        double mid = (low + high) / 2;
        if ((double)begun(played, hours * per_hour, mid) > wanted)
            low = mid;
        else
            high = mid;
    }
    return high;
}

/* ---- Kept ---- */

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static double get_double(Unpack *u, double max) {
    uint64_t bits = unpack_fixed(u);
    double v;
    memcpy(&v, &bits, sizeof(v));
    if (!(v >= 0 && v <= max)) u->bad = true;
    return u->bad ? 0 : v;
}

void surge_pack(const Surge *s, Buf *ret) {
    buf_addc(ret, VERSION);
    pack_fixed(ret, bits_of(s->score));
    pack_number(ret, s->raging);
    pack_number(ret, (uint64_t)s->steps);
    pack_number(ret, (uint64_t)s->observed);
    pack_fixed(ret, bits_of(s->expected));
}

int surge_unpack(Str packed, Surge *ret) {
    if (!packed.n || packed.p[0] != VERSION) return -EBADMSG;
    Unpack u = unpack_of((Str){packed.p + 1, packed.n - 1});
    Surge s = {0};
    s.score = get_double(&u, SCORE_MAX);
    s.raging = unpack_number(&u, 1);
    s.steps = (int64_t)unpack_number(&u, UINT64_C(1) << 53);
    s.observed = (int64_t)unpack_number(&u, UINT64_C(1) << 53);
    s.expected = get_double(&u, 1e300);
    if (!unpack_done(&u)) return -EBADMSG;
    *ret = s;
    return 0;
}
