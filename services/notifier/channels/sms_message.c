#include "notifier/channels/sms_message.h"

#include <errno.h>

#include "vault/personal.h"
#include "json/json.h"

enum { CHINESE_BYTES = 14 /* +8613800138000 */, RATE_WAIT_MS = 60000, CODE_SHOWN = 80 };

/* ---- Requests ---- */

/* "138 0013 8000" as "+8613800138000"; -EINVAL: no mobile number that we know the country of. */
static int read_number(Str written, Arena *arena, Str *ret) {
    CLEANUP(buf_done) Buf normal = {0};
    if (personal_normal_phone(written, &normal) < 0 || normal.p[0] != '+') return -EINVAL;
    Str n = arena_str(arena, buf_str(&normal));
    bool chinese = str_starts(n, STR("+86"));
    if (chinese && (n.n != CHINESE_BYTES || n.p[3] != '1' || n.p[4] < '3')) return -EINVAL;
    *ret = n;
    return 0;
}

static Str params_object(const SmsMessage *m, Arena *arena) {
    CLEANUP(buf_done) Buf b = {0};
    buf_addc(&b, '{');
    for (size_t i = 0; i < m->params_n; i++) {
        if (i) buf_addc(&b, ',');
        buf_add_json(&b, m->params[i].name);
        buf_addc(&b, ':');
        buf_add_json(&b, m->params[i].value);
    }
    buf_addc(&b, '}');
    return arena_str(arena, buf_str(&b));
}

static void take(const GatewayRequest *signed_one, const SmsAccount *a, Arena *arena,
                 SmsRequest *ret) {
    *ret = (SmsRequest){.lines_n = signed_one->lines_n};
    for (size_t i = 0; i < signed_one->lines_n; i++)
        ret->lines[i] = signed_one->lines[i];
    ret->url =
        str(arena_printf(arena, "%.*s%.*s", STR_ARG(a->endpoint), STR_ARG(signed_one->target)));
}

/* Aliyun writes Chinese numbers without a country code, others with one but without its "+". */
static Str aliyun_number(Str number) {
    if (str_starts(number, STR("+86")) && number.n == CHINESE_BYTES)
        return (Str){number.p + 3, number.n - 3};
    return (Str){number.p + 1, number.n - 1};
}

static int aliyun_request(const SmsAccount *a, const SmsMessage *m, const uint8_t *nonce,
                          int64_t now_ms, Arena *arena, SmsRequest *ret) {
    GatewayPair pairs[5] = {{STR("PhoneNumbers"), aliyun_number(m->number)},
                            {STR("SignName"), a->sign_name},
                            {STR("TemplateCode"), m->code},
                            {STR("OutId"), m->key}};
    AliyunCall call = {.host = a->host,
                       .action = STR("SendSms"),
                       .version = STR("2017-05-25"),
                       .pairs = pairs,
                       .pairs_n = 4,
                       .now_ms = now_ms};
    if (m->params_n)
        pairs[call.pairs_n++] = (GatewayPair){STR("TemplateParam"), params_object(m, arena)};
    memcpy(call.nonce, nonce, sizeof(call.nonce));
    GatewayKey key = {.id = a->key_id, .secret = a->key_secret};
    GatewayRequest r;
    if (aliyun_sign(&key, &call, arena, &r) < 0) return -EINVAL;
    take(&r, a, arena, ret);
    return 0;
}

static void add_member(Buf *b, const char *name, Str value) {
    buf_printf(b, ",\"%s\":", name);
    buf_add_json(b, value);
}

static void tencent_request(const SmsAccount *a, const SmsMessage *m, int64_t now_ms, Arena *arena,
                            SmsRequest *ret) {
    CLEANUP(buf_done) Buf b = {0};
    buf_adds(&b, "{\"PhoneNumberSet\":[");
    buf_add_json(&b, m->number);
    buf_addc(&b, ']');
    add_member(&b, "SmsSdkAppId", a->app_id);
    add_member(&b, "TemplateId", m->code);
    add_member(&b, "SignName", a->sign_name);
    buf_adds(&b, ",\"TemplateParamSet\":[");
    for (size_t i = 0; i < m->params_n; i++) {
        if (i) buf_addc(&b, ',');
        buf_add_json(&b, m->params[i].value);
    }
    buf_addc(&b, ']');
    add_member(&b, "SessionContext", m->key);
    buf_addc(&b, '}');
    TencentCall call = {.host = a->host,
                        .service = STR("sms"),
                        .action = STR("SendSms"),
                        .version = STR("2021-01-11"),
                        .region = a->region,
                        .body = arena_str(arena, buf_str(&b)),
                        .now_ms = now_ms};
    GatewayKey key = {.id = a->key_id, .secret = a->key_secret};
    GatewayRequest r;
    tencent_sign(&key, &call, arena, &r);
    take(&r, a, arena, ret);
    ret->body = call.body;
}

