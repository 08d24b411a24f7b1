/* Holidays and make-up days out of iCalendar files: what counts, what changes nothing, and what is
 * refused with its line. */
#include "holidays/feed.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "promise/days.h"

#define FILE_OF(events) "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" events "END:VCALENDAR\r\n"
#define EVENT(lines)    "BEGIN:VEVENT\r\n" lines "END:VEVENT\r\n"
#define DAY(date, name) EVENT("DTSTART;VALUE=DATE:" date "\r\nSUMMARY:" name "\r\n")

/* "2026-10-01 2026-10-10=work 2026-10-11=work:3 ...", or the problem. */
static void assert_days(const char *text, const char *expected) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf told = {0}, problem = {0};
    FeedDay *days = NULL;
    int n = feed_read(str(text), 1000, arena, &days, &problem);
    if (n < 0) buf_add_str(&told, buf_str(&problem));
    for (int i = 0; i < n; i++) {
        int64_t year = days_year(days[i].day), month = 12;
        while (days_from_date(year, (int)month, 1) > days[i].day)
            month--;
        buf_printf(&told, "%s%04lld-%02lld-%02lld", i ? " " : "", (long long)year, (long long)month,
                   (long long)(days[i].day - days_from_date(year, (int)month, 1) + 1));
        if (days[i].works) buf_adds(&told, "=work");
        if (days[i].weekday >= 0) buf_printf(&told, ":%d", days[i].weekday);
    }
    assert_string_equal(told.p, expected);
}

static void all_day_events_close_their_dates_up_to_the_end_that_is_not_theirs(void **state) {
    (void)state;
    assert_days(FILE_OF(DAY("20260101", "元旦")), "2026-01-01");
    assert_days(FILE_OF(EVENT("DTSTART;VALUE=DATE:20261001\r\nDTEND;VALUE=DATE:20261004\r\n")),
                "2026-10-01 2026-10-02 2026-10-03");
    assert_days(FILE_OF(EVENT("DTSTART:20261231\r\nDURATION:P2D\r\n")), "2026-12-31 2027-01-01");
    assert_days(FILE_OF(EVENT("DTSTART:20260228\r\nDTEND:20260228\r\n")), "2026-02-28");
}

static void make_up_days_are_known_as_chinas_feeds_name_them(void **state) {
    (void)state;
    assert_days(FILE_OF(DAY("20260926", "国庆节 补班") DAY("20261001", "国庆节（休）")
                            DAY("20261010", "国庆节（班）") DAY("20260208", "春节调休")
                                DAY("20260216", "春节 放假调休")),
                "2026-09-26=work 2026-10-01 2026-10-10=work 2026-02-08=work 2026-02-16");
    assert_days(FILE_OF(EVENT("DTSTART:20260926\r\nCATEGORIES:调休,上班\r\n"
                              "DESCRIPTION:今天是周六\\, 按周四上班\r\n")),
                "2026-09-26=work:3");
    assert_days(FILE_OF(EVENT("DTSTART:20260104\r\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY\r\n")),
                "2026-01-04=work");
}

static void observances_meetings_and_what_was_cancelled_change_nothing(void **state) {
    (void)state;
    assert_days(FILE_OF(DAY("20260501", "劳动节") EVENT("DTSTART:20260502T090000\r\n") EVENT(
                    "DTSTART;TZID=Asia/Shanghai:20260503T000000\r\nDTEND:20260504T000000\r\n")
                            EVENT("DTSTART:20260510\r\nDESCRIPTION:Observance\\nmore\r\n")
                                EVENT("DTSTART:20260511\r\nSTATUS:CANCELLED\r\n")),
                "2026-05-01");
    /* A file that marks days off marks all of them. */
    assert_days(FILE_OF(DAY("20260214", "情人节")
                            EVENT("DTSTART:20260217\r\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY\r\n")),
                "2026-02-17");
}

