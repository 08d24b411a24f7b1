/* HMAC -- HMAC-SHA256 (RFC 2104) in pieces, and the texts that signatures travel as. Pure, and safe
 * in any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
    HMAC_BYTES = 32,
    HMAC_HEX = 2 * HMAC_BYTES + 1,              /* lower case, with its NUL */
    HMAC_BASE64 = (HMAC_BYTES + 2) / 3 * 4 + 1, /* padded, with its NUL */
};

/* Over `parts` as if they were one text; absent ones are empty. */
void hmac_sha256(Str key, const Str *parts, size_t n, uint8_t ret[HMAC_BYTES]);
void hmac_hex(const uint8_t mac[HMAC_BYTES], char ret[HMAC_HEX]);
void hmac_base64(const uint8_t mac[HMAC_BYTES], char ret[HMAC_BASE64]);
/* How much they have in common does not show in the time it takes. Of other lengths: false. */
bool hmac_equal(Str a, Str b);

/* SHA-256 of one text, in lower-case hexadecimal: what signatures of whole requests are made of. */
void hmac_sha256_hex(Str text, char ret[HMAC_HEX]);
