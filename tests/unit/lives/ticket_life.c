/* A ticket's promises, told row by row: who spoke, which policy, what is out of turn. */
#include "unit/lives/world.h"

static void private_notes_and_bots_are_no_reply(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 1 * MIN, "agent:1012", said(false)), 0);
    assert_int_equal(tell(w, 2 * MIN, "system", said(true)), 0);
    assert_int_equal(tell(w, 3 * MIN, "token:1033", said(true)), 0);
    assert_int_equal(tell(w, 4 * MIN, "requester:1000000000007", said(true)), 0);
    assert_int_equal(next_after(w), 7);
    assert_int_equal(tell(w, 5 * MIN, "user:1017", said(true)), 0); /* staff */
    assert_int_equal(next_after(w), 4 * 60);                        /* half of requester_wait */
}

static void a_new_priority_has_its_own_target_and_breaks_at_once(void **state) {
    World *w = *state;
    PromiseMoment *m;
    born(w, "");
    assert_true(str_is(ticket_life_policy(w->life)->name, "其他"));
    assert_int_equal(tell(w, 10 * MIN, "agent:1012", said(true)), 0);
    TicketUpdate urgent = {.sets = EDIT_PRIORITY, .priority = PRIORITY_URGENT};
    assert_int_equal(tell(w, 2 * HOUR, "agent:1012", urgent), 0);
    assert_int_equal(next_after(w), 120);
    ticket_life_judge(w->life, BORN + 2 * HOUR);
    assert_int_equal(ticket_life_due(w->life, w->arena, &m), 2);
    assert_int_equal(m[0].act, PROMISE_BREACHED);
    assert_int_equal(m[0].why, BREACH_POLICY_CHANGE);
    assert_true(m[0].at_ms == BORN + 2 * HOUR);
    Promise p;
    promise_of_moment(&m[0], false, 3, &p);
    assert_true(str_is(p.why, "policy_change"));
    assert_true(str_is(p.metric, "requester_wait"));
    promise_of_moment(&m[1], true, 3, &p);
    assert_true(p.notify_lead && p.late && str_is(p.level, "1"));
}

static void rows_out_of_turn_change_nothing(void **state) {
    World *w = *state;
    Event e = {.seq = 1, .kind = LEDGER_TICKET_ASSIGNED};
    CLEANUP(ticket_life_freep) TicketLife *fresh = ticket_life_new(false, NULL);
    assert_int_equal(ticket_life_tell(fresh, &e), -EBADMSG);
    e.seq = 2;
    assert_int_equal(ticket_life_tell(fresh, &e), -EAGAIN);
    born(w, "vip");
    e.seq = 1;
    assert_int_equal(ticket_life_tell(w->life, &e), -EALREADY);
    e.seq = 3;
    assert_int_equal(ticket_life_tell(w->life, &e), -EAGAIN);
    ticket_life_judge(w->life, BORN + HOUR);
    e.seq = 2;
    e.at_ms = BORN + HOUR;
    assert_int_equal(ticket_life_tell(w->life, &e), -ESTALE);
    e.at_ms = BORN + HOUR + 1;
    e.kind = LEDGER_KINDS; /* of a later release */
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    assert_int_equal(ticket_life_seq(w->life), 2);
}

/* The router's host may be a second behind the scheduler's. */
static void a_row_that_only_records_what_was_told_is_heard_at_any_instant(void **state) {
    World *w = *state;
    PromiseMoment *m;
    born(w, "vip");
    ticket_life_judge(w->life, BORN + HOUR);
    assert_true(ticket_life_due(w->life, w->arena, &m) > 0);
    assert_int_equal(m[0].act, PROMISE_BREACHED);
    Event e = {.seq = 2,
               .kind = LEDGER_PROMISE_BREACHED,
               .at_ms = BORN + HOUR - 1000,
               .actor = STR("router"),
               .promise = {.metric = STR("first_reply"), .instance = 1}};
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    assert_int_equal(ticket_life_seq(w->life), 2);
    size_t left = ticket_life_due(w->life, w->arena, &m);
    for (size_t i = 0; i < left; i++)
        assert_false(m[i].act == PROMISE_BREACHED && m[i].metric == METRIC_FIRST_REPLY);
    e.seq = 3;
    e.kind = LEDGER_PROMISE_ESCALATED;
    e.set = (TicketUpdate){.sets = EDIT_PRIORITY, .priority = PRIORITY_URGENT};
    assert_int_equal(ticket_life_tell(w->life, &e), -ESTALE);
}

static void a_revision_moves_what_is_open_from_its_instant_on(void **state) {
    World *w = *state;
    const Catalog *shorter =
        compile("groups: [{name: 售后}]\npolicies: [{name: 新, targets: {first_reply: 10m}}]\n", 8);
    const Catalog *same =
        compile("groups: [{name: 售后}, {name: 别}]\n# words\npolicies: [{name: 新, targets: "
                "{first_reply: 10m}}]\n",
                9);
    const Catalog *asking = compile("groups: [{name: 售后}]\npolicies: [{name: 新, when: {all: "
                                    "{subject: {contains: 退}}}, targets: {first_reply: 10m}}]\n",
                                    10);
    assert_true(catalog_promises_mark(shorter) == catalog_promises_mark(same));
    assert_true(catalog_promises_mark(asking) != catalog_promises_mark(same));
    born(w, "vip");
    assert_int_equal(ticket_life_revise(w->life, BORN + 12 * MIN, shorter), 0);
    repack(w);
    ticket_life_judge(w->life, BORN + 13 * MIN);
    assert_int_equal(ticket_life_revise(w->life, BORN + 5 * MIN, same), 0);
    repack(w);
    PromiseMoment *m;
    assert_int_equal(ticket_life_due(w->life, w->arena, &m), 1);
    assert_int_equal(m[0].why, BREACH_POLICY_CHANGE);
    assert_true(m[0].at_ms == BORN + 12 * MIN);
    assert_int_equal(m[0].revision, 9);
    assert_int_equal(ticket_life_revise(w->life, BORN + 12 * MIN, w->shop), -ESTALE);
    assert_int_equal(ticket_life_revise(w->life, BORN + 14 * MIN, asking), -ESTALE);
    assert_int_equal(ticket_life_revise(w->life, BORN + 14 * MIN, NULL), 0);
    assert_null(ticket_life_policy(w->life));
    (void)catalog_unref(shorter);
    (void)catalog_unref(same);
    (void)catalog_unref(asking);
}

static void without_documents_nothing_is_promised_but_time_runs(void **state) {
    World *w = *state;
    const Clock *clocks;
    const Catalog *none = w->shop;
    w->shop = NULL;
    born(w, "vip");
    assert_int_equal(next_after(w), -1);
    ticket_life_judge(w->life, BORN + HOUR);
    assert_int_equal(ticket_life_clocks(w->life, &clocks), 5);
    assert_true(clock_elapsed(&clocks[0]) == HOUR);
    assert_int_equal(ticket_life_revise(w->life, BORN + 2 * HOUR, none), -ESTALE); /* asks tier */
    w->shop = none;
}

int main(void) {
#define IN_THE_SHOP(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_THE_SHOP(private_notes_and_bots_are_no_reply),
        IN_THE_SHOP(a_new_priority_has_its_own_target_and_breaks_at_once),
        IN_THE_SHOP(rows_out_of_turn_change_nothing),
        IN_THE_SHOP(a_row_that_only_records_what_was_told_is_heard_at_any_instant),
        IN_THE_SHOP(a_revision_moves_what_is_open_from_its_instant_on),
        IN_THE_SHOP(without_documents_nothing_is_promised_but_time_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
