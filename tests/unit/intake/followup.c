/* Whose closed tickets may be continued. */
#include "intake/followup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const FollowupSource closed = {
    .known = true, .id = 100001, .status = TICKET_CLOSED, .source_id = 7, .contact_hash = STR("h")};

static bool check(const FollowupSource *source, const FollowupSender *sender, Str *ret_reason) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static char said[512];
    FormNotes notes = {0};
    bool good = followup_check(source, sender, arena, &notes);
    assert_int_equal(notes.n, good ? 0 : 1);
    if (!good) {
        assert_true(str_is(notes.items[0].field, "via_followup_source_id"));
        (void)snprintf(said, sizeof(said), "%s; %s", notes.items[0].reason, notes.items[0].remedy);
    }
    if (ret_reason) *ret_reason = str(said);
    return good;
}

static void what_came_in_by_the_same_door_or_from_the_same_person_is_continued(void **state) {
    (void)state;
    assert_true(check(&closed, &(FollowupSender){.source_id = 7}, NULL));
    assert_true(check(&closed, &(FollowupSender){.source_id = 8, .contact_hash = STR("h")}, NULL));
    assert_true(check(&closed, &(FollowupSender){.source_id = 8, .may_place = true}, NULL));
    assert_false(check(&closed, &(FollowupSender){.source_id = 8, .contact_hash = STR("i")}, NULL));
}

static void what_is_not_reached_is_told_like_what_is_not_there(void **state) {
    Str one, other;
    (void)state;
    CLEANUP(buf_done) Buf kept = {0};
    FollowupSource open = closed, none = {.known = true};
    open.status = TICKET_NEW;
    assert_false(check(&open, &(FollowupSender){.source_id = 8}, &one));
    buf_add_str(&kept, one);
    assert_false(check(&none, &(FollowupSender){.source_id = 8, .may_place = true}, &other));
    assert_true(str_eq(buf_str(&kept), other));
    none.contact_hash = (Str){NULL, 0}; /* nobody is not the same person as nobody */
    assert_false(check(&none, &(FollowupSender){.source_id = 0}, NULL));
}

static void every_state_but_closed_is_refused_with_what_to_do(void **state) {
    Str said;
    (void)state;
    for (int s = 0; s < TICKET_STATUSES; s++) {
        FollowupSource source = closed;
        source.status = (TicketStatus)s;
        bool good = check(&source, &(FollowupSender){.source_id = 7}, &said);
        assert_int_equal(good, s == TICKET_CLOSED);
        if (s < TICKET_CLOSED) assert_non_null(strstr(said.p, "PUT /api/v2/tickets/100001"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_in_by_the_same_door_or_from_the_same_person_is_continued),
        cmocka_unit_test(what_is_not_reached_is_told_like_what_is_not_there),
        cmocka_unit_test(every_state_but_closed_is_refused_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
