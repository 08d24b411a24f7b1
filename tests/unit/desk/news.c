/* Who is told what of one event: the same rights as in lists, and customers the public side only.
 */
#include "desk/live/news.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SALES = 1, LOGISTICS = 2, LIN = 11, WU = 12, LI = 1000000001 };

typedef struct World {
    Arena *arena;
    Buf said;
    Event event;
    NewsTicket ticket;
    int64_t group;
    Subject who;
} World;

static int begin(void **state) {
    World *w = xcalloc(1, sizeof(*w));
    w->arena = arena_new(0);
    w->event = (Event){.tenant_id = 7,
                       .ticket_id = 100001,
                       .seq = 5,
                       .kind = LEDGER_TICKET_UPDATED,
                       .at_ms = 1763790000123,
                       .actor = STR("agent:11"),
                       .set = {.sets = EDIT_TAGS}};
    w->ticket = (NewsTicket){.scope = {.tenant_id = 7,
                                       .group_id = SALES,
                                       .assignee_id = LIN,
                                       .requester_id = LI,
                                       .kind = STR("售后"),
                                       .category = STR("退款/进度")},
                             .version = 6,
                             .status = TICKET_ON_HOLD,
                             .priority = PRIORITY_HIGH,
                             .updated_ms = 1763790001000};
    *state = w;
    return 0;
}

static int end(void **state) {
    World *w = *state;
    arena_free(w->arena);
    buf_done(&w->said);
    free(w);
    return 0;
}

static void become(World *w, BuiltinRole role, int64_t user_id, int64_t group) {
    w->group = group;
    w->who = (Subject){.tenant_id = 7,
                       .user_id = user_id,
                       .like = role,
                       .rights = rights_builtin(role),
                       .reach = rights_builtin_reach(role, &w->group, 1)};
}

static NewsVerdict told(World *w) {
    buf_clear(&w->said);
    buf_adds(&w->said, "");
    return news_write(&w->who, &w->event, &w->ticket, w->arena, &w->said);
}

static bool says(const World *w, const char *what) {
    return strstr(w->said.p, what) != NULL;
}

static void who_reaches_it_hears_of_it(void **state) {
    World *w = *state;
    become(w, ROLE_AGENT, WU, SALES);
    assert_int_equal(told(w), NEWS_CHANGED);
    assert_true(str_starts(buf_str(&w->said), STR("event: ticket\ndata: {\"ticket_id\":100001,")));
    assert_true(
        says(w, "\"at\":\"2025-11-22T05:40:00.123Z\",\"type\":\"ticket_updated\",\"seq\":5"));
    assert_true(says(w, "\"actor\":\"agent:11\",\"changed\":[\"tags\"],\"ticket\":{\"id\":100001,"
                        "\"version\":6,\"status\":\"hold\",\"docket_status\":\"on_hold\","
                        "\"priority\":\"high\",\"group_id\":1,\"assignee_id\":11"));
    assert_true(str_ends(buf_str(&w->said), STR("}}\n")));
    w->who.rights &= ~right_bit(RIGHT_LEDGER_READ);
    assert_int_equal(told(w), NEWS_CHANGED);
    assert_false(says(w, "actor"));
    become(w, ROLE_AGENT, WU, LOGISTICS);
    assert_int_equal(told(w), NEWS_NOTHING);
    become(w, ROLE_AGENT, LIN, LOGISTICS); /* hers, wherever it is */
    assert_int_equal(told(w), NEWS_CHANGED);
    become(w, ROLE_MANAGER, 99, LOGISTICS);
    assert_int_equal(told(w), NEWS_CHANGED);
    w->who.tenant_id = 8;
    assert_int_equal(told(w), NEWS_NOTHING);
    w->who.tenant_id = 7;
    w->who.rights &= ~right_bit(RIGHT_TICKETS_READ);
    assert_int_equal(told(w), NEWS_NOTHING);
}

