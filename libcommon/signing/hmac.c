/* RFC 2104 by hand over libcrypto's plain SHA-256: its own HMAC() takes one piece only, and looks
 * the algorithm up by name every time, which costs more than signing a webhook. */
#include "signing/hmac.h"

#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum { BLOCK = 64 };

static_assert(HMAC_BYTES == SHA256_DIGEST_LENGTH, "as libcrypto has it");

static void feed(SHA256_CTX *h, Str text) {
    if (text.n) (void)SHA256_Update(h, text.p, text.n);
}

static void begin(SHA256_CTX *h, const uint8_t key[BLOCK], uint8_t with) {
    uint8_t pad[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] = key[i] ^ with;
    (void)SHA256_Init(h);
    (void)SHA256_Update(h, pad, BLOCK);
    OPENSSL_cleanse(pad, sizeof(pad));
}

void hmac_sha256(Str key, const Str *parts, size_t n, uint8_t ret[HMAC_BYTES]) {
    SHA256_CTX h;
    uint8_t block[BLOCK] = {0}, inner[HMAC_BYTES];
    if (key.n > BLOCK) {
        (void)SHA256_Init(&h);
        feed(&h, key);
        (void)SHA256_Final(block, &h);
    } else if (key.n) {
        memcpy(block, key.p, key.n);
    }
    begin(&h, block, 0x36);
    for (size_t i = 0; i < n; i++)
        feed(&h, parts[i]);
    (void)SHA256_Final(inner, &h);
    begin(&h, block, 0x5c);
    (void)SHA256_Update(&h, inner, sizeof(inner));
    (void)SHA256_Final(ret, &h);
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(&h, sizeof(h));
}

void hmac_hex(const uint8_t mac[HMAC_BYTES], char ret[HMAC_HEX]) {
    text_hex(mac, HMAC_BYTES, ret);
}

void hmac_base64(const uint8_t mac[HMAC_BYTES], char ret[HMAC_BASE64]) {
    (void)EVP_EncodeBlock((unsigned char *)ret, mac, HMAC_BYTES);
}

bool hmac_equal(Str a, Str b) {
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void hmac_sha256_hex(Str text, char ret[HMAC_HEX]) {
    SHA256_CTX h;
    uint8_t hash[HMAC_BYTES];
    (void)SHA256_Init(&h);
    feed(&h, text);
    (void)SHA256_Final(hash, &h);
    text_hex(hash, sizeof(hash), ret);
}
