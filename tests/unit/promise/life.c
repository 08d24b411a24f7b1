/* Clocks of a ticket: the choices that are easily got wrong, one by one; and that a life put away
 * between any two happenings goes on as if it had not been. */
#include "promise/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "promise/life_pack.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

static Terms terms_of(int64_t reply_ms, int64_t resolution_ms) {
    Terms t = terms_default();
    t.target_ms[METRIC_FIRST_REPLY] = reply_ms;
    t.target_ms[METRIC_RESOLUTION] = resolution_ms;
    t.target_ms[METRIC_REQUESTER_WAIT] = resolution_ms;
    t.warnings[0] = (Warning){.percent = 50};
    t.warnings[1] = (Warning){.left_ms = 5 * MINUTE};
    t.warnings_n = 2;
    return t;
}

static const Clock *clock_of(const Life *l, ClockMetric m, int32_t instance) {
    const Clock *clocks;
    size_t n = life_clocks(l, &clocks);
    for (size_t i = 0; i < n; i++)
        if (clocks[i].metric == m && clocks[i].instance == instance) return &clocks[i];
    return NULL;
}

static Life *born(const Terms *t) {
    Life *l = life_new(t, true);
    life_create(l, 0, SPEAKER_REQUESTER, true, TICKET_NEW);
    return l;
}

static void a_reply_exactly_at_the_due_time_keeps_the_promise(void **state) {
    (void)state;
    Terms t = terms_of(15 * MINUTE, 0);
    CLEANUP(life_freep) Life *l = born(&t);
    life_comment(l, 15 * MINUTE, SPEAKER_AGENT, true);
    life_settle(l, HOUR);
    const Clock *c = clock_of(l, METRIC_FIRST_REPLY, 1);
    assert_int_equal(c->status, CLOCK_FULFILLED);
    assert_int_equal(c->breached_ms, NEVER);
    assert_int_equal(c->warned_ms[0], 15 * MINUTE / 2);
    assert_int_equal(c->warned_ms[1], 10 * MINUTE);
}

static void a_reply_a_millisecond_late_breaks_it_at_the_due_time(void **state) {
    (void)state;
    Terms t = terms_of(15 * MINUTE, 0);
    CLEANUP(life_freep) Life *l = born(&t);
    life_comment(l, 15 * MINUTE + 1, SPEAKER_AGENT, true);
    const Clock *c = clock_of(l, METRIC_FIRST_REPLY, 1);
    assert_int_equal(c->breached_ms, 15 * MINUTE);
    assert_int_equal(c->breach_cause, BREACH_TIME);
}

static void notes_bots_and_the_first_message_itself_are_no_reply(void **state) {
    (void)state;
    Terms t = terms_of(15 * MINUTE, 0);
    CLEANUP(life_freep) Life *l = life_new(&t, false);
    life_create(l, 0, SPEAKER_AGENT, true, TICKET_NEW);
    life_comment(l, MINUTE, SPEAKER_AGENT, false);
    life_comment(l, 2 * MINUTE, SPEAKER_BOT, true);
    life_settle(l, 3 * MINUTE);
    assert_int_equal(clock_of(l, METRIC_FIRST_REPLY, 1)->status, CLOCK_RUNNING);
}

static void a_pause_outlives_a_change_of_what_was_promised(void **state) {
    (void)state;
    Terms t = terms_of(0, 2 * HOUR), longer = terms_of(0, 4 * HOUR);
    CLEANUP(life_freep) Life *l = born(&t);
    life_status(l, HOUR, TICKET_PENDING);
    life_terms(l, 5 * HOUR, &longer);
    life_status(l, 10 * HOUR, TICKET_IN_PROGRESS);
    life_settle(l, 11 * HOUR);
    const Clock *c = clock_of(l, METRIC_REQUESTER_WAIT, 1);
    assert_int_equal(clock_elapsed(c), 2 * HOUR);
    assert_int_equal(c->breached_ms, NEVER);
    assert_int_equal(clock_reach(c, 11 * HOUR, c->target_ms), 13 * HOUR);
}

static void a_shorter_promise_is_broken_when_it_is_made_and_says_why(void **state) {
    (void)state;
    Terms t = terms_of(0, 4 * HOUR), shorter = terms_of(0, HOUR);
    CLEANUP(life_freep) Life *l = born(&t);
    life_terms(l, 3 * HOUR, &shorter);
    life_settle(l, 3 * HOUR);
    const Clock *c = clock_of(l, METRIC_RESOLUTION, 1);
    assert_int_equal(c->breached_ms, 3 * HOUR);
    assert_int_equal(c->breach_cause, BREACH_POLICY_CHANGE);
    assert_int_equal(clock_reach(c, 3 * HOUR, c->target_ms),
                     HOUR); /* when it would have been due */
}

