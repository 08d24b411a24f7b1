/* What a surge becomes as a ticket, and what becomes of its tickets. */
#include "router/problem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char shop[] = "settings: {default_group: 售后}\n"
                           "groups: [{name: 售后}, {name: 物流}]\n"
                           "skills: [清关]\n"
                           "rules:\n"
                           "  - {name: r, when: {any: [{text: {contains: [破损]}}]},"
                           " set: {group: 售后, category: 别的, kind: 售后, priority: low,"
                           " tags: [理赔]}, override: on}\n";

static int64_t number(void *arg, const char *kind, Str name) {
    (void)arg, (void)kind;
    return str_is(name, "物流") ? 1002 : str_is(name, "售后") ? 1001 : 1003;
}

static Catalog *catalog(void) {
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {str(shop), STR("shop.yaml"), 1};
    Catalog *c = catalog_compile(&source, 1, 5, number, NULL, &problems);
    if (!c) fail_msg("%s", problems.p);
    return c;
}

static Signal surge(void) {
    static const int64_t incidents[] = {100004, 100009};
    return (Signal){.kind = SIGNAL_SURGE_FOUND,
                    .tenant_id = 3,
                    .cause = {{9}},
                    .at_ms = 1790000000000,
                    .ticket_id = 100100,
                    .surge = {.category = STR("物流/破损"),
                              .subject = STR("激增 破损"),
                              .description = STR("破损"),
                              .priority = PRIORITY_HIGH,
                              .group_id = 1002,
                              .incidents = incidents,
                              .incidents_n = 2}};
}

static void it_is_what_the_finding_says_whatever_rules_read_in_its_words(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Catalog *c = catalog();
    Signal s = surge();
    NewTicket t;
    problem_ticket(&s, c, NULL, 0, a, &t);
    assert_true(str_is(t.facts.kind, TICKET_KIND_PROBLEM));
    assert_true(str_is(t.facts.category, "物流/破损"));
    assert_int_equal(t.facts.priority, PRIORITY_HIGH);
    assert_int_equal(t.facts.group_id, 1002);
    assert_int_equal(t.facts.tags_n, 1);
    assert_true(str_is(t.facts.tags[0], "surge"));
    assert_int_equal(t.facts.skills_n, 0);
    assert_int_equal(t.assignee_id, 0);
    assert_int_equal(t.revision, 5);
    assert_int_equal(t.submission->ticket_id, 100100);
    assert_true(cause_eq(t.submission->cause, s.cause));
    assert_int_equal(t.submission->accepted_ms, s.at_ms);
    assert_int_equal(t.submission->contact_hash.n, 32);
    catalog_unref(c);
}

static void a_group_that_is_gone_is_the_default_one(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Catalog *c = catalog();
    Signal s = surge();
    NewTicket t;
    s.surge.group_id = 77;
    problem_ticket(&s, c, NULL, 0, a, &t);
    assert_int_equal(t.facts.group_id, 1001);
    s.surge.group_id = 0;
    problem_ticket(&s, c, NULL, 0, a, &t);
    assert_int_equal(t.facts.group_id, 1001);
    catalog_unref(c);
}

static void a_tenant_without_documents_gets_it_all_the_same(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Signal s = surge();
    NewTicket t;
    problem_ticket(&s, NULL, NULL, 0, a, &t);
    assert_true(str_is(t.facts.kind, TICKET_KIND_PROBLEM));
    assert_int_equal(t.facts.group_id, 0);
}

static void an_incident_names_its_problem_and_nothing_else_changes(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Signal s = surge();
    TicketPlace place = {
        .tenant_id = 3, .ticket_id = 100004, .version = 4, .status = TICKET_SOLVED};
    TicketEdit e;
    assert_true(problem_change(&s, &place, a, &e));
    assert_int_equal(e.sets, EDIT_PROBLEM);
    assert_int_equal(e.problem_id, 100100);
    assert_int_equal(e.expected_version, 4);
    assert_false(e.comment.present);
    assert_true(cause_eq(e.cause, s.cause));
    for (int status = TICKET_CLOSED; status < TICKET_STATUSES; status++) {
        place.status = (TicketStatus)status;
        assert_false(problem_change(&s, &place, a, &e)); /* what is over stays */
    }
    place.status = TICKET_NEW;
    place.version = 0;
    assert_false(problem_change(&s, &place, a, &e)); /* there is none */
}

static void the_problem_itself_gets_a_private_note_under_a_step_of_its_own(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Signal s = surge();
    TicketPlace place = {.tenant_id = 3, .ticket_id = 100100, .version = 2, .status = TICKET_NEW};
    TicketEdit e;
    assert_true(problem_change(&s, &place, a, &e));
    assert_int_equal(e.sets, 0);
    assert_true(e.comment.present && !e.comment.is_public);
    assert_non_null(strstr(e.comment.body.p, "2 tickets"));
    assert_true(e.step > 3); /* not one of its creation */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_the_finding_says_whatever_rules_read_in_its_words),
        cmocka_unit_test(a_group_that_is_gone_is_the_default_one),
        cmocka_unit_test(a_tenant_without_documents_gets_it_all_the_same),
        cmocka_unit_test(an_incident_names_its_problem_and_nothing_else_changes),
        cmocka_unit_test(the_problem_itself_gets_a_private_note_under_a_step_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
