#include "secrets/account.h"

#include <errno.h>

#include "json/json.h"

enum { VALUE_BYTES_MAX = 256 };

static const char *const gateways[] = {[SMS_ALIYUN] = "aliyun", [SMS_TENCENT] = "tencent"};

const char *sms_gateway_name(SmsGateway g) {
    return gateways[g];
}

static int complain(Buf *problem, const char *name, const char *what) {
    buf_printf(problem, "`%s` %s", name, what);
    return -EINVAL;
}

static bool is_token(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~') return false;
    return true;
}

/* A member that is a text of at most 256 bytes; `may_be_absent`, then *ret stays as it is. */
static int read_text(const cJSON *object, const char *name, bool may_be_absent, Arena *arena,
                     Str *ret, Buf *problem) {
    Str s;
    int r = json_get_string(object, name, &s);
    if (r == 0 && may_be_absent) return 0;
    if (r == 0) return complain(problem, name, "is missing");
    if (r < 0 || s.n == 0 || s.n > VALUE_BYTES_MAX)
        return complain(problem, name, "must be a text of 1 to 256 bytes");
    *ret = arena_str(arena, s);
    return 0;
}

static int read_tokens(const cJSON *object, Arena *arena, SmsAccount *a, Buf *problem) {
    const struct {
        const char *name;
        bool may_be_absent;
        Str *to;
    } parts[] = {{"key_id", false, &a->key_id},
                 {"key_secret", false, &a->key_secret},
                 {"endpoint", true, &a->endpoint},
                 {"app_id", a->gateway != SMS_TENCENT, &a->app_id},
                 {"region", true, &a->region}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (read_text(object, parts[i].name, parts[i].may_be_absent, arena, parts[i].to, problem) <
            0)
            return -EINVAL;
        if (!is_token(*parts[i].to))
            return complain(problem, parts[i].name, "holds a blank or is not of ASCII");
    }
    return 0;
}

static int read_host(SmsAccount *a, Buf *problem) {
    bool secure = str_starts(a->endpoint, STR("https://"));
    size_t from = secure ? 8 : 7;
    if (!secure && !str_starts(a->endpoint, STR("http://")))
        return complain(problem, "endpoint", "must begin with https://");
    a->host = (Str){a->endpoint.p + from, a->endpoint.n - from};
    for (size_t i = 0; i < a->host.n; i++)
        if (strchr("/?#@", a->host.p[i])) a->host.n = 0;
    return a->host.n ? 0 : complain(problem, "endpoint", "is a scheme and a host, nothing behind");
}

static bool is_known(const char *name) {
    static const char *const names[] = {"gateway", "key_id", "key_secret", "sign_name",
                                        "app_id",  "region", "endpoint"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

static int read_account(const cJSON *object, Arena *arena, SmsAccount *a, Buf *problem) {
    Str gateway = {NULL, 0};
    if (!cJSON_IsObject(object)) {
        buf_adds(problem, "an SMS account is a JSON object");
        return -EINVAL;
    }
    for (const cJSON *m = object->child; m; m = m->next)
        if (!is_known(m->string)) return complain(problem, m->string, "is not known here");
    if (read_text(object, "gateway", false, arena, &gateway, problem) < 0) return -EINVAL;
    if (str_is(gateway, gateways[SMS_TENCENT]))
        a->gateway = SMS_TENCENT;
    else if (!str_is(gateway, gateways[SMS_ALIYUN]))
        return complain(problem, "gateway", "must be aliyun or tencent");
    a->endpoint = a->gateway == SMS_ALIYUN ? STR("https://dysmsapi.aliyuncs.com")
                                           : STR("https://sms.tencentcloudapi.com");
    if (a->gateway == SMS_TENCENT) a->region = STR("ap-guangzhou");
    if (read_tokens(object, arena, a, problem) < 0 || read_host(a, problem) < 0) return -EINVAL;
    return read_text(object, "sign_name", false, arena, &a->sign_name, problem);
}

int sms_account_parse(Str json, Arena *arena, SmsAccount *ret, Buf *problem) {
    cJSON *tree = NULL;
    SmsAccount account = {.gateway = SMS_ALIYUN};
    if (json_parse(json, NULL, &tree, problem) < 0) return -EINVAL;
    int r = read_account(tree, arena, &account, problem);
    cJSON_Delete(tree);
    if (r == 0) *ret = account;
    return r;
}
