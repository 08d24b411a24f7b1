/* Credentials -- the token in an Authorization header, and the key in an Idempotency-Key header.
 * Pure. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

enum { CREDENTIALS_TOKEN_BYTES = 512, CREDENTIALS_KEY_BYTES = 255 };

/* `Bearer TOKEN`, or `Basic` with base64 of `EMAIL/token:TOKEN` (the e-mail is not looked at).
 * 0 and *ret, into the header or the arena; -EINVAL for anything else. */
int credentials_token(Str authorization, Arena *arena, Str *ret);

/* `Basic` with base64 of `EMAIL:PASSWORD`. 0 and both, in the arena; -EINVAL for anything else,
 * also for a token. */
int credentials_password(Str authorization, Arena *arena, Str *ret_email, Str *ret_password);

/* A key as it came, or as a Structured Field string (`"…"` with \" and \\ inside): 1 to 255
 * printable ASCII characters. 0 and *ret; -EINVAL. */
int credentials_key(Str header, Arena *arena, Str *ret);
