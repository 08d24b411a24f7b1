/* Open hours, against a walk minute by minute over glibc's local time. */
#include "promise/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "promise/days.h"

enum { WALK_MINUTES = 20 * 1440 };

static Zone *zone(const char *name) {
    CLEANUP(buf_done) Buf file = {0};
    char path[128], part[4096];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&file, part, n);
    (void)fclose(in);
    return zone_parse(buf_str(&file), NULL);
}

/* Written from the header's words alone. */
static bool open_by_the_wall(const CalendarSpec *spec, int64_t at_ms) {
    time_t at = (time_t)(at_ms / 1000);
    struct tm local;
    assert_non_null(localtime_r(&at, &local));
    int64_t day = days_from_date(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
    int weekday = (local.tm_wday + 6) % 7;
    bool closed = false;
    for (size_t i = 0; i < spec->holidays_n; i++)
        closed = closed || spec->holidays[i] == day;
    for (size_t i = 0; i < spec->makeups_n; i++)
        if (spec->makeups[i].day == day) {
            weekday = spec->makeups[i].weekday;
            closed = false;
        }
    if (closed) return false;
    int minute = weekday * 1440 + local.tm_hour * 60 + local.tm_min;
    for (size_t i = 0; i < spec->shifts_n; i++)
        for (int week = 0; week <= WEEK_MINUTES; week += WEEK_MINUTES)
            if (minute + week >= spec->shifts[i].start && minute + week < spec->shifts[i].end)
                return true;
    return false;
}

static uint64_t dice = 7;

static int64_t roll(int64_t below) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (int64_t)(dice % (uint64_t)below);
}

static void time_counted_and_reached_is_that_of_a_walk_minute_by_minute(void **state) {
    (void)state;
    /* around changes of daylight time, and a day that never was */
    static const struct {
        const char *zone;
        int64_t from_s;
    } places[] = {{"Asia/Shanghai", 1758585600}, {"America/New_York", 1761264000},
                  {"Europe/Berlin", 1742601600}, {"Australia/Lord_Howe", 1743379200},
                  {"Pacific/Apia", 1324425600},  {"Africa/Casablanca", 1739577600}};
    static bool open[WALK_MINUTES];
    for (int round = 0; round < 120; round++) {
        const char *name = places[round % 6].zone;
        int64_t from = places[round % 6].from_s * 1000;
        Shift shifts[14];
        int64_t holidays[3];
        Makeup makeups[2];
        CalendarSpec spec = {.shifts = shifts, .holidays = holidays, .makeups = makeups};
        bool nights = round % 3 == 1, lunch = round % 3 == 2;
        for (int day = 0; day < 5 + round % 3; day++) {
            int32_t start = (int32_t)(day * 1440 + (nights ? 1320 : 480) + roll(60));
            shifts[spec.shifts_n++] = (Shift){start, start + 200 + (int32_t)roll(100)};
            if (lunch) shifts[spec.shifts_n++] = (Shift){start + 360, start + 600};
        }
        for (; spec.holidays_n < 3; spec.holidays_n++)
            holidays[spec.holidays_n] = days_of_ms(from) + roll(20);
        for (; spec.makeups_n < 2; spec.makeups_n++)
            makeups[spec.makeups_n] = (Makeup){days_of_ms(from) + roll(20), (int)roll(7)};
        if (makeups[0].day == makeups[1].day) spec.makeups_n = 1;
        CLEANUP(calendar_freep) Calendar *c = calendar_new(&spec, zone(name), NULL);
        assert_non_null(c);
        assert_int_equal(setenv("TZ", name, 1), 0);
        tzset();
        for (int m = 0; m < WALK_MINUTES; m++)
            open[m] = open_by_the_wall(&spec, from + (int64_t)m * MINUTE_MS);
        for (int question = 0; question < 100; question++) {
            int a = (int)roll(WALK_MINUTES), b = a + (int)roll(WALK_MINUTES - a), walked = 0;
            for (int m = a; m < b; m++)
                walked += open[m];
            int64_t from_a = from + (int64_t)a * MINUTE_MS;
            assert_int_equal(calendar_open_ms(c, from_a, from + (int64_t)b * MINUTE_MS),
                             (int64_t)walked * MINUTE_MS);
            int wanted = 1 + (int)roll(2000), m = a, had = 0;
            while (m < WALK_MINUTES && had < wanted)
                had += open[m++];
            if (had == wanted)
                assert_int_equal(calendar_reach(c, from_a, (int64_t)wanted * MINUTE_MS),
                                 from + (int64_t)m * MINUTE_MS);
            assert_int_equal(calendar_is_open(c, from_a), open[a]);
        }
    }
    (void)unsetenv("TZ");
    tzset();
}

