#include "secrets/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "secrets/account.h"

enum { ADDRESS_BYTES_MAX = 2000, SIGN_BYTES_MAX = 256, TAIL_BYTES = 4, TAIL_FROM_BYTES = 16 };

static const char *const kinds[SECRET_KINDS] = {"address", "sign", "webhook", "sms"};
static const char *const manners[] = {[WEBHOOK_STANDARD] = "standard",
                                      [WEBHOOK_ZENDESK] = "zendesk",
                                      [WEBHOOK_PAGERDUTY] = "pagerduty"};

const char *secret_kind_name(SecretKind k) {
    return kinds[k];
}

int secret_kind_parse(Str name, SecretKind *ret) {
    for (int k = 0; k < SECRET_KINDS; k++)
        if (str_is(name, kinds[k])) {
            *ret = (SecretKind)k;
            return 0;
        }
    return -EINVAL;
}

const char *webhook_manner_name(WebhookManner m) {
    return manners[m];
}

int webhook_manner_parse(Str name, WebhookManner *ret) {
    for (size_t m = 0; m < sizeof(manners) / sizeof(*manners); m++)
        if (str_is(name, manners[m])) {
            *ret = (WebhookManner)m;
            return 0;
        }
    return -EINVAL;
}

uint32_t secret_kinds_of(Str way) {
    if (str_is(way, "dingtalk") || str_is(way, "feishu"))
        return 1U << SECRET_ADDRESS | 1U << SECRET_SIGN;
    if (str_is(way, "wecom")) return 1U << SECRET_ADDRESS;
    if (str_is(way, "webhook")) return 1U << SECRET_WEBHOOK;
    return str_is(way, "sms") ? 1U << SECRET_SMS : 0;
}

/* ---- Checks ---- */

static int wrong(Buf *problem, const char *what) {
    buf_adds(problem, what);
    return -EINVAL;
}

static bool is_printable(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~') return false;
    return s.n > 0;
}

static bool holds(Str s, const char *part) {
    return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* Where it leads is looked at when it is connected to. */
static int check_address(const SecretUse *use, Str clear, Buf *problem) {
    static const struct {
        const char *way, *part, *example;
    } forms[] = {
        {"dingtalk", "access_token=", "https://oapi.dingtalk.com/robot/send?access_token=..."},
        {"wecom", "key=", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=..."},
        {"feishu", "/hook/", "https://open.feishu.cn/open-apis/bot/v2/hook/..."}};
    if (!is_printable(clear) || clear.n > ADDRESS_BYTES_MAX)
        return wrong(problem,
                     "it is no address: printable ASCII without blanks, at most 2,000 bytes");
    bool secure = str_starts(clear, STR("https://"));
    if (!secure && !(use->plain && str_starts(clear, STR("http://"))))
        return wrong(problem, "it must begin with https://");
    Str rest = {clear.p + (secure ? 8 : 7), clear.n - (secure ? 8 : 7)}, host = rest;
    for (host.n = 0; host.n < rest.n && !strchr("/?#", rest.p[host.n]); host.n++) {
    }
    if (host.n == 0 || memchr(host.p, '@', host.n) || memchr(clear.p, '#', clear.n))
        return wrong(problem, "it must name a host, without a password and without a fragment");
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (str_is(use->way, forms[i].way) && !holds(rest, forms[i].part)) {
            buf_printf(problem, "the address of a %s robot looks like %s", forms[i].way,
                       forms[i].example);
            return -EINVAL;
        }
    return 0;
}

int secret_check(const SecretUse *use, Str clear, Buf *problem) {
    if (clear.n > SECRET_BYTES_MAX) return wrong(problem, "it is longer than 4 KiB");
    switch (use->kind) {
    case SECRET_ADDRESS:
        return check_address(use, clear, problem);
    case SECRET_SIGN:
        if (!is_printable(clear) || clear.n > SIGN_BYTES_MAX)
            return wrong(problem, "it is no signing secret: printable ASCII without blanks");
        if (str_is(use->way, "dingtalk") && !str_starts(clear, STR("SEC")))
            return wrong(problem, "DingTalk's signing secrets begin with SEC");
        return 0;
    case SECRET_WEBHOOK:
        return webhook_secret_check(use->manner, clear, problem);
    case SECRET_SMS: {
        CLEANUP(arena_freep) Arena *arena = arena_new(0);
        SmsAccount account;
        return sms_account_parse(clear, arena, &account, problem);
    }
    case SECRET_KINDS:
        break;
    }
    return wrong(problem, "there is no such kind");
}

/* ---- Hints ---- */

/* Of a short one nothing: a few of few characters would be too much of it. */
static void add_tail(Str clear, Buf *ret) {
    buf_adds(ret, "…");
    if (clear.n >= TAIL_FROM_BYTES) buf_add(ret, clear.p + clear.n - TAIL_BYTES, TAIL_BYTES);
}

void secret_hint(SecretKind kind, Str clear, Buf *ret) {
    if (kind == SECRET_ADDRESS) {
        const char *slashes = memmem(clear.p, clear.n, "//", 2);
        size_t from = slashes ? (size_t)(slashes - clear.p) + 2 : 0, n = from;
        while (n < clear.n && !strchr("/?", clear.p[n]))
            n++;
        buf_add(ret, clear.p + from, n - from);
        buf_addc(ret, ' ');
    }
    if (kind == SECRET_SMS) {
        CLEANUP(arena_freep) Arena *arena = arena_new(0);
        CLEANUP(buf_done) Buf problem = {0};
        SmsAccount account;
        if (sms_account_parse(clear, arena, &account, &problem) < 0) return;
        buf_printf(ret, "%s %.*s ", sms_gateway_name(account.gateway), STR_ARG(account.sign_name));
        add_tail(account.key_id, ret);
        return;
    }
    add_tail(clear, ret);
}

/* ---- Sealing ---- */

/* What is sealed begins with the system's name: the vault's own label is too short for it. */
static Str label(SecretKind kind, char ret[64]) {
    (void)snprintf(ret, 64, "notify.%s", kinds[kind]);
    return str(ret);
}

int secret_seal(Vault *v, int64_t tenant_id, Str system, SecretKind kind, Str clear, Buf *ret) {
    char field[64];
    CLEANUP(buf_done) Buf whole = {0};
    buf_add_str(&whole, system);
    buf_addc(&whole, '\n');
    buf_add_str(&whole, clear);
    int r = vault_seal(v, tenant_id, label(kind, field), buf_str(&whole), ret);
    explicit_bzero(whole.p, whole.n);
    return r;
}

int secret_unseal(Vault *v, int64_t tenant_id, Str system, SecretKind kind, Str sealed, Buf *ret) {
    char field[64];
    CLEANUP(buf_done) Buf whole = {0};
    int r = vault_unseal(v, tenant_id, label(kind, field), sealed, &whole);
    if (r < 0) return r;
    if (whole.n <= system.n || whole.p[system.n] != '\n' ||
        memcmp(whole.p, system.p ? system.p : "", system.n) != 0)
        r = -EBADMSG;
    else
        buf_add(ret, whole.p + system.n + 1, whole.n - system.n - 1);
    if (whole.p) explicit_bzero(whole.p, whole.n);
    return r;
}
