/* Digest -- hashes without a key: of tokens, migrations, scripts. Pure, and safe in any thread.
 * What needs a key or hides something is the vault's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { DIGEST_SHA1_BYTES = 20, DIGEST_SHA256_BYTES = 32 };

void digest_sha256(Str text, uint8_t ret[DIGEST_SHA256_BYTES]);
/* Only where somebody else chose it (Redis names its scripts so): nothing may rest on it. */
void digest_sha1(Str text, uint8_t ret[DIGEST_SHA1_BYTES]);
/* Of two SHA-256 hashes, in constant time. */
bool digest_equal(const uint8_t a[DIGEST_SHA256_BYTES], const uint8_t b[DIGEST_SHA256_BYTES]);
