/* What a moment of a promise makes of its ticket, and the words for the ledger. */
#include "router/escalation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char documents[] = "groups: [{name: a}, {name: b}]\n"
                                "agents: [{name: x, groups: [a]}]\n";
enum { GROUP_A = 101, GROUP_B = 102, GONE = 999, AGENT = 103, OTHER = 104 };

typedef struct World {
    Arena *arena;
    const Catalog *catalog;
    TicketPlace place;
    Another another;
    EscalationFacts facts;
    Signal signal;
    PromiseChange change;
} World;

static int64_t number_of(void *arg, const char *kind, Str name) {
    (void)arg;
    return kind[0] == 'a' ? AGENT : str_is(name, "a") ? GROUP_A : GROUP_B;
}

static int begin(void **state) {
    World *w = calloc(1, sizeof(*w));
    DocumentSource source = {str(documents), STR("test.yaml"), 1};
    CLEANUP(buf_done) Buf problems = {0};
    w->arena = arena_new(0);
    w->catalog = catalog_compile(&source, 1, 7, number_of, NULL, &problems);
    assert_non_null(w->catalog);
    w->place = (TicketPlace){.tenant_id = 1,
                             .ticket_id = 5,
                             .version = 4,
                             .status = TICKET_IN_PROGRESS,
                             .priority = PRIORITY_NORMAL,
                             .group_id = GROUP_A,
                             .assignee_id = AGENT};
    w->another = (Another){.asked = true, .agent_id = OTHER, .load = 2, .capacity = 5};
    w->facts = (EscalationFacts){.place = &w->place,
                                 .catalog = w->catalog,
                                 .staffing = {.on_duty = 3, .able = 2},
                                 .another = &w->another};
    w->signal =
        (Signal){.kind = SIGNAL_PROMISE_ESCALATED,
                 .tenant_id = 1,
                 .ticket_id = 5,
                 .revision = 7,
                 .promise = {.metric = STR("first_reply"), .instance = 1, .level = STR("2")}};
    *state = w;
    return 0;
}

static int end(void **state) {
    World *w = *state;
    catalog_unref(w->catalog);
    arena_free(w->arena);
    free(w);
    return 0;
}

static void decide(World *w, const char *reason) {
    escalation_decide(&w->signal, &w->facts, w->arena, &w->change);
    assert_string_equal(w->change.reason.p, reason);
    assert_int_equal(w->change.expected_version, 4);
}

static void stays(const World *w) {
    assert_int_equal(w->change.to_status, w->place.status);
    assert_int_equal(w->change.to_priority, w->place.priority);
    assert_int_equal(w->change.to_group_id, w->place.group_id);
    assert_int_equal(w->change.to_assignee_id, w->place.assignee_id);
}

static void a_warning_or_breach_is_a_record_and_nothing_more(void **state) {
    World *w = *state;
    w->signal.kind = SIGNAL_PROMISE_WARNED;
    decide(w, "{\"why\":\"warned\"}");
    stays(w);
    w->signal.kind = SIGNAL_PROMISE_BREACHED;
    decide(w, "{\"why\":\"breached\"}");
    stays(w);
    assert_int_equal(w->change.act, PROMISE_BREACHED);
}

static void priority_rises_by_one_and_not_beyond_the_highest(void **state) {
    World *w = *state;
    w->signal.promise.raise_priority = true;
    decide(w, "{\"why\":\"escalated\",\"from_priority\":\"normal\"}");
    assert_int_equal(w->change.to_priority, PRIORITY_HIGH);
    w->place.priority = PRIORITY_URGENT;
    decide(w, "{\"why\":\"escalated\",\"raise\":\"highest\"}");
    stays(w);
}

static void a_move_releases_into_the_queue_of_that_group(void **state) {
    World *w = *state;
    w->signal.promise.move_to_group = GROUP_B;
    w->signal.promise.reassign = true; /* whoever gets it there is somebody else */
    decide(w, "{\"why\":\"escalated\",\"from_group\":101,\"from_assignee\":103,\"on_duty\":3,"
              "\"able\":2}");
    assert_int_equal(w->change.to_status, TICKET_NEW);
    assert_int_equal(w->change.to_group_id, GROUP_B);
    assert_int_equal(w->change.to_assignee_id, 0);
    assert_false(escalation_wants_another(&w->signal, &w->facts));
}

static void a_move_to_where_it_is_or_to_no_group_is_none(void **state) {
    World *w = *state;
    w->signal.promise.move_to_group = GROUP_A;
    decide(w, "{\"why\":\"escalated\",\"move\":\"there_already\"}");
    stays(w);
    w->signal.promise.move_to_group = GONE;
    decide(w, "{\"why\":\"escalated\",\"move\":\"no_such_group\"}");
    stays(w);
    w->facts.catalog = NULL;
    w->signal.promise.move_to_group = GROUP_B;
    decide(w, "{\"why\":\"escalated\",\"move\":\"no_such_group\"}");
    stays(w);
}

static void somebody_else_begins_anew(void **state) {
    World *w = *state;
    w->signal.promise.reassign = true;
    assert_true(escalation_wants_another(&w->signal, &w->facts));
    decide(w, "{\"why\":\"escalated\",\"from_assignee\":103,\"load\":2,\"capacity\":5}");
    assert_int_equal(w->change.to_assignee_id, OTHER);
    assert_int_equal(w->change.to_status, TICKET_ASSIGNED);
}

static void whoever_has_it_keeps_it_and_the_record_says_why(void **state) {
    World *w = *state;
    w->signal.promise.reassign = true;
    w->another.agent_id = 0;
    decide(w, "{\"why\":\"escalated\",\"reassign\":\"nobody_has_room\"}");
    stays(w);
    w->another.asked = false;
    decide(w, "{\"why\":\"escalated\",\"reassign\":\"paused\"}");
    w->facts.another = NULL;
    decide(w, "{\"why\":\"escalated\",\"reassign\":\"ran_out\"}");
    w->facts.another = &w->another;
    w->another.agent_id = OTHER;
    w->place.status = TICKET_PENDING;
    decide(w, "{\"why\":\"escalated\",\"reassign\":\"not_in_work\"}");
    assert_false(escalation_wants_another(&w->signal, &w->facts));
    w->place.status = TICKET_NEW;
    w->place.assignee_id = 0;
    decide(w, "{\"why\":\"escalated\",\"reassign\":\"nobody_has_it\"}");
    stays(w);
}

static void what_somebody_took_up_meanwhile_is_only_recorded(void **state) {
    World *w = *state;
    w->signal.promise.raise_priority = w->signal.promise.reassign = true;
    w->signal.promise.move_to_group = GROUP_B;
    w->facts.withheld = WITHHELD_ACKNOWLEDGED;
    assert_false(escalation_wants_another(&w->signal, &w->facts));
    decide(w, "{\"why\":\"escalated\",\"withheld\":\"acknowledged\"}");
    stays(w);
    w->facts.withheld = WITHHELD_OVER;
    decide(w, "{\"why\":\"escalated\",\"withheld\":\"over\"}");
    stays(w);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_warning_or_breach_is_a_record_and_nothing_more),
        TEST(priority_rises_by_one_and_not_beyond_the_highest),
        TEST(a_move_releases_into_the_queue_of_that_group),
        TEST(a_move_to_where_it_is_or_to_no_group_is_none),
        TEST(somebody_else_begins_anew),
        TEST(whoever_has_it_keeps_it_and_the_record_says_why),
        TEST(what_somebody_took_up_meanwhile_is_only_recorded),
    };
    return cmocka_run_group_tests_name("router/escalation", tests, NULL, NULL);
}