static void a_reopened_ticket_goes_on_where_it_stood_or_begins_anew(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        Terms t = terms_of(0, 2 * HOUR);
        t.restart = restart;
        CLEANUP(life_freep) Life *l = born(&t);
        life_status(l, HOUR, TICKET_SOLVED);
        life_status(l, 9 * HOUR, TICKET_ASSIGNED);
        life_settle(l, 9 * HOUR + MINUTE);
        const Clock *first = clock_of(l, METRIC_RESOLUTION, 1),
                    *second = clock_of(l, METRIC_RESOLUTION, 2);
        if (restart) {
            assert_int_equal(first->status, CLOCK_FULFILLED);
            assert_int_equal(clock_elapsed(second), MINUTE);
        } else {
            assert_null(second);
            assert_int_equal(clock_elapsed(first), HOUR + MINUTE);
        }
    }
}

static void a_stage_has_a_clock_each_time_it_is_entered(void **state) {
    (void)state;
    Terms t = terms_of(0, 0);
    t.target_ms[METRIC_STAGE_IN_PROGRESS] = HOUR;
    CLEANUP(life_freep) Life *l = born(&t);
    assert_null(clock_of(l, METRIC_STAGE_NEW, 1)); /* nothing is promised there */
    life_status(l, HOUR, TICKET_IN_PROGRESS);
    life_status(l, HOUR + 30 * MINUTE, TICKET_PENDING);
    life_status(l, 5 * HOUR, TICKET_IN_PROGRESS);
    life_status(l, 5 * HOUR, TICKET_IN_PROGRESS); /* no change */
    life_settle(l, 7 * HOUR);
    const Clock *first = clock_of(l, METRIC_STAGE_IN_PROGRESS, 1),
                *second = clock_of(l, METRIC_STAGE_IN_PROGRESS, 2);
    assert_int_equal(first->status, CLOCK_FULFILLED);
    assert_int_equal(first->start_ms, HOUR);
    assert_int_equal(clock_elapsed(first), 30 * MINUTE);
    assert_int_equal(first->breached_ms, NEVER);
    assert_int_equal(second->status, CLOCK_RUNNING);
    assert_int_equal(second->breached_ms, 6 * HOUR);
    life_status(l, 8 * HOUR, TICKET_SOLVED);
    assert_int_equal(clock_of(l, METRIC_STAGE_IN_PROGRESS, 2)->ended_ms, 8 * HOUR);
    life_status(l, 9 * HOUR, TICKET_IN_PROGRESS); /* reopened: entered once more */
    assert_int_equal(clock_of(l, METRIC_STAGE_IN_PROGRESS, 3)->start_ms, 9 * HOUR);
}

static void a_stage_that_is_promised_later_counts_from_its_beginning(void **state) {
    (void)state;
    Terms t = terms_of(0, 0), promised = terms_of(0, 0);
    promised.target_ms[METRIC_STAGE_NEW] = HOUR;
    CLEANUP(life_freep) Life *l = born(&t);
    life_terms(l, 40 * MINUTE, &promised);
    const Clock *c = clock_of(l, METRIC_STAGE_NEW, 1);
    assert_int_equal(c->start_ms, 0);
    assert_int_equal(clock_elapsed(c), 40 * MINUTE);
    assert_int_equal(clock_reach(c, 40 * MINUTE, HOUR), HOUR);
    life_settle(l, 2 * HOUR);
    c = clock_of(l, METRIC_STAGE_NEW, 1);
    assert_int_equal(c->breached_ms, HOUR);
    assert_int_equal(c->runs.n, 1);
    assert_int_equal(c->runs.p[0].from, 0);
    assert_int_equal(c->counted.p[0].to, 2 * HOUR);
}

static void what_happens_after_the_end_changes_nothing(void **state) {
    (void)state;
    Terms t = terms_of(HOUR, HOUR);
    CLEANUP(life_freep) Life *l = born(&t);
    life_merge(l, MINUTE);
    life_comment(l, 2 * MINUTE, SPEAKER_AGENT, true);
    life_status(l, 3 * MINUTE, TICKET_SOLVED);
    life_settle(l, 9 * HOUR);
    const Clock *clocks;
    size_t n = life_clocks(l, &clocks);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(clocks[i].status, CLOCK_CANCELLED);
        assert_int_equal(clocks[i].ended_ms, MINUTE);
        assert_int_equal(clocks[i].breached_ms, NEVER);
    }
}

