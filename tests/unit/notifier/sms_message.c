/* What SMS gateways are asked, and what their answers mean. */
#include "notifier/channels/sms_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NONCE                                                                                      \
    {                                                                                              \
        0x31, 0x56, 0x85, 0x32, 0x99, 0xf3, 0x13, 0xe2, 0x3d, 0x16, 0x73, 0xdc, 0x12, 0xe1, 0x70,  \
            0x3d                                                                                   \
    }

static const SmsAccount aliyun = {.gateway = SMS_ALIYUN,
                                  .endpoint = STR("https://dysmsapi.aliyuncs.com"),
                                  .host = STR("dysmsapi.aliyuncs.com"),
                                  .key_id = STR("YourAccessKeyId"),
                                  .key_secret = STR("YourAccessKeySecret"),
                                  .sign_name = STR("测试")};
static const SmsAccount tencent = {.gateway = SMS_TENCENT,
                                   .endpoint = STR("https://sms.tencentcloudapi.com"),
                                   .host = STR("sms.tencentcloudapi.com"),
                                   .key_id = STR("AKID"),
                                   .key_secret = STR("********************************"),
                                   .sign_name = STR("测试"),
                                   .app_id = STR("1400000000"),
                                   .region = STR("ap-guangzhou")};
static const GatewayPair params[] = {{STR("no"), STR("T-1")}, {STR("name"), STR("\"张\"")}};

static SmsMessage message(const char *number, size_t n) {
    return (SmsMessage){.number = str(number),
                        .code = STR("1110"),
                        .key = STR("d_7_1024"),
                        .params = params,
                        .params_n = n};
}

static int asked(const SmsAccount *a, SmsMessage m, Arena *arena, SmsRequest *ret, Buf *problem) {
    const uint8_t nonce[GATEWAY_NONCE_BYTES] = NONCE;
    return sms_request(a, &m, nonce, 1551113065000, arena, ret, problem);
}

static void aliyun_gets_a_local_number_our_key_and_the_parameters_by_name(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    SmsRequest r;
    (void)state;
    assert_int_equal(asked(&aliyun, message("+8613800138000", 2), arena, &r, &problem), 0);
    assert_string_equal(
        r.url.p,
        "https://dysmsapi.aliyuncs.com/?OutId=d_7_1024&PhoneNumbers=13800138000&SignName="
        "%E6%B5%8B%E8%AF%95&TemplateCode=1110&TemplateParam=%7B%22no%22%3A%22T-1%22%2C%22name%22%3A"
        "%22%5C%22%E5%BC%A0%5C%22%22%7D");
    assert_int_equal(r.body.n, 0);
    assert_int_equal(asked(&aliyun, message("+85261234567", 0), arena, &r, &problem), 0);
    assert_non_null(strstr(r.url.p, "PhoneNumbers=85261234567&"));
    assert_null(strstr(r.url.p, "TemplateParam"));
}

static void tencent_gets_the_parameters_in_their_order_and_our_key(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    SmsRequest r;
    (void)state;
    assert_int_equal(asked(&tencent, message("+8613800138000", 2), arena, &r, &problem), 0);
    assert_string_equal(r.url.p, "https://sms.tencentcloudapi.com/");
    assert_string_equal(
        r.body.p,
        "{\"PhoneNumberSet\":[\"+8613800138000\"],\"SmsSdkAppId\":\"1400000000\",\"TemplateId\":"
        "\"1110\",\"SignName\":\"测试\",\"TemplateParamSet\":[\"T-1\",\"\\\"张\\\"\"],"
        "\"SessionContext\":\"d_7_1024\"}");
    bool signs = false;
    for (size_t i = 0; i < r.lines_n; i++)
        signs |= str_starts(r.lines[i], STR("Authorization: TC3-HMAC-SHA256 Credential=AKID/"));
    assert_true(signs);
}

static void a_number_is_read_as_people_write_it(void **state) {
    static const char *const numbers[] = {"13800138000", "138 0013 8000", "+86 138-0013-8000",
                                          "008613800138000", "１３８００１３８０００"};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    SmsRequest r;
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        assert_int_equal(asked(&tencent, message(numbers[i], 1), arena, &r, &problem), 0);
        assert_non_null(strstr(r.body.p, "[\"+8613800138000\"]"));
    }
}

static void what_cannot_be_sent_is_said_without_the_number(void **state) {
    static const char *const numbers[] = {"010-12380013",   "+86", "+86138001380001234",
                                          "+86138a0138000", "",    "61380138000"};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    SmsRequest r;
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        assert_int_equal(asked(&aliyun, message(numbers[i], 1), arena, &r, &problem), -EINVAL);
        assert_null(strstr(problem.p, "138"));
    }
    CLEANUP(buf_done) Buf problem = {0};
    SmsMessage m = message("+8613800138000", 1);
    m.code = (Str){NULL, 0};
    assert_int_equal(asked(&tencent, m, arena, &r, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "code"));
}

/* ---- Answers ---- */

typedef struct Case {
    SmsGateway gateway;
    int status;
    const char *body;
    OutgoingOutcome outcome;
    bool doubtful, fine;
} Case;

#define SET(code)                                                                                  \
    "{\"Response\":{\"SendStatusSet\":[{\"SerialNo\":\"1\",\"PhoneNumber\":\"+86138\",\"Fee\":1,"  \
    "\"SessionContext\":\"d\",\"Code\":\"" code "\",\"Message\":\"m\"}],\"RequestId\":\"r\"}}"
#define ERROR(code)                                                                                \
    "{\"Response\":{\"Error\":{\"Code\":\"" code "\",\"Message\":\"m\"},\"RequestId\":\"r\"}}"