int sms_request(const SmsAccount *account, const SmsMessage *m,
                const uint8_t nonce[GATEWAY_NONCE_BYTES], int64_t now_ms, Arena *arena,
                SmsRequest *ret, Buf *ret_problem) {
    const char *problem = NULL;
    SmsMessage normal = *m;
    m = &normal;
    if (read_number(m->number, arena, &normal.number) < 0)
        problem = "the number is none that an SMS can go to";
    else if (!m->code.n)
        problem = "the template has no `sms`: its code at the gateway is missing";
    else if (m->key.n > SMS_KEY_BYTES)
        problem = "the key is too long for the gateway";
    else if (account->gateway == SMS_TENCENT)
        tencent_request(account, m, now_ms, arena, ret);
    else if (aliyun_request(account, m, nonce, now_ms, arena, ret) < 0)
        problem = "it has more parameters than the gateway takes";
    if (!problem) return 0;
    buf_adds(ret_problem, problem);
    return -EINVAL;
}

/* ---- Answers ---- */

typedef enum Meaning {
    MEANS_RATE,    /* this number, or the account, has had its share: later */
    MEANS_ACCOUNT, /* key, clock, balance or permission: an operator may mend it meanwhile */
    MEANS_BUSY,    /* the gateway's own trouble */
    MEANS_DOUBT,   /* it may have been sent */
    MEANS_MESSAGE  /* this one will never be sent */
} Meaning;

typedef struct Code {
    const char *prefix; /* the first that fits; ends in '.': of a family */
    SmsGateway gateway;
    Meaning means;
} Code;

static const Code codes[] = {
    {"isv.BUSINESS_LIMIT_CONTROL", SMS_ALIYUN, MEANS_RATE},
    {"isv.DAY_LIMIT_CONTROL", SMS_ALIYUN, MEANS_ACCOUNT},
    {"isv.MONTH_LIMIT_CONTROL", SMS_ALIYUN, MEANS_ACCOUNT},
    {"isv.OUT_OF_SERVICE", SMS_ALIYUN, MEANS_ACCOUNT},
    {"isv.AMOUNT_NOT_ENOUGH", SMS_ALIYUN, MEANS_ACCOUNT},
    {"isv.ACCOUNT_", SMS_ALIYUN, MEANS_ACCOUNT},
    {"isv.PRODUCT_UN", SMS_ALIYUN, MEANS_ACCOUNT},
    {"isv.", SMS_ALIYUN, MEANS_MESSAGE},
    {"isp.RAM_PERMISSION_DENY", SMS_ALIYUN, MEANS_ACCOUNT},
    {"InvalidAccessKeyId", SMS_ALIYUN, MEANS_ACCOUNT},
    {"SignatureDoesNotMatch", SMS_ALIYUN, MEANS_ACCOUNT},
    {"IncompleteSignature", SMS_ALIYUN, MEANS_ACCOUNT},
    {"InvalidTimeStamp", SMS_ALIYUN, MEANS_ACCOUNT},
    {"Forbidden", SMS_ALIYUN, MEANS_ACCOUNT},
    {"SignatureNonceUsed", SMS_ALIYUN, MEANS_DOUBT}, /* so it has been there before */
    {"Missing", SMS_ALIYUN, MEANS_MESSAGE},
    {"LimitExceeded.", SMS_TENCENT, MEANS_RATE},
    {"RequestLimitExceeded", SMS_TENCENT, MEANS_BUSY},
    {"FailedOperation.InsufficientBalance", SMS_TENCENT, MEANS_ACCOUNT},
    {"FailedOperation", SMS_TENCENT, MEANS_MESSAGE},
    {"AuthFailure", SMS_TENCENT, MEANS_ACCOUNT},
    {"UnauthorizedOperation", SMS_TENCENT, MEANS_ACCOUNT},
    {"Ip", SMS_TENCENT, MEANS_ACCOUNT}, /* IpInBlacklist, IpNotInWhitelist */
    {"InternalError.Timeout", SMS_TENCENT, MEANS_DOUBT},
    {"InvalidParameter", SMS_TENCENT, MEANS_MESSAGE},
    {"MissingParameter", SMS_TENCENT, MEANS_MESSAGE},
    {"UnknownParameter", SMS_TENCENT, MEANS_MESSAGE},
    {"UnsupportedOperation", SMS_TENCENT, MEANS_MESSAGE},
};