static void a_yearly_holiday_comes_back_every_year_but_those_excepted(void **state) {
    (void)state;
    assert_days(FILE_OF(EVENT("DTSTART:20241225\r\nDURATION:P2D\r\nRRULE:FREQ=YEARLY;COUNT=3\r\n"
                              "EXDATE;VALUE=DATE:20251225\r\n")),
                "2024-12-25 2024-12-26 2026-12-25 2026-12-26");
    assert_days(
        FILE_OF(
            EVENT("DTSTART:20251127\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20271231\r\n")),
        "2025-11-27 2026-11-26 2027-11-25");
    assert_days(FILE_OF(EVENT("DTSTART:20240229\r\nRRULE:FREQ=YEARLY;UNTIL=20330101T000000Z\r\n")),
                "2024-02-29 2028-02-29 2032-02-29");
    assert_days(FILE_OF(EVENT("DTSTART:20970101\r\nRRULE:FREQ=YEARLY\r\n")),
                "2097-01-01 2098-01-01 2099-01-01");
}

static void folded_lines_and_whatever_stands_inside_or_beside_an_event_are_read_past(void **state) {
    (void)state;
    assert_days("\xef\xbb\xbf"
                "begin:vcalendar\n"
                "BEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:"
                "VTIMEZONE\n"
                "BEGIN:VEVENT\nDTSTART;VALUE=DATE;X=\"a:b\":2026\n 1001\n"
                "SUMMARY:国庆\n\t节 补\n 班\n"
                "BEGIN:VALARM\nDTSTART:rubbish\nSUMMARY:x\nEND:VALARM\nEND:VEVENT\n\nEND:VCALENDAR",
                "2026-10-01=work");
}

static void what_is_broken_is_named_with_its_line_and_a_remedy(void **state) {
    (void)state;
    assert_days("", "line 1: no all-day event; holidays are written DTSTART;VALUE=DATE:20261001");
    assert_days("holidays: []\n", "line 1: BEGIN:VCALENDAR is expected here");
    assert_days("BEGIN:VCALENDAR\nhello\n",
                "line 2: no `NAME:value`; the file must be iCalendar (.ics)");
    assert_days("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
                "line 3: END of something else than what began last");
    assert_days("BEGIN:VCALENDAR\n", "line 1: the file ends too early: END:VCALENDAR is missing");
    assert_days(FILE_OF(EVENT("SUMMARY:x\r\n")), "line 5: an event without DTSTART");
    assert_days(FILE_OF(DAY("20260230", "x")), "line 4: DTSTART is no date; write 20261001");
    assert_days(FILE_OF(EVENT("DTSTART:20260110\r\nDTEND:20260109\r\n")),
                "line 4: the event ends before it begins, or lasts more than 400 days");
    assert_days(FILE_OF(EVENT("DTSTART:20260110\r\nDURATION:PX\r\n")),
                "line 5: DURATION is no time; write P3D");
    assert_days(FILE_OF(EVENT("DTSTART:20260110\r\nRRULE:FREQ=WEEKLY\r\n")),
                "line 5: only FREQ=YEARLY repeats; write the other dates singly");
    assert_days(FILE_OF(EVENT("DTSTART:20260110\r\nRRULE:FREQ=SOMETIMES\r\n")),
                "line 5: RRULE is no rule; write FREQ=YEARLY");
    assert_days(FILE_OF(EVENT("DTSTART:20260110\r\nRRULE:RSCALE=CHINESE;FREQ=YEARLY\r\n")),
                "line 5: RSCALE is not understood; write the dates of each year");
    assert_days("BEGIN:VCALENDAR\nSUMMARY:\xff\nEND:VCALENDAR\n", "line 1: not in UTF-8");
}

static void a_feed_has_no_more_days_than_a_calendar_holds(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    FeedDay *days = NULL;
    Str text = str(FILE_OF(EVENT("DTSTART:20260101\r\nDTEND:20260105\r\n")));
    assert_int_equal(feed_read(text, 3, arena, &days, &problem), -EINVAL);
    assert_string_equal(problem.p, "line 4: more days than a calendar holds; leave past years out");
    assert_int_equal(feed_read(text, 4, arena, &days, NULL), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_day_events_close_their_dates_up_to_the_end_that_is_not_theirs),
        cmocka_unit_test(make_up_days_are_known_as_chinas_feeds_name_them),
        cmocka_unit_test(observances_meetings_and_what_was_cancelled_change_nothing),
        cmocka_unit_test(a_yearly_holiday_comes_back_every_year_but_those_excepted),
        cmocka_unit_test(folded_lines_and_whatever_stands_inside_or_beside_an_event_are_read_past),
        cmocka_unit_test(what_is_broken_is_named_with_its_line_and_a_remedy),
        cmocka_unit_test(a_feed_has_no_more_days_than_a_calendar_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
