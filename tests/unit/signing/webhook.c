/* The vectors that makers publish, and two live secrets at once. */
#include "signing/webhook.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static int set_up(void **state) {
    *state = arena_new(0);
    return 0;
}

static int tear_down(void **state) {
    arena_free(*state);
    return 0;
}

/* The published example of Standard Webhooks' specification and of its libraries' tests. */
static void standard_webhooks_own_example_is_reproduced(void **state) {
    Str lines[WEBHOOK_LINES_MAX];
    WebhookSecrets secrets = {.current = STR(SECRET)};
    assert_int_equal(webhook_sign(WEBHOOK_STANDARD, &secrets, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                                  1614265330999, STR("{\"test\": 2432232314}"), *state, lines),
                     3);
    assert_string_equal(lines[0].p, "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_string_equal(lines[1].p, "webhook-timestamp: 1614265330");
    assert_string_equal(lines[2].p,
                        "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void both_live_secrets_sign_the_current_one_first(void **state) {
    Str lines[WEBHOOK_LINES_MAX], alone[WEBHOOK_LINES_MAX];
    Str body = STR("{\"type\":\"ticket.created\",\"data\":{\"title\":\"空调故障\"}}");
    WebhookSecrets both = {STR(OTHER), STR(SECRET)}, one = {.current = STR(OTHER)};
    assert_int_equal(
        webhook_sign(WEBHOOK_STANDARD, &both, STR("msg_0001"), 1700000000000, body, *state, lines),
        3);
    assert_int_equal(
        webhook_sign(WEBHOOK_STANDARD, &one, STR("msg_0001"), 1700000000000, body, *state, alone),
        3);
    assert_true(str_starts(lines[2], alone[2]));
    assert_string_equal(lines[2].p + alone[2].n,
                        " v1,UMRdVN/LIm0wDstBU+6uQq0XuLfl0KF5cZ1FyJqNUXc=");

    both = (WebhookSecrets){STR("an-older-secret-of-theirs"), STR("and-the-newer-one-after-it")};
    assert_int_equal(webhook_sign(WEBHOOK_PAGERDUTY, &both, STR("a"), 0, STR("x"), *state, lines),
                     2);
    assert_int_equal(lines[0].n, strlen("X-PagerDuty-Signature: ") + 2 * 67 + 1);
    assert_ptr_equal(strstr(lines[0].p, ",v1="),
                     lines[0].p + strlen("X-PagerDuty-Signature: ") + 67);
}

/* TIMESTAMP + BODY, as the makers' page of today has it; secret and time are that page's. */
static void zendesk_signs_the_time_and_then_the_body(void **state) {
    Str lines[WEBHOOK_LINES_MAX];
    WebhookSecrets secrets = {STR("HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="),
                              STR("does-not-sign-here:one-header-holds-one")};
    assert_int_equal(webhook_sign(WEBHOOK_ZENDESK, &secrets, STR("01J0"), 1627207200999,
                                  STR("{\"say\": \"hello\"}"), *state, lines),
                     3);
    assert_string_equal(
        lines[0].p, "X-Zendesk-Webhook-Signature: Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=");
    assert_string_equal(lines[1].p, "X-Zendesk-Webhook-Signature-Timestamp: 2021-07-25T10:00:00Z");
    assert_string_equal(lines[2].p, "X-Zendesk-Webhook-Invocation-Id: 01J0");
}

/* Computed with Python's hmac; tests/service checks against other people's code too. */
static void pagerduty_signs_the_body_alone(void **state) {
    Str lines[WEBHOOK_LINES_MAX];
    WebhookSecrets secrets = {
        .current = STR("lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK")};
    static const char body[] = "{\"event\":{\"id\":\"01BWDWL3NYY7LUFPZCC28QUCMK\",\"event_type\":"
                               "\"incident.priority_updated\"}}";
    assert_int_equal(
        webhook_sign(WEBHOOK_PAGERDUTY, &secrets, STR("d-1"), 1, str(body), *state, lines), 2);
    assert_string_equal(lines[0].p,
                        "X-PagerDuty-Signature: v1="
                        "2d04311cd37ab8f30b1cea722e0d54d07addb0f55a3f810afaff5f2f62f75e1a");
    assert_string_equal(lines[1].p, "X-Webhook-Id: d-1");
}

static void what_is_no_secret_signs_nothing(void **state) {
    static const struct {
        WebhookManner manner;
        const char *secret;
    } bad[] = {
        {WEBHOOK_STANDARD, ""},
        {WEBHOOK_STANDARD, "whsec_"},
        {WEBHOOK_STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"},  /* cut */
        {WEBHOOK_STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa=="}, /* 22 bytes */
        {WEBHOOK_STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS="}, /* bits left over */
        {WEBHOOK_STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8I-PZIo2LaLaSw"}, /* base64url */
        {WEBHOOK_STANDARD, " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        {WEBHOOK_STANDARD, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\n\n\n"},
        {WEBHOOK_PAGERDUTY, "short"},
        {WEBHOOK_PAGERDUTY, "with a blank and a\nnew line"},
        {WEBHOOK_ZENDESK, "密钥密钥密钥密钥密钥密钥"},
    };
    Str lines[WEBHOOK_LINES_MAX];
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        WebhookSecrets secrets = {.current = str(bad[i].secret)};
        assert_int_equal(webhook_secret_check(bad[i].manner, secrets.current, &problem), -EINVAL);
        assert_true(problem.n > 0);
        assert_int_equal(
            webhook_sign(bad[i].manner, &secrets, STR("a"), 0, STR("x"), *state, lines), -EINVAL);
        secrets = (WebhookSecrets){STR(SECRET), str(bad[i].secret)};
        assert_int_equal(
            webhook_sign(bad[i].manner, &secrets, STR("a"), 0, STR("x"), *state, lines), -EINVAL);
    }
    assert_int_equal(webhook_secret_check(WEBHOOK_STANDARD, STR(SECRET), NULL), 0);
    assert_int_equal(webhook_secret_check(WEBHOOK_PAGERDUTY, STR(SECRET), NULL), 0);
}

static void an_id_that_could_be_mistaken_for_more_is_refused(void **state) {
    static const char *const bad[] = {"", "a.b", "a b", "a\r\nb", "工单"};
    Str lines[WEBHOOK_LINES_MAX];
    WebhookSecrets secrets = {.current = STR(SECRET)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(
            webhook_sign(WEBHOOK_STANDARD, &secrets, str(bad[i]), 0, STR(""), *state, lines),
            -EINVAL);
    assert_int_equal(webhook_sign(WEBHOOK_STANDARD, &secrets,
                                  STR("550e8400-e29b-41d4-a716-446655440000"), 0, STR(""), *state,
                                  lines),
                     3);
}

static void a_new_secret_is_good_in_every_manner(void **state) {
    (void)state;
    uint8_t key[WEBHOOK_KEY_BYTES];
    char text[WEBHOOK_SECRET_TEXT];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    webhook_secret_text(key, text);
    assert_string_equal(text, OTHER);
    assert_int_equal(webhook_secret_check(WEBHOOK_STANDARD, str(text), NULL), 0);
    assert_int_equal(webhook_secret_check(WEBHOOK_ZENDESK, str(text), NULL), 0);
    assert_int_equal(webhook_secret_check(WEBHOOK_PAGERDUTY, str(text), NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(standard_webhooks_own_example_is_reproduced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(both_live_secrets_sign_the_current_one_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(zendesk_signs_the_time_and_then_the_body, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pagerduty_signs_the_body_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_secret_signs_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_id_that_could_be_mistaken_for_more_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test(a_new_secret_is_good_in_every_manner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
