/* What stands in Redis under a key. */
#include "intake/claims.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const Claim sample = {.ticket_id = 9007199254740991,
                             .accepted_ms = 1795000000123,
                             .cause = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
                             .fingerprint = {0xff, 0xee, [31] = 0xdd}};

static void a_claim_comes_back_as_it_was(void **state) {
    uint8_t bytes[CLAIM_BYTES];
    Claim back;
    (void)state;
    claim_encode(&sample, bytes);
    assert_int_equal(claim_decode((Str){(char *)bytes, sizeof(bytes)}, &back), 0);
    assert_int_equal(back.ticket_id, sample.ticket_id);
    assert_int_equal(back.accepted_ms, sample.accepted_ms);
    assert_true(cause_eq(back.cause, sample.cause));
    assert_memory_equal(back.fingerprint, sample.fingerprint, 32);
}

static void anything_else_under_the_key_is_not_read(void **state) {
    uint8_t bytes[CLAIM_BYTES + 1];
    Claim back;
    (void)state;
    claim_encode(&sample, bytes);
    assert_int_equal(claim_decode((Str){(char *)bytes, CLAIM_BYTES - 1}, &back), -EBADMSG);
    assert_int_equal(claim_decode((Str){(char *)bytes, CLAIM_BYTES + 1}, &back), -EBADMSG);
    assert_int_equal(claim_decode((Str){NULL, 0}, &back), -EBADMSG);
    bytes[0] = 2; /* a later version: PostgreSQL decides */
    assert_int_equal(claim_decode((Str){(char *)bytes, CLAIM_BYTES}, &back), -EBADMSG);
    claim_encode(&sample, bytes);
    memset(bytes + 1, 0, 8); /* no ticket id */
    assert_int_equal(claim_decode((Str){(char *)bytes, CLAIM_BYTES}, &back), -EBADMSG);
}

static void the_tenant_is_the_hash_tag(void **state) {
    CLEANUP(buf_done) Buf key = {0};
    (void)state;
    claim_key(&key, 12, 34, STR("k:a}b{c"));
    assert_string_equal(key.p, "docket:{12}:key:34:k:a}b{c");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_comes_back_as_it_was),
        cmocka_unit_test(anything_else_under_the_key_is_not_read),
        cmocka_unit_test(the_tenant_is_the_hash_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
