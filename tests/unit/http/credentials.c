/* Tokens and keys out of headers. */
#include "http/credentials.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check_token(const char *header, const char *token) {
    Arena *arena = arena_new(0);
    Str got = {NULL, 0};
    int r = credentials_token(str(header), arena, &got);
    if (token) {
        if (r != 0 || !str_is(got, token)) fail_msg("%s: %d %.*s", header, r, STR_ARG(got));
    } else if (r != -EINVAL) {
        fail_msg("taken: %s", header);
    }
    arena_free(arena);
}

static void bearer_and_basic_are_the_same_token(void **state) {
    (void)state;
    check_token("Bearer abc.def-123", "abc.def-123");
    check_token("bearer  abc", "abc");
    check_token("Basic YUBiLmMvdG9rZW46dDE=", "t1");  /* a@b.c/token:t1 */
    check_token("Basic YUBiLmMvdG9rZW46dDEy", "t12"); /* a@b.c/token:t12 */
    check_token("Basic YUBiLmMvdG9rZW46dDEyMw==", "t123");
    check_token("Basic L3Rva2VuOmE6Yg==", "a:b"); /* /token:a:b */
}

static void anything_else_is_no_token(void **state) {
    (void)state;
    check_token("", NULL);
    check_token("Bearer", NULL);
    check_token("Bearer ", NULL);
    check_token("Bearer a b", NULL);
    check_token("Digest abc", NULL);
    check_token("Bearer \xe5\xb7\xa5", NULL);
    check_token("Basic YUBiLmM6dDE=", NULL);         /* a@b.c:t1, a password */
    check_token("Basic YUBiLmMvdG9rZW46dDE", NULL);  /* padding missing */
    check_token("Basic YUBiLmMvdG9rZW46dDF=", NULL); /* bits behind the end */
    check_token("Basic YUBi=mMvdG9rZW46dDE=", NULL);
    check_token("Basic ====", NULL);
    check_token("Basic YUBiLmMvdG9rZW46", NULL); /* empty token */
    check_token("Basic YUBiLmMvdG9rZW4=", NULL); /* no colon */
    char longest[600] = "Bearer ";
    memset(longest + 7, 'a', 512);
    check_token(longest, longest + 7);
    longest[7 + 512] = 'a';
    check_token(longest, NULL);
}

static void check_key(const char *header, const char *key) {
    Arena *arena = arena_new(0);
    Str got = {NULL, 0};
    int r = credentials_key(str(header), arena, &got);
    if (key) {
        if (r != 0 || !str_is(got, key)) fail_msg("%s: %d %.*s", header, r, STR_ARG(got));
    } else if (r != -EINVAL) {
        fail_msg("taken: %s", header);
    }
    arena_free(arena);
}

static void keys_come_bare_or_quoted(void **state) {
    (void)state;
    check_key("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324");
    check_key("\"8e03978e\"", "8e03978e");
    check_key("\"a\\\"b\\\\c\"", "a\"b\\c");
    check_key("a b", "a b");
}

static void broken_keys_are_refused(void **state) {
    (void)state;
    check_key("", NULL);
    check_key("\"\"", NULL);
    check_key("\"open", NULL);
    check_key("\"a\"b", NULL);
    check_key("\"a\\b\"", NULL);
    check_key("\"a\\", NULL);
    check_key("caf\xc3\xa9", NULL);
    check_key("tab\there", NULL);
    char longest[300];
    memset(longest, 'k', sizeof(longest));
    longest[255] = 0;
    check_key(longest, longest);
    longest[255] = 'k';
    longest[256] = 0;
    check_key(longest, NULL);
}

static void an_address_and_its_password_are_told_apart_from_a_token(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Str email, password;
    /* a@b.cn:pass:word */
    assert_int_equal(
        credentials_password(STR("Basic YUBiLmNuOnBhc3M6d29yZA=="), arena, &email, &password), 0);
    assert_true(str_is(email, "a@b.cn"));
    assert_true(str_is(password, "pass:word"));
    static const char *const others[] = {
        "Basic YUBiLmNuL3Rva2VuOnNlY3JldA==", /* a@b.cn/token:secret */
        "Basic YUBiLmNu",                     /* a@b.cn */
        "Basic OnBhc3M=",                     /* :pass */
        "Basic YUBiLmNuOv8=",                 /* a@b.cn: and a byte that is no UTF-8 */
        "Basic YUBiLmNuOgA=",                 /* a@b.cn: and a NUL */
        "Bearer YUBiLmNuOnBhc3M6d29yZA==",
        "Basic !",
        "Basic",
        ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(credentials_password(str(others[i]), arena, &email, &password), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_and_its_password_are_told_apart_from_a_token),
        cmocka_unit_test(bearer_and_basic_are_the_same_token),
        cmocka_unit_test(anything_else_is_no_token),
        cmocka_unit_test(keys_come_bare_or_quoted),
        cmocka_unit_test(broken_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
