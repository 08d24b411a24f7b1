/* Zones, against glibc reading the same files. */
#include "promise/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "promise/days.h"

static const char *const zones[] = {
    "Asia/Shanghai",     "UTC",
    "America/New_York",  "Europe/Dublin",       /* winter is its daylight time */
    "Africa/Casablanca", "Australia/Lord_Howe", /* half an hour */
    "Asia/Kathmandu",    "America/Sao_Paulo",
    "Pacific/Apia", /* lost a whole day in 2011 */
    "Asia/Tehran",       "America/Nuuk",
    "Antarctica/Troll"};
enum { ZONES = sizeof(zones) / sizeof(*zones) };

static void read_file(const char *zone, Buf *ret) {
    char path[128], part[4096];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(ret, part, n);
    (void)fclose(in);
}

static uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void offsets_are_those_of_glibc_from_1970_to_2199(void **state) {
    (void)state;
    uint64_t dice = 20261122;
    for (int z = 0; z < ZONES; z++) {
        CLEANUP(buf_done) Buf file = {0};
        read_file(zones[z], &file);
        CLEANUP(zone_freep) Zone *zone = zone_parse(buf_str(&file), NULL);
        assert_non_null(zone);
        assert_int_equal(setenv("TZ", zones[z], 1), 0);
        tzset();
        for (int i = 0; i < 20000; i++) {
            time_t at = (time_t)(random_next(&dice) % 7258118400); /* the year 2200 */
            struct tm local;
            int64_t from, until;
            assert_non_null(localtime_r(&at, &local));
            int64_t ours = zone_offset_ms(zone, (int64_t)at * 1000, &from, &until);
            if (ours != local.tm_gmtoff * 1000)
                fail_msg("%s at %lld: %lld, glibc %ld", zones[z], (long long)at,
                         (long long)ours / 1000, local.tm_gmtoff);
            assert_true(from <= (int64_t)at * 1000 && (int64_t)at * 1000 < until);
        }
    }
    (void)unsetenv("TZ");
    tzset();
}

static void an_offset_holds_exactly_until_it_says(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf file = {0};
    read_file("America/New_York", &file);
    CLEANUP(zone_freep) Zone *zone = zone_parse(buf_str(&file), NULL);
    int64_t from, until, end;
    int64_t summer = 1752000000000; /* July 2025 */
    assert_int_equal(zone_offset_ms(zone, summer, &from, &until), -4 * 3600000);
    assert_int_equal(until, 1762063200000); /* 2025-11-02 06:00 UTC */
    assert_int_equal(zone_offset_ms(zone, until - 1, &from, &end), -4 * 3600000);
    assert_int_equal(zone_offset_ms(zone, until, &from, &end), -5 * 3600000);
    assert_int_equal(from, until);
}

static void what_is_no_zone_file_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf file = {0}, problem = {0};
    read_file("Europe/Dublin", &file);
    assert_null(zone_parse(STR(""), &problem));
    assert_true(problem.n > 0);
    for (size_t n = 0; n < file.n; n += 7)
        assert_null(zone_parse((Str){file.p, n}, NULL));
}

static void names_cannot_leave_the_zone_directory(void **state) {
    (void)state;
    assert_true(zone_name_ok(STR("America/Argentina/Buenos_Aires")));
    assert_true(zone_name_ok(STR("Etc/GMT+8")));
    assert_false(zone_name_ok(STR("../../etc/passwd")));
    assert_false(zone_name_ok(STR("/etc/passwd")));
    assert_false(zone_name_ok(STR("Asia//Shanghai")));
    assert_false(zone_name_ok(STR("Asia/")));
    assert_false(zone_name_ok(STR("")));
}

static void dates_are_those_of_glibc(void **state) {
    (void)state;
    for (int64_t day = -200; day < 90000; day++) {
        time_t at = (time_t)(day * 86400);
        struct tm date;
        char text[11];
        int64_t parsed;
        assert_non_null(gmtime_r(&at, &date));
        assert_int_equal(days_from_date(date.tm_year + 1900, date.tm_mon + 1, date.tm_mday), day);
        assert_int_equal(days_year(day), date.tm_year + 1900);
        assert_int_equal(days_weekday(day), (date.tm_wday + 6) % 7);
        assert_int_equal(strftime(text, sizeof(text), "%Y-%m-%d", &date), 10);
        assert_int_equal(days_parse(str(text), &parsed), 0);
        assert_int_equal(parsed, day);
    }
    int64_t none;
    assert_true(days_parse(STR("2025-02-29"), &none) < 0);
    assert_true(days_parse(STR("2025-13-01"), &none) < 0);
    assert_true(days_parse(STR("2025-1-01"), &none) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_glibc_from_1970_to_2199),
        cmocka_unit_test(an_offset_holds_exactly_until_it_says),
        cmocka_unit_test(what_is_no_zone_file_is_refused),
        cmocka_unit_test(names_cannot_leave_the_zone_directory),
        cmocka_unit_test(dates_are_those_of_glibc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