static void a_note_is_for_who_may_read_notes(void **state) {
    World *w = *state;
    become(w, ROLE_AGENT, LIN, SALES);
    w->event.set.sets = 0;
    w->event.set.comment = (EditComment){.present = true, .author_id = LIN};
    assert_int_equal(told(w), NEWS_CHANGED);
    assert_true(says(w, "\"comment\":{\"id\":819208197,\"public\":false,\"author_id\":11}"));
    w->who.rights &= ~right_bit(RIGHT_NOTES_READ);
    assert_int_equal(told(w), NEWS_NOTHING);
    w->event.set.sets = EDIT_TAGS;
    assert_int_equal(told(w), NEWS_CHANGED);
    assert_false(says(w, "comment"));
    become(w, ROLE_CUSTOMER, LI, SALES);
    w->event.set.sets = EDIT_TAGS | EDIT_GROUP | EDIT_ASSIGNEE | EDIT_FOLLOWERS;
    assert_int_equal(told(w), NEWS_NOTHING);
}

static void a_customer_hears_the_public_side_of_his_own(void **state) {
    World *w = *state;
    become(w, ROLE_CUSTOMER, LI, SALES);
    w->event.set.comment = (EditComment){.present = true, .is_public = true, .author_id = LIN};
    assert_int_equal(told(w), NEWS_CHANGED);
    assert_true(says(w, "{\"ticket_id\":100001,\"at\":\"2025-11-22T05:40:00.123Z\",\"type\":"
                        "\"request_updated\",\"comment\":{\"id\":819208197,\"public\":true},"
                        "\"request\":{\"id\":100001,\"status\":\"open\",\"updated_at\":"
                        "\"2025-11-22T05:40:01Z\"}}\n"));
    w->event = (Event){.tenant_id = 7, .ticket_id = 100001, .kind = LEDGER_TICKET_CREATED};
    assert_int_equal(told(w), NEWS_CHANGED);
    assert_true(says(w, "request_created"));
    w->event.kind = LEDGER_PROMISE_BREACHED;
    assert_int_equal(told(w), NEWS_NOTHING);
    w->event = (Event){.tenant_id = 7, .kind = LEDGER_TICKET_ASSIGNED, .set.sets = EDIT_STATUS};
    assert_int_equal(told(w), NEWS_CHANGED);
    w->ticket.scope.requester_id = LI + 1;
    assert_int_equal(told(w), NEWS_NOTHING);
}

static void what_leaves_her_reach_is_gone(void **state) {
    World *w = *state;
    become(w, ROLE_AGENT, WU, LOGISTICS);
    w->event.set.sets = EDIT_GROUP | EDIT_ASSIGNEE;
    w->event.set.reason = STR("{\"why\":\"transferred\",\"from_group\":2,\"from_assignee\":13}");
    assert_int_equal(told(w), NEWS_GONE);
    assert_true(str_is(buf_str(&w->said), "event: gone\ndata: {\"ticket_id\":100001,\"at\":"
                                          "\"2025-11-22T05:40:00.123Z\"}\n"));
    w->event.set.reason = STR("{\"why\":\"transferred\",\"from_group\":3}");
    assert_int_equal(told(w), NEWS_NOTHING);
    w->event.set.reason = STR("{\"from_assignee\":12}");
    assert_int_equal(told(w), NEWS_GONE);
    w->event.set.reason = (Str){NULL, 0};
    assert_int_equal(told(w), NEWS_NOTHING);
    become(w, ROLE_AGENT, LIN, SALES);
    w->event.set.sets = EDIT_STATUS;
    w->ticket.status = TICKET_DELETED;
    assert_int_equal(told(w), NEWS_GONE);
    become(w, ROLE_AGENT, WU, LOGISTICS);
    assert_int_equal(told(w), NEWS_NOTHING);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(who_reaches_it_hears_of_it),
        TEST(a_note_is_for_who_may_read_notes),
        TEST(a_customer_hears_the_public_side_of_his_own),
        TEST(what_leaves_her_reach_is_gone),
    };
    return cmocka_run_group_tests_name("desk/news", tests, NULL, NULL);
}
