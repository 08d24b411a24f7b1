/* What a secret must look like, what of it is shown, and for whom it opens. */
#include "secrets/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "secrets/account.h"

#define DINGTALK "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef"
#define ACCOUNT                                                                                    \
    "{\"gateway\":\"aliyun\",\"key_id\":\"LTAI0123456789abcdef\",\"key_secret\":\"topsecret\","    \
    "\"sign_name\":\"某某商城\"}"

static int checked(SecretKind kind, const char *way, WebhookManner manner, bool plain, Str clear,
                   const char *said) {
    CLEANUP(buf_done) Buf problem = {0};
    SecretUse use = {kind, str(way), manner, plain};
    int r = secret_check(&use, clear, &problem);
    if (said) assert_non_null(strstr(problem.p ? problem.p : "", said));
    assert_true((r < 0) == (problem.n > 0));
    return r;
}

static void a_robots_address_is_https_and_holds_its_key(void **state) {
    (void)state;
    assert_int_equal(checked(SECRET_ADDRESS, "dingtalk", 0, false, STR(DINGTALK), NULL), 0);
    assert_int_equal(checked(SECRET_ADDRESS, "wecom", 0, false,
                             STR("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ab-cd"),
                             NULL),
                     0);
    assert_int_equal(checked(SECRET_ADDRESS, "feishu", 0, false,
                             STR("https://open.feishu.cn/open-apis/bot/v2/hook/ab-cd"), NULL),
                     0);
    checked(SECRET_ADDRESS, "wecom", 0, false, STR(DINGTALK), "looks like https://qyapi");
    checked(SECRET_ADDRESS, "dingtalk", 0, false, STR("http://a.example/?access_token=1"),
            "https://");
    assert_int_equal(checked(SECRET_ADDRESS, "dingtalk", 0, true,
                             STR("http://127.0.0.1:81/?access_token=1"), NULL),
                     0);
    checked(SECRET_ADDRESS, "dingtalk", 0, false, STR("https://me:pw@a.example/?access_token=1"),
            "without a password");
    checked(SECRET_ADDRESS, "dingtalk", 0, false, STR("https://a.example/\r\nX: ?access_token=1"),
            "no address");
    checked(SECRET_ADDRESS, "dingtalk", 0, false, STR("https://?access_token=1"), "a host");
}

static void signing_secrets_are_what_their_makers_hand_out(void **state) {
    (void)state;
    assert_int_equal(checked(SECRET_SIGN, "dingtalk", 0, false, STR("SEC0123"), NULL), 0);
    checked(SECRET_SIGN, "dingtalk", 0, false, STR("0123"), "begin with SEC");
    assert_int_equal(checked(SECRET_SIGN, "feishu", 0, false, STR("0123"), NULL), 0);
    checked(SECRET_SIGN, "feishu", 0, false, STR("01 23"), "blanks");
    assert_int_equal(checked(SECRET_WEBHOOK, "webhook", WEBHOOK_STANDARD, false,
                             STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), NULL),
                     0);
    assert_true(checked(SECRET_WEBHOOK, "webhook", WEBHOOK_STANDARD, false, STR("short"), NULL) <
                0);
}

static void a_way_has_its_own_kinds(void **state) {
    (void)state;
    assert_int_equal(secret_kinds_of(STR("dingtalk")), 1 << SECRET_ADDRESS | 1 << SECRET_SIGN);
    assert_int_equal(secret_kinds_of(STR("wecom")), 1 << SECRET_ADDRESS);
    assert_int_equal(secret_kinds_of(STR("webhook")), 1 << SECRET_WEBHOOK);
    assert_int_equal(secret_kinds_of(STR("sms")), 1 << SECRET_SMS);
    assert_int_equal(secret_kinds_of(STR("kafka")), 0);
    for (int k = 0; k < SECRET_KINDS; k++) {
        SecretKind back;
        assert_int_equal(secret_kind_parse(str(secret_kind_name((SecretKind)k)), &back), 0);
        assert_int_equal(back, k);
    }
}

static void a_hint_is_not_enough_to_begin_anything_with(void **state) {
    CLEANUP(buf_done) Buf hint = {0};
    (void)state;
    secret_hint(SECRET_ADDRESS, STR(DINGTALK), &hint);
    assert_string_equal(hint.p, "oapi.dingtalk.com …cdef");
    buf_clear(&hint);
    secret_hint(SECRET_SIGN, STR("SECshort"), &hint);
    assert_string_equal(hint.p, "…");
    buf_clear(&hint);
    secret_hint(SECRET_SMS, STR(ACCOUNT), &hint);
    assert_string_equal(hint.p, "aliyun 某某商城 …cdef");
}

