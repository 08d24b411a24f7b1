/* What is bound into a token, and that nothing of it can be changed. */
#include "signing/token.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW 1763796000000 /* a whole minute */

static const TokenKey keys[] = {{.id = 1, .bytes = {1, 2, 3}}, {.id = 2, .bytes = {4, 5, 6}}};
static const Token reply = {.purpose = TOKEN_REPLY,
                            .tenant_id = 7,
                            .ticket_id = 123456789,
                            .person_id = 42,
                            .expires_ms = NOW + 60000};

static void a_token_says_what_was_put_into_it(void **state) {
    (void)state;
    char text[TOKEN_TEXT], upper[TOKEN_TEXT];
    Token got;
    for (size_t i = 0; i < 2; i++) {
        token_format(&keys[i], &reply, text);
        assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, str(text), NOW, &got), 0);
        assert_int_equal(got.purpose, TOKEN_REPLY);
        assert_int_equal(got.tenant_id, 7);
        assert_int_equal(got.ticket_id, 123456789);
        assert_int_equal(got.person_id, 42);
        assert_int_equal(got.expires_ms, NOW + 60000);
    }
    for (size_t i = 0; i < sizeof(upper); i++)
        upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
    assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, str(upper), NOW, &got), 0);
}

static void no_character_of_it_can_be_changed(void **state) {
    (void)state;
    char text[TOKEN_TEXT];
    Token got = {.tenant_id = -1};
    token_format(&keys[0], &reply, text);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        for (const char *c = "abcdefghijklmnopqrstuvwxyz234567"; *c; c++) {
            if (*c == was) continue;
            text[i] = *c;
            int r = token_parse(keys, 2, TOKEN_REPLY, str(text), NOW, &got);
            assert_true(r == -EBADMSG || r == -ENOKEY || r == -EINVAL);
        }
        text[i] = was;
    }
    for (size_t i = 0; i < n; i++) /* cut anywhere */
        assert_true(token_parse(keys, 2, TOKEN_REPLY, (Str){text, i}, NOW, &got) < 0);
    assert_int_equal(got.tenant_id, -1);
}

static void it_is_good_for_its_purpose_only(void **state) {
    (void)state;
    char text[TOKEN_TEXT];
    Token got;
    token_format(&keys[0], &reply, text);
    assert_int_equal(token_parse(keys, 2, TOKEN_ACKNOWLEDGE, str(text), NOW, &got), -EBADMSG);
}

static void it_expires_at_its_minute(void **state) {
    (void)state;
    char text[TOKEN_TEXT];
    Token got, odd = reply;
    token_format(&keys[0], &reply, text);
    assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, str(text), NOW + 59999, &got), 0);
    assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, str(text), NOW + 60000, &got), -ESTALE);
    odd.expires_ms = NOW + 1;
    token_format(&keys[0], &odd, text);
    assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, str(text), NOW + 59999, &got), 0);
}

static void a_key_that_is_gone_opens_nothing(void **state) {
    (void)state;
    char text[TOKEN_TEXT];
    Token got;
    token_format(&keys[0], &reply, text);
    assert_int_equal(token_parse(keys + 1, 1, TOKEN_REPLY, str(text), NOW, &got), -ENOKEY);
    TokenKey replaced = keys[0];
    replaced.bytes[31] = 1;
    assert_int_equal(token_parse(&replaced, 1, TOKEN_REPLY, str(text), NOW, &got), -EBADMSG);
}

static void what_is_no_token_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "a",
                                      "support",
                                      "0189",
                                      "aaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaa",
                                      "工单工单工单工单工单工单工单工单"};
    Token got;
    char text[TOKEN_TEXT], longer[2 * TOKEN_TEXT];
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, str(bad[i]), NOW, &got), -EINVAL);
    token_format(&keys[0], &reply, text);
    (void)snprintf(longer, sizeof(longer), "%s%s", text, text);
    assert_true(token_parse(keys, 2, TOKEN_REPLY, str(longer), NOW, &got) < 0);
    memset(longer, 'b', sizeof(longer));
    assert_int_equal(token_parse(keys, 2, TOKEN_REPLY, (Str){longer, sizeof(longer)}, NOW, &got),
                     -EINVAL);
}

static void the_longest_of_ours_fits_into_an_address(void **state) {
    (void)state;
    char text[TOKEN_TEXT];
    Token got, most = {TOKEN_UNSUBSCRIBE, (1 << 21) - 1, (1LL << 53) - 1, (1LL << 53) - 1,
                       4102444800000}; /* in the year 2100 */
    token_format(&keys[0], &most, text);
    assert_int_equal(strlen(text), 56);
    most = (Token){TOKEN_UNSUBSCRIBE, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    token_format(&keys[0], &most, text);
    assert_int_equal(token_parse(keys, 2, TOKEN_UNSUBSCRIBE, str(text), NOW, &got), -EINVAL);
    most.expires_ms -= 60000;
    token_format(&keys[0], &most, text);
    assert_int_equal(token_parse(keys, 2, TOKEN_UNSUBSCRIBE, str(text), NOW, &got), 0);
    assert_true(got.ticket_id == INT64_MAX && got.person_id == INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_says_what_was_put_into_it),
        cmocka_unit_test(no_character_of_it_can_be_changed),
        cmocka_unit_test(it_is_good_for_its_purpose_only),
        cmocka_unit_test(it_expires_at_its_minute),
        cmocka_unit_test(a_key_that_is_gone_opens_nothing),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(the_longest_of_ours_fits_into_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
