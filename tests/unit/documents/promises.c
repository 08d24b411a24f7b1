/* Calendars and policies: what they promise, and what a document may not say. */
#include "documents/promises.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "promise/days.h"

#define SHOP                                                                                       \
    "kinds: [咨询, 投诉]\n"                                                                    \
    "groups: [{name: 售后}, {name: 投诉}]\n"                                                   \
    "agents: [{name: lin.yue, groups: [售后], capacity: 3}]\n"
#define CALENDARS                                                                                  \
    "calendars:\n"                                                                                 \
    "  - name: 客服班\n"                                                                        \
    "    zone: Asia/Shanghai\n"                                                                    \
    "    week: {mon-fri: [09:00-12:00, 13:00-18:00], sat: 22:00-06:00}\n"                          \
    "    holidays: [2026-10-01..2026-10-07, 2026-12-31]\n"                                         \
    "    makeup: {2026-09-27: thu}\n"

enum { HOUR = 3600000 };

static const char shop[] =
    SHOP CALENDARS "policies:\n"
                   "  - name: VIP\n"
                   "    when: {all: {tier: [vip, svip]}}\n"
                   "    targets:\n"
                   "      first_reply: 15m\n"
                   "      resolution: {within: 24h, hours: 客服班}\n"
                   "      next_reply: {within: {urgent: 10m, high: 30m}, hours: 客服班}\n"
                   "      stages: {in_progress: 4h, pending: {within: {high: 2h}, hours: 客服班}}\n"
                   "    pause: {resolution: [pending]}\n"
                   "    reopen: restart\n"
                   "    replies_by: [agent, bot]\n"
                   "    warn: [50, 95, 10m]\n"
                   "    escalate:\n"
                   "      - {notify: lead}\n"
                   "      - {after: 30m, notify: [lead, manager, lin.yue], priority: raise}\n"
                   "      - {after: 2h, group: 投诉, every: 1h, times: 3}\n"
                   "  - {name: 其他, targets: {first_reply: 1h}}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    return 1001 + (int64_t)name.n;
}

#include "shop.h"

static void the_first_policy_that_holds_is_the_tickets(void **state) {
    Facts vip = {.at = {[FACT_TIER] = STR("vip")}}, plain = {.at = {[FACT_TIER] = STR("")}};
    assert_true(str_is(catalog_policy_for(*state, &vip)->name, "VIP"));
    assert_true(str_is(catalog_policy_for(*state, &plain)->name, "其他"));
}

static void targets_hold_for_their_priorities_and_hours(void **state) {
    Facts vip = {.at = {[FACT_TIER] = STR("vip")}};
    const Policy *p = catalog_policy_for(*state, &vip);
    Terms urgent = policy_terms(p, PRIORITY_URGENT), low = policy_terms(p, PRIORITY_LOW);
    assert_int_equal(low.target_ms[METRIC_FIRST_REPLY], HOUR / 4);
    assert_null(low.hours[METRIC_FIRST_REPLY]);
    assert_int_equal(urgent.target_ms[METRIC_NEXT_REPLY], HOUR / 6);
    assert_int_equal(low.target_ms[METRIC_NEXT_REPLY], 0);
    assert_int_equal(low.target_ms[METRIC_RESOLUTION], 24 * HOUR);
    assert_non_null(low.hours[METRIC_RESOLUTION]);
    assert_int_equal(low.target_ms[METRIC_STAGE_IN_PROGRESS], 4 * HOUR);
    assert_int_equal(low.target_ms[METRIC_STAGE_PENDING], 0);
    assert_int_equal(low.target_ms[METRIC_STAGE_NEW], 0);
    assert_non_null(policy_terms(p, PRIORITY_HIGH).hours[METRIC_STAGE_PENDING]);
    assert_int_equal(low.pauses[METRIC_RESOLUTION], 1 << TICKET_PENDING);
    assert_int_equal(low.pauses[METRIC_AGENT_WORK], 1 << TICKET_PENDING | 1 << TICKET_ON_HOLD);
    assert_true(low.restart);
    assert_true(low.bots_reply);
    assert_int_equal(low.warnings_n, 3);
    assert_int_equal(low.warnings[1].percent, 95);
    assert_int_equal(low.warnings[2].left_ms, HOUR / 6);
}

