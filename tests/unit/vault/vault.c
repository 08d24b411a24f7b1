/* Ring, seals and hashes. */
#include "vault/vault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "a00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char folder[] = "/tmp/docket-unit-vault-XXXXXX";
static char ring[128];

static void write_ring(const char *text) {
    (void)unlink(ring); /* a new inode: the vault notices however coarse the clock is */
    FILE *f = fopen(ring, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(ring, 0600), 0);
}

static Vault *open_ring(void) {
    CLEANUP(buf_done) Buf problem = {0};
    Vault *v = vault_open(ring, &problem);
    if (!v) fail_msg("%s", problem.p);
    return v;
}

static void a_sealed_value_opens_only_in_its_place(void **state) {
    CLEANUP(buf_done) Buf sealed = {0}, clear = {0};
    (void)state;
    write_ring("1 " KEY_A " active\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    assert_int_equal(vault_seal(v, 7, STR("requester.phone"), STR("13812345678"), &sealed), 0);
    assert_int_equal(sealed.n, 11 + VAULT_OVERHEAD);
    assert_null(memmem(sealed.p, sealed.n, "138", 3));
    assert_int_equal(vault_unseal(v, 7, STR("requester.phone"), buf_str(&sealed), &clear), 0);
    assert_string_equal(clear.p, "13812345678");
    buf_clear(&clear);
    assert_int_equal(vault_unseal(v, 8, STR("requester.phone"), buf_str(&sealed), &clear),
                     -EBADMSG);
    assert_int_equal(vault_unseal(v, 7, STR("requester.email"), buf_str(&sealed), &clear),
                     -EBADMSG);
    assert_int_equal(vault_unseal(v, 7, STR(""), buf_str(&sealed), &clear), -EBADMSG);
    assert_int_equal(clear.n, 0);
}

static void an_altered_value_is_refused_at_every_byte(void **state) {
    CLEANUP(buf_done) Buf sealed = {0}, clear = {0};
    (void)state;
    write_ring("1 " KEY_A "\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    assert_int_equal(vault_seal(v, 1, STR("f"), STR("text"), &sealed), 0);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.p[i] ^= 1;
        int r = vault_unseal(v, 1, STR("f"), buf_str(&sealed), &clear);
        assert_int_equal(r, i == 0 ? -EINVAL : i < 3 ? -ENOKEY : -EBADMSG);
        sealed.p[i] ^= 1;
    }
    for (size_t n = 0; n < sealed.n; n++)
        assert_true(vault_unseal(v, 1, STR("f"), (Str){sealed.p, n}, &clear) < 0);
    assert_int_equal(clear.n, 0);
    assert_int_equal(vault_unseal(v, 1, STR("f"), buf_str(&sealed), &clear), 0);
}

static void equal_texts_seal_differently(void **state) {
    CLEANUP(buf_done) Buf a = {0}, b = {0}, clear = {0};
    (void)state;
    write_ring("1 " KEY_A "\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    assert_int_equal(vault_seal(v, 1, STR("f"), STR("same"), &a), 0);
    assert_int_equal(vault_seal(v, 1, STR("f"), STR("same"), &b), 0);
    assert_memory_not_equal(a.p + 3, b.p + 3, 12);
    assert_memory_not_equal(a.p + 15, b.p + 15, 4);
    assert_int_equal(vault_sealed(v), 2);
    buf_clear(&a);
    assert_int_equal(vault_seal(v, 1, STR("f"), STR(""), &a), 0); /* nothing is a value too */
    assert_int_equal(vault_unseal(v, 1, STR("f"), buf_str(&a), &clear), 0);
    assert_int_equal(clear.n, 0);
}

/* A value sealed elsewhere (Python's cryptography, AES-256-GCM): the format is what vault.h says.
 */
static void the_format_is_as_written_down(void **state) {
    static const char known[] =
        "0102016465666768696a6b6c6d6e6f325bbb1e188426f25b4c3c87b7b51f88aebd084b8f4bc929c93af9cd6a";
    uint8_t bytes[128];
    CLEANUP(buf_done) Buf clear = {0};
    (void)state;
    write_ring("513 " KEY_A "\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    int n = text_unhex(str(known), bytes, sizeof(bytes));
    assert_true(n > 0);
    assert_int_equal(
        vault_unseal(v, 42, STR("requester.email"), (Str){(char *)bytes, (size_t)n}, &clear), 0);
    assert_string_equal(clear.p, "z@example.com");
}

static void a_hash_is_the_keyed_one(void **state) {
    uint8_t a[VAULT_HASH_BYTES], b[VAULT_HASH_BYTES];
    char hex[65];
    (void)state;
    write_ring("1 " KEY_A "\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    assert_int_equal(vault_hash(v, 42, STR("phone"), STR("+8613812345678"), a), 0);
    text_hex(a, sizeof(a), hex);
    assert_string_equal(hex, "e38f15fa257f83e072c438e5335a05e79009c235a4a671413927f2620dae8203");
    assert_int_equal(vault_hash(v, 42, STR("phone"), STR("+8613812345678"), b), 0);
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(vault_hash(v, 43, STR("phone"), STR("+8613812345678"), b), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(vault_hash(v, 42, STR("phon"), STR("e+8613812345678"), b), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(vault_hash(v, 42, STR("phone"), STR(""), b), 0);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void rotation_reaches_a_running_vault(void **state) {
    CLEANUP(buf_done) Buf old = {0}, new = {0}, clear = {0}, problem = {0};
    uint8_t before[VAULT_HASH_BYTES], after[VAULT_HASH_BYTES];
    (void)state;
    (void)unlink(ring);
    assert_int_equal(vault_ring_create(ring, &problem), 0);
    CLEANUP(vault_freep) Vault *gate = open_ring();
    CLEANUP(vault_freep) Vault *desk = open_ring();
    assert_int_equal(vault_active_key(gate), 1);
    assert_int_equal(vault_seal(gate, 1, STR("f"), STR("old"), &old), 0);
    assert_int_equal(vault_hash(gate, 1, STR("f"), STR("x"), before), 0);
    assert_int_equal(vault_reload_if_changed(gate, &problem), 0);

    assert_int_equal(vault_ring_rotate(ring, &problem), 2);
    assert_int_equal(vault_reload_if_changed(gate, &problem), 1);
    assert_int_equal(vault_reload_if_changed(gate, &problem), 0);
    assert_int_equal(vault_active_key(gate), 2);
    assert_int_equal(vault_sealed(gate), 0);
    assert_int_equal(vault_seal(gate, 1, STR("f"), STR("new"), &new), 0);
    assert_int_equal(vault_unseal(gate, 1, STR("f"), buf_str(&old), &clear), 0);
    assert_string_equal(clear.p, "old");
    assert_int_equal(vault_hash(gate, 1, STR("f"), STR("x"), after), 0);
    assert_memory_equal(before, after, sizeof(before));

    buf_clear(&clear); /* the desk was told of nothing, but meets a value of the new key */
    assert_int_equal(vault_active_key(desk), 1);
    assert_int_equal(vault_unseal(desk, 1, STR("f"), buf_str(&new), &clear), 0);
    assert_string_equal(clear.p, "new");
}

static void a_ring_is_made_for_its_owner_only_and_once(void **state) {
    CLEANUP(buf_done) Buf problem = {0};
    struct stat st;
    (void)state;
    (void)unlink(ring);
    assert_int_equal(vault_ring_create(ring, &problem), 0);
    assert_int_equal(stat(ring, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(vault_ring_create(ring, &problem), -EEXIST);
    assert_non_null(strstr(problem.p, "File exists"));
    assert_int_equal(vault_ring_rotate(ring, &problem), 2);
    assert_int_equal(stat(ring, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(vault_ring_rotate(ring, &problem), 3);

    char lock[160];
    (void)snprintf(lock, sizeof(lock), "%s.new", ring);
    FILE *f = fopen(lock, "we"); /* somebody else rotates just now */
    assert_non_null(f);
    (void)fclose(f);
    buf_clear(&problem);
    assert_int_equal(vault_ring_rotate(ring, &problem), -EBUSY);
    assert_non_null(strstr(problem.p, "another rotation runs"));
    assert_int_equal(access(lock, F_OK), 0);
    (void)unlink(lock);
}

static void a_ring_that_others_can_read_is_refused(void **state) {
    CLEANUP(buf_done) Buf problem = {0}, sealed = {0};
    (void)state;
    write_ring("1 " KEY_A "\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    assert_int_equal(chmod(ring, 0640), 0);
    assert_null(vault_open(ring, &problem));
    assert_non_null(strstr(problem.p, "mode 0640 lets others read it; chmod 600 it"));
    buf_clear(&problem);
    assert_int_equal(vault_reload_if_changed(v, &problem), -EPERM);
    assert_int_equal(vault_seal(v, 1, STR("f"), STR("x"), &sealed), 0); /* the old ring holds */
    assert_int_equal(chmod(ring, 0400), 0);
    assert_int_equal(vault_reload_if_changed(v, &problem), 1);
}

static void a_wrong_ring_is_told_by_line_and_never_shows_a_key(void **state) {
    static const struct {
        const char *text, *expected;
    } rings[] = {
        {"", ": no key; make a ring with `docket keys create`"},
        {"# only a comment\n", ": no key; make a ring"},
        {"1 abcd\n", ":1: a key must be 64 hexadecimal digits"},
        {"1 " KEY_A "0\n", ":1: a key must be 64 hexadecimal digits"},
        {"1\n", ":1: a key must be"},
        {"\n0 " KEY_A "\n", ":2: a line begins with a key id of 1 to 65535, or with `hash`"},
        {"65536 " KEY_A "\n", ":1: a line begins with a key id"},
        {"one " KEY_A "\n", ":1: a line begins with a key id"},
        {"1 " KEY_A " actve\n", ":1: only `active` may follow a key"},
        {"1 " KEY_A " active now\n", ":1: text behind the key"},
        {"1 " KEY_A "\n1 " KEY_B "\n", ":2: this key id has been used above"},
        {"1 " KEY_A " active\n2 " KEY_B " active\n", ":2: a second active key; leave one"},
        {"1 " KEY_A "\n2 " KEY_B "\nhash " KEY_A "\n", ": no key is marked `active`"},
        {"1 " KEY_A "\n", ": no `hash` line"},
        {"hash " KEY_A "\nhash " KEY_A "\n", ":2: a second hash key"},
        {"1 " KEY_A "\nhash " KEY_A " active\n", ":2: nothing may follow the hash key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        CLEANUP(buf_done) Buf problem = {0}, wanted = {0};
        write_ring(rings[i].text);
        assert_null(vault_open(ring, &problem));
        buf_printf(&wanted, "%s%s", ring, rings[i].expected);
        if (!str_starts(buf_str(&problem), buf_str(&wanted)))
            fail_msg("%zu: `%s` instead of `%s`", i, problem.p, wanted.p);
        assert_null(strstr(problem.p, "060708"));
    }
    CLEANUP(buf_done) Buf problem = {0};
    assert_null(vault_open("/nonexistent/ring", &problem));
    assert_non_null(strstr(problem.p, "make a ring with `docket keys create`"));
}

static void another_hash_key_is_refused_while_running(void **state) {
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    write_ring("1 " KEY_A "\nhash " KEY_B "\n");
    CLEANUP(vault_freep) Vault *v = open_ring();
    write_ring("1 " KEY_A "\n2 " KEY_B " active\nhash " KEY_A "\n");
    assert_int_equal(vault_reload_if_changed(v, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "the hash key has changed"));
    assert_int_equal(vault_active_key(v), 1);
    (void)unlink(ring);
    assert_int_equal(vault_reload_if_changed(v, NULL), -ENOENT);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(ring, sizeof(ring), "%s/ring", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    (void)unlink(ring);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_value_opens_only_in_its_place),
        cmocka_unit_test(an_altered_value_is_refused_at_every_byte),
        cmocka_unit_test(equal_texts_seal_differently),
        cmocka_unit_test(the_format_is_as_written_down),
        cmocka_unit_test(a_hash_is_the_keyed_one),
        cmocka_unit_test(rotation_reaches_a_running_vault),
        cmocka_unit_test(a_ring_is_made_for_its_owner_only_and_once),
        cmocka_unit_test(a_ring_that_others_can_read_is_refused),
        cmocka_unit_test(a_wrong_ring_is_told_by_line_and_never_shows_a_key),
        cmocka_unit_test(another_hash_key_is_refused_while_running),
    };
    return cmocka_run_group_tests_name("vault", tests, make_folder, remove_folder);
}
