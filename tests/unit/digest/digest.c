/* The digests that FIPS 180-4 prints for "abc" and for nothing. */
#include "digest/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t abc_256[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
static const uint8_t nothing_256[] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
static const uint8_t abc_1[] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};

static void digests_are_those_of_the_standard(void **state) {
    (void)state;
    uint8_t got[DIGEST_SHA256_BYTES];
    digest_sha256(STR("abc"), got);
    assert_memory_equal(got, abc_256, sizeof(abc_256));
    digest_sha1(STR("abc"), got);
    assert_memory_equal(got, abc_1, sizeof(abc_1));
}

static void an_absent_text_is_an_empty_one(void **state) {
    (void)state;
    uint8_t got[DIGEST_SHA256_BYTES];
    digest_sha256((Str){0}, got);
    assert_memory_equal(got, nothing_256, sizeof(nothing_256));
}

static void a_hash_is_equal_only_when_every_byte_is(void **state) {
    (void)state;
    uint8_t other[DIGEST_SHA256_BYTES];
    memcpy(other, abc_256, sizeof(other));
    assert_true(digest_equal(abc_256, other));
    other[DIGEST_SHA256_BYTES - 1] ^= 1;
    assert_false(digest_equal(abc_256, other));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(an_absent_text_is_an_empty_one),
        cmocka_unit_test(a_hash_is_equal_only_when_every_byte_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