static void nothing_is_promised_without_a_policy(void **state) {
    (void)state;
    Terms t = policy_terms(NULL, PRIORITY_HIGH);
    for (int m = 0; m < METRICS; m++)
        assert_int_equal(t.target_ms[m], 0);
    assert_int_equal(t.pauses[METRIC_REQUESTER_WAIT], 1 << TICKET_PENDING);
}

static void escalation_keeps_its_order_waits_and_repetitions(void **state) {
    const Policy *policies;
    assert_int_equal(catalog_policies(*state, &policies), 2);
    const EscalationStep *s = policies[0].steps;
    assert_int_equal(policies[0].steps_n, 3);
    assert_true(s[0].notify_lead && s[0].after_ms == 0 && s[0].times == 1);
    assert_true(s[1].notify_manager && s[1].raise_priority && s[1].notify_agent == 1008);
    assert_int_equal(s[1].after_ms, HOUR / 2);
    assert_int_equal(s[2].group_id, 1007);
    assert_int_equal(s[2].times, 3);
    assert_int_equal(s[2].every_ms, HOUR);
}

static void hours_are_those_of_the_week_its_holidays_and_make_up_days(void **state) {
    const NamedCalendar *calendars;
    assert_int_equal(catalog_calendars(*state, &calendars), 1);
    const Calendar *c = calendars[0].calendar;
    const int64_t east = 8 * (int64_t)HOUR;
    int64_t thursday = days_from_date(2026, 9, 24) * DAY_MS - east;
    assert_int_equal(calendar_open_ms(c, thursday, thursday + DAY_MS), 8 * HOUR);
    int64_t saturday = thursday + 2 * (int64_t)DAY_MS; /* its night; Sunday makes up for Thursday */
    assert_int_equal(calendar_open_ms(c, saturday, saturday + DAY_MS), 2 * HOUR);
    assert_int_equal(calendar_open_ms(c, saturday + DAY_MS, saturday + 2 * (int64_t)DAY_MS),
                     8 * HOUR);
    int64_t holiday = days_from_date(2026, 10, 1) * DAY_MS - east;
    assert_int_equal(calendar_open_ms(c, holiday, holiday + 7 * (int64_t)DAY_MS), 0);
    assert_int_equal(calendar_reach(c, holiday, 1), holiday + 7 * (int64_t)DAY_MS + 9 * HOUR + 1);
}

static void holidays_and_make_up_days_come_from_icalendar_too(void **state) {
    (void)state;
    static const char text[] = SHOP "calendars:\n"
                                    "  - name: 客服班\n"
                                    "    zone: UTC\n"
                                    "    week: {tue-thu: 09:00-12:00, fri: 09:00-10:00}\n"
                                    "    makeup: {2026-10-11: fri}\n"
                                    "    ics: |\n"
                                    "      BEGIN:VCALENDAR\n"
                                    "      BEGIN:VEVENT\n"
                                    "      DTSTART;VALUE=DATE:20261001\n"
                                    "      DTEND;VALUE=DATE:20261008\n"
                                    "      SUMMARY:国庆节（休）\n"
                                    "      END:VEVENT\n"
                                    "      BEGIN:VEVENT\n"
                                    "      DTSTART;VALUE=DATE:20261010\n"
                                    "      DTEND;VALUE=DATE:20261012\n"
                                    "      SUMMARY:国庆节 补班\n"
                                    "      END:VEVENT\n"
                                    "      END:VCALENDAR\n";
    CLEANUP(buf_done) Buf problems = {0};
    const NamedCalendar *calendars;
    Catalog *c = compile(text, &problems);
    if (!c) fail_msg("%s", problems.p);
    assert_int_equal(catalog_calendars(c, &calendars), 1);
    const Calendar *hours = calendars[0].calendar;
    int64_t holidays = days_from_date(2026, 10, 1) * DAY_MS,
            made_up = holidays + 9 * (int64_t)DAY_MS;
    assert_int_equal(calendar_open_ms(hours, holidays, holidays + 7 * (int64_t)DAY_MS), 0);
    /* Like Tuesday, the first day of the week that has hours; what the document says stands. */
    assert_int_equal(calendar_open_ms(hours, made_up, made_up + DAY_MS), 3 * HOUR);
    assert_int_equal(calendar_open_ms(hours, made_up + DAY_MS, made_up + 2 * (int64_t)DAY_MS),
                     HOUR);
    (void)catalog_unref(c);
}

