/* What people may ask for, and what they are told when they ask otherwise. */
#include "analytics/reports/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analytics/reports/instants.h"
#include "analytics/reports/wall.h"
#include "documents/zones.h"

#define NOW INT64_C(1795341600000) /* 2026-11-22T10:00:00Z, a Sunday */

typedef struct World {
    Arena *arena;
    Zone *shanghai, *new_york;
    ReportRequest request;
    ReportProblem problem;
} World;

static int begin(void **state) {
    World *w = xcalloc(1, sizeof(*w));
    w->arena = arena_new(0);
    w->shanghai = zones_read(STR("Asia/Shanghai"));
    w->new_york = zones_read(STR("America/New_York"));
    *state = w;
    return w->shanghai && w->new_york ? 0 : -1;
}

static int end(void **state) {
    World *w = *state;
    arena_free(w->arena);
    zone_free(w->shanghai);
    zone_free(w->new_york);
    free(w);
    return 0;
}

/* "by=channel&limit=3", nothing escaped. */
static int ask(World *w, const char *report, const char *query) {
    ReportPair pairs[64];
    size_t n = 0;
    for (Str rest = query ? str(query) : (Str){NULL, 0}; rest.p; n++) {
        Str value, name = str_cut(str_cut(rest, '&', &rest), '=', &value);
        pairs[n] = (ReportPair){name, value};
    }
    ReportContext context = {.zone = w->shanghai, .zone_name = STR("Asia/Shanghai"), .now_ms = NOW};
    return report_request_read(report_find(str(report)), pairs, n, &context, w->arena, &w->request,
                               &w->problem);
}

static void refuses(World *w, const char *report, const char *query, const char *field,
                    const char *words) {
    CLEANUP(buf_done) Buf all = {0};
    assert_true(ask(w, report, query) < 0);
    assert_string_equal(w->problem.field, field);
    buf_printf(&all, "%s; %s", w->problem.reason, w->problem.remedy);
    if (!strstr(all.p, words)) fail_msg("%s: no `%s` in `%s`", query, words, all.p);
}

static void nothing_named_is_the_last_thirty_local_days(void **state) {
    World *w = *state;
    assert_int_equal(ask(w, "volume", NULL), 0);
    const FactQuestion *q = &w->request.question;
    assert_true(q->to_ms == INT64_C(1795363200000)); /* 2026-11-22T16:00Z: the 23rd there */
    assert_true(q->from_ms == q->to_ms - INT64_C(30) * 86400000);
    assert_int_equal(q->cut, CUT_DAY);
    assert_int_equal(w->request.question.limit, 100);
}

static void filters_mean_what_their_names_and_values_say(void **state) {
    World *w = *state;
    assert_int_equal(ask(w, "volume",
                         "category=退款,a\\,b&channel!=web&replies=2..5&touches=..3&reopened=true"
                         "&solved=-7d..now&solved_=x"),
                     -EINVAL);
    assert_string_equal(w->problem.field, "solved_");
    assert_int_equal(ask(w, "volume",
                         "category=退款,a\\,b&channel!=web&replies=2..5&touches=..3&reopened=true"
                         "&open=false&solved=-7d..now&status=solved,closed&requester=7,8"),
                     0);
    const FactQuestion *q = &w->request.question;
    assert_int_equal(q->one_of_n, 3);
    assert_true(str_is(q->one_of[0].texts[1], "a,b") && q->one_of[0].n == 2);
    assert_true(q->one_of[1].none_of && q->one_of[1].dim == FACT_CHANNEL);
    assert_true(q->one_of[2].ids[0] == TICKET_SOLVED && q->one_of[2].ids[1] == TICKET_CLOSED);
    assert_true(q->ranges_n == 2 && q->ranges[0].least == 2 && q->ranges[0].most == 5);
    assert_true(q->ranges[1].least == INT64_MIN && q->ranges[1].most == 3);
    assert_int_equal(q->flags_set, 1U << FLAG_REOPENED);
    assert_int_equal(q->flags_clear, 1U << FLAG_OPEN);
    assert_true(q->between_n == 1 && q->between[0].field == FACT_AT_SOLVED &&
                q->between[0].to_ms == NOW);
    assert_true(q->requesters_n == 2 && q->requesters[1] == 8);
}

static void whatever_is_wrong_is_named_with_what_was_probably_meant(void **state) {
    World *w = *state;
    refuses(w, "volume", "by=chanel", "by", "did you mean `channel`");
    refuses(w, "volume", "by=channel,channel", "by", "twice");
    refuses(w, "volume", "by=passed_agent", "by", "unknown");
    refuses(w, "volume", "hour=3", "hour", "worked out");
    refuses(w, "volume", "chanel=web", "chanel", "did you mean `channel`");
    refuses(w, "volume", "by=channel&by=tier", "by", "twice");
    refuses(w, "volume", "limit=10001", "limit", "10000");
    refuses(w, "volume", "to=now", "from", "without beginning");
    refuses(w, "volume", "from=now&to=now", "from", "not before");
    refuses(w, "volume", "from=2026-02-30&to=now", "from", "instant");
    refuses(w, "volume", "measures=share:to_reply", "measures", "unknown");
    refuses(w, "volume", "order=p50", "order", "tickets");
    refuses(w, "backlog", "compare=previous", "compare", "range");
    refuses(w, "volume", "at=now", "at", "backlog");
    refuses(w, "volume", "goal=2", "goal", "0.9999");
    refuses(w, "volume", "format=xlsx", "format", "csv");
}