static void an_account_says_what_it_lacks_and_never_what_it_has(void **state) {
    static const struct {
        const char *json, *said;
    } bad[] = {{"[]", "JSON object"},
               {"{\"gateway\":\"aliyun\"}", "`key_id` is missing"},
               {"{\"gateway\":\"twilio\"}", "aliyun or tencent"},
               {"{\"gatway\":\"aliyun\"}", "`gatway`"},
               {"{\"gateway\":\"tencent\",\"key_id\":\"a\",\"key_secret\":\"topsecret\","
                "\"sign_name\":\"b\"}",
                "`app_id` is missing"},
               {"{\"gateway\":\"aliyun\",\"key_id\":\"a\",\"key_secret\":\"top secret\","
                "\"sign_name\":\"b\"}",
                "`key_secret` holds a blank"},
               {"{\"gateway\":\"aliyun\",\"key_id\":\"a\",\"key_secret\":\"topsecret\","
                "\"sign_name\":\"b\",\"endpoint\":\"https://a/b\"}",
                "`endpoint`"}};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(0);
        CLEANUP(buf_done) Buf problem = {0};
        SmsAccount a;
        assert_int_equal(sms_account_parse(str(bad[i].json), arena, &a, &problem), -EINVAL);
        assert_non_null(strstr(problem.p, bad[i].said));
        assert_null(strstr(problem.p, "topsecret"));
    }
}

static void an_account_knows_its_gateways_public_address(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    SmsAccount a;
    (void)state;
    assert_int_equal(sms_account_parse(STR(ACCOUNT), arena, &a, &problem), 0);
    assert_true(str_is(a.host, "dysmsapi.aliyuncs.com"));
    assert_int_equal(
        sms_account_parse(STR("{\"gateway\":\"tencent\",\"key_id\":\"a\",\"key_secret\":\"b\","
                              "\"sign_name\":\"c\",\"app_id\":\"1400\",\"endpoint\":"
                              "\"http://127.0.0.1:8080\"}"),
                          arena, &a, &problem),
        0);
    assert_true(str_is(a.host, "127.0.0.1:8080") && str_is(a.region, "ap-guangzhou"));
}

static void a_sealed_secret_opens_for_its_own_system_alone(void **state) {
    CLEANUP(buf_done) Buf problem = {0}, sealed = {0}, clear = {0};
    char file[64];
    (void)state;
    (void)snprintf(file, sizeof(file), "/tmp/docket-secret-test-%d", (int)getpid());
    assert_int_equal(vault_ring_create(file, &problem), 0);
    Vault *v = vault_open(file, &problem);
    assert_non_null(v);
    assert_int_equal(secret_seal(v, 7, STR("客服群"), SECRET_SIGN, STR("SEC1"), &sealed), 0);
    assert_null(memmem(sealed.p, sealed.n, "SEC1", 4));
    assert_int_equal(secret_unseal(v, 8, STR("客服群"), SECRET_SIGN, buf_str(&sealed), &clear),
                     -EBADMSG);
    assert_int_equal(secret_unseal(v, 7, STR("客服"), SECRET_SIGN, buf_str(&sealed), &clear),
                     -EBADMSG);
    assert_int_equal(secret_unseal(v, 7, STR("客服群\nSE"), SECRET_SIGN, buf_str(&sealed), &clear),
                     -EBADMSG);
    assert_int_equal(secret_unseal(v, 7, STR("客服群"), SECRET_ADDRESS, buf_str(&sealed), &clear),
                     -EBADMSG);
    assert_int_equal(clear.n, 0);
    assert_int_equal(secret_unseal(v, 7, STR("客服群"), SECRET_SIGN, buf_str(&sealed), &clear), 0);
    assert_string_equal(clear.p, "SEC1");
    vault_free(v);
    (void)unlink(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_robots_address_is_https_and_holds_its_key),
        cmocka_unit_test(signing_secrets_are_what_their_makers_hand_out),
        cmocka_unit_test(a_way_has_its_own_kinds),
        cmocka_unit_test(a_hint_is_not_enough_to_begin_anything_with),
        cmocka_unit_test(an_account_says_what_it_lacks_and_never_what_it_has),
        cmocka_unit_test(an_account_knows_its_gateways_public_address),
        cmocka_unit_test(a_sealed_secret_opens_for_its_own_system_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
