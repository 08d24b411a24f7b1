#include "analytics/export/sign.h"

#include <stdio.h>

#include "base/clock.h"
#include "signing/hmac.h"

void sign_encode_path(Str text, Buf *ret) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    for (size_t i = 0; i < text.n; i++)
        if (memchr(plain, text.p[i], sizeof(plain) - 1))
            buf_addc(ret, text.p[i]);
        else
            buf_printf(ret, "%%%02X", (unsigned)(unsigned char)text.p[i]);
}

/* "20261122T205500Z" */
static void write_instant(int64_t now_ms, char ret[17]) {
    char iso[25];
    clock_format_ms(now_ms, iso);
    (void)snprintf(ret, 17, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", iso, iso + 5, iso + 8, iso + 11, iso + 14,
                   iso + 17);
}

static void derive(const SignKey *key, Str day, uint8_t ret[HMAC_BYTES]) {
    CLEANUP(buf_done) Buf first = {0};
    Str steps[] = {day, str(key->region), STR("s3"), STR("aws4_request")};
    buf_printf(&first, "AWS4%s", key->secret);
    hmac_sha256(buf_str(&first), &steps[0], 1, ret);
    explicit_bzero(first.p, first.n);
    for (size_t i = 1; i < sizeof(steps) / sizeof(*steps); i++) {
        uint8_t next[HMAC_BYTES];
        hmac_sha256((Str){(const char *)ret, HMAC_BYTES}, &steps[i], 1, next);
        memcpy(ret, next, HMAC_BYTES);
    }
}

void sign_put(const SignKey *key, Str host, Str path, Str type, Str body, int64_t now_ms,
              Buf ret_lines[SIGN_LINES]) {
    char instant[17], digest[HMAC_HEX], whole[HMAC_HEX], signature[HMAC_HEX];
    uint8_t secret[HMAC_BYTES], mac[HMAC_BYTES];
    CLEANUP(buf_done) Buf request = {0}, text = {0}, scope = {0};
    static const char signed_names[] = "content-type;host;x-amz-content-sha256;x-amz-date";
    write_instant(now_ms, instant);
    hmac_sha256_hex(body, digest);
    buf_printf(&request,
               "PUT\n%.*s\n\ncontent-type:%.*s\nhost:%.*s\nx-amz-content-sha256:%s\n"
               "x-amz-date:%s\n\n%s\n%s",
               STR_ARG(path), STR_ARG(type), STR_ARG(host), digest, instant, signed_names, digest);
    hmac_sha256_hex(buf_str(&request), whole);
    buf_printf(&scope, "%.8s/%s/s3/aws4_request", instant, key->region);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", instant, scope.p, whole);
    derive(key, (Str){instant, 8}, secret);
    Str parts[] = {buf_str(&text)};
    hmac_sha256((Str){(const char *)secret, HMAC_BYTES}, parts, 1, mac);
    explicit_bzero(secret, sizeof(secret));
    hmac_hex(mac, signature);
    buf_printf(&ret_lines[0], "Content-Type: %.*s", STR_ARG(type));
    buf_printf(&ret_lines[1], "X-Amz-Date: %s", instant);
    buf_printf(&ret_lines[2], "X-Amz-Content-Sha256: %s", digest);
    buf_printf(&ret_lines[3],
               "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
               key->key, scope.p, signed_names, signature);
}
