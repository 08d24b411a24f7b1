/* Passwords: one hash fits one password, and nobody's takes as long as somebody's. */
#include "vault/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/cpu.h"

static void a_hash_fits_its_password_alone(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_BYTES], again[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash(STR("正确的密码 correct"), hash), 0);
    assert_int_equal(password_hash(STR("正确的密码 correct"), again), 0);
    assert_string_not_equal(hash, again); /* salted */
    assert_true(str_starts(str(hash), STR("$argon2id$v=19$m=65536,t=2,p=1$")));
    assert_true(password_verify(hash, STR("正确的密码 correct")));
    assert_false(password_verify(hash, STR("正确的密码 correct ")));
    assert_false(password_verify(hash, STR("")));
    assert_false(password_verify("$argon2id$nonsense", STR("")));
    assert_false(password_is_dated(hash));
    assert_true(password_is_dated("$argon2id$v=19$m=8192,t=1,p=1$"
                                  "c2FsdHNhbHRzYWx0c2FsdA$"
                                  "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"));
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Each taken in turn, so that what disturbs one disturbs the other; medians. */
static void nobodys_password_takes_as_long_as_somebodys(void **state) {
    (void)state;
    enum { TURNS = 9 };
    char hash[PASSWORD_HASH_BYTES];
    int64_t known[TURNS], unknown[TURNS];
    assert_int_equal(password_hash(STR("secret secret"), hash), 0);
    for (int i = 0; i < TURNS; i++) {
        int64_t began = cpu_us();
        assert_false(password_verify(hash, STR("wrong wrong")));
        int64_t middle = cpu_us();
        assert_false(password_verify(i % 2 ? NULL : "", STR("wrong wrong")));
        known[i] = middle - began;
        unknown[i] = cpu_us() - middle;
    }
    qsort(known, TURNS, sizeof(*known), compare);
    qsort(unknown, TURNS, sizeof(*unknown), compare);
    assert_true(known[TURNS / 2] > 5000);
    assert_true(unknown[TURNS / 2] < known[TURNS / 2] * 3 / 2);
    assert_true(known[TURNS / 2] < unknown[TURNS / 2] * 3 / 2);
}

static void random_ones_differ_and_are_long_enough(void **state) {
    (void)state;
    char a[PASSWORD_RANDOM_BYTES], b[PASSWORD_RANDOM_BYTES];
    password_random(a);
    password_random(b);
    assert_string_not_equal(a, b);
    assert_true(strlen(a) == PASSWORD_RANDOM_BYTES - 1 && strlen(a) >= PASSWORD_BYTES_MIN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_fits_its_password_alone),
        cmocka_unit_test(nobodys_password_takes_as_long_as_somebodys),
        cmocka_unit_test(random_ones_differ_and_are_long_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
