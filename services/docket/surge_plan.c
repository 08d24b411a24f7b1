/* SurgePlan -- arithmetic only. */
#include "docket/surge_plan.h"

#include <errno.h>
#include <stdlib.h>

int surge_plan_add(SurgePlan *p, double rate, double seconds) {
    if (p->phases_n == SURGE_PHASES) return -ENOSPC;
    SurgePhase *phase = &p->phases[p->phases_n++];
    *phase = (SurgePhase){
        .start_us = p->length_us, .length_us = (int64_t)(seconds * 1e6), .first = p->slots};
    p->tickets += (int64_t)(rate * seconds + 0.5);
    /* A duplicate closes each block of so many tickets. */
    p->slots = p->tickets + (p->duplicates ? p->tickets / p->duplicates : 0);
    phase->slots = p->slots - phase->first;
    phase->slots_per_us = (double)phase->slots / (double)phase->length_us;
    p->length_us += phase->length_us;
    return 0;
}

static int number(Str text, double *ret) {
    char digits[32];
    if (text.n == 0 || text.n >= sizeof(digits)) return -EINVAL;
    for (size_t i = 0; i < text.n; i++) {
        if ((text.p[i] < '0' || text.p[i] > '9') && text.p[i] != '.') return -EINVAL;
    }
    memcpy(digits, text.p, text.n);
    digits[text.n] = 0;
    char *end;
    *ret = strtod(digits, &end);
    return *end ? -EINVAL : 0;
}

int surge_plan_parse(SurgePlan *p, Str text) {
    while (text.p) {
        Str rate_text;
        Str phase = str_trim(str_cut(text, ',', &text));
        Str length = str_cut(phase, '@', &rate_text);
        double seconds, rate;
        if (!str_ends(length, STR("s")) || !rate_text.p) return -EINVAL;
        length.n--;
        if (number(length, &seconds) < 0 || number(rate_text, &rate) < 0) return -EINVAL;
        if (seconds <= 0 || seconds > 86400 || rate > 1e6) return -EINVAL;
        int r = surge_plan_add(p, rate, seconds);
        if (r < 0) return r;
    }
    return p->slots > 0 ? 0 : -EINVAL;
}

int surge_duplicates_parse(Str text, int64_t *ret) {
    Str below;
    Str above = str_cut(text, '/', &below);
    int64_t n;
    if (!below.p && str_is(above, "0")) {
        *ret = 0;
        return 0;
    }
    if (!str_is(above, "1") || str_to_i64(below, &n) < 0 || n < 1 || n > 1000000) return -EINVAL;
    *ret = n;
    return 0;
}

int64_t surge_plan_due(const SurgePlan *p, int64_t now_us) {
    int64_t due = 0;
    for (int i = 0; i < p->phases_n; i++) {
        const SurgePhase *phase = &p->phases[i];
        if (now_us < phase->start_us) break;
        int64_t in_phase = (int64_t)((double)(now_us - phase->start_us) * phase->slots_per_us) + 1;
        if (in_phase > phase->slots) in_phase = phase->slots;
        due = phase->first + in_phase;
    }
    return due;
}

int64_t surge_plan_time(const SurgePlan *p, int64_t slot) {
    for (int i = 0; i < p->phases_n; i++) {
        const SurgePhase *phase = &p->phases[i];
        if (slot < phase->first + phase->slots)
            return phase->start_us +
                   (int64_t)((double)(slot - phase->first) / phase->slots_per_us + 0.999999);
    }
    return p->length_us;
}

SurgeSlot surge_plan_slot(const SurgePlan *p, int64_t slot) {
    if (!p->duplicates) return (SurgeSlot){slot, false};
    int64_t block = slot / (p->duplicates + 1), at = slot % (p->duplicates + 1);
    if (at < p->duplicates) return (SurgeSlot){block * p->duplicates + at, false};
    /* The duplicate closes its block and repeats the middle of it: by then the first is mostly
     * answered, yet under load it may still be under way, as with real retries. */
    return (SurgeSlot){block * p->duplicates + p->duplicates / 2, true};
}
