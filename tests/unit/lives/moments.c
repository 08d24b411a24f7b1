/* What becomes true of a ticket's promises and is told: warnings, breaches, escalations; once, in
 * order, and never early. */
#include "unit/lives/random_life.h"

static void a_promise_warns_breaks_and_escalates_in_time(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_true(str_is(ticket_life_policy(w->life)->name, "VIP"));
    assert_int_equal(next_after(w), 7); /* half of 15 minutes */
    assert_string_equal(due(w, 7 * MIN), "");
    assert_string_equal(due(w, 8 * MIN), "warned first_reply 1 50% +7m");
    assert_int_equal(next_after(w), 10);
    assert_string_equal(due(w, 10 * MIN), "warned first_reply 1 5m +10m");
    assert_int_equal(next_after(w), 15);
    assert_string_equal(due(w, 15 * MIN - 1), "");
    assert_string_equal(due(w, 15 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    assert_int_equal(next_after(w), 25);
    assert_string_equal(due(w, 25 * MIN), "escalated first_reply 1 2 +25m");
    assert_string_equal(due(w, 3 * HOUR), "escalated first_reply 1 3 +85m; "
                                          "escalated first_reply 1 3.1 +115m; "
                                          "escalated first_reply 1 3.2 +145m");
    assert_string_equal(due(w, 5 * HOUR), "warned requester_wait 1 50% +240m");
}

static void late_moments_come_in_order_and_without_overtaken_warnings(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_string_equal(due(w, 90 * MIN), "breached first_reply 1 +15m; "
                                          "escalated first_reply 1 1 +15m; "
                                          "escalated first_reply 1 2 +25m; "
                                          "escalated first_reply 1 3 +85m");
}

static void a_reply_at_the_very_due_time_keeps_the_promise(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 15 * MIN, "agent:1012", said(true)), 0);
    assert_string_equal(due(w, 20 * MIN), "");
}

static void what_was_broken_is_told_even_if_it_has_ended_since(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 16 * MIN, "agent:1012", said(true)), 0);
    assert_true(ticket_life_next_ms(w->life) <= BORN + 16 * MIN);
    assert_string_equal(due(w, 20 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    assert_string_equal(due(w, 30 * MIN), ""); /* the chain ended with its clock */
}

static void an_acknowledgement_stops_the_escalation(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_string_equal(due(w, 16 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    TicketUpdate ack = {.reason = STR("{\"why\":\"acknowledged\"}")};
    assert_int_equal(tell(w, 20 * MIN, "agent:1012", ack), 0);
    assert_string_equal(due(w, 3 * HOUR), "");
}

static void an_acknowledgement_before_the_breach_stops_nothing(void **state) {
    World *w = *state;
    born(w, "vip");
    TicketUpdate ack = {.reason = STR("{\"why\":\"acknowledged\"}")};
    assert_int_equal(tell(w, 5 * MIN, "agent:1012", ack), 0);
    assert_string_equal(due(w, 26 * MIN), "breached first_reply 1 +15m; "
                                          "escalated first_reply 1 1 +15m; "
                                          "escalated first_reply 1 2 +25m");
}

static void levels_that_fall_into_a_pause_come_at_its_end(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 1 * MIN, "agent:1012", said(true)), 0);
    assert_string_equal(due(w, 8 * HOUR - MIN), "warned requester_wait 1 50% +240m; "
                                                "warned requester_wait 1 5m +475m");
    assert_string_equal(due(w, 8 * HOUR + MIN), "breached requester_wait 1 +480m; "
                                                "escalated requester_wait 1 1 +480m");
    assert_int_equal(tell(w, 8 * HOUR + 5 * MIN, "agent:1012", to(TICKET_PENDING)), 0);
    assert_string_equal(due(w, 9 * HOUR), "");
    assert_int_equal(next_after(w), 12 * 60); /* resolution's half alone */
    assert_int_equal(
        tell(w, 9 * HOUR + 20 * MIN, "requester:1000000000007", to(TICKET_IN_PROGRESS)), 0);
    assert_string_equal(due(w, 9 * HOUR + 21 * MIN), "escalated requester_wait 1 2 +560m; "
                                                     "escalated requester_wait 1 3 +560m");
    assert_string_equal(due(w, 9 * HOUR + 40 * MIN), "escalated requester_wait 1 3.1 +580m");
}

static void what_the_ledger_has_is_not_due_again(void **state) {
    World *w = *state;
    born(w, "vip");
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = 2,
               .kind = LEDGER_PROMISE_BREACHED,
               .at_ms = BORN + 15 * MIN + 300,
               .actor = STR("router"),
               .promise = {.metric = STR("first_reply"), .instance = 1}};
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    w->seq = 2;
    e.seq = 3;
    e.kind = LEDGER_PROMISE_ESCALATED;
    e.promise.level = STR("2");
    e.set = (TicketUpdate){.sets = EDIT_PRIORITY, .priority = PRIORITY_HIGH};
    e.at_ms = BORN + 25 * MIN + 300;
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    assert_string_equal(due(w, 30 * MIN), "escalated first_reply 1 1 +15m");
    assert_int_equal(ticket_life_priority(w->life), PRIORITY_HIGH);
}

static void nobody_is_told_of_a_ticket_that_was_merged(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 30 * MIN, "agent:1012", to(TICKET_MERGED)), 0);
    assert_true(ticket_life_over(w->life));
    assert_string_equal(due(w, 1 * HOUR), "");
    assert_int_equal(next_after(w), -1);
}

