/* Which bytes are signed with what, manner by manner. */
#include "signing/webhook.h"

#include <errno.h>
#include <inttypes.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "signing/hmac.h"

#define PREFIX "whsec_"

enum { KEY_MIN = 24, KEY_MAX = 64, KEY_TEXT_MAX = (KEY_MAX + 2) / 3 * 4 };

/* The key's bytes, or -EINVAL. Strict: what decodes must encode to the same text again, and only
 * then do all libraries of receivers agree on it. */
static int standard_key(Str secret, uint8_t ret[KEY_TEXT_MAX]) {
    unsigned char again[KEY_TEXT_MAX + 1];
    if (str_starts(secret, STR(PREFIX)))
        secret = (Str){secret.p + strlen(PREFIX), secret.n - strlen(PREFIX)};
    if (secret.n == 0 || secret.n > KEY_TEXT_MAX || secret.n % 4) return -EINVAL;
    int n = EVP_DecodeBlock(ret, (const unsigned char *)secret.p, (int)secret.n);
    if (n < 0) return -EINVAL;
    n -= (secret.p[secret.n - 1] == '=') + (secret.p[secret.n - 2] == '=');
    if (n < KEY_MIN || n > KEY_MAX) return -EINVAL;
    int same = EVP_EncodeBlock(again, ret, n);
    return same == (int)secret.n && hmac_equal((Str){(char *)again, secret.n}, secret) ? n
                                                                                       : -EINVAL;
}

int webhook_secret_check(WebhookManner manner, Str secret, Buf *problem) {
    uint8_t key[KEY_TEXT_MAX];
    if (manner == WEBHOOK_STANDARD) {
        int n = secret.n <= WEBHOOK_SECRET_MAX ? standard_key(secret, key) : -EINVAL;
        OPENSSL_cleanse(key, sizeof(key));
        if (n >= 0) return 0;
        if (problem)
            buf_adds(problem, "a secret is \"" PREFIX "\" and the base64 of 24 to 64 random bytes");
        return -EINVAL;
    }
    bool good = secret.n >= WEBHOOK_SECRET_MIN && secret.n <= WEBHOOK_SECRET_MAX;
    for (size_t i = 0; i < secret.n && good; i++)
        good = secret.p[i] > ' ' && secret.p[i] <= '~';
    if (good) return 0;
    if (problem)
        buf_printf(problem, "a secret is %d to %d printable ASCII characters", WEBHOOK_SECRET_MIN,
                   WEBHOOK_SECRET_MAX);
    return -EINVAL;
}

void webhook_secret_text(const uint8_t key[WEBHOOK_KEY_BYTES], char ret[WEBHOOK_SECRET_TEXT]) {
    memcpy(ret, PREFIX, sizeof(PREFIX)); /* its NUL is written over */
    (void)EVP_EncodeBlock((unsigned char *)ret + strlen(PREFIX), key, WEBHOOK_KEY_BYTES);
}

static int id_check(Str id) {
    if (id.n == 0 || id.n > WEBHOOK_ID_BYTES) return -EINVAL;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '_' || c == '-'))
            return -EINVAL;
    }
    return 0;
}

static Str line(Arena *arena, const char *name, Str value) {
    return str(arena_printf(arena, "%s: %.*s", name, STR_ARG(value)));
}

static int sign_standard(const WebhookSecrets *secrets, Str id, int64_t now_ms, Str body,
                         Arena *arena, Str *ret) {
    const Str live[] = {secrets->current, secrets->previous};
    Str seconds = str(arena_printf(arena, "%" PRId64, now_ms / 1000));
    Str signatures = STR("");
    for (size_t i = 0; i < 2 && live[i].p; i++) {
        const Str parts[] = {id, STR("."), seconds, STR("."), body};
        uint8_t key[KEY_TEXT_MAX], mac[HMAC_BYTES];
        char text[HMAC_BASE64];
        int n = standard_key(live[i], key);
        if (n < 0) return n;
        hmac_sha256((Str){(char *)key, (size_t)n}, parts, 5, mac);
        OPENSSL_cleanse(key, sizeof(key));
        hmac_base64(mac, text);
        signatures =
            str(arena_printf(arena, "%.*s%sv1,%s", STR_ARG(signatures), i ? " " : "", text));
    }
    ret[0] = line(arena, "webhook-id", id);
    ret[1] = line(arena, "webhook-timestamp", seconds);
    ret[2] = line(arena, "webhook-signature", signatures);
    return 3;
}

static int sign_zendesk(const WebhookSecrets *secrets, Str id, int64_t now_ms, Str body,
                        Arena *arena, Str *ret) {
    uint8_t mac[HMAC_BYTES];
    char when[21], text[HMAC_BASE64];
    clock_format_s(now_ms, when);
    const Str parts[] = {str(when), body};
    hmac_sha256(secrets->current, parts, 2, mac);
    hmac_base64(mac, text);
    ret[0] = line(arena, "X-Zendesk-Webhook-Signature", str(text));
    ret[1] = line(arena, "X-Zendesk-Webhook-Signature-Timestamp", str(when));
    ret[2] = line(arena, "X-Zendesk-Webhook-Invocation-Id", id);
    return 3;
}

static int sign_pagerduty(const WebhookSecrets *secrets, Str id, Str body, Arena *arena, Str *ret) {
    const Str live[] = {secrets->current, secrets->previous};
    Str signatures = STR("");
    for (size_t i = 0; i < 2 && live[i].p; i++) {
        uint8_t mac[HMAC_BYTES];
        char text[HMAC_HEX];
        hmac_sha256(live[i], &body, 1, mac);
        hmac_hex(mac, text);
        signatures =
            str(arena_printf(arena, "%.*s%sv1=%s", STR_ARG(signatures), i ? "," : "", text));
    }
    ret[0] = line(arena, "X-PagerDuty-Signature", signatures);
    ret[1] = line(arena, "X-Webhook-Id", id);
    return 2;
}

int webhook_sign(WebhookManner manner, const WebhookSecrets *secrets, Str id, int64_t now_ms,
                 Str body, Arena *arena, Str ret_lines[WEBHOOK_LINES_MAX]) {
    if (id_check(id) < 0 || webhook_secret_check(manner, secrets->current, NULL) < 0)
        return -EINVAL;
    if (secrets->previous.p && webhook_secret_check(manner, secrets->previous, NULL) < 0)
        return -EINVAL;
    switch (manner) {
    case WEBHOOK_STANDARD:
        return sign_standard(secrets, id, now_ms, body, arena, ret_lines);
    case WEBHOOK_ZENDESK:
        return sign_zendesk(secrets, id, now_ms, body, arena, ret_lines);
    case WEBHOOK_PAGERDUTY:
        return sign_pagerduty(secrets, id, body, arena, ret_lines);
    }
    return -EINVAL;
}
