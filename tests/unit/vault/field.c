/* One field as it is kept: nothing of it in clear, found by its hash, opened again. */
#include "vault/field.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char ring[] = "/tmp/docket-unit-field-XXXXXX";

static int open_ring(void **state) {
    CLEANUP(buf_done) Buf problem = {0};
    int fd = mkstemp(ring);
    if (fd < 0 || close(fd) < 0 || unlink(ring) < 0) return -1;
    if (vault_ring_create(ring, &problem) < 0) return -1;
    *state = vault_open(ring, &problem);
    return *state ? 0 : -1;
}

static int close_ring(void **state) {
    vault_free(*state);
    return unlink(ring);
}

/* The value of "key":"..." in a text of one field. */
static Str member(const Buf *json, const char *key) {
    char wanted[32];
    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
    const char *at = strstr(json->p, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    return (Str){at, strcspn(at, "\"")};
}

static void what_is_sealed_is_masked_hashed_and_opens_again(void **state) {
    static const struct {
        FieldKind kind;
        const char *clear, *same, *masked;
    } cases[] = {
        {FIELD_EMAIL, "Zhang.San@Example.com", "zhang.san@example.com", "Z***@Example.com"},
        {FIELD_PHONE, "138 1234 5678", "+8613812345678", NULL},
        {FIELD_NAME, "张小明", NULL, "张**"},
        {FIELD_ADDRESS, "广东省深圳市南山区科技园1号", NULL, "广东省深圳市****"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        SealedField f;
        CLEANUP(buf_done) Buf json = {0}, clear = {0}, foreign = {0};
        assert_int_equal(field_seal(*state, 7, cases[i].kind, str(cases[i].clear), &f), 0);
        field_json(&f, &json);
        assert_null(strstr(json.p, cases[i].clear));
        if (cases[i].masked) assert_true(str_is(member(&json, "masked"), cases[i].masked));
        assert_int_equal(field_unseal(*state, 7, f.field, member(&json, "sealed"), &clear), 0);
        assert_string_equal(clear.p, cases[i].clear);
        assert_int_equal(field_unseal(*state, 8, f.field, member(&json, "sealed"), &foreign),
                         -EBADMSG);
        uint8_t hash[VAULT_HASH_BYTES];
        assert_int_equal(f.hashed, cases[i].same != NULL);
        assert_int_equal(member(&json, "hash").n, f.hashed ? 64 : 0);
        if (cases[i].same) {
            assert_int_equal(field_hash(*state, 7, cases[i].kind, str(cases[i].same), hash), 0);
            assert_memory_equal(hash, f.hash, sizeof(hash));
        }
        field_json(&f, &json);
        assert_non_null(strstr(json.p, "\"},{\"field\""));
        field_done(&f);
    }
}

static void what_is_no_address_is_refused(void **state) {
    SealedField f = {.hashed = true};
    uint8_t hash[VAULT_HASH_BYTES];
    CLEANUP(buf_done) Buf clear = {0};
    assert_int_equal(field_seal(*state, 7, FIELD_EMAIL, STR("no address"), &f), -EINVAL);
    assert_int_equal(field_seal(*state, 7, FIELD_PHONE, STR("x"), &f), -EINVAL);
    assert_int_equal(field_hash(*state, 7, FIELD_NAME, STR("张小明"), hash), -EINVAL);
    assert_int_equal(field_unseal(*state, 7, STR("email"), STR("a+b="), &clear), -EINVAL);
    assert_true(field_unseal(*state, 7, STR("email"), STR(""), &clear) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_is_masked_hashed_and_opens_again),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
