/* The two clouds' published examples, and calls that send an SMS. */
#include "signing/gateway.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int set_up(void **state) {
    *state = arena_new(0);
    return 0;
}

static int tear_down(void **state) {
    arena_free(*state);
    return 0;
}

static const GatewayKey aliyun = {.id = STR("YourAccessKeyId"),
                                  .secret = STR("YourAccessKeySecret")};
#define ALIYUN_WHEN 1698315752000 /* 2023-10-26T10:22:32Z */
#define ALIYUN_NONCE                                                                               \
    {                                                                                              \
        0x31, 0x56, 0x85, 0x32, 0x99, 0xf3, 0x13, 0xe2, 0x3d, 0x16, 0x73, 0xdc, 0x12, 0xe1, 0x70,  \
            0x3d                                                                                   \
    }

static Str last_line(const GatewayRequest *r) {
    return r->lines[r->lines_n - 1];
}

/* From the vendor's page of its signature V3. */
static void aliyuns_own_example_is_reproduced(void **state) {
    const GatewayPair pairs[] = {
        {STR("RegionId"), STR("cn-shanghai")}, /* in any order */
        {STR("ImageId"), STR("win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd")},
    };
    AliyunCall call = {.host = STR("ecs.cn-shanghai.aliyuncs.com"),
                       .action = STR("RunInstances"),
                       .version = STR("2014-05-26"),
                       .pairs = pairs,
                       .pairs_n = 2,
                       .nonce = ALIYUN_NONCE,
                       .now_ms = ALIYUN_WHEN};
    GatewayRequest r;
    assert_int_equal(aliyun_sign(&aliyun, &call, *state, &r), 0);
    assert_string_equal(
        last_line(&r).p,
        "Authorization: ACS3-HMAC-SHA256 "
        "Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
    assert_int_equal(r.lines_n, 6);
    assert_string_equal(r.lines[2].p, "x-acs-date: 2023-10-26T10:22:32Z");
    assert_string_equal(r.lines[3].p, "x-acs-signature-nonce: 3156853299f313e23d1673dc12e1703d");
}

static void an_sms_of_aliyun_is_signed_with_its_chinese_encoded(void **state) {
    const GatewayPair pairs[] = {{STR("PhoneNumbers"), STR("13800000000")},
                                 {STR("SignName"), STR("测试")},
                                 {STR("TemplateCode"), STR("SMS_0001")},
                                 {STR("TemplateParam"), STR("{\"no\":\"T-1\"}")}};
    AliyunCall call = {.host = STR("dysmsapi.aliyuncs.com"),
                       .action = STR("SendSms"),
                       .version = STR("2017-05-25"),
                       .pairs = pairs,
                       .pairs_n = 4,
                       .nonce = ALIYUN_NONCE,
                       .now_ms = ALIYUN_WHEN};
    GatewayRequest r;
    assert_int_equal(aliyun_sign(&aliyun, &call, *state, &r), 0);
    assert_string_equal(
        r.target.p, "/?PhoneNumbers=13800000000&SignName=%E6%B5%8B%E8%AF%95&TemplateCode=SMS_0001"
                    "&TemplateParam=%7B%22no%22%3A%22T-1%22%7D");
    assert_true(str_ends(
        last_line(&r),
        STR("Signature=922e8082ba06641ca4b85d248206834496d3b626f5802a092ed78c84488fcd18")));
}

static void a_temporary_key_of_aliyun_is_part_of_what_is_signed(void **state) {
    GatewayKey key = aliyun;
    key.token = STR("CAIS+token/==");
    AliyunCall call = {.host = STR("dysmsapi.aliyuncs.com"),
                       .action = STR("SendSms"),
                       .version = STR("2017-05-25"),
                       .nonce = ALIYUN_NONCE,
                       .now_ms = ALIYUN_WHEN};
    GatewayRequest r;
    assert_int_equal(aliyun_sign(&key, &call, *state, &r), 0);
    assert_int_equal(r.lines_n, 7);
    assert_string_equal(r.lines[3].p, "x-acs-security-token: CAIS+token/==");
    assert_non_null(
        strstr(last_line(&r).p, ";x-acs-date;x-acs-security-token;x-acs-signature-nonce;"));
    assert_true(str_ends(
        last_line(&r),
        STR("Signature=2194f0271659b61fc22110bfeddcfb7e3110957b9e302a5d69172a57c7cc777c")));
}

static void more_parameters_than_there_is_room_for_are_refused(void **state) {
    GatewayPair pairs[GATEWAY_PAIRS_MAX + 1];
    for (size_t i = 0; i <= GATEWAY_PAIRS_MAX; i++)
        pairs[i] = (GatewayPair){STR("a"), STR("b")};
    AliyunCall call = {.host = STR("h"), .pairs = pairs, .pairs_n = GATEWAY_PAIRS_MAX + 1};
    GatewayRequest r;
    assert_int_equal(aliyun_sign(&aliyun, &call, *state, &r), -EINVAL);
    call.pairs_n--;
    assert_int_equal(aliyun_sign(&aliyun, &call, *state, &r), 0);
}

/* From the vendor's page of its signature v3; the secret is 32 asterisks. */
static void tencents_own_example_is_reproduced(void **state) {
    GatewayKey key = {.id = STR("AKID********************************"),
                      .secret = STR("********************************")};
    TencentCall call = {.host = STR("cvm.tencentcloudapi.com"),
                        .service = STR("cvm"),
                        .action = STR("DescribeInstances"),
                        .version = STR("2017-03-12"),
                        .region = STR("ap-guangzhou"),
                        .body = STR("{\"Limit\": 1, \"Filters\": [{\"Values\": "
                                    "[\"\\u672a\\u547d\\u540d\"], \"Name\": \"instance-name\"}]}"),
                        .now_ms = 1551113065000};
    GatewayRequest r;
    tencent_sign(&key, &call, *state, &r);
    assert_string_equal(
        last_line(&r).p,
        "Authorization: TC3-HMAC-SHA256 "
        "Credential=AKID********************************/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f");
    assert_string_equal(r.lines[0].p, "Content-Type: application/json; charset=utf-8");
    assert_string_equal(r.lines[4].p, "X-TC-Timestamp: 1551113065");
}

static void an_sms_of_tencent_is_signed_as_its_bytes_are(void **state) {
    GatewayKey key = {.id = STR("AKID"),
                      .secret = STR("********************************"),
                      .token = STR("temporary")};
    TencentCall call = {
        .host = STR("sms.tencentcloudapi.com"),
        .service = STR("sms"),
        .action = STR("SendSms"),
        .version = STR("2021-01-11"),
        .region = STR("ap-guangzhou"),
        .body =
            STR("{\"PhoneNumberSet\":[\"+8613800000000\"],\"SmsSdkAppId\":\"1400000000\","
                "\"TemplateId\":\"1110\",\"SignName\":\"测试\",\"TemplateParamSet\":[\"T-1\"]}"),
        .now_ms = 1551113065000};
    GatewayRequest r;
    tencent_sign(&key, &call, *state, &r);
    assert_true(str_ends(
        last_line(&r),
        STR("Signature=669188a42e7686c3112df633cae2effeb4ea7c4215aed1550f21b352f7fbe533")));
    assert_string_equal(r.lines[5].p, "X-TC-Token: temporary");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(aliyuns_own_example_is_reproduced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_sms_of_aliyun_is_signed_with_its_chinese_encoded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_temporary_key_of_aliyun_is_part_of_what_is_signed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(more_parameters_than_there_is_room_for_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tencents_own_example_is_reproduced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_sms_of_tencent_is_signed_as_its_bytes_are, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