static void a_closed_ticket_is_over_once_all_was_told(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 20 * MIN, "agent:1012", to(TICKET_SOLVED)), 0);
    assert_int_equal(tell(w, 80 * MIN, "system", to(TICKET_CLOSED)), 0);
    assert_false(ticket_life_over(w->life));
    assert_string_equal(due(w, 81 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    assert_true(ticket_life_over(w->life));
    assert_int_equal(tell(w, 80 * MIN, "system", said(true)), 0); /* late notes are heard still */
}

/* Never early, never late: judged exactly at the instant it named, a life finds something, or names
 * a later one; judged a millisecond before, it has found nothing. */
static void what_is_next_is_neither_early_nor_late(void **state) {
    World *w = *state;
    Step steps[STEPS_MAX];
    const Catalog *revisions[2];
    compile_random(revisions);
    for (uint64_t seed = 1; seed <= 500; seed++) {
        size_t n = random_life(seed, revisions, steps, STEPS_MAX);
        CLEANUP(ticket_life_freep) TicketLife *l = ticket_life_new(false, revisions[0]);
        for (size_t i = 0; i < n; i++)
            take(l, &steps[i]);
        mark_all(l, w->arena);
        for (int i = 0; i < 60; i++) {
            PromiseMoment *m;
            int64_t next = ticket_life_next_ms(l), now = ticket_life_now_ms(l);
            if (next == NEVER) break;
            assert_true(next >= now);
            if (next > now + 1) {
                ticket_life_judge(l, next - 1);
                assert_int_equal(ticket_life_due(l, w->arena, &m), 0);
            }
            ticket_life_judge(l, next);
            size_t found = ticket_life_due(l, w->arena, &m);
            for (size_t k = 0; k < found; k++)
                assert_true(m[k].at_ms <= next);
            assert_true(found || ticket_life_next_ms(l) > next);
            mark_all(l, w->arena);
        }
        arena_reset(w->arena);
    }
    (void)catalog_unref(revisions[0]);
    (void)catalog_unref(revisions[1]);
}

/* Ends as a reader sees them who looks at what a life keeps and forgets after every row. */
enum { SEEN_MAX = 400 };

static void see(Clock *seen, size_t *n, const Clock *clocks, size_t clocks_n) {
    for (size_t i = 0; i < clocks_n; i++) {
        size_t k = 0;
        while (k < *n &&
               (seen[k].metric != clocks[i].metric || seen[k].instance != clocks[i].instance))
            k++;
        assert_true(k < SEEN_MAX);
        seen[k] = clocks[i];
        if (k == *n) ++*n;
    }
}

static void no_clock_ends_unseen_though_it_is_forgotten(void **state) {
    const Catalog *revisions[2];
    Step steps[STEPS_MAX];
    size_t forgot = 0;
    (void)state;
    compile_random(revisions);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(0);
        size_t n = random_life(seed, revisions, steps, STEPS_MAX), seen_n = 0;
        CLEANUP(mem_freep) Clock *seen = xcalloc(SEEN_MAX, sizeof(*seen));
        CLEANUP(ticket_life_freep) TicketLife *whole = ticket_life_new(true, revisions[0]);
        TicketLife *light = ticket_life_new(false, revisions[0]);
        const Clock *clocks;
        for (size_t i = 0; i < n; i++) {
            CLEANUP(buf_done) Buf bytes = {0};
            TicketLife *again = NULL;
            take(whole, &steps[i]);
            take(light, &steps[i]);
            mark_all(light, arena);
            size_t forgotten = ticket_life_forgotten(light, &clocks);
            see(seen, &seen_n, clocks, forgotten);
            forgot += forgotten;
            size_t kept = ticket_life_clocks(light, &clocks);
            see(seen, &seen_n, clocks, kept);
            ticket_life_pack(light, &bytes);
            assert_int_equal(
                ticket_life_unpack(buf_str(&bytes), ticket_life_catalog(light), &again), 0);
            ticket_life_free(light);
            light = again;
        }
        size_t all = ticket_life_clocks(whole, &clocks);
        assert_int_equal(all, seen_n);
        for (size_t i = 0; i < all; i++)
            for (size_t k = 0; k < seen_n; k++) {
                if (seen[k].metric != clocks[i].metric || seen[k].instance != clocks[i].instance)
                    continue;
                assert_int_equal(seen[k].ended_ms, clocks[i].ended_ms);
                assert_int_equal(seen[k].breached_ms, clocks[i].breached_ms);
                assert_int_equal(seen[k].elapsed_ms, clocks[i].elapsed_ms);
                assert_int_equal(seen[k].target_ms, clocks[i].target_ms);
            }
        ticket_life_free(light);
    }
    assert_true(forgot > 100);
    (void)catalog_unref(revisions[0]);
    (void)catalog_unref(revisions[1]);
}

int main(void) {
#define IN_THE_SHOP(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_THE_SHOP(a_promise_warns_breaks_and_escalates_in_time),
        IN_THE_SHOP(late_moments_come_in_order_and_without_overtaken_warnings),
        IN_THE_SHOP(a_reply_at_the_very_due_time_keeps_the_promise),
        IN_THE_SHOP(what_was_broken_is_told_even_if_it_has_ended_since),
        IN_THE_SHOP(an_acknowledgement_stops_the_escalation),
        IN_THE_SHOP(an_acknowledgement_before_the_breach_stops_nothing),
        IN_THE_SHOP(levels_that_fall_into_a_pause_come_at_its_end),
        IN_THE_SHOP(what_the_ledger_has_is_not_due_again),
        IN_THE_SHOP(nobody_is_told_of_a_ticket_that_was_merged),
        IN_THE_SHOP(a_closed_ticket_is_over_once_all_was_told),
        IN_THE_SHOP(what_is_next_is_neither_early_nor_late),
        cmocka_unit_test(no_clock_ends_unseen_though_it_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
