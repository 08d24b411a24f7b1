/* DingTalk signs "time, newline, secret" with the secret; Feishu signs nothing with "time, newline,
 * secret" as the key. */
#include "signing/robots.h"

#include <inttypes.h>
#include <stdio.h>

void dingtalk_sign(Str secret, int64_t now_ms, Buf *ret_query) {
    uint8_t mac[HMAC_BYTES];
    char when[24], text[HMAC_BASE64];
    (void)snprintf(when, sizeof(when), "%" PRId64, now_ms);
    const Str parts[] = {str(when), STR("\n"), secret};
    hmac_sha256(secret, parts, 3, mac);
    hmac_base64(mac, text);
    buf_printf(ret_query, "timestamp=%s&sign=", when);
    for (const char *c = text; *c; c++) {
        if (*c == '+' || *c == '/' || *c == '=')
            buf_printf(ret_query, "%%%02X", (unsigned)*c);
        else
            buf_addc(ret_query, *c);
    }
}

void feishu_sign(Str secret, int64_t now_ms, char ret_timestamp[FEISHU_SECONDS],
                 char ret_sign[HMAC_BASE64]) {
    CLEANUP(buf_done) Buf key = {0};
    uint8_t mac[HMAC_BYTES];
    (void)snprintf(ret_timestamp, FEISHU_SECONDS, "%" PRId64, now_ms / 1000);
    buf_printf(&key, "%s\n%.*s", ret_timestamp, STR_ARG(secret));
    hmac_sha256(buf_str(&key), NULL, 0, mac);
    hmac_base64(mac, ret_sign);
}
