/* A service goes on with the keys it has, and takes new ones without being told. */
#include "keyring/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { PATIENCE_MS = 60000, TURN_MS = 20, LOOKS_MS = 2500 };

#define TENANT 7
#define FIELD  STR("requester.phone")

typedef struct Place {
    char directory[64], file[80];
    Loop *loop;
    Keyring *keyring;
} Place;

static void place_init(Place *p) {
    *p = (Place){.directory = "/tmp/docket-keyring-XXXXXX"};
    assert_non_null(mkdtemp(p->directory));
    (void)snprintf(p->file, sizeof(p->file), "%s/ring", p->directory);
    assert_int_equal(vault_ring_create(p->file, NULL), 0);
    CLEANUP(buf_done) Buf problem = {0};
    p->loop = loop_new();
    p->keyring = keyring_open(p->loop, p->file, &problem);
    assert_non_null(p->keyring);
}

static void place_done(Place *p) {
    p->keyring = keyring_free(p->keyring);
    p->loop = loop_free(p->loop);
    (void)unlink(p->file);
    (void)rmdir(p->directory);
}

static void wait_for_key(Place *p, unsigned key) {
    int64_t end = clock_monotonic_ms() + PATIENCE_MS;
    while (vault_active_key(keyring_vault(p->keyring)) != key && clock_monotonic_ms() < end)
        loop_run_for(p->loop, TURN_MS);
    assert_int_equal(vault_active_key(keyring_vault(p->keyring)), key);
}

static void opens(Place *p, const Buf *sealed, const char *clear) {
    CLEANUP(buf_done) Buf text = {0};
    assert_int_equal(vault_unseal(keyring_vault(p->keyring), TENANT, FIELD, buf_str(sealed), &text),
                     0);
    assert_true(str_is(buf_str(&text), clear));
}

static void a_rotated_ring_is_taken_while_the_service_runs(void **state) {
    (void)state;
    Place p;
    CLEANUP(buf_done) Buf old = {0}, young = {0};
    place_init(&p);
    Vault *vault = keyring_vault(p.keyring);
    assert_int_equal(vault_active_key(vault), 1);
    assert_int_equal(vault_seal(vault, TENANT, FIELD, STR("13800138000"), &old), 0);
    assert_int_equal(vault_ring_rotate(p.file, NULL), 2);
    wait_for_key(&p, 2);
    assert_ptr_equal(keyring_vault(p.keyring), vault); /* whoever holds it goes on with it */
    assert_int_equal(vault_seal(vault, TENANT, FIELD, STR("13900139000"), &young), 0);
    opens(&p, &old, "13800138000");
    opens(&p, &young, "13900139000");
    place_done(&p);
}

static void
a_ring_that_was_spoilt_leaves_the_old_one_in_force_and_is_taken_once_mended(void **state) {
    (void)state;
    Place p;
    CLEANUP(buf_done) Buf old = {0};
    char whole[1024];
    place_init(&p);
    assert_int_equal(vault_seal(keyring_vault(p.keyring), TENANT, FIELD, STR("13800138000"), &old),
                     0);
    assert_int_equal(vault_ring_rotate(p.file, NULL), 2);
    FILE *ring = fopen(p.file, "re");
    assert_non_null(ring);
    size_t n = fread(whole, 1, sizeof(whole), ring);
    (void)fclose(ring);
    ring = fopen(p.file, "we");
    assert_non_null(ring);
    assert_true(fputs("1 no key at all\n", ring) >= 0);
    (void)fclose(ring);
    loop_run_for(p.loop, LOOKS_MS);
    opens(&p, &old, "13800138000");
    ring = fopen(p.file, "we");
    assert_non_null(ring);
    assert_int_equal(fwrite(whole, 1, n, ring), n);
    (void)fclose(ring);
    wait_for_key(&p, 2);
    opens(&p, &old, "13800138000");
    place_done(&p);
}

static void a_file_that_others_may_read_is_no_ring(void **state) {
    (void)state;
    Place p;
    CLEANUP(buf_done) Buf problem = {0};
    place_init(&p);
    assert_int_equal(chmod(p.file, 0644), 0);
    assert_null(keyring_open(p.loop, p.file, &problem));
    assert_true(problem.n > 0);
    place_done(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotated_ring_is_taken_while_the_service_runs),
        cmocka_unit_test(
            a_ring_that_was_spoilt_leaves_the_old_one_in_force_and_is_taken_once_mended),
        cmocka_unit_test(a_file_that_others_may_read_is_no_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
