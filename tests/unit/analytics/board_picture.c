/* What the live board says of given figures. */
#include "analytics/board/picture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#define NOW INT64_C(1763800330500) /* 2025-11-22T08:32:10.500Z */

static const char shop[] = "settings: {default_group: 售后}\n"
                           "groups:\n"
                           "  - {name: 售后, title: 售后服务}\n"
                           "  - {name: 跨境}\n"
                           "agents:\n"
                           "  - {name: lin, groups: [售后, 跨境], capacity: 3}\n"
                           "  - {name: zhao, groups: [售后], capacity: 2}\n"
                           "  - {name: wu, groups: [跨境], capacity: 2}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    return str_is(name, "售后")   ? 1
           : str_is(name, "跨境") ? 2
           : str_is(name, "lin")  ? 11
           : str_is(name, "zhao") ? 12
                                  : 13;
}

typedef struct World {
    Catalog *catalog;
    BoardFigures f;
    cJSON *said;
} World;

static int set_up(void **state) {
    CLEANUP(buf_done) Buf problems = {0};
    World *w = xcalloc(1, sizeof(*w));
    w->catalog = catalog_compile(&(DocumentSource){str(shop), STR("shop.yaml"), 1}, 1, 1, lookup,
                                 NULL, &problems);
    if (!w->catalog) fail_msg("%s", problems.p);
    w->f = (BoardFigures){.now_ms = NOW, .filled = 1, .catalog = w->catalog};
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    World *w = *state;
    cJSON_Delete(w->said);
    (void)catalog_unref(w->catalog);
    free(w);
    return 0;
}

static const cJSON *look(World *w) {
    CLEANUP(buf_done) Buf text = {0};
    board_picture_write(&w->f, &text);
    assert_null(strchr(text.p, '\n'));
    cJSON_Delete(w->said);
    w->said = cJSON_Parse(text.p);
    if (!w->said) fail_msg("%s", text.p);
    return w->said;
}

