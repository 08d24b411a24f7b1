/* key id, purpose, four numbers of seven bits a byte, ten bytes of HMAC; all of it in base32. */
#include "signing/token.h"

#include <assert.h>
#include <errno.h>

#include <openssl/crypto.h>

#include "signing/hmac.h"

enum { NUMBERS = 4, NUMBER_BYTES = 9, MAC_BYTES = 10, HEAD_BYTES = 2, MINUTE_MS = 60000 };
enum { BINARY_MAX = HEAD_BYTES + NUMBERS * NUMBER_BYTES + MAC_BYTES };
static_assert((BINARY_MAX * 8 + 4) / 5 < TOKEN_TEXT, "the longest one fits");

static void sign(const TokenKey *key, const uint8_t *bytes, size_t n, uint8_t ret[HMAC_BYTES]) {
    const Str parts[] = {STR("docket-token-1:"), {(const char *)bytes, n}};
    hmac_sha256((Str){(const char *)key->bytes, sizeof(key->bytes)}, parts, 2, ret);
}

static size_t put_number(uint8_t *to, int64_t value) {
    size_t n = 0;
    assert(value >= 0);
    for (; value > 0x7f; value >>= 7)
        to[n++] = (uint8_t)(0x80 | (value & 0x7f));
    to[n++] = (uint8_t)value;
    return n;
}

/* Bytes read, or -EINVAL: cut short, or not the shortest form. */
static int get_number(const uint8_t *from, size_t n, int64_t *ret) {
    int64_t value = 0;
    for (size_t i = 0; i < n && i < NUMBER_BYTES; i++) {
        value |= (int64_t)(from[i] & 0x7f) << (7 * i);
        if (from[i] & 0x80) continue;
        if (from[i] == 0 && i > 0) return -EINVAL;
        *ret = value;
        return (int)i + 1;
    }
    return -EINVAL;
}

void token_format(const TokenKey *key, const Token *token, char ret[TOKEN_TEXT]) {
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[BINARY_MAX], mac[HMAC_BYTES];
    int64_t minutes = token->expires_ms / MINUTE_MS + (token->expires_ms % MINUTE_MS != 0);
    size_t n = 0, out = 0;
    bytes[n++] = key->id;
    bytes[n++] = (uint8_t)token->purpose;
    n += put_number(bytes + n, token->tenant_id);
    n += put_number(bytes + n, token->ticket_id);
    n += put_number(bytes + n, token->person_id);
    n += put_number(bytes + n, minutes);
    sign(key, bytes, n, mac);
    memcpy(bytes + n, mac, MAC_BYTES);
    n += MAC_BYTES;

    unsigned have = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 5; have -= 5)
            ret[out++] = digits[bits >> (have - 5) & 31];
        bits &= (1u << have) - 1;
    }
    if (have) ret[out++] = digits[bits << (5 - have) & 31];
    ret[out] = 0;
}

/* Bytes written, or -EINVAL. */
static int unpack(Str text, uint8_t ret[BINARY_MAX]) {
    unsigned have = 0, bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        unsigned v;
        if (c >= 'a' && c <= 'z')
            v = (unsigned)(c - 'a');
        else if (c >= 'A' && c <= 'Z')
            v = (unsigned)(c - 'A');
        else if (c >= '2' && c <= '7')
            v = (unsigned)(c - '2') + 26;
        else
            return -EINVAL;
        bits = bits << 5 | v;
        have += 5;
        if (have < 8) continue;
        if (n == BINARY_MAX) return -EINVAL;
        have -= 8;
        ret[n++] = (uint8_t)(bits >> have);
        bits &= (1u << have) - 1;
    }
    return have >= 5 || bits ? -EINVAL : (int)n; /* one text for one token */
}

int token_parse(const TokenKey *keys, size_t n, TokenPurpose purpose, Str text, int64_t now_ms,
                Token *ret) {
    uint8_t bytes[BINARY_MAX], mac[HMAC_BYTES];
    int64_t numbers[NUMBERS];
    int length = unpack(text, bytes);
    if (length < HEAD_BYTES + NUMBERS + MAC_BYTES) return -EINVAL;
    size_t end = (size_t)length - MAC_BYTES, at = HEAD_BYTES;
    const TokenKey *key = NULL;
    for (size_t i = 0; i < n && !key; i++)
        if (keys[i].id == bytes[0]) key = &keys[i];
    if (!key) return -ENOKEY;
    sign(key, bytes, end, mac);
    if (CRYPTO_memcmp(mac, bytes + end, MAC_BYTES) != 0) return -EBADMSG;

    for (size_t i = 0; i < NUMBERS; i++) { /* signed by us: good, unless by a later release */
        int used = get_number(bytes + at, end - at, &numbers[i]);
        if (used < 0) return -EINVAL;
        at += (size_t)used;
    }
    if (at != end || numbers[3] > INT64_MAX / MINUTE_MS) return -EINVAL;
    if (bytes[1] != (uint8_t)purpose) return -EBADMSG;
    if (numbers[3] * MINUTE_MS <= now_ms) return -ESTALE;
    *ret = (Token){.purpose = purpose,
                   .tenant_id = numbers[0],
                   .ticket_id = numbers[1],
                   .person_id = numbers[2],
                   .expires_ms = numbers[3] * MINUTE_MS};
    return 0;
}
