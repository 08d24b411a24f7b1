/* A signal comes back as it was sent; anything else on its topic is refused with a reason. */
#include "events/signal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events/submission.h"

static void a_signal_comes_back(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0};
    Signal in = {.kind = SIGNAL_CAPACITY_CHANGED,
                 .tenant_id = 3,
                 .cause = {{7}},
                 .at_ms = 1790000000000,
                 .agent_id = 1020,
                 .why = STR("duty")},
           out;
    const char *problem = NULL;
    signal_encode(&in, &wire);
    assert_int_equal(signal_decode(buf_str(&wire), a, &out, &problem), 0);
    assert_int_equal(out.tenant_id, 3);
    assert_int_equal(out.agent_id, 1020);
    assert_int_equal(out.at_ms, in.at_ms);
    assert_true(cause_eq(out.cause, in.cause));
    assert_true(str_is(out.why, "duty"));
}

static Signal surge(void) {
    static const int64_t incidents[] = {100004, 100009};
    Signal s = {.kind = SIGNAL_SURGE_FOUND,
                .tenant_id = 3,
                .at_ms = 1790000000000,
                .ticket_id = 100100,
                .surge = {.category = STR("物流/丢件"),
                          .began_ms = 1789999200000,
                          .found_ms = 1790000100000,
                          .subject = STR("物流/丢件 激增"),
                          .description = STR("3.2×"),
                          .priority = PRIORITY_HIGH,
                          .group_id = 1004,
                          .incidents = incidents,
                          .incidents_n = 2}};
    s.cause = surge_cause(s.tenant_id, s.surge.category, s.surge.began_ms);
    return s;
}

static void a_surge_comes_back_under_the_key_of_its_problem(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0}, key = {0};
    Signal in = surge(), out;
    const char *problem = NULL;
    signal_encode(&in, &wire);
    signal_key(&in, &key);
    assert_true(str_is(buf_str(&key), "100100"));
    assert_int_equal(signal_decode(buf_str(&wire), a, &out, &problem), 0);
    assert_int_equal(out.kind, SIGNAL_SURGE_FOUND);
    assert_int_equal(out.ticket_id, 100100);
    assert_true(cause_eq(out.cause, in.cause));
    assert_true(str_eq(out.surge.category, in.surge.category));
    assert_true(str_eq(out.surge.subject, in.surge.subject));
    assert_true(str_eq(out.surge.description, in.surge.description));
    assert_int_equal(out.surge.began_ms, in.surge.began_ms);
    assert_int_equal(out.surge.found_ms, in.surge.found_ms);
    assert_int_equal(out.surge.priority, PRIORITY_HIGH);
    assert_int_equal(out.surge.group_id, 1004);
    assert_int_equal(out.surge.incidents_n, 2);
    assert_int_equal(out.surge.incidents[1], 100009);
}

static void the_cause_of_a_surge_is_of_what_it_is(void **state) {
    (void)state;
    Cause a = surge_cause(3, STR("物流"), 1789999200000);
    assert_true(cause_eq(a, surge_cause(3, STR("物流"), 1789999200000)));
    assert_false(cause_eq(a, surge_cause(4, STR("物流"), 1789999200000)));
    assert_false(cause_eq(a, surge_cause(3, STR("物流/丢件"), 1789999200000)));
    assert_false(cause_eq(a, surge_cause(3, STR("物流"), 1790000100000)));
}

static void a_surge_beyond_its_bounds_is_refused(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0}, long_text = {0};
    int64_t many[SURGE_INCIDENTS_MAX + 1];
    for (int i = 0; i <= SURGE_INCIDENTS_MAX; i++)
        many[i] = i + 1;
    while (long_text.n <= SURGE_DESCRIPTION_MAX)
        buf_adds(&long_text, "0123456789abcdef");
    static const int64_t none[] = {0};
    Signal bad[6], out;
    for (int i = 0; i < 6; i++)
        bad[i] = surge();
    bad[0].surge.incidents = many, bad[0].surge.incidents_n = SURGE_INCIDENTS_MAX + 1;
    bad[1].surge.description = buf_str(&long_text);
    bad[2].surge.subject = (Str){NULL, 0};
    bad[3].surge.found_ms = bad[3].surge.began_ms;
    bad[4].ticket_id = 0;
    bad[5].surge.incidents = none, bad[5].surge.incidents_n = 1;
    for (int i = 0; i < 6; i++) {
        const char *problem = NULL;
        buf_clear(&wire);
        signal_encode(&bad[i], &wire);
        assert_int_equal(signal_decode(buf_str(&wire), a, &out, &problem), -EBADMSG);
        assert_non_null(problem);
    }
}

static void what_is_no_signal_is_refused(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0};
    Signal in = {.tenant_id = 3, .cause = {{7}}, .at_ms = 1}, out;
    const char *problem = NULL;
    signal_encode(&in, &wire); /* no agent */
    assert_int_equal(signal_decode(buf_str(&wire), a, &out, &problem), -EBADMSG);
    assert_string_equal(problem, "no agent");

    buf_clear(&wire);
    static const char hash[33] = "0123456789abcdef0123456789abcdef";
    Submission s = {.tenant_id = 1,
                    .ticket_id = 1,
                    .cause = {{1}},
                    .accepted_ms = 1,
                    .contact_hash = {hash, 32}};
    submission_encode(&s, &wire);
    assert_int_equal(signal_decode(buf_str(&wire), a, &out, &problem), -EBADMSG);
    assert_int_equal(signal_decode(STR("garbage"), a, &out, &problem), -EBADMSG);
    assert_int_equal(signal_decode((Str){NULL, 0}, a, &out, &problem), -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_comes_back),
        cmocka_unit_test(a_surge_comes_back_under_the_key_of_its_problem),
        cmocka_unit_test(the_cause_of_a_surge_is_of_what_it_is),
        cmocka_unit_test(a_surge_beyond_its_bounds_is_refused),
        cmocka_unit_test(what_is_no_signal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
