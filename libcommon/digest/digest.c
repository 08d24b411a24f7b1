/* libcrypto's one-shot functions: no context to allocate, nothing that could fail. */
#include "digest/digest.h"

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

static_assert(DIGEST_SHA256_BYTES == SHA256_DIGEST_LENGTH, "as libcrypto has it");
static_assert(DIGEST_SHA1_BYTES == SHA_DIGEST_LENGTH, "as libcrypto has it");

static const unsigned char *bytes(Str text) {
    return (const unsigned char *)(text.p ? text.p : ""); /* an absent text has no address */
}

void digest_sha256(Str text, uint8_t ret[DIGEST_SHA256_BYTES]) {
    (void)SHA256(bytes(text), text.n, ret);
}

void digest_sha1(Str text, uint8_t ret[DIGEST_SHA1_BYTES]) {
    (void)SHA1(bytes(text), text.n, ret);
}

bool digest_equal(const uint8_t a[DIGEST_SHA256_BYTES], const uint8_t b[DIGEST_SHA256_BYTES]) {
    return CRYPTO_memcmp(a, b, DIGEST_SHA256_BYTES) == 0;
}
