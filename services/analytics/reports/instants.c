/* Digit by digit; whatever is left over is a mistake. */
#include "analytics/reports/instants.h"

#include <errno.h>

#include "analytics/reports/wall.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS, BACK_MAX = 10000 };

/* Exactly `n` digits, then `then` (0: whatever). */
static bool digits(Str *s, size_t n, char then, int *ret) {
    int v = 0;
    if (s->n < n + (then != 0)) return false;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') return false;
        v = v * 10 + (s->p[i] - '0');
    }
    if (then && s->p[n] != then) return false;
    s->p += n + (then != 0);
    s->n -= n + (then != 0);
    *ret = v;
    return true;
}

static int back(Str text, const Zone *zone, int64_t now_ms, int64_t *ret_ms) {
    int64_t n;
    char unit = text.p[text.n - 1];
    if (str_to_i64((Str){text.p + 1, text.n - 2}, &n) < 0 || n < 0 || n > BACK_MAX) return -EINVAL;
    if (unit == 'h') {
        *ret_ms = now_ms - n * HOUR_MS;
        return 0;
    }
    if (unit != 'd' && unit != 'w') return -EINVAL;
    int64_t today = wall_floor(zone, CUT_DAY, now_ms);
    *ret_ms = wall_step(zone, CUT_DAY, today, unit == 'w' ? -7 * n : -n);
    return 0;
}

/* What stands behind the minutes: seconds, a fraction, and where: absent, Z, +08:00. */
static int tail(Str s, const Zone *zone, int64_t local, int64_t *ret_ms) {
    int second = 0, hours, minutes;
    if (s.n && s.p[0] == ':') {
        s = (Str){s.p + 1, s.n - 1};
        if (!digits(&s, 2, 0, &second) || second > 59) return -EINVAL;
        local += second * INT64_C(1000);
        if (s.n > 1 && s.p[0] == '.') {
            int64_t unit = 100;
            for (s = (Str){s.p + 1, s.n - 1}; s.n && s.p[0] >= '0' && s.p[0] <= '9'; unit /= 10) {
                local += (s.p[0] - '0') * unit;
                s = (Str){s.p + 1, s.n - 1};
            }
        }
    }
    if (!s.n) {
        *ret_ms = wall_utc(zone, local);
        return 0;
    }
    if (str_is(s, "Z")) {
        *ret_ms = local;
        return 0;
    }
    /* A plus sign in a query that was not escaped has become a space. */
    int sign = s.p[0] == '-' ? -1 : 1;
    if (s.p[0] != '+' && s.p[0] != '-' && s.p[0] != ' ') return -EINVAL;
    s = (Str){s.p + 1, s.n - 1};
    if (!digits(&s, 2, ':', &hours) || !digits(&s, 2, 0, &minutes) || s.n || hours > 14 ||
        minutes > 59)
        return -EINVAL;
    *ret_ms = local - sign * (hours * INT64_C(60) + minutes) * MINUTE_MS;
    return 0;
}

int instant_parse(Str text, const Zone *zone, int64_t now_ms, int64_t *ret_ms) {
    int year, month, day, hour, minute;
    if (str_is(text, "now")) {
        *ret_ms = now_ms;
        return 0;
    }
    if (str_is(text, "today")) {
        *ret_ms = wall_floor(zone, CUT_DAY, now_ms);
        return 0;
    }
    if (text.n >= 3 && text.n < 10 && text.p[0] == '-') return back(text, zone, now_ms, ret_ms);
    if (text.n < 10 || !digits(&text, 4, '-', &year) || !digits(&text, 2, '-', &month) ||
        !digits(&text, 2, 0, &day))
        return -EINVAL;
    CivilDate date = {year, month, day};
    if (!civil_ok(date)) return -EINVAL;
    int64_t local = civil_days(date) * DAY_MS;
    if (!text.n) {
        *ret_ms = wall_utc(zone, local);
        return 0;
    }
    if (text.p[0] != 'T' && text.p[0] != ' ') return -EINVAL;
    text = (Str){text.p + 1, text.n - 1};
    if (!digits(&text, 2, ':', &hour) || !digits(&text, 2, 0, &minute) || hour > 23 || minute > 59)
        return -EINVAL;
    return tail(text, zone, local + hour * INT64_C(3600000) + minute * INT64_C(60000), ret_ms);
}

void instant_write(int64_t utc_ms, const Zone *zone, Buf *ret) {
    int64_t local = wall_local(zone, utc_ms), offset = (local - utc_ms) / MINUTE_MS;
    int64_t days = local / DAY_MS - (local % DAY_MS < 0), in_day = (local - days * DAY_MS) / 1000;
    CivilDate d = civil_of_days(days);
    int64_t far = offset < 0 ? -offset : offset;
    buf_printf(ret, "%04lld-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", (long long)d.year, d.month, d.day,
               (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60),
               offset < 0 ? '-' : '+', (int)(far / 60), (int)(far % 60));
}