static void a_calendar_that_is_always_open_counts_every_millisecond(void **state) {
    (void)state;
    assert_int_equal(calendar_open_ms(NULL, 1000, 1000 + 3 * (int64_t)DAY_MS + 1),
                     3 * (int64_t)DAY_MS + 1);
    assert_int_equal(calendar_reach(NULL, 5, 10 * (int64_t)DAY_MS), 5 + 10 * (int64_t)DAY_MS);
    CalendarSpec week = {.shifts = &(Shift){0, WEEK_MINUTES}, .shifts_n = 1};
    CLEANUP(calendar_freep) Calendar *c = calendar_new(&week, zone("Europe/Berlin"), NULL);
    /* over midnights, a change of daylight time and the turn of a year nothing is lost */
    assert_int_equal(calendar_open_ms(c, 1700000000001, 1800000000000), 99999999999);
    assert_int_equal(calendar_reach(c, 1700000000001, 99999999999), 1800000000000);
}

static void a_target_reached_at_closing_time_is_due_then_and_not_next_morning(void **state) {
    (void)state;
    CalendarSpec spec = {.shifts = &(Shift){540, 1080}, .shifts_n = 1}; /* Monday 9 to 18 */
    CLEANUP(calendar_freep) Calendar *c = calendar_new(&spec, zone("Asia/Shanghai"), NULL);
    int64_t monday = days_from_date(2026, 11, 23) * DAY_MS - 8 * 3600000;
    assert_int_equal(calendar_reach(c, monday, 9 * 3600000), monday + 18 * 3600000);
    assert_int_equal(calendar_reach(c, monday, 9 * 3600000 + 1),
                     monday + 7 * (int64_t)DAY_MS + 9 * 3600000 + 1);
}

static void calendars_that_cannot_be_are_refused_with_a_reason(void **state) {
    (void)state;
    const Shift bad[][2] = {{{0, 0}, {0, 0}},         {{-5, 10}, {20, 30}},
                            {{10080, 10090}, {0, 5}}, {{0, 20000}, {0, 1}},
                            {{100, 300}, {200, 400}}, {{10000, 10200}, {100, 200}},
                            {{500, 400}, {0, 10}}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        CalendarSpec spec = {.shifts = bad[i], .shifts_n = 2};
        assert_null(calendar_new(&spec, zone("UTC"), &problem));
        assert_true(problem.n > 0);
    }
    CLEANUP(buf_done) Buf problem = {0};
    assert_null(calendar_new(&(CalendarSpec){0}, zone("UTC"), &problem));
    assert_string_equal(problem.p, "no working hours at all");
    CalendarSpec touching = {.shifts = (const Shift[]){{0, 100}, {100, 200}}, .shifts_n = 2};
    CLEANUP(calendar_freep) Calendar *c = calendar_new(&touching, zone("UTC"), NULL);
    assert_non_null(c);
    assert_null(calendar_new(&touching, NULL, NULL));
}

static void one_that_stands_in_for_a_broken_one_is_open_and_tells_who_asked(void **state) {
    (void)state;
    CLEANUP(calendar_freep) Calendar *c = calendar_fallback();
    assert_false(calendar_fallback_asked(c));
    assert_int_equal(calendar_open_ms(c, 0, 12345), 12345);
    assert_true(calendar_fallback_asked(c));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_counted_and_reached_is_that_of_a_walk_minute_by_minute),
        cmocka_unit_test(a_calendar_that_is_always_open_counts_every_millisecond),
        cmocka_unit_test(a_target_reached_at_closing_time_is_due_then_and_not_next_morning),
        cmocka_unit_test(calendars_that_cannot_be_are_refused_with_a_reason),
        cmocka_unit_test(one_that_stands_in_for_a_broken_one_is_open_and_tells_who_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
