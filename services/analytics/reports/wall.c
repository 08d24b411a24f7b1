/* Civil dates by the shifted calendar of Howard Hinnant ("chrono-compatible low-level date
 * algorithms"): years begin in March, so that leap days are the last ones. */
#include "analytics/reports/wall.h"

enum { QUARTER_MS = 900000, HOUR_MS = 3600000, DAY_MS = 86400000 };

static const int64_t lengths[] = {
    [CUT_NONE] = 0,     [CUT_QUARTER] = QUARTER_MS,       [CUT_HOUR] = HOUR_MS,
    [CUT_DAY] = DAY_MS, [CUT_WEEK] = INT64_C(7) * DAY_MS, [CUT_MONTH] = INT64_C(28) * DAY_MS};

FactCut cut_nearest(FactCut c, int64_t from_ms, int64_t to_ms) {
    for (int i = c; i <= CUT_MONTH; i++)
        if (lengths[i] && (to_ms - from_ms) / lengths[i] + 2 <= FACT_CUTS_MAX) return (FactCut)i;
    return CUT_NONE;
}

/* ---- dates ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

int64_t civil_days(CivilDate d) {
    int64_t y = d.year - (d.month <= 2);
    int64_t era = floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

CivilDate civil_of_days(int64_t days) {
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (CivilDate){yoe + era * 400 + (month <= 2), month, (int)(doy - (153 * mp + 2) / 5 + 1)};
}

bool civil_ok(CivilDate d) {
    if (d.year < 1970 || d.year > 2199 || d.month < 1 || d.month > 12 || d.day < 1) return false;
    CivilDate back = civil_of_days(civil_days(d));
    return back.month == d.month && back.day == d.day;
}

/* ---- the wall clock ---- */

int64_t wall_local(const Zone *z, int64_t utc_ms) {
    int64_t from, until;
    return utc_ms + (z ? zone_offset_ms(z, utc_ms, &from, &until) : 0);
}

int64_t wall_utc(const Zone *z, int64_t local_ms) {
    int64_t at = local_ms - INT64_C(27) * HOUR_MS; /* no zone is further ahead */
    while (z) {
        int64_t from, until, offset = zone_offset_ms(z, at, &from, &until);
        int64_t found = local_ms - offset;
        if (found < from) found = from; /* it was skipped */
        if (found < until) return found;
        at = until;
    }
    return local_ms;
}

static int64_t local_floor(FactCut c, int64_t local) {
    int64_t day = floor_div(local, DAY_MS);
    switch (c) {
    case CUT_QUARTER:
        return floor_div(local, QUARTER_MS) * QUARTER_MS;
    case CUT_HOUR:
        return floor_div(local, HOUR_MS) * HOUR_MS;
    case CUT_DAY:
        return day * DAY_MS;
    case CUT_WEEK: /* 1970-01-01 was a Thursday */
        return (floor_div(day + 3, 7) * 7 - 3) * DAY_MS;
    case CUT_MONTH: {
        CivilDate d = civil_of_days(day);
        d.day = 1;
        return civil_days(d) * DAY_MS;
    }
    case CUT_NONE:
        break;
    }
    return local;
}

int64_t wall_floor(const Zone *z, FactCut c, int64_t utc_ms) {
    int64_t from = INT64_MIN, until;
    if (c == CUT_NONE) return utc_ms;
    int64_t offset = z ? zone_offset_ms(z, utc_ms, &from, &until) : 0;
    int64_t floor = local_floor(c, utc_ms + offset);
    /* Short cuts stay on their side of a clock change: an hour that comes twice is two. */
    if (c == CUT_QUARTER || c == CUT_HOUR) return floor - offset > from ? floor - offset : from;
    return wall_utc(z, floor);
}

int64_t wall_step(const Zone *z, FactCut c, int64_t start_ms, int64_t n) {
    if (c == CUT_NONE) return start_ms;
    if (c == CUT_QUARTER || c == CUT_HOUR) {
        for (; n > 0; n--) {
            int64_t from, until = INT64_MAX, offset = 0;
            if (z) offset = zone_offset_ms(z, start_ms, &from, &until);
            int64_t next = local_floor(c, start_ms + offset) + lengths[c] - offset;
            start_ms = next < until ? next : until;
        }
        for (; n < 0; n++)
            start_ms = wall_floor(z, c, start_ms - 1);
        return start_ms;
    }
    int64_t local = local_floor(c, wall_local(z, start_ms));
    if (c == CUT_MONTH) {
        CivilDate d = civil_of_days(floor_div(local, DAY_MS));
        int64_t months = d.year * 12 + d.month - 1 + n;
        d.year = floor_div(months, 12);
        d.month = (int)(months - d.year * 12) + 1;
        return wall_utc(z, civil_days(d) * DAY_MS);
    }
    return wall_utc(z, local + n * lengths[c]);
}
