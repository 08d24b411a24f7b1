/* What one message becomes: the rules' facts, the sender's wishes, Redis's answer. */
#include "router/decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char documents[] =
    "settings: {default_group: g, aging: 20m}\n"
    "skills: [en]\n"
    "groups:\n"
    "  - {name: g, title: g}\n"
    "  - {name: h, title: h}\n"
    "agents:\n"
    "  - {name: a, title: a, groups: [g], skills: [en], capacity: 3, duty: on}\n"
    "  - {name: b, title: b, groups: [g, h], capacity: 3, duty: on}\n"
    "rules:\n"
    "  - name: abroad\n"
    "    when: {all: [{region: abroad}]}\n"
    "    set: {group: g, skills: [en]}\n";

enum { G = 11, H = 12, A = 21, B = 22 };
static const AgentDuty both[] = {{A, true, 3}, {B, true, 3}};

static Arena *arena;
static const Catalog *catalog;

static int64_t number_of(void *arg, const char *kind, Str name) {
    (void)arg;
    if (kind[0] == 'g') return str_is(name, "g") ? G : H;
    return str_is(name, "a") ? A : B;
}

static int setup(void **state) {
    (void)state;
    arena = arena_new(0);
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {str(documents), STR("test.yaml"), 1};
    catalog = catalog_compile(&source, 1, 7, number_of, NULL, &problems);
    if (!catalog) print_error("%s\n", problems.p);
    return catalog ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    catalog_unref(catalog);
    arena = arena_free(arena);
    return 0;
}

static Submission submission(void) {
    return (Submission){.tenant_id = 1,
                        .ticket_id = 100,
                        .cause = {{1, 2, 3}},
                        .accepted_ms = 1763000000000,
                        .channel = STR("web"),
                        .subject = STR("s"),
                        .description = STR("d")};
}

static Decision decide(Submission s, const Catalog *c, const AgentDuty *duties, size_t n) {
    Decision d = {.submission = s, .ticket = arena_zalloc(arena, sizeof(NewTicket))};
    decision_classify(&d, c, duties, n, arena);
    return d;
}

static bool why_is(const Decision *d, PlacementWhy why) {
    const char *text = arena_printf(arena, "\"why\":\"%s\"", placement_why_name(why));
    const char *reason = arena_strndup(arena, d->ticket->place_reason.p, d->ticket->place_reason.n);
    return strstr(reason, text) != NULL;
}

static void the_rules_decide_and_redis_is_asked(void **state) {
    (void)state;
    Submission s = submission();
    s.region = STR("abroad");
    Decision d = decide(s, catalog, both, 2);
    assert_true(d.asks);
    assert_string_equal(d.reservation.kind.p, "11:en");
    assert_int_equal(d.reservation.score,
                     s.accepted_ms - (int64_t)d.ticket->facts.priority * 20 * 60 * 1000);
    assert_int_equal(d.staffing.on_duty, 2);
    assert_int_equal(d.staffing.able, 1);
    assert_int_equal(d.ticket->revision, 7);
}

static void a_reservation_becomes_the_assignee(void **state) {
    (void)state;
    Decision d = decide(submission(), catalog, both, 2);
    d.reservation.why = RESERVE_NOW;
    d.reservation.agent_id = A;
    decision_place(&d, arena);
    assert_int_equal(d.ticket->assignee_id, A);
    assert_true(why_is(&d, WHY_LEAST_LOADED));
}

static void asked_again_nobody_has_it_any_more(void **state) {
    (void)state;
    Decision d = decide(submission(), catalog, both, 2);
    d.reservation.why = RESERVE_NOW;
    d.reservation.agent_id = A;
    decision_place(&d, arena);
    d.reservation.why = RESERVE_FULL;
    d.reservation.agent_id = 0;
    decision_place(&d, arena);
    assert_int_equal(d.ticket->assignee_id, 0);
    assert_true(why_is(&d, WHY_ALL_FULL));
}

