/* The table of legal transitions, from every state to every state, for every kind of actor. */
#include "ticket/ticket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const ActorKind actors[] = {ACTOR_ROUTER, ACTOR_AGENT, ACTOR_REQUESTER, ACTOR_SYSTEM};
enum { ACTORS = sizeof(actors) / sizeof(actors[0]) };

static int legal(TicketStatus from, TicketStatus to, ActorKind by) {
    unsigned demands = 99;
    int r = ticket_transition(from, to, by, &demands);
    assert_true(r == 0 ? demands <= 7 : demands == 99); /* written only on success */
    return r;
}

static void nothing_leaves_a_terminal_state(void **state) {
    (void)state;
    for (int to = 0; to < TICKET_STATUSES; to++)
        for (size_t a = 0; a < ACTORS; a++) {
            assert_true(legal(TICKET_DELETED, (TicketStatus)to, actors[a]) < 0);
            assert_true(legal(TICKET_MERGED, (TicketStatus)to, actors[a]) < 0);
            if (to < TICKET_DELETED)
                assert_int_equal(legal(TICKET_CLOSED, (TicketStatus)to, actors[a]), -EINVAL);
        }
}

static void any_unsolved_ticket_can_be_worked_on_by_an_agent(void **state) {
    (void)state;
    const TicketStatus reachable[] = {TICKET_IN_PROGRESS, TICKET_PENDING, TICKET_ON_HOLD,
                                      TICKET_SOLVED};
    for (int from = 0; from <= TICKET_ON_HOLD; from++)
        for (size_t i = 0; i < sizeof(reachable) / sizeof(reachable[0]); i++) {
            unsigned demands;
            assert_int_equal(
                ticket_transition((TicketStatus)from, reachable[i], ACTOR_AGENT, &demands), 0);
            assert_true(demands & DEMANDS_ASSIGNEE);
            if (reachable[i] == TICKET_SOLVED && from != TICKET_SOLVED)
                assert_true(demands & DEMANDS_STANDARD);
            assert_true(legal((TicketStatus)from, reachable[i], ACTOR_ROUTER) < 0 ||
                        from == (int)reachable[i]);
        }
}

static void the_router_assigns_and_takes_back_and_no_more(void **state) {
    (void)state;
    unsigned demands;
    assert_int_equal(ticket_transition(TICKET_NEW, TICKET_ASSIGNED, ACTOR_ROUTER, &demands), 0);
    assert_int_equal(demands, DEMANDS_ASSIGNEE);
    for (int from = TICKET_ASSIGNED; from <= TICKET_ON_HOLD; from++) {
        assert_int_equal(ticket_transition((TicketStatus)from, TICKET_NEW, ACTOR_ROUTER, &demands),
                         0);
        assert_int_equal(demands, DEMANDS_NOTHING);
    }
    assert_int_equal(legal(TICKET_SOLVED, TICKET_CLOSED, ACTOR_ROUTER), -EPERM);
    assert_int_equal(legal(TICKET_NEW, TICKET_SOLVED, ACTOR_ROUTER), -EPERM);
}

static void a_requester_answers_reopens_and_confirms(void **state) {
    (void)state;
    int may = 0;
    for (int from = 0; from < TICKET_STATUSES; from++)
        for (int to = 0; to < TICKET_STATUSES; to++)
            if (from != to && legal((TicketStatus)from, (TicketStatus)to, ACTOR_REQUESTER) == 0)
                may++;
    assert_int_equal(legal(TICKET_PENDING, TICKET_IN_PROGRESS, ACTOR_REQUESTER), 0);
    assert_int_equal(legal(TICKET_PENDING, TICKET_ASSIGNED, ACTOR_REQUESTER), 0);
    assert_int_equal(legal(TICKET_PENDING, TICKET_NEW, ACTOR_REQUESTER), 0);
    assert_int_equal(legal(TICKET_SOLVED, TICKET_ASSIGNED, ACTOR_REQUESTER), 0);
    assert_int_equal(legal(TICKET_SOLVED, TICKET_NEW, ACTOR_REQUESTER), 0);
    assert_int_equal(legal(TICKET_SOLVED, TICKET_CLOSED, ACTOR_REQUESTER), 0);
    for (int from = TICKET_ASSIGNED; from <= TICKET_ON_HOLD; from++) /* "it is solved, thank you" */
        assert_int_equal(legal((TicketStatus)from, TICKET_SOLVED, ACTOR_REQUESTER), 0);
    assert_int_equal(may, 10);
}

static void a_transfer_of_started_work_demands_a_note(void **state) {
    (void)state;
    unsigned demands;
    assert_int_equal(ticket_transition(TICKET_IN_PROGRESS, TICKET_ASSIGNED, ACTOR_AGENT, &demands),
                     0);
    assert_int_equal(demands, DEMANDS_ASSIGNEE | DEMANDS_NOTE);
}