static void ten_years_by_the_minute_are_refused_with_the_nearest_cut(void **state) {
    World *w = *state;
    refuses(w, "volume", "from=2016-11-22&to=2026-11-22&cut=minute", "cut", "cut=day");
    refuses(w, "volume", "from=2016-11-22&to=2026-11-22&cut=quarter", "cut", "cut=day");
    refuses(w, "volume", "from=2026-11-01&to=2026-11-22&cut=minute", "cut", "cut=quarter");
    refuses(w, "volume", "from=2026-11-01&to=2026-11-22&cut=dayy", "cut", "did you mean `day`");
    assert_int_equal(ask(w, "volume", "from=2016-11-22&to=2026-11-22&cut=day"), 0);
}

static void the_period_before_has_as_many_days_or_months(void **state) {
    World *w = *state;
    CLEANUP(buf_done) Buf from = {0};
    assert_int_equal(ask(w, "categories", "from=2026-03-01&to=2026-04-01"), 0);
    instant_write(w->request.before_from_ms, w->shanghai, &from);
    assert_string_equal(from.p, "2026-02-01T00:00:00+08:00");
    assert_int_equal(ask(w, "categories", "from=2026-03-02&to=2026-03-09"), 0);
    buf_clear(&from);
    instant_write(w->request.before_from_ms, w->shanghai, &from);
    assert_string_equal(from.p, "2026-02-23T00:00:00+08:00");
    assert_int_equal(ask(w, "categories", "from=-3h&to=now"), 0);
    assert_true(w->request.before_from_ms == NOW - INT64_C(6) * 3600000);
}

static void measures_are_the_reports_own_or_any_number_summed_up(void **state) {
    World *w = *state;
    assert_int_equal(ask(w, "volume", "measures=tickets,p95:to_reply,share:is_reopened,n:to_reply"),
                     0);
    const ReportMeasure *m = w->request.measures;
    assert_int_equal(w->request.measures_n, 4);
    assert_true(m[1].measure.kind == MEASURE_PERCENTILE && m[1].unit == UNIT_SECONDS);
    assert_true(m[1].measure.share > 0.949 && m[1].measure.share < 0.951);
    assert_true(m[2].unit == UNIT_SHARE && m[3].form == FORM_HAVING && m[3].unit == UNIT_COUNT);
}

static void instants_are_local_unless_they_say_where(void **state) {
    World *w = *state;
    int64_t at;
    assert_int_equal(instant_parse(STR("2026-11-01"), w->shanghai, NOW, &at), 0);
    assert_true(at == INT64_C(1793462400000));
    assert_int_equal(instant_parse(STR("2026-11-01T08:00:00.250Z"), w->shanghai, NOW, &at), 0);
    assert_true(at == INT64_C(1793520000250));
    assert_int_equal(instant_parse(STR("2026-11-01T08:00+08:00"), w->new_york, NOW, &at), 0);
    assert_true(at == INT64_C(1793491200000));
    const char *wrong[] = {"",
                           "2026-13-01",
                           "2026-11-31",
                           "2026-11-01T25:00",
                           "2026-11-01x",
                           "2026-11-01T08:0",
                           "-d",
                           "-5y",
                           "yesterday",
                           "2026-11-01T08:00Y",
                           "2026-11-01T08:00+99:00"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(instant_parse(str(wrong[i]), w->shanghai, NOW, &at), -EINVAL);
}

static void days_have_as_many_hours_as_the_local_clock_shows(void **state) {
    World *w = *state;
    int64_t forth, back;
    assert_int_equal(instant_parse(STR("2026-03-08"), w->new_york, NOW, &forth), 0);
    assert_int_equal(instant_parse(STR("2026-11-01"), w->new_york, NOW, &back), 0);
    assert_true(wall_step(w->new_york, CUT_DAY, forth, 1) - forth == INT64_C(23) * 3600000);
    assert_true(wall_step(w->new_york, CUT_DAY, back, 1) - back == INT64_C(25) * 3600000);
    int hours = 0;
    for (int64_t at = back; at < wall_step(w->new_york, CUT_DAY, back, 1);
         at = wall_step(w->new_york, CUT_HOUR, at, 1))
        hours++;
    assert_int_equal(hours, 25);
    assert_true(wall_step(w->new_york, CUT_MONTH, back, -8) < forth);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_named_is_the_last_thirty_local_days, begin, end),
        cmocka_unit_test_setup_teardown(filters_mean_what_their_names_and_values_say, begin, end),
        cmocka_unit_test_setup_teardown(whatever_is_wrong_is_named_with_what_was_probably_meant,
                                        begin, end),
        cmocka_unit_test_setup_teardown(ten_years_by_the_minute_are_refused_with_the_nearest_cut,
                                        begin, end),
        cmocka_unit_test_setup_teardown(the_period_before_has_as_many_days_or_months, begin, end),
        cmocka_unit_test_setup_teardown(measures_are_the_reports_own_or_any_number_summed_up, begin,
                                        end),
        cmocka_unit_test_setup_teardown(instants_are_local_unless_they_say_where, begin, end),
        cmocka_unit_test_setup_teardown(days_have_as_many_hours_as_the_local_clock_shows, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
