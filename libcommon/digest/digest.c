/* libcrypto's plain functions: no context to allocate, nothing that could fail. Its one-shot
 * SHA256() looks the algorithm up by name every time, five times the cost of hashing a token. */
#include "digest/digest.h"

#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

static_assert(DIGEST_SHA256_BYTES == SHA256_DIGEST_LENGTH, "as libcrypto has it");
static_assert(DIGEST_SHA1_BYTES == SHA_DIGEST_LENGTH, "as libcrypto has it");

static const unsigned char *bytes(Str text) {
    return (const unsigned char *)(text.p ? text.p : ""); /* an absent text has no address */
}

void digest_sha256(Str text, uint8_t ret[DIGEST_SHA256_BYTES]) {
    SHA256_CTX h;
    (void)SHA256_Init(&h);
    (void)SHA256_Update(&h, bytes(text), text.n);
    (void)SHA256_Final(ret, &h);
}

void digest_sha1(Str text, uint8_t ret[DIGEST_SHA1_BYTES]) {
    (void)SHA1(bytes(text), text.n, ret);
}

bool digest_equal(const uint8_t a[DIGEST_SHA256_BYTES], const uint8_t b[DIGEST_SHA256_BYTES]) {
    return CRYPTO_memcmp(a, b, DIGEST_SHA256_BYTES) == 0;
}