/* ---- Put away and taken out again ---- */

static uint64_t dice = 42;

static int64_t roll(int64_t below) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (int64_t)(dice % (uint64_t)below);
}

static Terms random_terms(void) {
    Terms t = terms_default();
    for (int m = 0; m < METRICS; m++)
        if (roll(4)) t.target_ms[m] = (1 + roll(300)) * MINUTE;
    t.restart = roll(2);
    t.bots_reply = roll(2);
    t.private_replies = roll(4) == 0;
    if (roll(3) == 0) t.pauses[roll(METRICS)] = (uint16_t)(1u << roll(TICKET_SOLVED));
    t.warnings[0] = (Warning){.percent = 50};
    t.warnings[1] = (Warning){.percent = 95};
    t.warnings_n = 2;
    return t;
}

static void happen(Life *l, int64_t at, int64_t what, const Terms *terms) {
    switch (what % 8) {
    case 0:
        life_status(l, at, (TicketStatus)(what / 8 % TICKET_CLOSED));
        break;
    case 1:
        life_terms(l, at, terms);
        break;
    case 2:
        life_acknowledge(l, at);
        break;
    case 3:
        life_settle(l, at);
        break;
    default:
        life_comment(l, at, (Speaker)(what / 8 % 3), what / 24 % 4 != 0);
    }
}

static void a_life_put_away_between_any_two_happenings_goes_on_the_same(void **state) {
    (void)state;
    for (int round = 0; round < 1500; round++) {
        Terms terms = random_terms();
        CLEANUP(life_freep) Life *whole = life_new(&terms, false);
        CLEANUP(life_freep) Life *parts = life_new(&terms, false);
        int64_t at = (int64_t)1000000 * MINUTE;
        life_create(whole, at, SPEAKER_REQUESTER, true, TICKET_NEW);
        life_create(parts, at, SPEAKER_REQUESTER, true, TICKET_NEW);
        for (int step = 0; step < 25; step++) {
            int64_t what = roll(1000);
            if (roll(3)) at += roll(90) * MINUTE;
            Terms next = terms;
            if (what % 8 == 1) next = random_terms();
            CLEANUP(buf_done) Buf packed = {0};
            life_pack(parts, &packed);
            life_free(parts);
            parts = life_unpack(buf_str(&packed), &terms);
            assert_non_null(parts);
            terms = next;
            happen(whole, at, what, &terms);
            happen(parts, at, what, &terms);
        }
        life_settle(whole, at + MINUTE);
        life_settle(parts, at + MINUTE);
        const Clock *a, *b;
        size_t n = life_clocks(whole, &a);
        assert_int_equal(life_clocks(parts, &b), n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(a[i].metric, b[i].metric);
            assert_int_equal(a[i].instance, b[i].instance);
            assert_int_equal(a[i].status, b[i].status);
            assert_int_equal(clock_elapsed(&a[i]), clock_elapsed(&b[i]));
            assert_int_equal(a[i].target_ms, b[i].target_ms);
            assert_int_equal(a[i].breached_ms, b[i].breached_ms);
            if (a[i].breached_ms != NEVER) assert_int_equal(a[i].breach_cause, b[i].breach_cause);
            assert_int_equal(a[i].ended_ms, b[i].ended_ms);
            for (int s = 0; s < SHARES_MAX; s++)
                assert_int_equal(a[i].warned_ms[s], b[i].warned_ms[s]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_exactly_at_the_due_time_keeps_the_promise),
        cmocka_unit_test(a_reply_a_millisecond_late_breaks_it_at_the_due_time),
        cmocka_unit_test(notes_bots_and_the_first_message_itself_are_no_reply),
        cmocka_unit_test(a_pause_outlives_a_change_of_what_was_promised),
        cmocka_unit_test(a_shorter_promise_is_broken_when_it_is_made_and_says_why),
        cmocka_unit_test(a_reopened_ticket_goes_on_where_it_stood_or_begins_anew),
        cmocka_unit_test(a_stage_has_a_clock_each_time_it_is_entered),
        cmocka_unit_test(a_stage_that_is_promised_later_counts_from_its_beginning),
        cmocka_unit_test(what_happens_after_the_end_changes_nothing),
        cmocka_unit_test(a_life_put_away_between_any_two_happenings_goes_on_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
