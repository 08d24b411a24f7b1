/* What a row of the ledger is to those who wait for news. */
#include "notifier/telling/occasions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const TicketView held = {
    .seq = 4, .status = TICKET_IN_PROGRESS, .group_id = 3, .assignee_id = 11, .requester_id = 7};
static const TicketView waiting = {.seq = 4, .status = TICKET_NEW, .group_id = 3};
static const TicketView solved = {
    .seq = 4, .status = TICKET_SOLVED, .group_id = 3, .assignee_id = 11, .requester_id = 7};

static Event updated(const char *actor) {
    return (Event){.seq = 5, .kind = LEDGER_TICKET_UPDATED, .actor = str(actor)};
}

/* "a b", in order; what was announced as possible holds them all. */
static const char *names(const TicketView *before, const Event *row) {
    static char text[400];
    NotifyEvent events[OCCASIONS_MAX];
    size_t n = occasions_of(before, row, events), at = 0;
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(occasions_possible(row) >> events[i] & 1);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "",
                               notify_event_name(events[i]));
    }
    return text;
}

static void a_claim_and_a_transfer_are_assignments(void **state) {
    (void)state;
    Event e = updated("agent:11");
    e.set.sets = EDIT_ASSIGNEE | EDIT_STATUS;
    e.set.assignee_id = 11;
    e.set.status = TICKET_ASSIGNED;
    assert_string_equal(names(&waiting, &e), "ticket_assigned");
    e.set.assignee_id = 12;
    assert_string_equal(names(&held, &e), "ticket_assigned");
    e.set.assignee_id = 11;
    assert_string_equal(names(&held, &e), ""); /* hers before */
}

static void a_ticket_put_back_is_released_and_one_handed_to_a_group_waits_there(void **state) {
    (void)state;
    Event e = updated("agent:11");
    e.set.sets = EDIT_ASSIGNEE | EDIT_STATUS | EDIT_GROUP;
    e.set.group_id = 4;
    assert_string_equal(names(&held, &e), "ticket_released");
    assert_string_equal(names(&waiting, &e), "ticket_queued");
}

static void a_comment_is_a_reply_a_letter_or_a_note(void **state) {
    (void)state;
    Event e = updated("agent:11");
    e.set.comment = (EditComment){.present = true, .is_public = true};
    assert_string_equal(names(&held, &e), "reply_sent");
    e.actor = STR("token:9");
    assert_string_equal(names(&held, &e), "reply_sent");
    e.actor = STR("requester:7");
    assert_string_equal(names(&held, &e), "reply_received");
    e.set.comment.is_public = false;
    assert_string_equal(names(&held, &e), "note_added");
}

static void a_reply_that_solves_is_both_the_reply_first(void **state) {
    (void)state;
    Event e = updated("agent:11");
    e.set.comment = (EditComment){.present = true, .is_public = true};
    e.set.sets = EDIT_STATUS;
    e.set.status = TICKET_SOLVED;
    assert_string_equal(names(&held, &e), "reply_sent ticket_solved");
    assert_string_equal(names(&solved, &e), "reply_sent");
}

static void what_was_solved_reopens_or_closes(void **state) {
    (void)state;
    Event e = updated("requester:7");
    e.set.sets = EDIT_STATUS;
    e.set.status = TICKET_ASSIGNED;
    assert_string_equal(names(&solved, &e), "ticket_reopened");
    e.set.status = TICKET_CLOSED;
    assert_string_equal(names(&solved, &e), "ticket_closed");
    e.set.status = TICKET_MERGED;
    assert_string_equal(names(&solved, &e), "");
    e.set.status = TICKET_PENDING;
    assert_string_equal(names(&held, &e), "");
}

static void a_promise_that_moves_its_ticket_is_both(void **state) {
    (void)state;
    Event e = {.seq = 5, .kind = LEDGER_PROMISE_ESCALATED, .actor = STR("router")};
    assert_string_equal(names(&held, &e), "promise_escalated");
    e.set.sets = EDIT_ASSIGNEE | EDIT_STATUS;
    assert_string_equal(names(&held, &e), "ticket_released promise_escalated");
}

static void a_row_that_does_not_follow_says_nothing(void **state) {
    (void)state;
    Event e = {.seq = 7, .kind = LEDGER_TICKET_QUEUED, .actor = STR("router")};
    assert_string_equal(names(&held, &e), "");
    e.seq = 5;
    assert_string_equal(names(&held, &e), "ticket_queued");
}

static void an_actor_is_staff_requester_or_a_machine(void **state) {
    (void)state;
    int64_t id;
    assert_int_equal(deed_of(STR("agent:12"), &id), DEED_OF_STAFF);
    assert_int_equal(id, 12);
    assert_int_equal(deed_of(STR("user:9"), &id), DEED_OF_STAFF);
    assert_int_equal(deed_of(STR("requester:1000000000007"), &id), DEED_OF_REQUESTER);
    assert_int_equal(id, 1000000000007);
    const char *machines[] = {"router", "system", "token:3", "agent:", "agent:x", "agent:-3", ""};
    for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
        assert_int_equal(deed_of(str(machines[i]), &id), DEED_OF_MACHINE);
        assert_int_equal(id, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_and_a_transfer_are_assignments),
        cmocka_unit_test(a_ticket_put_back_is_released_and_one_handed_to_a_group_waits_there),
        cmocka_unit_test(a_comment_is_a_reply_a_letter_or_a_note),
        cmocka_unit_test(a_reply_that_solves_is_both_the_reply_first),
        cmocka_unit_test(what_was_solved_reopens_or_closes),
        cmocka_unit_test(a_promise_that_moves_its_ticket_is_both),
        cmocka_unit_test(a_row_that_does_not_follow_says_nothing),
        cmocka_unit_test(an_actor_is_staff_requester_or_a_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
