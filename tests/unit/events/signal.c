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
        cmocka_unit_test(what_is_no_signal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