static const cJSON *in(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int number(const cJSON *object, const char *first, const char *second) {
    const cJSON *o = second ? in(in(object, first), second) : in(object, first);
    if (!cJSON_IsNumber(o)) fail_msg("%s %s is no number", first, second ? second : "");
    return (int)o->valuedouble;
}

static const cJSON *group(const cJSON *said, int place) {
    return cJSON_GetArrayItem(in(said, "groups"), place);
}

static void with_nothing_there_everything_is_nought_and_groups_are_named(void **state) {
    World *w = *state;
    const cJSON *said = look(w);
    assert_string_equal(in(said, "at")->valuestring, "2025-11-22T08:32:10.500Z");
    assert_string_equal(in(in(said, "arrived"), "minutes_from")->valuestring,
                        "2025-11-22T07:33:00.000Z");
    assert_int_equal(cJSON_GetArraySize(in(in(said, "arrived"), "minutes")), BOARD_MINUTES);
    assert_true(cJSON_IsTrue(in(said, "complete")));
    assert_int_equal(number(said, "waiting", "tickets"), 0);
    assert_int_equal(number(said, "at_risk", "within_s"), 3600);
    assert_int_equal(cJSON_GetArraySize(in(said, "groups")), 2);
    assert_string_equal(in(group(said, 0), "title")->valuestring, "售后服务");
    assert_string_equal(in(group(said, 1), "title")->valuestring, "跨境");
    assert_int_equal(cJSON_GetArraySize(in(said, "services")), 0);
}

static void an_instant_belongs_to_its_minute_of_the_last_hour(void **state) {
    (void)state;
    assert_int_equal(board_minute_place(NOW, NOW), 59);
    assert_int_equal(board_minute_place(NOW, board_minute(NOW)), 59);
    assert_int_equal(board_minute_place(NOW, board_minute(NOW) - 1), 58);
    assert_int_equal(board_minute_place(NOW, board_minute(NOW) - 59 * 60000), 0);
    assert_int_equal(board_minute_place(NOW, board_minute(NOW) - 59 * 60000 - 1), -1);
    assert_int_equal(board_minute_place(NOW, NOW + 1), -1);
}

static void what_waits_most_comes_first_and_the_oldest_of_all_is_told(void **state) {
    World *w = *state;
    const BoardGroupCount waiting[] = {{1, 5, 90}, {2, 7, 30}, {0, 1, 400}, {99, 1, 2}};
    const BoardGroupCount at_risk[] = {{1, 2, 0}, {2, 1, 0}};
    w->f.waiting = waiting;
    w->f.waiting_n = 4;
    w->f.at_risk = at_risk;
    w->f.at_risk_n = 2;
    const cJSON *said = look(w);
    assert_int_equal(number(said, "waiting", "tickets"), 14);
    assert_int_equal(number(said, "waiting", "oldest_s"), 400);
    assert_int_equal(number(said, "at_risk", "tickets"), 3);
    assert_string_equal(in(group(said, 0), "name")->valuestring, "跨境");
    assert_int_equal(number(group(said, 1), "oldest_s", NULL), 90);
    assert_int_equal(number(group(said, 1), "at_risk", NULL), 2);
    assert_true(cJSON_IsNull(in(group(said, 2), "id")));    /* in no group */
    assert_true(cJSON_IsNull(in(group(said, 3), "title"))); /* no longer in the documents */
    assert_int_equal(number(group(said, 3), "id", NULL), 99);
}

static void who_has_room_is_free_and_who_is_off_duty_is_neither(void **state) {
    World *w = *state;
    const BoardLoad loads[] = {{11, 2}, {12, 2}, {13, 9}};
    const AgentDuty duties[] = {{11, true, 3}, {12, true, 2}, {13, false, 2}};
    w->f.loads = loads;
    w->f.loads_n = 3;
    w->f.duties = duties;
    w->f.duties_n = 3;
    const cJSON *said = look(w);
    assert_int_equal(number(said, "agents", "on_duty"), 2);
    assert_int_equal(number(said, "agents", "free"), 1);
    assert_int_equal(number(said, "agents", "busy"), 1);
    assert_int_equal(number(said, "agents", "in_hand"), 4);
    assert_int_equal(number(said, "agents", "capacity"), 5);
    assert_int_equal(number(group(said, 0), "agents", "busy"), 1);
    assert_int_equal(number(group(said, 1), "agents", "free"), 1); /* lin, in both groups */
    assert_int_equal(number(group(said, 1), "agents", "on_duty"), 1);
}

static void who_reaches_one_group_sees_it_alone_and_whoever_works_in_it(void **state) {
    World *w = *state;
    const int64_t own[] = {2};
    const Subject who = {.tenant_id = 1, .user_id = 13, .reach = {.groups = own, .groups_n = 1}};
    const AgentDuty duties[] = {{11, true, 3}, {12, true, 2}, {13, true, 2}};
    const BoardGroupCount waiting[] = {{2, 7, 30}};
    w->f.who = &who;
    w->f.duties = duties;
    w->f.duties_n = 3;
    w->f.waiting = waiting;
    w->f.waiting_n = 1;
    const cJSON *said = look(w);
    assert_int_equal(cJSON_GetArraySize(in(said, "groups")), 1);
    assert_string_equal(in(group(said, 0), "name")->valuestring, "跨境");
    assert_int_equal(number(said, "agents", "on_duty"), 2); /* lin and wu, not zhao */
    assert_int_equal(number(said, "waiting", "tickets"), 7);
}

static void a_service_that_did_not_answer_is_unknown_and_not_nought(void **state) {
    World *w = *state;
    const BoardService services[] = {{"router", 12}, {"sla", -1}};
    w->f.services = services;
    w->f.services_n = 2;
    w->f.filled = 0.25;
    w->f.minutes[59] = 3;
    w->f.minutes[0] = 4;
    w->f.catalog = NULL;
    const cJSON *said = look(w), *told = in(said, "services");
    assert_int_equal(number(cJSON_GetArrayItem(told, 0), "behind", NULL), 12);
    assert_true(cJSON_IsNull(in(cJSON_GetArrayItem(told, 1), "behind")));
    assert_true(cJSON_IsFalse(in(said, "complete")));
    assert_int_equal(number(said, "arrived", "last_hour"), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(with_nothing_there_everything_is_nought_and_groups_are_named),
        TEST(an_instant_belongs_to_its_minute_of_the_last_hour),
        TEST(what_waits_most_comes_first_and_the_oldest_of_all_is_told),
        TEST(who_has_room_is_free_and_who_is_off_duty_is_neither),
        TEST(who_reaches_one_group_sees_it_alone_and_whoever_works_in_it),
        TEST(a_service_that_did_not_answer_is_unknown_and_not_nought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