static Meaning meaning_of(SmsGateway gateway, Str code) {
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (codes[i].gateway == gateway && str_starts(code, str(codes[i].prefix)))
            return codes[i].means;
    return MEANS_BUSY;
}

/* The gateway's own word, in the arena; absent: the body is none of its answers. */
static Str read_code(SmsGateway gateway, Str body, Arena *arena) {
    cJSON *tree = NULL;
    const cJSON *response = NULL, *error = NULL, *set = NULL;
    Str code = {NULL, 0};
    if (json_parse(body, NULL, &tree, NULL) < 0) return code;
    if (gateway == SMS_ALIYUN)
        (void)json_get_string(tree, "Code", &code);
    else if (json_get_object(tree, "Response", &response) > 0) {
        if (json_get_object(response, "Error", &error) > 0)
            (void)json_get_string(error, "Code", &code);
        else if (json_get_array(response, "SendStatusSet", &set) > 0 && set->child)
            (void)json_get_string(set->child, "Code", &code);
    }
    if (code.p) code = arena_str(arena, code);
    cJSON_Delete(tree);
    return code;
}

/* Names of codes are letters, digits, dots and the like; whatever else comes is not repeated. */
static void add_code(Str code, Buf *ret) {
    for (size_t i = 0; i < code.n && i < CODE_SHOWN; i++)
        buf_addc(ret, code.p[i] > ' ' && code.p[i] <= '~' ? code.p[i] : '?');
}

static void judge_code(SmsGateway gateway, Str code, Buf *reason, Delivered *ret) {
    static const char *const words[] = {
        [MEANS_RATE] = "this number, or all of them, got enough just now",
        [MEANS_ACCOUNT] = "the account at the gateway needs somebody to look at it",
        [MEANS_BUSY] = "the gateway is in trouble",
        [MEANS_DOUBT] = "nobody knows whether it was sent",
        [MEANS_MESSAGE] = "it will not send this one",
    };
    ret->doubtful = false;
    ret->destination_fine = false;
    if (str_is(code, gateway == SMS_ALIYUN ? "OK" : "Ok")) {
        ret->outcome = OUTGOING_DELIVERED;
        return;
    }
    Meaning means = meaning_of(gateway, code);
    buf_printf(reason, "%s answered ", gateway == SMS_ALIYUN ? "Aliyun" : "Tencent");
    add_code(code, reason);
    buf_printf(reason, ": %s", words[means]);
    ret->outcome = means == MEANS_MESSAGE ? OUTGOING_REFUSED : OUTGOING_LATER;
    ret->doubtful = means == MEANS_DOUBT;
    ret->destination_fine = means == MEANS_RATE;
    if (means == MEANS_RATE && ret->retry_after_ms < RATE_WAIT_MS)
        ret->retry_after_ms = RATE_WAIT_MS;
}

void sms_judge(SmsGateway gateway, const OutgoingResult *answer, Buf *reason, Delivered *ret) {
    CLEANUP(arena_freep) Arena *arena = arena_new(1024);
    buf_clear(reason);
    *ret = channel_delivered(answer);
    Str code = answer->status ? read_code(gateway, answer->response, arena) : (Str){NULL, 0};
    if (code.n) {
        judge_code(gateway, code, reason, ret);
    } else if (answer->outcome == OUTGOING_DELIVERED) {
        ret->outcome = OUTGOING_LATER;
        ret->doubtful = true;
        buf_printf(reason, "%s answered without a code: nobody knows whether it was sent",
                   gateway == SMS_ALIYUN ? "Aliyun" : "Tencent");
    } else {
        buf_add_str(reason, answer->reason);
    }
    ret->reason = buf_str(reason);
}