static void who_waits_is_told_the_true_reason(void **state) {
    (void)state;
    const AgentDuty nobody[] = {{A, false, 3}, {B, false, 3}}, unskilled[] = {{B, true, 3}};
    static const struct {
        ReserveWhy redis;
        int staff; /* 0 nobody, 1 unskilled, 2 both */
        PlacementWhy why;
    } cases[] = {
        {RESERVE_FULL, 0, WHY_NOBODY_ON_DUTY},   {RESERVE_FULL, 1, WHY_NOBODY_SKILLED},
        {RESERVE_FULL, 2, WHY_ALL_FULL},         {RESERVE_BEHIND, 0, WHY_NOBODY_ON_DUTY},
        {RESERVE_BEHIND, 1, WHY_NOBODY_SKILLED}, {RESERVE_BEHIND, 2, WHY_BEHIND_OTHERS},
        {RESERVE_RAN_OUT, 2, WHY_RAN_OUT},       {RESERVE_RAN_OUT, 0, WHY_RAN_OUT},
        {RESERVE_NOT_ASKED, 2, WHY_PAUSED},      {RESERVE_NOT_ASKED, 0, WHY_PAUSED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Submission s = submission();
        s.region = STR("abroad");
        Decision d = decide(s, catalog,
                            cases[i].staff == 0   ? nobody
                            : cases[i].staff == 1 ? unskilled
                                                  : both,
                            cases[i].staff == 1 ? 1 : 2);
        d.reservation.why = cases[i].redis;
        decision_place(&d, arena);
        assert_int_equal(d.ticket->assignee_id, 0);
        assert_true(why_is(&d, cases[i].why));
    }
}

static void a_sender_with_the_right_names_the_assignee(void **state) {
    (void)state;
    Submission s = submission();
    s.assignee_id = B;
    Decision d = decide(s, catalog, both, 2);
    decision_place(&d, arena);
    assert_false(d.asks);
    assert_int_equal(d.ticket->assignee_id, B);
    assert_true(why_is(&d, WHY_ASKED_FOR));
}

static void a_group_asked_for_leaves_the_rules_skills_behind(void **state) {
    (void)state;
    Submission s = submission();
    s.region = STR("abroad");
    s.group_id = H;
    Decision d = decide(s, catalog, both, 2);
    assert_string_equal(d.reservation.kind.p, "12:");
}

static void wishes_that_are_not_in_the_documents_become_a_note(void **state) {
    (void)state;
    Submission s = submission();
    s.group_id = 99;
    s.assignee_id = 98;
    s.note = STR("from the gate");
    Decision d = decide(s, catalog, both, 2);
    assert_int_equal(d.ticket->facts.group_id, G);
    assert_int_equal(d.ticket->assignee_id, 0);
    assert_true(d.asks);
    assert_true(str_starts(d.ticket->note, STR("from the gate; the group")));
    assert_non_null(strstr(d.ticket->note.p, "assignee"));
}

static void a_tenant_without_documents_still_gets_its_ticket(void **state) {
    (void)state;
    Submission s = submission();
    s.priority = STR("urgent");
    Decision d = decide(s, NULL, NULL, 0);
    decision_place(&d, arena);
    assert_false(d.asks);
    assert_int_equal(d.ticket->facts.group_id, 0);
    assert_int_equal(d.ticket->facts.priority, PRIORITY_URGENT);
    assert_true(d.ticket->facts.kind.n > 0);
    assert_true(why_is(&d, WHY_NO_GROUP));
}

static void a_taken_id_is_replaced_and_nothing_is_reserved_for_the_fresh_one(void **state) {
    (void)state;
    Decision old = decide(submission(), catalog, both, 2);
    old.reservation.why = RESERVE_NOW;
    old.reservation.agent_id = A;
    decision_place(&old, arena);
    Decision fresh = {.ticket = arena_zalloc(arena, sizeof(NewTicket))};
    decision_renumber(&old, 200, &fresh, arena);
    assert_int_equal(fresh.submission.ticket_id, 200);
    assert_int_equal(fresh.ticket->instead_of, 100);
    assert_ptr_equal(fresh.ticket->submission, &fresh.submission);
    assert_true(cause_eq(fresh.submission.cause, old.submission.cause));
    assert_int_equal(fresh.ticket->assignee_id, 0);
    assert_false(fresh.asks);
    assert_int_equal(old.submission.ticket_id, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules_decide_and_redis_is_asked),
        cmocka_unit_test(a_reservation_becomes_the_assignee),
        cmocka_unit_test(asked_again_nobody_has_it_any_more),
        cmocka_unit_test(who_waits_is_told_the_true_reason),
        cmocka_unit_test(a_sender_with_the_right_names_the_assignee),
        cmocka_unit_test(a_group_asked_for_leaves_the_rules_skills_behind),
        cmocka_unit_test(wishes_that_are_not_in_the_documents_become_a_note),
        cmocka_unit_test(a_tenant_without_documents_still_gets_its_ticket),
        cmocka_unit_test(a_taken_id_is_replaced_and_nothing_is_reserved_for_the_fresh_one),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
