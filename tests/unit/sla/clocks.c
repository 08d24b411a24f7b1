/* The clocks, against a plain array of tickets that is searched and sorted. */
#include "sla/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TENANTS = 3, TICKETS = 100, ALL = TENANTS * TICKETS, PARTITIONS = 5 };

static uint64_t dice = 88172645463325252;

static int64_t roll(int64_t below) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (int64_t)(dice % (uint64_t)below);
}

typedef struct Plain {
    bool there;
    TicketClock clock;
} Plain;

static int64_t ticket_id(size_t i) { /* some tenants' tickets share numbers */
    return 100000 + (int64_t)(i % TICKETS);
}

static void compare(const Clocks *c, const Plain *plain) {
    size_t count = 0, armed = 0;
    int64_t soonest = INT64_MAX;
    for (size_t i = 0; i < ALL; i++) {
        TicketClock got;
        bool there = clocks_get(c, 1 + (int64_t)i / TICKETS, ticket_id(i), &got);
        assert_int_equal(there, plain[i].there);
        if (!there) continue;
        count++;
        armed += plain[i].clock.next_ms != INT64_MAX;
        if (plain[i].clock.next_ms < soonest) soonest = plain[i].clock.next_ms;
        assert_int_equal(got.next_ms, plain[i].clock.next_ms);
        assert_int_equal(got.seq, plain[i].clock.seq);
        assert_int_equal(got.partition, plain[i].clock.partition);
        assert_int_equal(got.priority, plain[i].clock.priority);
    }
    assert_int_equal(clocks_count(c), count);
    assert_int_equal(clocks_armed(c), armed);
    assert_true(clocks_next_ms(c) <= soonest);
}

static bool before(const TicketClock *a, const TicketClock *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->next_ms < b->next_ms;
}

static void take(Clocks *c, Plain *plain, int64_t now) {
    TicketClock got[7], last = {.priority = UINT8_MAX};
    size_t n = clocks_take(c, now, got, (size_t)roll(7) + 1);
    for (size_t k = 0; k < n; k++) {
        Plain *p = &plain[(got[k].tenant_id - 1) * TICKETS + got[k].ticket_id - 100000];
        assert_true(p->there && p->clock.next_ms <= now);
        assert_int_equal(got[k].next_ms, p->clock.next_ms);
        assert_false(before(&got[k], &last));
        last = got[k];
        p->clock.next_ms = INT64_MAX;
    }
    for (size_t i = 0; i < ALL; i++) /* what was left is no more important */
        if (n && plain[i].there && plain[i].clock.next_ms <= now)
            assert_false(before(&plain[i].clock, &last));
    for (size_t i = 0; i < ALL; i++)
        assert_false(n == 0 && plain[i].there && plain[i].clock.next_ms <= now);
}

static void tickets_are_found_and_fall_due_as_in_a_sorted_list(void **state) {
    (void)state;
    for (int round = 0; round < 60; round++) {
        int64_t now = 1 + roll(INT64_C(1) << 40);
        CLEANUP(clocks_freep) Clocks *c = clocks_new(now);
        Plain plain[ALL] = {0};
        for (int step = 0; step < 400; step++) {
            size_t i = (size_t)roll(ALL);
            switch (roll(8)) {
            case 0:
                clocks_drop(c, 1 + (int64_t)i / TICKETS, ticket_id(i));
                plain[i].there = false;
                break;
            case 1:
                now += roll(20000);
                take(c, plain, now);
                break;
            case 2:
                if (roll(4) == 0) now = now > 10000 ? now - roll(10000) : now;
                take(c, plain, now);
                break;
            case 3: {
                if (roll(10)) break;
                uint64_t kept = (uint64_t)roll(1 << PARTITIONS);
                size_t gone = 0;
                for (size_t k = 0; k < ALL; k++) {
                    if (!plain[k].there || kept >> plain[k].clock.partition & 1) continue;
                    plain[k].there = false;
                    gone++;
                }
                assert_int_equal(clocks_keep_partitions(c, &kept, 1), gone);
                break;
            }
            default:
                plain[i] = (Plain){true,
                                   {.tenant_id = 1 + (int64_t)i / TICKETS,
                                    .ticket_id = ticket_id(i),
                                    .seq = (int32_t)roll(1000),
                                    .partition = (uint16_t)roll(PARTITIONS),
                                    .priority = (uint8_t)roll(4),
                                    .next_ms = roll(5) ? now - 500 + roll(30000) : INT64_MAX}};
                if (plain[i].clock.next_ms < 0) plain[i].clock.next_ms = 0;
                assert_int_equal(clocks_put(c, &plain[i].clock), 0);
            }
            compare(c, plain);
        }
    }
}

static void pages_meet_every_ticket_of_a_tenant_once(void **state) {
    (void)state;
    CLEANUP(clocks_freep) Clocks *c = clocks_new(0);
    for (int64_t i = 0; i < 5000; i++)
        assert_int_equal(clocks_put(c, &(TicketClock){.tenant_id = 1 + i % 2,
                                                      .ticket_id = 1 + i,
                                                      .next_ms = INT64_MAX}),
                         0);
    for (int64_t i = 0; i < 5000; i += 5)
        clocks_drop(c, 1 + i % 2, 1 + i);
    uint32_t cursor = 0;
    size_t met = 0;
    int64_t sum = 0;
    while (cursor != UINT32_MAX) {
        TicketClock page[64];
        size_t n = clocks_page(c, 2, &cursor, page, 64);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(page[i].tenant_id, 2);
            sum += page[i].ticket_id;
        }
        met += n;
    }
    int64_t expected = 0;
    for (int64_t i = 1; i < 5000; i += 2)
        if (i % 5) expected += 1 + i;
    assert_int_equal(met, 2000);
    assert_int_equal(sum, expected);
}

static void a_clock_costs_no_more_than_a_few_dozen_bytes(void **state) {
    (void)state;
    enum { MANY = 700000 };
    CLEANUP(clocks_freep) Clocks *c = clocks_new(0);
    for (int64_t i = 0; i < MANY; i++)
        assert_int_equal(
            clocks_put(c, &(TicketClock){.tenant_id = 1, .ticket_id = 7 + i, .next_ms = i}), 0);
    assert_true(clocks_bytes(c) / MANY < 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_are_found_and_fall_due_as_in_a_sorted_list),
        cmocka_unit_test(pages_meet_every_ticket_of_a_tenant_once),
        cmocka_unit_test(a_clock_costs_no_more_than_a_few_dozen_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
