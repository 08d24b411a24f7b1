/* Dates as counts of days. */
#include "promise/days.h"

#include <errno.h>
#include <stdbool.h>

int64_t days_from_date(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t days_year(int64_t day) {
    int64_t year = 1970 + day / 366; /* never too late for days after 1970, one step too early */
    if (day < 0) year = 1970 + day / 365 - 1;
    while (days_from_date(year + 1, 1, 1) <= day)
        year++;
    return year;
}

int days_weekday(int64_t day) {
    int64_t w = (day + 3) % 7; /* 1970-01-01 was a Thursday */
    return (int)(w < 0 ? w + 7 : w);
}

int64_t days_of_ms(int64_t ms) {
    return ms >= 0 ? ms / DAY_MS : -((-ms + DAY_MS - 1) / DAY_MS);
}

static int digits(Str s, size_t from, size_t n, int *ret) {
    int v = 0;
    for (size_t i = from; i < from + n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return -EINVAL;
        v = v * 10 + (s.p[i] - '0');
    }
    *ret = v;
    return 0;
}

int days_parse(Str text, int64_t *ret) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || digits(text, 0, 4, &year) < 0 ||
        digits(text, 5, 2, &month) < 0 || digits(text, 8, 2, &day) < 0)
        return -EINVAL;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && leap))
        return -EINVAL;
    *ret = days_from_date(year, month, day);
    return 0;
}