static void a_gateway_is_judged_by_its_code(void **state) {
    static const Case cases[] = {
        {SMS_ALIYUN, 200,
         "{\"Code\":\"OK\",\"Message\":\"OK\",\"BizId\":\"1^0\",\"RequestId\":\"r\"}",
         OUTGOING_DELIVERED, 0, 0},
        {SMS_ALIYUN, 200, "{\"Code\":\"isv.BUSINESS_LIMIT_CONTROL\"}", OUTGOING_LATER, 0, 1},
        {SMS_ALIYUN, 200, "{\"Code\":\"isv.MOBILE_NUMBER_ILLEGAL\"}", OUTGOING_REFUSED, 0, 0},
        {SMS_ALIYUN, 200, "{\"Code\":\"isv.OUT_OF_SERVICE\"}", OUTGOING_LATER, 0, 0},
        {SMS_ALIYUN, 200, "{\"Code\":\"isp.SYSTEM_ERROR\"}", OUTGOING_LATER, 0, 0},
        {SMS_ALIYUN, 400, "{\"Code\":\"SignatureDoesNotMatch\"}", OUTGOING_LATER, 0, 0},
        {SMS_ALIYUN, 404, "{\"Code\":\"InvalidAccessKeyId.NotFound\"}", OUTGOING_LATER, 0, 0},
        {SMS_ALIYUN, 400, "{\"Code\":\"SignatureNonceUsed\"}", OUTGOING_LATER, 1, 0},
        {SMS_ALIYUN, 200, "<html>", OUTGOING_LATER, 1, 0},
        {SMS_ALIYUN, 503, "<html>", OUTGOING_LATER, 0, 0},
        {SMS_TENCENT, 200, SET("Ok"), OUTGOING_DELIVERED, 0, 0},
        {SMS_TENCENT, 200, SET("OK"), OUTGOING_LATER, 0, 0},
        {SMS_TENCENT, 200, SET("LimitExceeded.PhoneNumberDailyLimit"), OUTGOING_LATER, 0, 1},
        {SMS_TENCENT, 200, SET("FailedOperation.PhoneNumberInBlacklist"), OUTGOING_REFUSED, 0, 0},
        {SMS_TENCENT, 200, SET("FailedOperation.InsufficientBalanceInSmsPackage"), OUTGOING_LATER,
         0, 0},
        {SMS_TENCENT, 200, SET("InvalidParameterValue.IncorrectPhoneNumber"), OUTGOING_REFUSED, 0,
         0},
        {SMS_TENCENT, 200, ERROR("AuthFailure.SignatureFailure"), OUTGOING_LATER, 0, 0},
        {SMS_TENCENT, 200, ERROR("InternalError.Timeout"), OUTGOING_LATER, 1, 0},
        {SMS_TENCENT, 200, ERROR("RequestLimitExceeded"), OUTGOING_LATER, 0, 0},
        {SMS_TENCENT, 200, "{\"Response\":{}}", OUTGOING_LATER, 1, 0},
        {SMS_TENCENT, 200, "{\"Response\":{\"SendStatusSet\":[]}}", OUTGOING_LATER, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const Case *c = &cases[i];
        CLEANUP(buf_done) Buf reason = {0};
        Delivered d;
        OutgoingResult r = {.outcome = c->status < 300   ? OUTGOING_DELIVERED
                                       : c->status < 500 ? OUTGOING_REFUSED
                                                         : OUTGOING_LATER,
                            .status = c->status,
                            .retry_after_ms = -1,
                            .reason = c->status < 300 ? STR("") : STR("it said no"),
                            .response = str(c->body)};
        sms_judge(c->gateway, &r, &reason, &d);
        if (d.outcome != c->outcome || d.doubtful != c->doubtful || d.destination_fine != c->fine)
            fail_msg("%s: %d doubtful %d fine %d", c->body, (int)d.outcome, d.doubtful,
                     d.destination_fine);
        assert_true((d.outcome == OUTGOING_DELIVERED) == (d.reason.n == 0));
    }
}

static void a_code_that_is_no_word_is_not_repeated(void **state) {
    CLEANUP(buf_done) Buf reason = {0};
    Delivered d;
    OutgoingResult r = {.outcome = OUTGOING_DELIVERED,
                        .status = 200,
                        .retry_after_ms = -1,
                        .response = STR("{\"Code\":\"a\\u001b[31m b\"}")};
    (void)state;
    sms_judge(SMS_ALIYUN, &r, &reason, &d);
    assert_string_equal(reason.p, "Aliyun answered a?[31m?b: the gateway is in trouble");
}

static void no_answer_is_a_doubt(void **state) {
    CLEANUP(buf_done) Buf reason = {0};
    Delivered d;
    OutgoingResult r = {.outcome = OUTGOING_LATER,
                        .retry_after_ms = -1,
                        .doubtful = true,
                        .reason = STR("no answer within 10 s")};
    (void)state;
    sms_judge(SMS_TENCENT, &r, &reason, &d);
    assert_true(d.outcome == OUTGOING_LATER && d.doubtful && str_eq(d.reason, r.reason));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliyun_gets_a_local_number_our_key_and_the_parameters_by_name),
        cmocka_unit_test(tencent_gets_the_parameters_in_their_order_and_our_key),
        cmocka_unit_test(a_number_is_read_as_people_write_it),
        cmocka_unit_test(what_cannot_be_sent_is_said_without_the_number),
        cmocka_unit_test(a_gateway_is_judged_by_its_code),
        cmocka_unit_test(a_code_that_is_no_word_is_not_repeated),
        cmocka_unit_test(no_answer_is_a_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