static void handing_on_what_one_holds_demands_a_note(void **state) {
    (void)state;
    assert_int_equal(ticket_handover(7, 8, 1, 1, ACTOR_AGENT), DEMANDS_NOTE);    /* a colleague */
    assert_int_equal(ticket_handover(7, 0, 1, 2, ACTOR_AGENT), DEMANDS_NOTE);    /* another group */
    assert_int_equal(ticket_handover(7, 7, 1, 2, ACTOR_AGENT), DEMANDS_NOTE);    /* taken along */
    assert_int_equal(ticket_handover(7, 0, 1, 1, ACTOR_AGENT), DEMANDS_NOTHING); /* put back */
    assert_int_equal(ticket_handover(0, 7, 1, 1, ACTOR_AGENT), DEMANDS_NOTHING); /* claimed */
    assert_int_equal(ticket_handover(0, 0, 1, 2, ACTOR_AGENT), DEMANDS_NOTHING); /* sorted */
    assert_int_equal(ticket_handover(7, 8, 1, 2, ACTOR_ROUTER), DEMANDS_NOTHING);
    assert_int_equal(ticket_handover(7, 0, 1, 1, ACTOR_REQUESTER), DEMANDS_NOTHING); /* reopened */
}

static void a_transfer_from_any_open_state_ends_with_somebody(void **state) {
    (void)state;
    for (int from = TICKET_NEW; from <= TICKET_ON_HOLD; from++) {
        unsigned demands;
        assert_int_equal(
            ticket_transition((TicketStatus)from, TICKET_ASSIGNED, ACTOR_AGENT, &demands), 0);
        assert_true(demands & DEMANDS_ASSIGNEE);
        assert_int_equal(legal((TicketStatus)from, TICKET_NEW, ACTOR_AGENT), 0);
    }
}

static void only_an_agent_deletes_or_merges(void **state) {
    (void)state;
    for (int from = 0; from < TICKET_DELETED; from++)
        for (size_t a = 0; a < ACTORS; a++) {
            int expected = actors[a] == ACTOR_AGENT ? 0 : -EPERM;
            assert_int_equal(legal((TicketStatus)from, TICKET_DELETED, actors[a]), expected);
            assert_int_equal(legal((TicketStatus)from, TICKET_MERGED, actors[a]), expected);
        }
}

static void staying_is_legal_while_there_is_work_to_do(void **state) {
    (void)state;
    for (int s = 0; s < TICKET_STATUSES; s++) {
        unsigned demands;
        int r = ticket_transition((TicketStatus)s, (TicketStatus)s, ACTOR_ROUTER, &demands);
        assert_int_equal(r, s <= TICKET_SOLVED ? 0 : s < TICKET_DELETED ? -EINVAL : r);
        if (r == 0) assert_int_equal(demands, s == TICKET_NEW ? DEMANDS_NOTHING : DEMANDS_ASSIGNEE);
    }
}

static void names_go_both_ways(void **state) {
    (void)state;
    for (int s = 0; s < TICKET_STATUSES; s++) {
        TicketStatus back;
        assert_int_equal(ticket_status_parse(str(ticket_status_name((TicketStatus)s)), &back), 0);
        assert_int_equal(back, s);
    }
    for (int p = 0; p < PRIORITIES; p++) {
        TicketPriority back;
        assert_int_equal(ticket_priority_parse(str(ticket_priority_name((TicketPriority)p)), &back),
                         0);
        assert_int_equal(back, p);
    }
    TicketStatus untouched = TICKET_ON_HOLD;
    assert_int_equal(ticket_status_parse(STR("open"), &untouched), -EINVAL);
    assert_int_equal(ticket_status_parse(STR(""), &untouched), -EINVAL);
    assert_int_equal(untouched, TICKET_ON_HOLD);
}

static void load_is_assigned_and_in_progress(void **state) {
    (void)state;
    for (int s = 0; s < TICKET_STATUSES; s++) {
        assert_int_equal(ticket_status_is_load((TicketStatus)s),
                         s == TICKET_ASSIGNED || s == TICKET_IN_PROGRESS);
        assert_int_equal(ticket_status_is_open((TicketStatus)s), s < TICKET_SOLVED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_a_terminal_state),
        cmocka_unit_test(any_unsolved_ticket_can_be_worked_on_by_an_agent),
        cmocka_unit_test(the_router_assigns_and_takes_back_and_no_more),
        cmocka_unit_test(a_requester_answers_reopens_and_confirms),
        cmocka_unit_test(a_transfer_of_started_work_demands_a_note),
        cmocka_unit_test(handing_on_what_one_holds_demands_a_note),
        cmocka_unit_test(a_transfer_from_any_open_state_ends_with_somebody),
        cmocka_unit_test(only_an_agent_deletes_or_merges),
        cmocka_unit_test(staying_is_legal_while_there_is_work_to_do),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(load_is_assigned_and_in_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
