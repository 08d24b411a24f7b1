/* Both sign a canonical text of the request: its method, path, query, some headers and the hash of
 * its body. */
#include "signing/gateway.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "signing/hmac.h"

static Str encoded(Arena *arena, Str text) {
    static const char hex[] = "0123456789ABCDEF";
    char *to = arena_alloc(arena, text.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '-' || c == '_' || c == '.' || c == '~') {
            to[n++] = (char)c;
        } else {
            to[n++] = '%';
            to[n++] = hex[c >> 4];
            to[n++] = hex[c & 15];
        }
    }
    return (Str){to, n};
}

static int compare(Str a, Str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_name(const void *a, const void *b) {
    const GatewayPair *x = a, *y = b;
    int order = compare(x->name, y->name);
    return order ? order : compare(x->value, y->value);
}

static Str query_of(const AliyunCall *call, Arena *arena) {
    GatewayPair sorted[GATEWAY_PAIRS_MAX];
    Str query = {"", 0};
    for (size_t i = 0; i < call->pairs_n; i++)
        sorted[i] = (GatewayPair){encoded(arena, call->pairs[i].name),
                                  encoded(arena, call->pairs[i].value)};
    qsort(sorted, call->pairs_n, sizeof(*sorted), by_name);
    for (size_t i = 0; i < call->pairs_n; i++)
        query = str(arena_printf(arena, "%.*s%s%.*s=%.*s", STR_ARG(query), i ? "&" : "",
                                 STR_ARG(sorted[i].name), STR_ARG(sorted[i].value)));
    return query;
}

static void hex_mac(Str key, Str text, char ret[HMAC_HEX]) {
    uint8_t mac[HMAC_BYTES];
    hmac_sha256(key, &text, 1, mac);
    hmac_hex(mac, ret);
}

static void add_line(GatewayRequest *r, const char *line) {
    r->lines[r->lines_n++] = str(line);
}

int aliyun_sign(const GatewayKey *key, const AliyunCall *call, Arena *arena, GatewayRequest *ret) {
    char when[21], nonce[2 * GATEWAY_NONCE_BYTES + 1], empty[HMAC_HEX], hash[HMAC_HEX];
    char signature[HMAC_HEX];
    if (call->pairs_n > GATEWAY_PAIRS_MAX) return -EINVAL;
    clock_format_s(call->now_ms, when);
    text_hex(call->nonce, sizeof(call->nonce), nonce);
    hmac_sha256_hex((Str){NULL, 0}, empty);
    Str query = query_of(call, arena);
    Str token = key->token.p ? key->token : STR("");

    /* In the order of their names; x-acs-security-token stands between date... and signature-nonce.
     */
    char *headers = arena_printf(
        arena,
        "host:%.*s\nx-acs-action:%.*s\nx-acs-content-sha256:%s\nx-acs-date:%s\n%s%.*s%s"
        "x-acs-signature-nonce:%s\nx-acs-version:%.*s\n",
        STR_ARG(call->host), STR_ARG(call->action), empty, when,
        key->token.p ? "x-acs-security-token:" : "", STR_ARG(token), key->token.p ? "\n" : "",
        nonce, STR_ARG(call->version));
    char *names = arena_printf(
        arena,
        "host;x-acs-action;x-acs-content-sha256;x-acs-date;%sx-acs-signature-nonce;x-acs-version",
        key->token.p ? "x-acs-security-token;" : "");
    hmac_sha256_hex(str(arena_printf(arena, "POST\n/\n%.*s\n%s\n%s\n%s", STR_ARG(query), headers,
                                     names, empty)),
                    hash);
    hex_mac(key->secret, str(arena_printf(arena, "ACS3-HMAC-SHA256\n%s", hash)), signature);

    GatewayRequest r = {.target = str(arena_printf(arena, "/?%.*s", STR_ARG(query)))};
    add_line(&r, arena_printf(arena, "x-acs-action: %.*s", STR_ARG(call->action)));
    add_line(&r, arena_printf(arena, "x-acs-content-sha256: %s", empty));
    add_line(&r, arena_printf(arena, "x-acs-date: %s", when));
    if (key->token.p)
        add_line(&r, arena_printf(arena, "x-acs-security-token: %.*s", STR_ARG(key->token)));
    add_line(&r, arena_printf(arena, "x-acs-signature-nonce: %s", nonce));
    add_line(&r, arena_printf(arena, "x-acs-version: %.*s", STR_ARG(call->version)));
    add_line(&r,
             arena_printf(
                 arena,
                 "Authorization: ACS3-HMAC-SHA256 Credential=%.*s,SignedHeaders=%s,Signature=%s",
                 STR_ARG(key->id), names, signature));
    *ret = r;
    return 0;
}

#define TENCENT_TYPE "application/json; charset=utf-8"

static Str mac_of(Str key, Str text, Arena *arena) {
    uint8_t *mac = arena_alloc(arena, HMAC_BYTES);
    hmac_sha256(key, &text, 1, mac);
    return (Str){(char *)mac, HMAC_BYTES};
}

void tencent_sign(const GatewayKey *key, const TencentCall *call, Arena *arena,
                  GatewayRequest *ret) {
    char when[21], hash[HMAC_HEX], signature[HMAC_HEX];
    int64_t seconds = call->now_ms / 1000;
    clock_format_s(call->now_ms, when);
    Str date = {when, 10};
    char *action = arena_strndup(arena, call->action.p, call->action.n);
    for (char *c = action; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');

    hmac_sha256_hex(call->body, hash);
    hmac_sha256_hex(
        str(arena_printf(arena,
                         "POST\n/\n\ncontent-type:" TENCENT_TYPE "\nhost:%.*s\nx-tc-action:%s\n"
                         "\ncontent-type;host;x-tc-action\n%s",
                         STR_ARG(call->host), action, hash)),
        hash);
    char *scope =
        arena_printf(arena, "%.*s/%.*s/tc3_request", STR_ARG(date), STR_ARG(call->service));
    Str to_sign =
        str(arena_printf(arena, "TC3-HMAC-SHA256\n%" PRId64 "\n%s\n%s", seconds, scope, hash));
    Str k = str(arena_printf(arena, "TC3%.*s", STR_ARG(key->secret)));
    k = mac_of(k, date, arena);
    k = mac_of(k, call->service, arena);
    k = mac_of(k, STR("tc3_request"), arena);
    hex_mac(k, to_sign, signature);

    GatewayRequest r = {.target = STR("/")};
    add_line(&r, "Content-Type: " TENCENT_TYPE);
    add_line(&r, arena_printf(arena, "X-TC-Action: %.*s", STR_ARG(call->action)));
    add_line(&r, arena_printf(arena, "X-TC-Version: %.*s", STR_ARG(call->version)));
    add_line(&r, arena_printf(arena, "X-TC-Region: %.*s", STR_ARG(call->region)));
    add_line(&r, arena_printf(arena, "X-TC-Timestamp: %" PRId64, seconds));
    if (key->token.p) add_line(&r, arena_printf(arena, "X-TC-Token: %.*s", STR_ARG(key->token)));
    add_line(&r, arena_printf(arena,
                              "Authorization: TC3-HMAC-SHA256 Credential=%.*s/%s, "
                              "SignedHeaders=content-type;host;x-tc-action, Signature=%s",
                              STR_ARG(key->id), scope, signature));
    *ret = r;
}