static void what_cannot_be_kept_is_refused_with_line_and_remedy(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"policies:\n  - {name: a}\n",
         "shop.yaml:5: policy `a`: it promises nothing; give it `targets`"},
        {"policies:\n  - {name: a, targets: {first_rely: 1h}}\n",
         "unknown metric `first_rely`; did you mean `first_reply`?"},
        {"policies:\n  - {name: a, targets: {stages: {solved: 1h}}}\n",
         "shop.yaml:5: policy `a`: `solved` is no stage; possible are new"},
        {"policies:\n  - {name: a, targets: {stage_new: 1h}}\n", "unknown metric `stage_new`"},
        {"policies:\n  - {name: a, targets: {ack: -5m}}\n", "must be a time such as 90s"},
        {"policies:\n  - {name: a, targets: {ack: 0m}}\n", "a promise of no time at all"},
        {"policies:\n  - {name: a, targets: {ack: 9000d}}\n", "at most 365d"},
        {"policies:\n  - {name: a, targets: {ack: {within: 1h, hours: 夜班}}}\n",
         "unknown calendar `夜班`"},
        {"policies:\n  - {name: a, targets: {ack: 1h}}\n  - {name: b, targets: {ack: 2h}}\n",
         "policy `b`: it can never match: `a` (line 5) takes everything"},
        {"policies:\n  - {name: a, targets: {ack: 1h}, warn: [120]}\n",
         "a share is 1 to 99 percent"},
        {"policies:\n  - {name: a, targets: {ack: 1h}, escalate: [{after: 5m}]}\n",
         "a step that does nothing"},
        {"policies:\n  - {name: a, targets: {ack: 1h}, pause: {ack: [solved]}}\n",
         "`solved` stops no clock"},
        {"calendars:\n  - {name: c, zone: Asia/Shangai, week: {mon: 09:00-10:00}}\n",
         "unknown time zone `Asia/Shangai`"},
        {"calendars:\n  - {name: c, zone: ../../etc/passwd, week: {mon: 09:00-10:00}}\n",
         "unknown time zone"},
        {"calendars:\n  - {name: c, week: {mon: 09:00-10:00}}\n", "no `zone`"},
        {"calendars:\n  - {name: c, zone: UTC}\n", "no working hours at all"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: [09:00-12:00, 11:00-13:00]}}\n",
         "two intervals of the week overlap"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 22:00-06:00, tue: 05:00-08:00}}\n",
         "overlap"},
        {"calendars:\n  - {name: c, zone: UTC, week: {monday: 09:00-12:00}}\n",
         "`monday` is no weekday"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 09:00-25:00}}\n", "is no working time"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 09:00-12:00}, holidays: [2026-02-30]}\n",
         "`2026-02-30` is no date"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 09:00-12:00}, makeup: {2026-02-28: "
         "4}}\n",
         "a make-up day is written"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 09:00-12:00}, ics: x}\n",
         "shop.yaml:5: calendar `c`: its iCalendar, line 1: no `NAME:value`"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 09:00-12:00}, ics_file: a.ics}\n",
         "`ics_file` is read by `docket apply`"},
        {"calendars:\n  - {name: c, zone: UTC, week: {mon: 09:00-12:00}, ics_makeup: 1, ics: "
         "BEGIN:VCALENDAR}\n",
         "`ics_makeup` is one of mon ... sun"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CLEANUP(buf_done) Buf text = {0}, problems = {0};
        buf_adds(&text, SHOP);
        buf_adds(&text, wrong[i].text);
        const Catalog *c = compile(text.p, &problems);
        if (c) fail_msg("taken: %s", wrong[i].text);
        if (!strstr(problems.p, wrong[i].says))
            fail_msg("%s\nsays: %s\nand not: %s", wrong[i].text, problems.p, wrong[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_policy_that_holds_is_the_tickets),
        cmocka_unit_test(targets_hold_for_their_priorities_and_hours),
        cmocka_unit_test(nothing_is_promised_without_a_policy),
        cmocka_unit_test(escalation_keeps_its_order_waits_and_repetitions),
        cmocka_unit_test(hours_are_those_of_the_week_its_holidays_and_make_up_days),
        cmocka_unit_test(holidays_and_make_up_days_come_from_icalendar_too),
        cmocka_unit_test(what_cannot_be_kept_is_refused_with_line_and_remedy),
    };
    return cmocka_run_group_tests(tests, open_shop, close_shop);
}
