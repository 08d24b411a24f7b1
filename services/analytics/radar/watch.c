#include "analytics/radar/watch.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    HOUR_MS = 3600000,
    MONDAY_HOURS = 96, /* 1970-01-05 was one */
    VERSION = 1,
    NUMBERS = 2 * WEEK_HOURS + 6,
    PACKED = 1 + 8 * NUMBERS
};

int64_t watch_hour(int64_t utc_ms, int64_t offset_ms) {
    int64_t local = utc_ms + offset_ms;
    return (local >= 0 ? local : local - (HOUR_MS - 1)) / HOUR_MS - MONDAY_HOURS;
}

void watch_fit(Watch *w, const SurgeRules *rules, const int32_t *counts, size_t n, int64_t first) {
    w->known = profile_fit(counts, n, first, &w->profile) == 0;
    w->threshold = w->known ? surge_threshold(rules, &w->profile) : 0;
}

WatchSaw watch_step(Watch *w, const SurgeRules *rules, int64_t quarter_ms, int64_t hour,
                    int64_t count, WatchMoment *ret) {
    if (!w->known) return WATCH_NOTHING;
    SurgeSaw saw =
        surge_step(&w->surge, rules, w->threshold, profile_outlook(&w->profile, hour), count);
    int64_t end_ms = quarter_ms + WATCH_QUARTER_MS;
    if (saw == SURGE_BEGAN) {
        w->began_ms = end_ms - w->surge.steps * WATCH_QUARTER_MS;
        *ret = (WatchMoment){w->began_ms, end_ms, w->surge.observed, w->surge.expected};
        return WATCH_BEGAN;
    }
    if (saw == SURGE_OVER) {
        *ret = (WatchMoment){.began_ms = w->began_ms, .at_ms = end_ms};
        w->began_ms = 0;
        return WATCH_OVER;
    }
    return WATCH_NOTHING;
}

/* ---- Packed ---- */

static void put(Buf *b, double number) {
    uint64_t bits;
    char bytes[8];
    memcpy(&bits, &number, sizeof(bits));
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    buf_add(b, bytes, sizeof(bytes));
}

static double get(const char **at) {
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)(unsigned char)(*at)[i] << (8 * i);
    *at += 8;
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

void watch_pack_profile(const Watch *w, Buf *ret) {
    if (!w->known) return;
    const Profile *p = &w->profile;
    buf_addc(ret, VERSION);
    put(ret, (double)p->origin);
    for (int i = 0; i < WEEK_HOURS; i++)
        put(ret, p->level[i]);
    for (int i = 0; i < WEEK_HOURS; i++)
        put(ret, p->known[i]);
    const double rest[] = {p->growth, p->growth_error, p->dispersion, p->wander, w->threshold};
    for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
        put(ret, rest[i]);
}

int watch_unpack_profile(Watch *w, Str packed) {
    if (packed.n == 0) {
        w->known = false;
        return 0;
    }
    if (packed.n != PACKED || packed.p[0] != VERSION) return -EBADMSG;
    const char *at = packed.p + 1;
    Profile p;
    double origin = get(&at), sum = origin;
    for (int i = 0; i < WEEK_HOURS; i++)
        sum += p.level[i] = get(&at);
    for (int i = 0; i < WEEK_HOURS; i++)
        sum += p.known[i] = get(&at);
    sum += p.growth = get(&at);
    sum += p.growth_error = get(&at);
    sum += p.dispersion = get(&at);
    sum += p.wander = get(&at);
    double threshold = get(&at);
    if (!isfinite(sum + threshold) || fabs(origin) > 1e9 || threshold <= 0 || p.dispersion < 0)
        return -EBADMSG;
    for (int i = 0; i < WEEK_HOURS; i++)
        if (p.level[i] < 0 || p.known[i] < 0) return -EBADMSG;
    p.origin = (int64_t)origin;
    w->profile = p;
    w->threshold = threshold;
    w->known = true;
    return 0;
}
