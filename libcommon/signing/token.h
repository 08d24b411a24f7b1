/* Token -- a short signed text that lets its bearer do one thing with one ticket: answer it by mail
 * (in the reply address, support+TOKEN@...), or act from a link without signing in. Pure.
 *
 * Lower-case letters and digits 2 to 7 only (base32), read in either case because mail servers fold
 * it. 80 bits of HMAC-SHA256: nobody guesses one, but whoever reads it may use it until it expires;
 * nothing in it is hidden, and no personal data is in it. With a tenant below 2^21 and other ids
 * below 2^53 (Docket gives out no others) it has at most 56 characters, so that "support+" and a
 * token fit into the 64 of an address's local part. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef enum TokenPurpose {
    TOKEN_REPLY = 1,       /* what is sent here is a comment of `person_id` on the ticket */
    TOKEN_ACKNOWLEDGE = 2, /* stops the chain of escalations */
    TOKEN_UNSUBSCRIBE = 3
} TokenPurpose;

typedef struct Token {
    TokenPurpose purpose;
    int64_t tenant_id, ticket_id;
    int64_t person_id;  /* whom it was sent to; 0: nobody in particular */
    int64_t expires_ms; /* wall clock; kept in whole minutes, rounded up */
} Token;

enum { TOKEN_KEY_BYTES = 32, TOKEN_TEXT = 80 /* with its NUL */ };

typedef struct TokenKey {
    uint8_t id; /* named in the token, so that keys can be replaced */
    uint8_t bytes[TOKEN_KEY_BYTES];
} TokenKey;

/* Ids and expiry must not be negative, or it aborts: they are our own. */
void token_format(const TokenKey *key, const Token *token, char ret[TOKEN_TEXT]);

/* 0 and *ret; -EINVAL: no token; -ENOKEY: of a key that is none of these; -EBADMSG: altered, or
 * made for another purpose; -ESTALE: it has expired. */
int token_parse(const TokenKey *keys, size_t n, TokenPurpose purpose, Str text, int64_t now_ms,
                Token *ret);
